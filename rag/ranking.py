"""The fitted models: a sentence answers, the documents answer at all, the quoted sentences are right.

Sentences are ranked twice by a conditional logit: over their signals (rag/evidence.py), and, once the best ones'
neighbourhoods were read (rag/spans.py), over these and what the reader says. Logistic regressions over signals of that
ranking say the rest. Their coefficients stand in ranking.json together with the data, the date and the
figures they reached; eval/fit.py makes that file.
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
from rag.spans import READ_SIGNALS, scaled

ALL_SIGNALS = SIGNALS + READ_SIGNALS

_HIGHEST = (
    "late",
    "late_others",
    "late_others_weakest",
    "late_others_passage",
    "late_rare",
    "coverage",
    "late_passage_weakest",
    "late_focus",
    "late_names",
    "late_passage",
    "meaning",
    "pairs",
    "span",
    "span_likely",
)
_SQUARED = ("late", "late_weakest", "late_passage_weakest", "late_others", "late_others_weakest")
TYPED = frozenset({"percent", "duration", "money", "count", "date", "place", "person"})
"""Kinds of answer whose absence from a sentence can be seen."""

_ASKED = {
    "quantity": ("percent", "duration", "money", "count"),
    "date": ("date",),
    "place": ("place",),
    "person": ("person",),
    "reason": ("reason", "manner"),
}
"""Groups of kinds for which documents hold the answer more or less often than for the rest; kinds by themselves are too
rare in the data to learn from."""

ANSWER_SIGNALS = (
    *(f"best_{name}" for name in ALL_SIGNALS),  # of the best sentence
    *(f"best_{name}_squared" for name in _SQUARED),
    *(f"highest_{name}" for name in _HIGHEST),  # of any candidate
    *(f"asks_{group}" for group in _ASKED),
    "score",  # of the best sentence, the log of its odds, divided by 5
    "margin",  # between the two best sentences, likewise
    "margin_five",  # between the first and the fifth, likewise
    "late_above",  # the best sentence's late interaction above the mean of all candidates'
    "agreement",  # of the five best sentences, the share from the best one's passage
    "first_share",  # of all odds, the share of the best sentence
    "three_share",  # ... of the best three
    "spread",  # entropy of the shares
    "typed",  # the kind of answer asked for is one of TYPED
    "typed_missing",  # ... and the best sentence holds none
    "typed_missing_near",  # ... nor do its neighbours
    "typed_late",  # late interaction of the best sentence where typed, else 0
    "typed_focus",  # ... of the word that says what is asked for
    "typed_close",  # kind_close of the best sentence where typed, else 0
    "typed_span",  # span of the best sentence, likewise
    "told_span",  # ... where a reason or manner is asked for, else 0
    "decided_span",  # ... where yes or no is, else 0
    "span_lead",  # the best sentence's span above the highest of all others'
    "alone",  # the best sentence's log-odds, read alone, / 10
    "alone_likely",  # ... their logistic
    "titled",  # of the title of the best sentence's document, the share of content words that the question has
    "titled_wholly",  # ... which is all of them
    "titled_other",  # how much more that share is of another document that was found, if it is
    "row_lacks",  # of the question's content words, the share that another row of the best one's table holds, not it
    "row_lacks_name",  # ... among which is a name or number
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

    def probability(self, signals: npt.NDArray[np.float64]) -> float:
        """Of a single row, shape (1, signals)."""
        odds = float(self.log_odds(signals)[0])
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))


@dataclass(frozen=True, slots=True)
class Fitted:
    """What ranking.json holds: the models of a sentence's odds before and after reading, of the documents answering at
    all, of the quoted sentences being right, and the least probability of `answerable` at which Footnote answers."""

    sentence: Logistic
    read_sentence: Logistic
    answerable: Logistic
    right: Logistic
    refuse_below: float


@cache
def fitted() -> Fitted:
    """The shipped coefficients."""
    stored = json.loads((resources.files("rag") / "ranking.json").read_text(encoding="utf-8"))
    return Fitted(
        _logistic(stored["sentence"], SIGNALS),
        _logistic(stored["read_sentence"], ALL_SIGNALS),
        _logistic(stored["answerable"], ANSWER_SIGNALS),
        _logistic(stored["right"], ANSWER_SIGNALS),
        float(stored["refuse_below"]),
    )


def _logistic(stored: dict[str, float], names: Sequence[str]) -> Logistic:
    return Logistic(np.array([stored[name] for name in names]), stored["intercept"])


def quotable(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that state something of what is asked for: without headings, questions and what speaks of a vice chairman
    alone where the chairman is asked for, unless there is nothing else."""
    statements = [
        one
        for one in candidates
        if not one.signals[_COLUMN["heading"]] and not one.signals[_COLUMN["asks"]] and not one.beside
    ]
    return statements or list(candidates)


def rank(candidates: Sequence[Candidate], model: Logistic) -> list[tuple[Candidate, float]]:
    """Candidates with their log-odds of answering by `model`, likeliest first."""
    if not candidates:
        return []
    scores = model.log_odds(np.stack([candidate.signals for candidate in candidates]))
    order = np.argsort(-scores, kind="stable")
    return [(candidates[place], float(scores[place])) for place in order]


def answer_signals(kind: str, ranked: Sequence[tuple[Candidate, float]]) -> npt.NDArray[np.float64]:
    """The row of ANSWER_SIGNALS for the kind of answer asked and a ranked, non-empty list of candidates."""
    best, score = ranked[0][0].signals, ranked[0][1]
    scores = [score for _, score in ranked] + [score - 5]
    table = np.stack([candidate.signals for candidate, _ in ranked])
    highest = table.max(axis=0)
    top = [candidate for candidate, _ in ranked[:5]]
    odds = np.exp(np.array(scores[: len(ranked)]) - score)
    shares = odds / odds.sum()
    typed = float(kind in TYPED)
    held = best[_COLUMN["kind_held"]]
    return np.array(
        [
            *best,
            *(best[_COLUMN[name]] ** 2 for name in _SQUARED),
            *(highest[_COLUMN[name]] for name in _HIGHEST),
            *(float(kind in kinds) for kinds in _ASKED.values()),
            score / 5,
            (score - scores[1]) / 5,
            (score - scores[min(4, len(scores) - 1)]) / 5,
            best[_COLUMN["late"]] - table[:, _COLUMN["late"]].mean(),
            sum(candidate.passage == top[0].passage for candidate in top) / len(top),
            shares[0],
            shares[:3].sum(),
            -(shares * np.log(shares + 1e-12)).sum(),
            typed,
            typed * (1 - held),
            typed * (1 - max(held, best[_COLUMN["kind_near"]])),
            typed * best[_COLUMN["late"]],
            typed * best[_COLUMN["late_focus"]],
            typed * best[_COLUMN["kind_close"]],
            typed * best[_COLUMN["span"]],
            float(kind in _ASKED["reason"]) * best[_COLUMN["span"]],
            float(kind == "yes-no") * best[_COLUMN["span"]],
            best[_COLUMN["span"]] - table[1:, _COLUMN["span"]].max(initial=-1.0),
            *scaled(ranked[0][0].alone),
            top[0].titled,
            float(top[0].titled == 1),
            max(one.titled for one, _ in ranked) - top[0].titled,
            top[0].lacks,
            float(top[0].lacks_name),
        ]
    )


def judge(kind: str, ranked: Sequence[tuple[Candidate, float]]) -> tuple[float, float]:
    """The probabilities that the documents answer, and that an answer that quotes the best sentences is right."""
    if not ranked:
        return 0.0, 0.0
    signals = answer_signals(kind, ranked).reshape(1, -1)
    models = fitted()
    return models.answerable.probability(signals), models.right.probability(signals)


_COLUMN = {name: column for column, name in enumerate(ALL_SIGNALS)}
