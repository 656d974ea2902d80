"""The two fitted models: how likely a sentence is to answer, and how sure the answer is.

Both are logistic regressions over named signals. Their coefficients stand in ranking.json together with the data, the
date and the figures they reached; eval/fit.py makes that file.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from rag.evidence import SIGNALS, Candidate

ANSWER_SIGNALS = (
    *(f"best_{name}" for name in SIGNALS),
    "best_score",  # of the best sentence, the log of its odds, divided by 5
    "margin",  # between the two best sentences, likewise
    "margin_five",  # between the first and the fifth, likewise
    "late_highest",  # the best late interaction of any candidate
    "late_above",  # the best sentence's above the mean of all candidates'
    "late_rare_highest",
    "coverage_highest",
    "passage_weakest_highest",  # the best late_passage_weakest of any passage
    "agreement",  # of the five best sentences, the share from the best one's passage
)


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(yes) = 1 / (1 + exp(-(intercept + weights · signals)))."""

    weights: npt.NDArray[np.float64]
    intercept: float

    def log_odds(self, signals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """`signals` has shape (rows, signals); one log-odds a row."""
        result: npt.NDArray[np.float64] = signals @ self.weights + self.intercept
        return result


@dataclass(frozen=True, slots=True)
class Fitted:
    """What ranking.json holds: the sentence model, the answer model and the threshold below which Footnote refuses."""

    sentence: Logistic
    answer: Logistic
    refuse_below: float


@cache
def fitted() -> Fitted:
    """The shipped coefficients."""
    stored = json.loads((resources.files("rag") / "ranking.json").read_text(encoding="utf-8"))
    return Fitted(
        _logistic(stored["sentence"], SIGNALS),
        _logistic(stored["answer"], ANSWER_SIGNALS),
        float(stored["refuse_below"]),
    )


def _logistic(stored: dict[str, float], names: Sequence[str]) -> Logistic:
    return Logistic(np.array([stored[name] for name in names]), stored["intercept"])


def quotable(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that state something: without headings and questions, unless there is nothing else."""
    statements = [one for one in candidates if not one.signals[_HEADING] and not one.signals[_ASKS]]
    return statements or list(candidates)


def rank(candidates: Sequence[Candidate]) -> list[tuple[Candidate, float]]:
    """Candidates with their log-odds of answering, likeliest first."""
    if not candidates:
        return []
    scores = fitted().sentence.log_odds(np.stack([candidate.signals for candidate in candidates]))
    order = np.argsort(-scores, kind="stable")
    return [(candidates[place], float(scores[place])) for place in order]


def answer_signals(ranked: Sequence[tuple[Candidate, float]]) -> npt.NDArray[np.float64]:
    """The row of ANSWER_SIGNALS for a ranked, non-empty list of candidates."""
    best, score = ranked[0]
    scores = [score for _, score in ranked] + [score - 5]
    table = np.stack([candidate.signals for candidate, _ in ranked])
    highest = table.max(axis=0)
    top = [candidate for candidate, _ in ranked[:5]]
    return np.array(
        [
            *best.signals,
            score / 5,
            (score - scores[1]) / 5,
            (score - scores[min(4, len(scores) - 1)]) / 5,
            highest[_LATE],
            best.signals[_LATE] - table[:, _LATE].mean(),
            highest[SIGNALS.index("late_rare")],
            highest[SIGNALS.index("coverage")],
            highest[SIGNALS.index("late_passage_weakest")],
            sum(candidate.passage == best.passage for candidate in top) / len(top),
        ]
    )


_LATE = SIGNALS.index("late")
_HEADING = SIGNALS.index("heading")
_ASKS = SIGNALS.index("asks")


def confidence(ranked: Sequence[tuple[Candidate, float]]) -> float:
    """How likely an answer that quotes the best sentence is right, 0..1; 0 where there is no candidate."""
    if not ranked:
        return 0.0
    odds = float(fitted().answer.log_odds(answer_signals(ranked).reshape(1, -1))[0])
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))
