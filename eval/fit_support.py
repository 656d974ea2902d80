"""Fits the logistic regression of rag/support/weights.json: `python -m eval.fit_support`.

On the development halves of the claims in eval/support, and on claims made of them by exchanging a word for one of
another claim, or by adding the end of one: real claims with an invented detail are too few to learn from. A claim
that some window of sentences raises no objection to is represented by the window that supports it best, so fitting
and choosing take turns. Cross-validated by source.
"""

import hashlib
import json
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from eval.logistic import regression
from eval.support import Claim, claims
from rag.facts.words import words_of
from rag.ranking import Logistic
from rag.support import Sources
from rag.support.compare import SIGNALS, Compared

FOLDS = 5
ROUNDS = 4
WRONG = 0.6
"""What accepting a wrong claim weighs against rejecting a supported one, beside the claims' shares: the objections have
taken most wrong claims out already. Of .4 to 1 it is the best in cross-validation, of which .5 accepts most of both."""

Row = tuple[Claim, list[Compared]]


def made(of: Sequence[Claim], *, seed: int = 0) -> Iterator[Claim]:
    """Claims with a detail that their sources don't hold, two for each supported claim."""
    chance = random.Random(seed)
    for claim in of:
        if not claim.supported:
            continue
        others = [other for other in of if other.sources != claim.sources]
        for number in range(2):
            other = chance.choice(others)
            theirs = [
                word for word in words_of(other.claim)[1:] if word.content and not word.name and len(word.word) > 3
            ]
            mine = [word for word in words_of(claim.claim)[1:] if word.content and not word.name and len(word.word) > 3]
            if not theirs or not mine:
                continue
            if number == 0:
                word, new = chance.choice(mine), chance.choice(theirs).word
                text = claim.claim[: word.start] + new + claim.claim[word.end :]
            else:
                start = chance.choice(theirs).start
                text = claim.claim.rstrip(".") + " and " + other.claim[start:]
            yield Claim(f"{claim.id}+{number}", text, claim.sources, False, "made")


def compared(asked: Sequence[Claim]) -> list[Row]:
    """Each claim with the windows of its sources, those without an objection where there are such."""
    read = {sources: Sources(sources) for sources in dict.fromkeys(one.sources for one in asked)}
    rows = []
    for claim in asked:
        windows = read[claim.sources].compared(claim.claim)
        free = [one for one in windows if not one.objections]
        if free or claim.supported:
            rows.append((claim, free or windows))
    return rows


def fit(rows: Sequence[Row], *, ridge: float = 1e-2) -> Logistic:
    """The regression, and which window stands for a claim, in turns."""
    model = Logistic(np.array([float(name in ("met", "met_least", "same")) for name in SIGNALS]), 0.0)
    right = np.array([claim.supported for claim, _ in rows])
    weight = np.where(right, 0.5 / right.sum(), WRONG * 0.5 / (~right).sum())
    for _ in range(ROUNDS):
        table = np.stack([best(windows, model).signals for _, windows in rows])
        model = regression(table, right, weight, ridge=ridge)
    return model


def best(windows: Sequence[Compared], model: Logistic) -> Compared:
    """The window that a model finds most supporting."""
    odds = model.log_odds(np.stack([one.signals for one in windows]))
    return windows[int(odds.argmax())]


def accepted(row: Row, model: Logistic) -> bool:
    """Whether a model accepts a claim."""
    chosen = best(row[1], model)
    return not chosen.objections and model.probability(chosen.signals.reshape(1, -1)) >= 0.5


def fold(claim: Claim) -> int:
    """By source."""
    return hashlib.sha256(claim.id.partition("/")[0].encode()).digest()[-2] % FOLDS


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=Path("rag/support/weights.json"), show_default=True)
def main(output: Path) -> None:
    """Cross-validates, fits on everything and writes the coefficients."""
    real = [claim for claim in claims() if claim.half == "development"]
    rows = compared([*real, *made(real)])
    shares: dict[str, list[bool]] = {"supported": [], "not": [], "made": []}
    for number in range(FOLDS):
        model = fit([row for row in rows if fold(row[0]) != number])
        for row in rows:
            if fold(row[0]) == number:
                kind = "made" if row[0].kind == "made" else "supported" if row[0].supported else "not"
                shares[kind].append(accepted(row, model))
    wrong = [claim for claim in real if not claim.supported]
    right = len(real) - len(wrong)
    figures = {
        "claims": len(real),
        "supported_accepted": round(sum(shares["supported"]) / right, 4),
        "others_accepted": round(sum(shares["not"]) / len(wrong), 4),
        "made_accepted": round(sum(shares["made"]) / len(shares["made"]), 4),
    }
    model = fit(rows)
    content = {
        "made_by": "eval/fit_support.py",
        "made_on": datetime.now(UTC).date().isoformat(),
        "data": "development halves of eval/support, and claims made of them by exchanging words",
        "cross_validated_by_source": figures,
        "weights": {name: round(float(value), 4) for name, value in zip(SIGNALS, model.weights, strict=True)}
        | {"intercept": round(model.intercept, 4)},
    }
    output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    json.dump(figures, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
