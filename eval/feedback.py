"""Answers that people did not like, as a question set to measure the next version with."""

import json
from pathlib import Path
from typing import Any

from index.documents import printable
from index.errors import BadInput, NotFound
from index.library import Library
from rag.conversations import Conversations, Disliked


def write_questions(library: Library, path: Path) -> int:
    """Writes every question of the library's conversations whose answer got a thumbs-down to a file in the shared
    format (eval/questions.py) and returns how many there are.

    What the right answer is nobody said. The words that were cited stand as evidence, and a refusal as "the documents
    don't answer", so that the file can be run as it is; `meta.check` asks for a look at each, and holds the comment and
    the answer that was not liked. A citation whose document has changed since is left out. Raises BadInput where there
    is no such question or the file cannot be written.
    """
    rows = [_row(library, disliked) for disliked in Conversations(library).disliked()]
    if not rows:
        raise BadInput("No answer got a thumbs-down so far; the chat has one below each answer.")
    try:
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{printable(path)} cannot be written ({error.strerror}); name another file.") from None
    return len(rows)


def _row(library: Library, disliked: Disliked) -> dict[str, Any]:
    evidence = [
        {key: citation[key] for key in ("document", "start", "end", "quote")}
        for citation in disliked.answer["citations"]
        if _unchanged(library, citation)
    ]
    return {
        "id": disliked.id,
        "question": disliked.question,
        "kind": "unanswerable" if not evidence else "follow-up" if disliked.history else "single",
        "answerable": bool(evidence),
        "evidence": evidence,
        "history": disliked.history,
        "meta": {
            "check": "Somebody did not like this answer: correct the evidence, or name the answers.",
            "comment": disliked.comment,
            "answer": disliked.answer["text"],
        },
    }


def _unchanged(library: Library, citation: dict[str, Any]) -> bool:
    try:
        return library.document(citation["document"]).sha256 == str(citation["sha256"])
    except NotFound:
        return False
