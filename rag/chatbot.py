"""The chatbot: questions in, answers with citations out."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from index.documents import Document
from index.errors import BadInput
from index.library import DATABASE, Library, default_path, expanded
from rag.answer import Answer, RetrievedPassage
from rag.followup import standalone
from rag.quote import choose, cite
from rag.ranking import fitted
from rag.retrieve import Retrieved, retrieve
from rag.settings import Settings

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

REFUSAL = "The documents don’t say."
HISTORY_TURNS = 20
"""How far back a conversation is read."""


class Chatbot:
    """Answers questions from a library. Safe to use from several threads."""

    def __init__(self, library: Library, *, settings: Settings | None = None) -> None:
        self.library = library
        self.settings = settings or Settings()

    @classmethod
    def open(
        cls,
        library: "Library | str | Path | None" = None,
        *,
        settings: Settings | None = None,
        embedder: "str | BaseEmbedding | None" = None,
    ) -> "Chatbot":
        """Opens the library in a folder (default: the user's). Where there is none yet, one is made of the built-in
        articles and a line on standard error says so. Raises LibraryProblem."""
        if isinstance(library, Library):
            return cls(library, settings=settings)
        return cls(open_library(library, embedder=embedder), settings=settings)

    def close(self) -> None:
        """Closes the library."""
        self.library.close()

    def __enter__(self) -> "Chatbot":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, question: str, *, history: Sequence[Mapping[str, str]] = ()) -> Answer:
        """One answer. `history` holds earlier turns, oldest first: {"role": "user" or "assistant", "content": str}.

        Raises BadInput for a question or history that cannot be used.
        """
        for piece in self.stream(question, history=history):
            if isinstance(piece, Answer):
                return piece
        raise AssertionError("a stream ends with its answer")

    def stream(self, question: str, *, history: Sequence[Mapping[str, str]] = ()) -> Iterator[str | Answer]:
        """The pieces of the answer's text as they are ready, then the Answer. Raises BadInput as `ask` does."""
        started = time.perf_counter()
        self._check(question, history)
        searched = standalone(question, history[-HISTORY_TURNS:])
        retrieved = retrieve(self.library, searched, k=self.settings.passages)
        found = time.perf_counter()
        least = self.settings.refuse_below if self.settings.refuse_below is not None else fitted().refuse_below
        answered = bool(retrieved.sentences) and retrieved.answerable >= least
        pieces, citations = cite(choose(retrieved, self.library), self.library) if answered else ([REFUSAL], [])
        yield from pieces
        ended = time.perf_counter()
        yield Answer(
            question=question,
            standalone_question=searched.text,
            answered=answered,
            text="".join(pieces),
            confidence=round(retrieved.confidence, 4),
            answerable=round(retrieved.answerable, 4),
            citations=tuple(citations),
            passages=_shown(retrieved),
            timings={
                "retrieve": round(1000 * (found - started), 3),
                "answer": round(1000 * (ended - found), 3),
                "total": round(1000 * (ended - started), 3),
            },
        )

    def search(self, query: str, *, k: int = 10) -> list[RetrievedPassage]:
        """The passages that fit a query best, best first."""
        self._check(query, ())
        return [
            RetrievedPassage(found.document, found.start, found.end, found.text, round(found.score, 4))
            for found in self.library.search(query, k=k)
        ]

    def document(self, id: str) -> Document:
        """The document in whose text the offsets of citations count. Raises NotFound."""
        return self.library.document(id)

    def _check(self, question: str, history: Sequence[Mapping[str, str]]) -> None:
        if not question.strip():
            raise BadInput("The question is empty; ask something.")
        if "\0" in question:
            raise BadInput("The question holds a NUL character; take it out.")
        for turn in history:
            known = isinstance(turn, Mapping) and turn.get("role") in ("user", "assistant")
            if not known or not isinstance(turn.get("content"), str):
                raise BadInput('Each turn of the history needs "role", "user" or "assistant", and "content", a text.')
        if _broken(question) or any(_broken(turn["content"]) or "\0" in turn["content"] for turn in history):
            raise BadInput("The question, or its history, holds bytes that are no text; send it as UTF-8.")
        if len(question) > self.settings.question_characters:
            raise BadInput(
                f"The question has {len(question):,} characters, and at most {self.settings.question_characters:,} are"
                " read; shorten it."
            )


def open_library(path: "str | Path | None" = None, *, embedder: "str | BaseEmbedding | None" = None) -> Library:
    """The library in a folder; where there is none yet, one is made of the built-in articles and a line on standard
    error says so."""
    folder = expanded(path) if path is not None else default_path()
    new = not (folder / DATABASE).exists()
    library = Library.open(folder, embedder=embedder)
    if new:
        try:
            ids = library.add_builtin()
        except BaseException:
            library.close()
            raise
        print(
            f"Made a library in {folder} of the {len(ids)} built-in articles; `footnote remove` takes them out.",
            file=sys.stderr,
        )
    return library


def _broken(text: str) -> bool:
    """Whether a text holds halves of characters (surrogates), which can be neither stored nor sent."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _shown(retrieved: Retrieved) -> tuple[RetrievedPassage, ...]:
    return tuple(
        RetrievedPassage(found.document, found.start, found.end, found.text, round(found.score, 4))
        for found in retrieved.passages
    )
