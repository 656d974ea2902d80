"""What a question gets: an answer, its citations and the passages it was looked for in."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact words that a sentence of the answer rests on.

    marker       the n of [n] in the answer's text
    start, end   Unicode code points in the document's text; `text[start:end] == quote`, always
    sha256       of the document's text as cited
    page         from 1; None where the format has no pages
    """

    marker: int
    document: str
    title: str
    start: int
    end: int
    quote: str
    sha256: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class RetrievedPassage:
    """A passage that was found for the question, and its score (0..1)."""

    document: str
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or a refusal (`answered` is False, `text` says so, `citations` is empty).

    standalone_question  what was searched for, after a follow-up was made to stand alone
    text                 with markers [1] [2], each right behind the sentence it supports
    confidence           0..1
    passages             what was retrieved, best first
    model                "extractive", or the language model's name
    timings              milliseconds: retrieve, answer, total
    """

    question: str
    standalone_question: str
    answered: bool
    text: str
    confidence: float
    citations: tuple[Citation, ...] = ()
    passages: tuple[RetrievedPassage, ...] = ()
    model: str = "extractive"
    timings: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The answer as what JSON holds; the same in `--json`, HTTP and the rows of an evaluation."""
        plain = asdict(self)
        plain["citations"] = list(plain["citations"])
        plain["passages"] = list(plain["passages"])
        return plain
