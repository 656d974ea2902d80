"""What a question gets: an answer, its citations and the passages it was looked for in."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

REFUSAL = "The documents don’t say."
"""How a refusal begins."""

NOTHING_ASKED = "Nothing was asked. Ask something that the documents may answer."
"""What is said to a greeting or thanks."""


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact words that a sentence of the answer rests on.

    marker       the n of [n] in the answer's text
    start, end   Unicode code points in the document's text; `text[start:end] == quote`, always
    sha256       of the document's text as cited
    page         from 1; None where the format has no pages
    answer_start, answer_end  the words within the quote that answer, offsets as above; None where they can't be told
    """

    marker: int
    document: str
    title: str
    start: int
    end: int
    quote: str
    sha256: str
    page: int | None = None
    answer_start: int | None = None
    answer_end: int | None = None


class Piece(str):
    """A piece of an answer's text that has been checked, with the citations of the markers in it."""

    __slots__ = ("citations",)

    citations: tuple[Citation, ...]

    def __new__(cls, text: str, citations: Sequence[Citation]) -> Self:
        piece = super().__new__(cls, text)
        piece.citations = tuple(citations)
        return piece


@dataclass(frozen=True, slots=True)
class RetrievedPassage:
    """A passage that was found for the question, its score (0..1) and the words in it that the question has, too."""

    document: str
    start: int
    end: int
    text: str
    score: float
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a sentence that a language model wrote.

    claim    the sentence, without markers
    verdict  "supported", "replaced" by the words of a source, or "dropped"
    score    0..1, how well its sources support it
    reason   one sentence
    """

    claim: str
    verdict: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or a refusal (`answered` is False, `text` says so, `citations` is empty).

    standalone_question  what was searched for, after a follow-up was made to stand alone
    text                 with markers [1] [2], each right behind the sentence it supports
    confidence           0..1, that the answer is right
    answerable           0..1, that the documents answer the question at all
    passages             what was retrieved, best first
    model                "extractive", or the language model's name
    timings              milliseconds: retrieve, answer, total
    checks               a language model's sentences, each with its verdict; empty when quoting
    notes                what a person should know of how it was answered, a sentence each
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
    answerable: float = 0.0
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The answer as what JSON holds; the same in `--json`, HTTP and the rows of an evaluation."""
        plain = asdict(self)
        for name in ("citations", "passages", "checks", "notes"):
            plain[name] = list(plain[name])
        for passage in plain["passages"]:
            passage["matched"] = list(passage["matched"])
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Answer":
        """The answer that `to_dict` made; what was not told yet when it was made has its default."""
        parts = {"citations": Citation, "passages": RetrievedPassage, "checks": Check}
        known: dict[str, Any] = {each.name: plain[each.name] for each in fields(cls) if each.name in plain}
        for name, part in parts.items():
            known[name] = tuple(_part(part, each) for each in known.get(name, ()))
        return cls(**known | {"notes": tuple(known.get("notes", ()))})


def _part(part: type[Any], plain: Mapping[str, Any]) -> Any:
    known = {each.name: plain[each.name] for each in fields(part) if each.name in plain}
    return part(**known | ({"matched": tuple(known["matched"])} if "matched" in known else {}))
