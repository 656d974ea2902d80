"""From a question to passages and sentences, best first, and how sure they answer it."""

from dataclasses import dataclass

from index.library import Found, Library
from rag.evidence import Candidate, Question, candidates, take_apart
from rag.ranking import confidence, quotable, rank


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found for a question. `sentences` are (candidate, log-odds of answering), likeliest first."""

    question: Question
    passages: list[Found]
    sentences: list[tuple[Candidate, float]]
    confidence: float


def retrieve(library: Library, question: str, *, k: int = 10) -> Retrieved:
    """Searches the library for a question that stands alone."""
    asked = take_apart(question, library)
    passages = library.search(question, k=k)
    ranked = rank(quotable(candidates(asked, library, passages)))
    return Retrieved(asked, passages, ranked, confidence(ranked))
