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
    "best_score",  # of the best sentence, as log-odds / 5
    "margin",  # between the two best sentences, as log-odds / 5
    "cosine_above",  # the best sentence's cosine above the mean of all candidates'
    "cosine_highest",  # whether the best sentence is also the nearest by cosine
    "coverage_best",  # the best coverage of any candidate
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
    runner_up = ranked[1][1] if len(ranked) > 1 else score - 5
    cosines = np.array([candidate.signals[0] for candidate, _ in ranked])
    coverage = SIGNALS.index("coverage")
    top = [candidate for candidate, _ in ranked[:5]]
    return np.array(
        [
            *best.signals,
            score / 5,
            (score - runner_up) / 5,
            best.signals[0] - cosines.mean(),
            float(cosines[0] >= cosines.max()),
            max(candidate.signals[coverage] for candidate, _ in ranked),
            sum(candidate.passage == best.passage for candidate in top) / len(top),
        ]
    )


def confidence(ranked: Sequence[tuple[Candidate, float]]) -> float:
    """How likely an answer that quotes the best sentence is right, 0..1; 0 where there is no candidate."""
    if not ranked:
        return 0.0
    odds = float(fitted().answer.log_odds(answer_signals(ranked).reshape(1, -1))[0])
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))
