"""A small language model's opinion: whether what would be quoted states the answer to exactly the question, and whether
the words that the reader marks in it are that answer.

A small model writes beside the point and hardly ever says that documents don't answer, but asked for a yes or a no it
tells well what the signals of the ranking can't: how likely it finds "yes" goes into the probability that the documents
answer. The coefficients in opinion.json are fitted by eval/fit_opinion.py.
"""

import json
import math
import time
from collections.abc import Generator, Sequence
from functools import cache
from importlib import resources
from itertools import groupby

import numpy as np

from index.library import Library
from rag.evidence import Candidate, is_row
from rag.llm import Message, Model
from rag.quote import Quote, quoted
from rag.ranking import Logistic
from rag.write import TITLE_CHARACTERS, harmless

CHARACTERS = 900
"""So much of what would be quoted is read: 225 tokens, three seconds on a slow processor."""

QUESTION_CHARACTERS = 300
"""... and of the end of the question, with what it leans on."""

ANSWER_CHARACTERS = 200
"""... and of the words that the reader marks."""

FURTHEST = 6.0
"""Log-odds beyond this count as this."""

WEIGHTS = ("answerable", "states", "suggested")
"""The names of the coefficients of what is weighed."""

WORD = 2.0
"""What a yes or a no counts whose log-odds the server doesn't tell."""


def opinion(
    model: Model, questions: Sequence[Sequence[Message]], *, seconds: float
) -> Generator[str, None, tuple[float, float] | None]:
    """The log-odds of "yes" in reply to either question of `asking`, in the end, as `told` reads them. Gives "" now and
    then while the model is at work, and raises ModelProblem as `Model.write` does; `seconds` for both together."""
    replies, ends = [], time.perf_counter() + seconds
    for messages in questions:
        said = ""
        for piece in model.yes_or_no(messages, seconds=ends - time.perf_counter()):
            said += piece
            yield ""
        replies.append(said)
    return told(replies)


def tells(sentence: str) -> bool:
    """Whether a model is asked where this sentence is the likeliest to answer. Of the row of a table its yes or no says
    hardly anything: of 61 development questions about tables it tells at an AUROC of .60, the ranking alone .89, and
    both .83."""
    return not is_row(sentence)


def asking(question: str, quotes: Sequence[Quote], best: Candidate, library: Library) -> list[list[Message]]:
    """Of a question that was made to stand alone: whether what would be quoted answers it, and whether the words that
    the reader marks in the likeliest sentence are the answer. Titles of documents come with it: what a paragraph speaks
    of often stands in its title alone. The two begin alike, so that a server need not read that again."""
    parts = []
    for id, of_document in groupby(quotes, key=lambda quote: quote.document):
        title = harmless(library.document(id).title)[:TITLE_CHARACTERS]
        parts.append(f"Text, from “{title}”: {harmless(quoted(list(of_document), library))}")
    begins = "\n".join(parts)[:CHARACTERS] + f"\n\nQuestion: {harmless(question)[-QUESTION_CHARACTERS:]}\n"
    asked = [f"{begins}\nDoes the text state the answer to exactly this question? Reply with yes or no."]
    if best.span:
        words = harmless(library.document(best.document).text[slice(*best.span)])[:ANSWER_CHARACTERS]
        asked.append(
            f"{begins}Suggested answer: {words}\n\n"
            "Is this the answer to exactly this question, and does the text say so? Reply with yes or no."
        )
    return [[{"role": "user", "content": content}] for content in asked]


def told(replies: Sequence[str]) -> tuple[float, float] | None:
    """The log-odds of "yes" in one or two replies; the first counts for a second that isn't there or is neither yes nor
    no. None where the first is neither."""
    first, second = log_odds(replies[0]), log_odds(replies[-1])
    return None if first is None else (first, first if second is None else second)


def log_odds(said: str) -> float | None:
    """Those of "yes" in what `Model.yes_or_no` gave; None where it is neither."""
    try:
        return max(-FURTHEST, min(FURTHEST, float(said)))
    except ValueError:
        word = said.strip(" \n*\"'“”`.").lower()
        return WORD if word.startswith("yes") else -WORD if word.startswith("no") else None


def weighed(answerable: float, opinion: tuple[float, float] | None) -> float:
    """The probability that the documents answer, by the ranking alone, with a model's opinion weighed in."""
    if opinion is None:
        return answerable
    both, _ = _fitted()
    return both.probability(np.array([signals(answerable, opinion)]))


def signals(answerable: float, opinion: tuple[float, float]) -> tuple[float, float, float]:
    """What is weighed: the log-odds by the ranking alone, and those of the model's "yes" to either question."""
    sure = min(max(answerable, 1e-4), 1 - 1e-4)
    return math.log(sure / (1 - sure)), *opinion


def refuse_below() -> float:
    """Where `weighed` is below this, the question is refused."""
    return _fitted()[1]


@cache
def _fitted() -> tuple[Logistic, float]:
    stored = json.loads((resources.files("rag") / "opinion.json").read_text(encoding="utf-8"))["weights"]
    weights = np.array([stored[name] for name in WEIGHTS])
    return Logistic(weights, stored["intercept"]), stored["refuse_below"]
