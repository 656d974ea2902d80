"""From a question to passages and sentences, best first, and how sure they answer it."""

from collections.abc import Sequence
from dataclasses import dataclass

from index.library import Found, Library
from rag.evidence import Candidate, Question, candidates, take_apart
from rag.followup import Standalone
from rag.ranking import fitted, judge, quotable, rank
from rag.spans import read, span_reader


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found for a question.

    sentences   (candidate, log-odds of answering), likeliest first
    answerable  the probability that the documents answer the question
    confidence  the probability that the best sentences are the right ones
    """

    question: Question
    passages: list[Found]
    sentences: list[tuple[Candidate, float]]
    answerable: float
    confidence: float


def find(
    library: Library, question: Standalone, *, k: int = 10, documents: Sequence[str] | None = None
) -> tuple[Question, list[Found], list[Candidate]]:
    """A question that stands alone, taken apart; the passages found for it in the library, or in those documents of it
    alone, best first; and all their sentences."""
    asked = take_apart(question, library)
    reading = None if question.context else asked.reading
    passages = library.search(question.query, k=k, documents=documents, reading=reading, context=question.context)
    return asked, passages, candidates(asked, library, passages)


def ranked(
    library: Library, question: Standalone, *, k: int = 10, documents: Sequence[str] | None = None
) -> tuple[Question, list[Found], list[tuple[Candidate, float]]]:
    """What `find` finds, the sentences with their log-odds of answering, likeliest first, the best ones read."""
    asked, passages, sentences = find(library, question, k=k, documents=documents)
    models = fitted()
    likely = [candidate for candidate, _ in rank(quotable(sentences), models.sentence)]
    return asked, passages, rank(read(asked.text, sentences, likely, span_reader()), models.read_sentence)


def retrieve(
    library: Library, question: Standalone, *, k: int = 10, documents: Sequence[str] | None = None
) -> Retrieved:
    """What `ranked` finds, and how sure it answers."""
    asked, passages, sentences = ranked(library, question, k=k, documents=documents)
    return Retrieved(asked, passages, sentences, *judge(asked.kind, sentences))
