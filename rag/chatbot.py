"""The chatbot: questions in, answers with citations out."""

import sys
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.database import DATABASE
from index.documents import Document, printable
from index.errors import BadInput, ModelProblem
from index.folders import expanded
from index.library import Found, Library, default_path
from index.words import content_stems, shared
from rag.answer import NOTHING_ASKED, Answer, Piece, RetrievedPassage
from rag.followup import asks_of_a_refusal, standalone
from rag.llm import Model, load_model
from rag.opinion import asking, opinion, refuse_below, tells, weighed
from rag.quote import choose, cite
from rag.ranking import fitted
from rag.refusal import refusal
from rag.retrieve import retrieve
from rag.settings import Settings
from rag.write import Outcome, write

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.llms import LLM

HISTORY_TURNS = 20
"""How far back a conversation is read."""

UNSUPPORTED = "The language model found no answer that the sources support."
INSTEAD = "This answer quotes instead."

STOPPED = "Stopped. What had come by then stands here."
STOPPED_BEFORE = "Stopped before an answer."

UNSURE = 0.25
"""An answer that is right with less probability than this is not given. Of 1,450 answers to development questions that
are 39: 11 right ones, all of mtrag, and 28 wrong ones."""

UNLIKELY = 0.2
"""Where the documents answer with less probability than this, no model is asked. Of the shipped development questions
it keeps all but 4 of 543 answerable ones, and spares the model a third of the others."""

EXTRACTIVE = "extractive"
"""What `Answer.model` is where sentences are quoted."""


class Chatbot:
    """Answers questions from a library: quotes it or, with a language model, writes. Safe to use from several
    threads."""

    def __init__(self, library: Library, *, settings: Settings | None = None, llm: Model | None = None) -> None:
        self.library = library
        self.settings = settings or Settings()
        self.llm = llm

    @classmethod
    def open(
        cls,
        library: "Library | str | Path | None" = None,
        *,
        settings: Settings | None = None,
        embedder: "str | BaseEmbedding | None" = None,
        llm: "LLM | None" = None,
    ) -> "Chatbot":
        """Opens the library in a folder (default: the user's). Where there is none yet, one is made of the built-in
        articles and a line on standard error says so. Raises LibraryProblem.

        What writes the answers is `llm`, a llama-index object, else the address that the settings or FOOTNOTE_LLM_URL
        name; without either they are quoted. It is not contacted before a question is asked.
        """
        settings = settings or Settings()
        model = load_model(llm, url=settings.llm_url, name=settings.llm_model)
        opened = library if isinstance(library, Library) else open_library(library, embedder=embedder)
        return cls(opened, settings=settings, llm=model)

    @property
    def model(self) -> str:
        """What answers: "extractive", or the language model's name."""
        return self.llm.name if self.llm else EXTRACTIVE

    def close(self) -> None:
        """Closes the library."""
        self.library.close()

    def __enter__(self) -> "Chatbot":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Mapping[str, str]] = (),
        documents: Sequence[str] | None = None,
    ) -> Answer:
        """One answer. `history` holds earlier turns, oldest first: {"role": "user" or "assistant", "content": str};
        with `documents`, ids, nothing but these is searched.

        Raises BadInput for a question or history that cannot be used, NotFound for an id that is not there.
        """
        for piece in self.stream(question, history=history, documents=documents):
            if isinstance(piece, Answer):
                return piece
        raise AssertionError("a stream ends with its answer")

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Mapping[str, str]] = (),
        documents: Sequence[str] | None = None,
    ) -> Iterator[str | Answer]:
        """The pieces of the answer's text as they are ready, then the Answer. Raises as `ask` does.

        While a language model is at work empty pieces come now and then; closing the iterator frees the model. What
        had come by then makes an answer with `stopped`: a piece that holds markers is a `Piece`, with their citations.
        """
        started = time.perf_counter()
        self._check(question, history)
        searched = standalone(question, history[-HISTORY_TURNS:])
        if not searched.text:
            yield NOTHING_ASKED
            yield _unasked(question, seconds=time.perf_counter() - started)
            return
        retrieved = retrieve(self.library, searched, k=self.settings.passages, documents=documents)
        found = time.perf_counter()
        own = self.settings.refuse_below
        least, surest = (fitted().refuse_below, UNSURE) if own is None else (own, 0.0)
        answerable = 0.0 if asks_of_a_refusal(question, history[-HISTORY_TURNS:]) else retrieved.answerable
        quotable = bool(retrieved.sentences) and answerable >= least and retrieved.confidence >= surest
        above = UNLIKELY if self.settings.ask_model_above is None else self.settings.ask_model_above
        asked = self.llm if retrieved.sentences and answerable >= above else None
        quotes = choose(retrieved, self.library, question) if quotable or asked else []
        outcome, model = Outcome(), EXTRACTIVE
        if asked:
            ends = time.perf_counter() + self.settings.llm_seconds
            try:
                said, doubted = None, asked.small and self.settings.ask_model_above is None
                # A small model hardly tells what documents say from what they don't while it writes.
                if doubted and tells((best := retrieved.sentences[0][0]).text):
                    both = asking(searched.text, quotes, best, self.library)
                    said = yield from opinion(asked, both, seconds=self.settings.llm_seconds)
                if said is not None:
                    answerable = weighed(answerable, said)
                    quotable = answerable >= (refuse_below() if own is None else own)
                if quotable or not doubted:
                    outcome = yield from write(
                        retrieved,
                        self.library,
                        asked,
                        searched,
                        history=history[-HISTORY_TURNS:],
                        tokens=self.settings.llm_tokens,
                        seconds=ends - time.perf_counter(),
                        quotes=quotes if quotable else (),
                    )
                    model = asked.name
                    quotable = quotable and answerable >= self.settings.quote_instead_above
                    if not outcome.text and quotable:
                        outcome = replace(outcome, notes=(*outcome.notes, UNSUPPORTED))
            except ModelProblem as problem:
                outcome = Outcome(notes=(str(problem),))
        if not outcome.text and quotable:
            pieces, citations = cite(quotes, self.library)
            yield from pieces
            notes = (*outcome.notes, INSTEAD) if self.llm and outcome.notes else ()
            outcome, model = Outcome("".join(pieces), tuple(citations), outcome.checks, notes), EXTRACTIVE
        text = outcome.text or refusal(retrieved.question, retrieved.passages)
        if not outcome.text:
            yield text
        ended = time.perf_counter()
        yield Answer(
            question=question,
            standalone_question=searched.text,
            answered=bool(outcome.text),
            text=text,
            confidence=round(retrieved.confidence, 4),
            answerable=round(answerable, 4),
            citations=outcome.citations,
            passages=_shown(retrieved.passages, retrieved.question.weights),
            model=model,
            timings={
                "retrieve": round(1000 * (found - started), 3),
                "answer": round(1000 * (ended - found), 3),
                "total": round(1000 * (ended - started), 3),
            },
            checks=outcome.checks,
            notes=outcome.notes,
        )

    def stopped(self, question: str, pieces: Sequence[str], *, history: Sequence[Mapping[str, str]] = ()) -> Answer:
        """What an answer that was stopped had come to: the pieces that its stream had given by then, with their
        citations. What only a whole answer has (confidence, passages, checks) is left out; where nothing is cited yet,
        `answered` is False and the text says so."""
        checked = [piece for piece in pieces if isinstance(piece, Piece)]
        return Answer(
            question=question,
            standalone_question=standalone(question, history[-HISTORY_TURNS:]).text,
            answered=bool(checked),
            text="".join(checked).rstrip() if checked else STOPPED_BEFORE,
            confidence=0.0,
            citations=tuple(one for piece in checked for one in piece.citations),
            model=self.model,
            notes=(STOPPED,) if checked else (),
        )

    def search(self, query: str, *, k: int = 10, documents: Sequence[str] | None = None) -> list[RetrievedPassage]:
        """The passages, of these documents alone if any are named, that fit a query best, best first."""
        self._check(query, ())
        return list(_shown(self.library.search(query, k=k, documents=documents), content_stems(query)))

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
            f"Made a library in {printable(folder)} of the {len(ids)} built-in articles;"
            " `footnote remove` takes them out.",
            file=sys.stderr,
        )
    return library


def _unasked(question: str, *, seconds: float) -> Answer:
    """What comes of a greeting or thanks."""
    milliseconds = round(1000 * seconds, 3)
    return Answer(
        question=question,
        standalone_question=question,
        answered=False,
        text=NOTHING_ASKED,
        confidence=0.0,
        timings={"retrieve": 0.0, "answer": milliseconds, "total": milliseconds},
    )


def _broken(text: str) -> bool:
    """Whether a text holds halves of characters (surrogates), which can be neither stored nor sent."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _shown(passages: Sequence[Found], stems: Container[str]) -> tuple[RetrievedPassage, ...]:
    """Passages that were found, with the words of them that have these stems."""
    return tuple(
        RetrievedPassage(one.document, one.start, one.end, one.text, round(one.score, 4), shared(one.text, stems))
        for one in passages
    )
