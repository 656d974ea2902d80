"""A small language model's opinion: whether what would be quoted states the answer to exactly the question.

A small model writes beside the point and hardly ever says that documents don't answer, but asked for a yes or a no it
tells well what the signals of the ranking can't: how likely it finds "yes" goes into the probability that the documents
answer. The coefficients in opinion.json are fitted by eval/fit_opinion.py.
"""

import json
import math
from collections.abc import Generator, Sequence
from functools import cache
from importlib import resources

import numpy as np

from rag.evidence import is_row
from rag.llm import Message, Model
from rag.ranking import Logistic

CHARACTERS = 900
"""So much of what would be quoted is read: 225 tokens, three seconds on a slow processor."""

QUESTION_CHARACTERS = 300
"""... and of the end of the question, with what it leans on."""

FURTHEST = 6.0
"""Log-odds beyond this count as this."""

WORD = 2.0
"""What a yes or a no counts whose log-odds the server doesn't tell."""


def opinion(model: Model, messages: Sequence[Message], *, seconds: float) -> Generator[str, None, float | None]:
    """The log-odds of "yes" in reply to `asking`, in the end; None where the model says neither yes nor no. Gives ""
    now and then while the model is at work, and raises ModelProblem as `Model.write` does."""
    said = ""
    for piece in model.yes_or_no(messages, seconds=seconds):
        said += piece
        yield ""
    return log_odds(said)


def tells(sentence: str) -> bool:
    """Whether a model is asked where this sentence is the likeliest to answer. Of the row of a table its yes or no says
    hardly anything: of 61 development questions about tables it tells at an AUROC of .60, the ranking alone .89, and
    both .83."""
    return not is_row(sentence)


def asking(question: str, text: str) -> list[Message]:
    """Whether a text, the words of some quotes, answers a question that was made to stand alone."""
    text = " ".join(text.split())[:CHARACTERS]
    question = " ".join(question.split())[-QUESTION_CHARACTERS:]
    return [
        {
            "role": "user",
            "content": f"Text: {text}\n\nQuestion: {question}\n\n"
            "Does the text state the answer to exactly this question? Reply with yes or no.",
        }
    ]


def log_odds(said: str) -> float | None:
    """Those of "yes" in what `Model.yes_or_no` gave; None where it is neither."""
    try:
        return max(-FURTHEST, min(FURTHEST, float(said)))
    except ValueError:
        word = said.strip(" \n*\"'“”`.").lower()
        return WORD if word.startswith("yes") else -WORD if word.startswith("no") else None


def weighed(answerable: float, opinion: float | None) -> float:
    """The probability that the documents answer, by the ranking alone, with a model's opinion weighed in."""
    if opinion is None:
        return answerable
    both, _ = _fitted()
    return both.probability(np.array([signals(answerable, opinion)]))


def signals(answerable: float, opinion: float) -> tuple[float, float]:
    """What is weighed: the log-odds by the ranking alone, and those of the model's "yes"."""
    sure = min(max(answerable, 1e-4), 1 - 1e-4)
    return math.log(sure / (1 - sure)), opinion


def refuse_below() -> float:
    """Where `weighed` is below this, the question is refused."""
    return _fitted()[1]


@cache
def _fitted() -> tuple[Logistic, float]:
    stored = json.loads((resources.files("rag") / "opinion.json").read_text(encoding="utf-8"))["weights"]
    weights = np.array([stored["answerable"], stored["opinion"]])
    return Logistic(weights, stored["intercept"]), stored["refuse_below"]
