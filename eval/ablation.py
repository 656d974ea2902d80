"""What each part of the ranking brings: `python -m eval.ablation --bench DIR` writes eval/ablation.json.

Every model is fitted anew without the signals of one part, on the development questions that eval/fit.py fits on, and
measured on the folds it was not fitted on. That is what the part adds to the others, not what it can do alone.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from eval.fit import FOLDS, RARE, RIDGE, SHARES, fold_of, found, holds, sets
from eval.logistic import Matrix, conditional, importance, regression
from eval.metrics import auroc
from eval.questions import Question
from index.library import Library
from rag.evidence import Candidate
from rag.quote import quotable_together
from rag.ranking import ALL_SIGNALS, ANSWER_SIGNALS, answer_signals, rank
from rag.spans import READ_SIGNALS, UNREAD

PARTS: dict[str, tuple[str, ...]] = {
    "the reader": READ_SIGNALS,
    "late interaction of word vectors": tuple(name for name in ALL_SIGNALS if name.startswith("late")),
    "words in common": ("coverage", "coverage_near", "coverage_passage", "pairs", "new_words"),
    "names and numbers": ("late_names", "late_passage_names", "names_covered"),
    "the kind of answer": ("kind_held", "kind_near", "kind_close"),
    "what is missing or reversed": (
        "number_missing",
        "name_missing",
        "other_year",
        "unit_missing",
        "denial_missing",
        "opposite",
    ),
    "neighbours": ("late_near", "coverage_near", "kind_near"),
    "the passage": tuple(name for name in ALL_SIGNALS if "passage" in name or name == "opening"),
}
"""The parts and their signals; some belong to two."""

SENTENCE_RIDGE = 0.01

FIGURES = ("first", "answerable", "right")
"""The right sentence is ranked first (of answerable questions one of whose sentences was found); AUROC of whether the
documents answer; AUROC of whether the quoted sentences are right."""


@dataclass(frozen=True, slots=True)
class Row:
    """A question of a set, the sentences found for it, and which of them hold evidence."""

    set: str
    kind: str
    answerable: bool
    candidates: tuple[Candidate, ...]
    holds: npt.NDArray[np.bool_]
    fold: int

    @property
    def table(self) -> Matrix:
        return np.stack([one.signals for one in self.candidates])


def collect(name: str, library: Library, questions: Iterable[Question]) -> list[Row]:
    """A row for each question of a set for which something is found."""
    rows = []
    for question, kind, sentences in found(library, questions):
        of = tuple(candidate for candidate, _ in sentences)
        held = np.array([holds(one, question) for one in of])
        rows.append(Row(name, kind, question.answerable, of, held, fold_of(question)))
    return rows


def without(row: Row, part: Sequence[str]) -> Row:
    """The row as if these signals said nothing."""
    nothing = dict(zip(READ_SIGNALS, UNREAD, strict=True))
    changed = []
    for one in row.candidates:
        signals = one.signals.copy()
        for name in part:
            signals[ALL_SIGNALS.index(name)] = nothing.get(name, 0.0)
        changed.append(replace(one, signals=signals, alone=-np.inf if READ_SIGNALS[0] in part else one.alone))
    return replace(row, candidates=tuple(changed))


def measure(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """FIGURES by set, each of models fitted on the other folds."""
    first, quoted = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    sure = {target: np.zeros(len(rows)) for target in ("answerable", "right")}
    answerable = np.array([row.answerable for row in rows])
    fold = np.array([row.fold for row in rows])
    names = np.array([row.set for row in rows])
    for number in range(FOLDS):
        kept = fold != number
        choosing = [
            row for row, fits in zip(rows, kept, strict=True) if fits and row.holds.any() and not row.holds.all()
        ]
        sentence = conditional(
            [row.table for row in choosing],
            [row.holds for row in choosing],
            importance([row.set for row in choosing], SHARES),
            ridge=SENTENCE_RIDGE,
        )
        signals = np.zeros((len(rows), len(ANSWER_SIGNALS)))
        right = np.zeros(len(rows), bool)
        for place, row in enumerate(rows):
            order = rank(row.candidates, sentence)
            held = {(one.document, one.start) for one, holds in zip(row.candidates, row.holds, strict=True) if holds}
            signals[place] = answer_signals(row.kind, order)
            right[place] = any((one.document, one.start) in held for one in quotable_together(order))
            if row.fold == number:
                first[place] = (order[0][0].document, order[0][0].start) in held
        quoted = np.where(kept, quoted, right)
        weighed = importance(names[kept].tolist(), SHARES)
        for target, truth in (("answerable", answerable), ("right", right)):
            model = regression(signals[kept], truth[kept], weighed, ridge=RIDGE, unscaled=RARE)
            sure[target][~kept] = model.log_odds(signals[~kept])
    within = np.array([row.holds.any() for row in rows])
    return {
        name: {
            "questions": int((names == name).sum()),
            "first": round(float(first[(names == name) & within].mean()), 3),
            "answerable": round(auroc(sure["answerable"][names == name], answerable[names == name].astype(float)), 3),
            "right": round(auroc(sure["right"][names == name], quoted[names == name].astype(float)), 3),
        }
        for name in dict.fromkeys(names.tolist())
    }


@click.command()
@click.option("--bench", type=click.Path(path_type=Path, exists=True), envvar="FOOTNOTE_BENCH", required=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("eval/ablation.json"), show_default=True)
def main(bench: Path, output: Path) -> None:
    """Some five minutes on two cores."""
    rows = [row for one in sets(bench) for row in collect(*one)]
    measured = {}
    for part, signals in {"nothing": (), **PARTS}.items():
        measured[part] = measure([without(row, signals) for row in rows])
        click.echo(f"without {part}: {measured[part]}", err=True)
    content = {"made_by": "eval/ablation.py", "made_on": datetime.now(UTC).date().isoformat(), "without": measured}
    output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
