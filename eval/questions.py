"""Question sets: one JSON object a line, and the exact places of the documents that answer.

    {"id", "question", "answers": [str], "answerable": bool, "kind": "single" | "follow-up" | "unanswerable",
     "evidence": [{"document", "start", "end", "quote"}], "history": [{"role", "content"}], "meta": {...}}

Only `id` and `question` must be there, and for a question that the documents answer `answers` or `evidence`.
Evidence may leave out the offsets when its quote stands exactly once in the document.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from index.documents import Document, printable, read
from index.documents import builtin as builtin_documents
from index.errors import BadInput

Kind = Literal["single", "follow-up", "unanswerable"]
Half = Literal["development", "check"]

KINDS: tuple[Kind, ...] = get_args(Kind)

SHORT_ANSWER_WORDS = 10
"""A gold answer of more words is prose, whose wording no quotation can be expected to hold."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of a document that answers: Unicode code points, `text[start:end] == quote`.

    whole   the span is all of the document, as in sets that name a passage rather than words: half of it is enough
    """

    document: str
    start: int
    end: int
    quote: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One question with what is known of its answer.

    answers     gold answers, any of which will do; empty where the documents don't answer
    evidence    the spans that answer, any of which will do
    history     the turns before the question, oldest first: {"role": "user" | "assistant", "content": str}
    meta        what else the set says of it: `category` groups it in the figures, `all` lists what a complete
                answer contains
    """

    id: str
    question: str
    answers: tuple[str, ...] = ()
    answerable: bool = True
    kind: Kind = "single"
    evidence: tuple[Evidence, ...] = ()
    history: tuple[Mapping[str, str], ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def half(self) -> Half:
        return half(self.id)

    @property
    def category(self) -> str | None:
        category = self.meta.get("category")
        return None if category is None else str(category)


def half(id: str) -> Half:
    """The half a question belongs to: the parity of the sha256 of its id, so that no one chooses."""
    return "check" if _digest(id) % 2 else "development"


Sampled = TypeVar("Sampled", Question, Document)


def sample(items: Sequence[Sampled], size: int | None) -> list[Sampled]:
    """The `size` items whose ids have the smallest sha256, in the order given; all of them for None."""
    if size is None or size >= len(items):
        return list(items)
    chosen = {item.id for item in sorted(items, key=lambda item: _digest(item.id))[:size]}
    return [item for item in items if item.id in chosen]


def builtin(name: Literal["builtin", "own-words", "articles"] = "builtin") -> list[Question]:
    """A set of questions that is shipped, about the articles that are shipped.

    `builtin` asks in plain words, `own-words` in those of a reader who does not repeat the articles', and `articles`
    in those of three others, who wrote many near misses.
    """
    with resources.as_file(resources.files("eval") / "questions" / f"{name}.jsonl") as path:
        return load(path, builtin_documents())


def invented(name: Literal["elsewhere", "tables"]) -> tuple[list[Question], list[Document]]:
    """A set of questions that is shipped about invented documents, and these: `elsewhere`, texts of many kinds, or
    `tables`, in many formats."""
    with resources.as_file(resources.files("eval") / "questions" / name) as folder:
        return load_with_documents(folder / "questions.jsonl")


def load_with_documents(path: Path) -> tuple[list[Question], list[Document]]:
    """Reads a question set and the documents that it is about: the files in the folder `docs` beside it, and in the
    folders of that, whose paths are their ids. Raises BadInput, as `load` does."""
    root = path.parent / "docs"
    about = [read(file, id=file.relative_to(root).as_posix()) for file in sorted(root.rglob("*")) if file.is_file()]
    return load(path, about), about


def load(path: str | Path, documents: Sequence[Document]) -> list[Question]:
    """Reads a question set and finds its evidence in `documents`.

    Raises BadInput, in one sentence that names the file, the line and the id, for whatever cannot be used: a line
    that is no JSON object, a field of another type, an id that came before, a document that is not there, a quote
    that is not at its offsets, or one without offsets that the document holds never or more than once.
    """
    shown = printable(path)
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise BadInput(f"{shown} is not text in UTF-8; save it as UTF-8, one JSON object a line.") from None
    except OSError as error:
        raise BadInput(f"The question file {shown} cannot be read ({error.strerror or error}).") from None
    texts = {document.id: document.text for document in documents}
    questions: list[Question] = []
    lines_of: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{shown}, line {number}"
        question = _question(_object(line, place), place, texts)
        if question.id in lines_of:
            earlier = lines_of[question.id]
            raise BadInput(f"{place}: the id {question.id} stands in line {earlier}, too; give each its own.")
        lines_of[question.id] = number
        questions.append(question)
    if not questions:
        raise BadInput(f"{shown} holds no questions; write one JSON object a line.")
    return questions


def _digest(id: str) -> int:
    return int.from_bytes(hashlib.sha256(id.encode("utf-8", "surrogatepass")).digest(), "big")


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{place} is not JSON ({error}); write one JSON object a line.") from None
    if not isinstance(value, dict):
        raise BadInput(f"{place} is not a JSON object; write one a line, with id, question and answers.")
    return value


def _question(value: dict[str, Any], place: str, texts: Mapping[str, str]) -> Question:
    id = value.get("id")
    if not isinstance(id, str) or not id:
        raise BadInput(f"{place}: `id` must be a text that is not empty.")
    place = f"{place} ({id})"
    text = value.get("question")
    if not isinstance(text, str) or not text.strip():
        raise BadInput(f"{place}: `question` must be a text that is not empty.")
    answerable = value.get("answerable", value.get("kind") != "unanswerable")
    if not isinstance(answerable, bool):
        raise BadInput(f"{place}: `answerable` must be true or false.")
    kind = value.get("kind", "single" if answerable else "unanswerable")
    if kind not in KINDS:
        raise BadInput(f"{place}: `kind` must be one of {', '.join(KINDS)}.")
    if answerable == (kind == "unanswerable"):
        raise BadInput(f"{place}: `kind` is {kind}, but `answerable` is {str(answerable).lower()}; correct one.")
    answers = value.get("answers", [])
    if not isinstance(answers, list) or not all(isinstance(answer, str) and answer.strip() for answer in answers):
        raise BadInput(f"{place}: `answers` must be a list of texts that are not empty.")
    meta = value.get("meta", {})
    if not isinstance(meta, dict):
        raise BadInput(f"{place}: `meta` must be an object.")
    parts = meta.get("all", [])
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise BadInput(f"{place}: `all` in `meta` must be a list of texts.")
    given = value.get("evidence", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise BadInput(f"{place}: `evidence` must be a list of objects.")
    if answerable and not answers and not given:
        raise BadInput(f"{place}: an answerable question needs `answers` or `evidence`.")
    if not answerable and (answers or given):
        raise BadInput(f"{place}: a question that the documents don't answer can have no `answers` and no `evidence`.")
    evidence = [_locate(one, place, texts) for one in given]
    if meta.get("span_ambiguous"):
        evidence = [again for one in evidence for again in _occurrences(one, meta, texts[one.document])]
    return Question(
        id=id,
        question=text,
        answers=tuple(answers),
        answerable=answerable,
        kind=kind,
        evidence=tuple(dict.fromkeys(evidence)),
        history=_history(value.get("history", []), place),
        meta=meta,
    )


def _history(given: Any, place: str) -> tuple[Mapping[str, str], ...]:
    wanted = f"{place}: `history` must be a list of objects with a `role` (user or assistant) and a `content`."
    if not isinstance(given, list):
        raise BadInput(wanted)
    for turn in given:
        if not isinstance(turn, dict) or turn.get("role") not in ("user", "assistant"):
            raise BadInput(wanted)
        if not isinstance(turn.get("content"), str):
            raise BadInput(wanted)
    return tuple({"role": turn["role"], "content": turn["content"]} for turn in given)


def _locate(given: dict[str, Any], place: str, texts: Mapping[str, str]) -> Evidence:
    document, quote = given.get("document"), given.get("quote")
    start, end = given.get("start"), given.get("end")
    if not isinstance(document, str) or document not in texts:
        raise BadInput(f"{place}: its evidence is in {document!r}, but no document of that id was given.")
    text = texts[document]
    if quote is not None and (not isinstance(quote, str) or not quote.strip()):
        raise BadInput(f"{place}: the `quote` of its evidence must be a text that is not empty.")
    if quote is not None:
        quote = quote.replace("\r\n", "\n").replace("\r", "\n")  # as in the text of every document
    if start is None and end is None:
        start, end = _only_place(quote, place, document, text)
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
        raise BadInput(f"{place}: `start` and `end` of its evidence must be offsets within {document}.")
    there = text[start:end]
    if quote is not None and there != quote:
        raise BadInput(
            f"{place}: {document} holds {_brief(there)} from {start} to {end}, not the quote {_brief(quote)}."
        )
    return Evidence(document, start, end, there, whole=there.strip() == text.strip())


def _only_place(quote: str | None, place: str, document: str, text: str) -> tuple[int, int]:
    if quote is None:
        raise BadInput(f"{place}: its evidence needs a `quote`, or `start` and `end`.")
    found = [match.start() for match in re.finditer(f"(?={re.escape(quote)})", text)]
    if not found:
        raise BadInput(f"{place}: {document} does not hold the quote {_brief(quote)}; copy it from the document.")
    if len(found) > 1:
        raise BadInput(
            f"{place}: the quote {_brief(quote)} stands {len(found)} times in {document};"
            " give `start` and `end`, or a longer quote."
        )
    return found[0], found[0] + len(quote)


def _occurrences(evidence: Evidence, meta: Mapping[str, Any], text: str) -> list[Evidence]:
    """Every place, between word boundaries, where the quote stands in its paragraph.

    The paragraph is `meta["paragraph"]`, [start, end], where the set names one that holds the quote, else the line.
    """
    start = text.rfind("\n", 0, evidence.start) + 1
    end = text.find("\n", evidence.end)
    end = len(text) if end < 0 else end
    match meta.get("paragraph"):
        case [int(first), int(last)] if first <= evidence.start and evidence.end <= last:
            start, end = first, last
    pattern = re.compile(rf"(?<!\w){re.escape(evidence.quote)}(?!\w)")
    found = [match.span() for match in pattern.finditer(text, start, end)]
    return [evidence, *(Evidence(evidence.document, *span, evidence.quote) for span in found)]


def _brief(quote: str, characters: int = 80) -> str:
    shown = quote if len(quote) <= characters else quote[: characters - 1] + "…"
    return json.dumps(shown, ensure_ascii=False)
