"""Fits the answer models of rag/ranking.json on development data: `python -m eval.fit --bench DIR`.

These are ridge-regularised logistic regressions of "answerable" and of "the quote holds evidence" on signals of the
whole ranking. Cross-validated by writer, conversation or question; figures of what was left out stand in the file
beside the coefficients.

The models of a sentence stay as they are: they were fitted on squad2, too, read by readers that had not seen its
questions (docs/quality.md says what refitting them brings).

Used are the development halves of the shipped question sets, the question pairs of eval/fit_pairs, which the reader was
not trained on, clapnq and mtrag; not squad2, whose questions the reader has seen.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from eval.gate import SHIPPED, shipped
from eval.logistic import Matrix, importance, regression
from eval.metrics import auroc, overlaps
from eval.questions import Question, load_with_documents
from index.documents import Document
from index.library import Library
from rag.chatbot import HISTORY_TURNS
from rag.evidence import Candidate
from rag.followup import standalone
from rag.quote import quotable_together
from rag.ranking import ANSWER_SIGNALS, Logistic, answer_signals
from rag.retrieve import ranked

FOLDS = 5
SHARES = {
    "built-in": 0.15,
    "own words": 0.15,
    "articles": 0.15,
    "elsewhere": 0.25,
    "tables": 0.1,
    "pairs": 0.1,
    "clapnq": 0.2,
    "mtrag": 0.15,
}
"""What each set weighs in deciding when to answer, so that the largest doesn't decide alone."""

CONFIDENCE_SHARES = SHARES | {"built-in": 0.4, "own words": 0.2, "articles": 0.2, "pairs": 0.05}
"""... and in how sure to be. With the shares above plain questions are answered right more often than confidence says,
with these near misses less often (squad2); the two articles' sets count more, so that their confidence tells better."""

RIDGE = 0.003
"""On folds left out .001 and .01 tell as much (docs/quality.md)."""

CONFIDENCE_RIDGE = 0.03
"""How sure to be is told a little better by a stronger one: the calibration error of mtrag is .09 instead of .12."""

RARE = [column for column, name in enumerate(ANSWER_SIGNALS) if name.startswith("asks_")]
"""Rare kinds of question, which would be free to weigh most in units of their deviation."""

AS_GOOD = 0.01
"""Thresholds whose balanced accuracy is within this of the best are as good."""

STEP = 5
"""... and so are, in hundredths, those nearer to each other than this: the sets are small."""

AROUND = 3
"""... and jump where a single question does, so each threshold of the grid, a hundredth apart, counts as the mean of
this many on either side."""

DECIDING = ("built-in", "own words", "articles", "elsewhere", "tables", "clapnq")
"""The sets that choose the threshold. mtrag's unanswerable questions, turns of a chat, can hardly be told by any, so
they would only push it about."""

_PUBLIC = (("clapnq", "clapnq"), *(("mtrag", f"mtrag/{library}") for library in ("clapnq", "cloud", "fiqa", "govt")))
"""The public sets and their folders: mtrag is asked of four libraries."""

_GROUP = re.compile(r"-t\d+$|(?<=^[c-h])-.*|(?<=\d)[ab]$")
"""What to take away from an id to have that of a conversation, of a writer of `elsewhere`, or of a pair."""

PAIRS = Path(__file__).parent / "fit_pairs"


@dataclass(frozen=True, slots=True)
class Row:
    """A question of a set that something was found for: the signals of the ranking, whether a sentence that would be
    quoted holds evidence, and the fold."""

    set: str
    question: Question
    signals: Matrix
    right: bool
    fold: int


def found(
    library: Library, questions: Iterable[Question]
) -> Iterator[tuple[Question, str, list[tuple[Candidate, float]]]]:
    """Each question for which the chatbot finds something, the kind of answer asked for, and the ranked sentences."""
    for question in questions:
        asked, _, sentences = ranked(library, standalone(question.question, question.history[-HISTORY_TURNS:]))
        if sentences:
            yield question, asked.kind, sentences


def holds(candidate: Candidate, question: Question) -> bool:
    """Whether a sentence shares a character with the evidence."""
    span = {"document": candidate.document, "start": candidate.start, "end": candidate.end}
    return overlaps(span, question.evidence)


def collect(name: str, library: Library, questions: Iterable[Question]) -> list[Row]:
    """A row for each question of a set for which something is found."""
    rows = []
    for question, kind, sentences in found(library, questions):
        right = any(holds(quoted, question) for quoted in quotable_together(sentences))
        rows.append(Row(name, question, answer_signals(kind, sentences), right, fold_of(question)))
    return rows


def fold_of(question: Question) -> int:
    """Below FOLDS; the same for what one writer, conversation or pair brought."""
    return int.from_bytes(_GROUP.sub("", question.id).encode()[-8:], "big") % 7919 % FOLDS


def fit(rows: Sequence[Row], *, target: str) -> Logistic:
    """The logistic regression over ANSWER_SIGNALS of `target`: "answerable", or "right", that the quoted sentences hold
    evidence."""
    table = np.stack([row.signals for row in rows])
    right = np.array([row.right if target == "right" else row.question.answerable for row in rows])
    weighed = importance([row.set for row in rows], CONFIDENCE_SHARES if target == "right" else SHARES)
    ridge = CONFIDENCE_RIDGE if target == "right" else RIDGE
    return regression(table, right, weighed, ridge=ridge, unscaled=RARE)


def cross_validate(rows: Sequence[Row]) -> tuple[dict[str, Any], npt.NDArray[np.float64]]:
    """Figures on folds that were not fitted on, by set, and the probability that each row is answerable."""
    fold = np.array([row.fold for row in rows])
    sure: dict[str, npt.NDArray[np.float64]] = {}
    for target in ("answerable", "right"):
        sure[target] = np.zeros(len(rows))
        for number in range(FOLDS):
            model = fit([row for row in rows if row.fold != number], target=target)
            odds = model.log_odds(np.stack([row.signals for row in rows if row.fold == number]))
            sure[target][fold == number] = 1 / (1 + np.exp(-odds))
    figures: dict[str, Any] = {}
    for name in SHARES:
        of = np.array([row.set == name for row in rows])
        mine = [row for row in rows if row.set == name]
        answerable = np.array([row.question.answerable for row in mine], dtype=float)
        right = np.array([row.right for row in mine], dtype=float)
        figures[name] = {
            "questions": len(mine),
            "answerable_auroc": round(auroc(sure["answerable"][of], answerable), 4),
            "right_auroc": round(auroc(sure["right"][of], right), 4),
        }
    return figures, sure["answerable"]


def choose_threshold(names: npt.NDArray[np.str_], answerable: npt.NDArray[np.bool_], sure: Matrix) -> float:
    """The threshold with the best balanced accuracy, the mean of both `rates`, in the mean over the sets DECIDING.
    Of several as good it is the highest, which refuses most: to answer what the documents don't say is worse than to
    miss what they do. Given are each row's set, whether the documents answer it, and how sure that is."""
    grid = np.linspace(0.05, 0.95, 91)
    means = [
        np.mean([rates(answerable[names == name], sure[names == name], float(threshold)) for name in DECIDING])
        for threshold in grid
    ]
    return round(highest_as_good(grid, np.array(means)), 3)


def rates(answerable: npt.NDArray[np.bool_], sure: Matrix, threshold: float) -> list[float]:
    """The share of answerable questions answered and of unanswerable ones refused."""
    given = sure >= threshold
    return [round(float((given == yes)[answerable == yes].mean()), 4) for yes in (True, False)]


def highest_as_good(grid: Matrix, values: Matrix) -> float:
    """The highest of every STEP-th threshold of the grid whose value is within AS_GOOD of the best; a value is the mean
    of it and of AROUND on either side."""
    smooth = np.convolve(np.pad(values, AROUND, mode="edge"), np.full(2 * AROUND + 1, 1 / (2 * AROUND + 1)), "valid")
    return float(grid[::STEP][np.flatnonzero(smooth[::STEP] >= smooth[::STEP].max() - AS_GOOD)[-1]])


def sets(bench: Path) -> Iterator[tuple[str, Library, list[Question]]]:
    """The development questions and a library of their documents, set by set; says which comes."""
    for name, asked, about in _read(bench):
        click.echo(f"{name}: {len(asked)} questions", err=True)
        with tempfile.TemporaryDirectory() as folder, Library.open(folder) as library:
            library.add(about)
            yield name, library, asked


def _read(bench: Path) -> Iterator[tuple[str, list[Question], Iterable[Document]]]:
    for name in SHIPPED:
        questions, about = shipped(name)
        yield name, [one for one in questions if one.half == "development"], about
    files = [("pairs", file) for file in sorted(PAIRS.glob("*/questions.jsonl"))]
    files += [(name, bench / part / "questions.jsonl") for name, part in _PUBLIC]
    for name, file in files:
        yield name, *load_with_documents(file)


@click.command()
@click.option("--bench", type=click.Path(path_type=Path, exists=True), envvar="FOOTNOTE_BENCH", required=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("rag/ranking.json"), show_default=True)
def main(bench: Path, output: Path) -> None:
    """Collects the signals, cross-validates, fits on everything and writes the coefficients."""
    before = json.loads((resources.files("rag") / "ranking.json").read_text(encoding="utf-8"))
    rows = [row for one in sets(bench) for row in collect(*one)]
    figures, sure = cross_validate(rows)
    names = np.array([row.set for row in rows])
    answerable = np.array([row.question.answerable for row in rows])
    threshold = choose_threshold(names, answerable, sure)
    for name in SHARES:
        answered, refused = rates(answerable[names == name], sure[names == name], threshold)
        figures[name] |= {"answerable_answered": answered, "unanswerable_refused": refused}
    content = {
        "made_by": "eval/fit.py",
        "made_on": datetime.now(UTC).date().isoformat(),
        "data": "development questions: the shipped sets' development halves, eval/fit_pairs, clapnq and mtrag"
        " (Apache-2.0; none of their text is in here); the models of a sentence, of 2026-11-24, on squad2, too, read by"
        " readers that had not seen its questions",
        "cross_validated": figures,
        "refuse_below": threshold,
        "sentence": before["sentence"],
        "read_sentence": before["read_sentence"],
        "answerable": _named(fit(rows, target="answerable")),
        "right": _named(fit(rows, target="right")),
    }
    output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    json.dump({"refuse_below": threshold, **figures}, sys.stdout, indent=1)


def _named(model: Logistic) -> dict[str, float]:
    named = {name: round(float(weight), 4) for name, weight in zip(ANSWER_SIGNALS, model.weights, strict=True)}
    return named | {"intercept": round(model.intercept, 4)}


if __name__ == "__main__":
    main()
