"""Fits the models of rag/ranking.json on development data: `python -m eval.fit --bench DIR`.

The sentence models are conditional logits: within the candidates of one question, the odds of a sentence are
exp(weights · signals), and the likelihood that one of the sentences with evidence comes first is maximised; once over
the signals that take no reading, once over all, after the neighbourhoods of the sentences that the first puts in front
were read. The answer models are logistic regressions of "answerable" and of "the quote holds evidence" on signals of
the whole ranking. All are ridge-regularised and cross-validated by article; figures of the folds stand in the file
beside the coefficients.

Used are the development halves of the shipped question sets, squad2, clapnq and, for the answer models, mtrag, whose
evidence is a whole passage: that teaches nothing about sentences.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from eval.logistic import Matrix, regression
from eval.metrics import auroc
from eval.questions import Question, load
from index import documents
from index.documents import builtin
from index.library import Library
from rag.chatbot import HISTORY_TURNS
from rag.evidence import SIGNALS, Candidate
from rag.followup import standalone
from rag.quote import quotable_together
from rag.ranking import ALL_SIGNALS, ANSWER_SIGNALS, Logistic, answer_signals, quotable, rank
from rag.retrieve import find
from rag.spans import SpanReader, read, span_reader

FOLDS = 5
SENTENCE_SHARES = {"built-in": 0.2, "own words": 0.2, "squad2": 0.35, "clapnq": 0.25}
ANSWER_SHARES = {"built-in": 0.2, "own words": 0.2, "squad2": 0.3, "clapnq": 0.2, "mtrag": 0.1}
"""What each set weighs in the fit of sentences and of "answerable", so that the largest doesn't decide alone."""

CONFIDENCE_SHARES = {"built-in": 0.25, "own words": 0.25, "squad2": 0.1, "clapnq": 0.2, "mtrag": 0.2}
"""The same for the confidence. Half of squad2's questions were made to be answered wrongly; what is calibrated to them
is too low on the others (on folds left out: with half of the weight on squad2 its calibration error is .10 instead of
.24, but .16 to .21 instead of .08 to .10 on built-in, own words and clapnq)."""

RIDGES = {"answerable": 5e-2, "right": 1e-2}
"""A stronger one draws the confidence to the mean: on folds left out the calibration error of own words is .14 with .05
and .11 with .01, at the same AUROC."""

AS_GOOD = 0.003
"""Thresholds whose mean balanced accuracy is within this of the best are as good: the sets are small."""

AROUND = 3
"""... and jump where a single question does, so each threshold of the grid, a hundredth apart, counts as the mean of
this many on either side."""

_PUBLIC = (
    ("squad2", "squad2"),
    ("clapnq", "clapnq"),
    *(("mtrag", f"mtrag/{library}") for library in ("clapnq", "cloud", "fiqa", "govt")),
)
"""The public sets and their folders: mtrag is asked of four libraries."""

_TURN = re.compile(r"-t\d+$")

DECIDING = ("built-in", "own words", "clapnq")
"""The sets that choose the threshold. squad2's unanswerable questions, one word of a paragraph changed, and mtrag's,
turns of a chat, can hardly be told by any threshold, so they would only push it about."""


@dataclass(frozen=True, slots=True)
class Row:
    """A question of a set, what it is searched with, all sentences that were found, the candidates among them, and
    which of these hold evidence."""

    set: str
    question: Question
    searched: str
    kind: str
    sentences: tuple[Candidate, ...]
    candidates: tuple[Candidate, ...]
    holds: npt.NDArray[np.bool_]
    fold: int

    @property
    def signals(self) -> Matrix:
        return np.stack([candidate.signals for candidate in self.candidates])


def collect(name: str, library: Library, questions: Iterable[Question]) -> list[Row]:
    """Retrieves for every question as the chatbot does."""
    rows = []
    for question in questions:
        searched = standalone(question.question, question.history[-HISTORY_TURNS:])
        asked, _, sentences = find(library, searched)
        found = quotable(sentences)
        holds = [
            any(
                one.document == candidate.document and candidate.start < one.end and one.start < candidate.end
                for one in question.evidence
            )
            for candidate in found
        ]
        # All questions of one article or conversation stay in one fold; elsewhere each is one of its own.
        article = str(question.meta.get("article", _TURN.sub("", question.id)))
        fold = int.from_bytes(article.encode()[-8:], "big") % 7919 % FOLDS
        rows.append(
            Row(name, question, searched.text, asked.kind, tuple(sentences), tuple(found), np.array(holds), fold)
        )
    return rows


def read_rows(rows: Sequence[Row], model: Logistic, readers: Mapping[str, SpanReader]) -> list[Row]:
    """The rows with what a reader says of the neighbourhoods of the sentences that `model` puts first. Of an article of
    squad2 that is said by the reader trained without it, the one of `readers` under the article's half."""
    articles = sorted({str(row.question.meta["article"]) for row in rows if row.set == "squad2"})
    result = []
    for row in rows:
        half = str(articles.index(str(row.question.meta["article"])) % 2) if row.set == "squad2" else "both"
        order = [candidate for candidate, _ in rank(row.candidates, model)]
        place = {(one.document, one.start): at for at, one in enumerate(row.candidates)}
        seen = read(row.searched, row.sentences, order, readers[half])
        holds = [row.holds[place[one.document, one.start]] for one in seen]
        result.append(replace(row, candidates=tuple(seen), holds=np.array(holds, dtype=bool)))
    return result


def fit_sentences(rows: Sequence[Row], *, ridge: float = 1e-2) -> Logistic:
    """The conditional logit over the signals that the candidates have."""
    from scipy.optimize import minimize

    used = [row for row in rows if row.set in SENTENCE_SHARES and row.holds.any() and not row.holds.all()]
    scale = np.vstack([row.signals for row in used]).std(axis=0) + 1e-9
    tables = [row.signals / scale for row in used]
    importance = _importance(used, SENTENCE_SHARES)

    def loss(weights: Matrix) -> tuple[float, Matrix]:
        total, gradient = ridge * float(weights @ weights), 2 * ridge * weights
        for row, table, weight in zip(used, tables, importance, strict=True):
            odds = np.exp(np.clip(table @ weights - (table @ weights).max(), -50, 0))
            share, right = odds / odds.sum(), odds * row.holds
            total -= weight * np.log(right.sum() / odds.sum() + 1e-12)
            gradient -= weight * (right / max(right.sum(), 1e-12) - share) @ table
        return total, gradient

    found = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return Logistic(found.x / scale, 0.0)


def fit_answers(rows: Sequence[Row], sentence: Sequence[Logistic], *, target: str) -> Logistic:
    """The logistic regression over ANSWER_SIGNALS of `target`: "answerable", or "right", that the quoted sentences hold
    evidence. `sentence` ranks each row (one model a row)."""
    pairs = [(row, *_ranked(row, model)) for row, model in zip(rows, sentence, strict=True) if row.candidates]
    used = [row for row, _, _ in pairs]
    table = np.stack([signals for _, signals, _ in pairs])
    right = np.array([quoted if target == "right" else row.question.answerable for row, _, quoted in pairs])
    importance = _importance(used, CONFIDENCE_SHARES if target == "right" else ANSWER_SHARES)
    # Rare kinds of question would be free to weigh most.
    rare = [column for column, name in enumerate(ANSWER_SIGNALS) if name.startswith("asks_")]
    return regression(table, right, importance, ridge=RIDGES[target], unscaled=rare)


def _ranked(row: Row, model: Logistic) -> tuple[Matrix, bool]:
    """The answer signals, and whether a sentence that would be quoted holds evidence."""
    ranked = rank(row.candidates, model)
    quoted = {(one.document, one.start) for one in quotable_together(ranked)}
    right = any(
        holds and (one.document, one.start) in quoted for one, holds in zip(row.candidates, row.holds, strict=True)
    )
    return answer_signals(row.kind, ranked), right


def _importance(rows: Sequence[Row], shares: dict[str, float]) -> Matrix:
    counts = {name: sum(row.set == name for row in rows) for name in shares}
    return np.array([shares[row.set] / counts[row.set] for row in rows])


def cross_validate(rows: Sequence[Row]) -> tuple[dict[str, Any], list[tuple[Row, float]]]:
    """Figures on folds that were not fitted on, by set, and the probability that each row is answerable."""
    models = [fit_sentences([row for row in rows if row.fold != fold]) for fold in range(FOLDS)]
    own = [models[row.fold] for row in rows]
    sure: dict[str, list[tuple[Row, float]]] = {"answerable": [], "right": []}
    for target, decided in sure.items():
        for fold in range(FOLDS):
            kept = [place for place, row in enumerate(rows) if row.fold != fold]
            answer = fit_answers([rows[place] for place in kept], [own[place] for place in kept], target=target)
            for row in rows:
                if row.fold == fold:
                    signals = _ranked(row, models[fold])[0].reshape(1, -1) if row.candidates else None
                    decided.append((row, 0.0 if signals is None else answer.probability(signals)))
    figures: dict[str, Any] = {}
    for name in ANSWER_SHARES:
        answerable = [
            (row, model) for row, model in zip(rows, own, strict=True) if row.set == name and row.question.answerable
        ]
        if not answerable:
            continue
        first = {
            k: np.mean([row.holds[np.argsort(-model.log_odds(row.signals))[:k]].any() for row, model in answerable])
            for k in (1, 2, 3)
        }
        told = [(row.question.answerable, value) for row, value in sure["answerable"] if row.set == name]
        right = [
            (_ranked(row, models[row.fold])[1], value)
            for row, value in sure["right"]
            if row.set == name and row.candidates
        ]
        figures[name] = {
            "questions": len(told),
            **{f"evidence_in_first_{k}": round(float(value), 4) for k, value in first.items()},
            "answerable_auroc": round(_auroc(told), 4),
            "right_auroc": round(_auroc(right), 4),
        }
    return figures, sure["answerable"]


def _auroc(decided: Sequence[tuple[bool, float]]) -> float:
    return auroc(np.array([value for _, value in decided]), np.array([right for right, _ in decided], dtype=float))


def choose_threshold(sure: Sequence[tuple[Row, float]]) -> tuple[float, dict[str, list[float]]]:
    """The threshold with the best mean over DECIDING of balanced accuracy, and what it gives by set: the share of
    answerable questions answered and of unanswerable ones refused. Of several as good it is the highest, which refuses
    most: to answer what the documents don't say is worse than to miss what they do."""

    def rates(threshold: float) -> dict[str, list[float]]:
        result = {}
        for name in ANSWER_SHARES:
            mine = [(row.question.answerable, value >= threshold) for row, value in sure if row.set == name]
            if mine:
                result[name] = [
                    round(float(np.mean([given == yes for answerable, given in mine if answerable == yes])), 4)
                    for yes in (True, False)
                ]
        return result

    grid = np.linspace(0.05, 0.95, 91)
    means = [np.mean([rates(float(threshold)).get(name, [0.5, 0.5]) for name in DECIDING]) for threshold in grid]
    smooth = np.convolve(np.pad(means, AROUND, mode="edge"), np.full(2 * AROUND + 1, 1 / (2 * AROUND + 1)), "valid")
    best = float(grid[np.flatnonzero(smooth >= smooth.max() - AS_GOOD)[-1]])
    return round(best, 3), rates(best)


def sets(bench: Path | None, *, limit: int) -> Iterable[tuple[str, Library, list[Question]]]:
    """The development questions and a library of their documents, set by set."""
    shipped = builtin()
    with tempfile.TemporaryDirectory() as folder:
        library = Library.open(folder)
        library.add_builtin()
        for name, file in (("built-in", "builtin.jsonl"), ("own words", "own-words.jsonl")):
            with resources.as_file(resources.files("eval") / "questions" / file) as path:
                yield name, library, [one for one in load(path, shipped) if one.half == "development"]
        library.close()
    for name, part in _PUBLIC if bench else ():
        assert bench is not None
        root = bench / part / "docs"
        texts = [documents.read(path, id=path.relative_to(root).as_posix()) for path in sorted(root.rglob("*.txt"))]
        with tempfile.TemporaryDirectory() as folder:
            library = Library.open(folder)
            library.add(texts)
            questions = load(bench / part / "questions.jsonl", texts)
            step = max(1, len(questions) // limit)
            yield name, library, questions[::step]
            library.close()


@click.command()
@click.option("--bench", type=click.Path(path_type=Path, exists=True), envvar="FOOTNOTE_BENCH", required=True)
@click.option("--limit", default=2500, show_default=True, help="Questions a set, at most twice as many.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("rag/ranking.json"), show_default=True)
@click.option(
    "--readers",
    "folder",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    help="Folder with 0.onnx and 1.onnx, readers trained on every other article of squad2 alone.",
)
def main(bench: Path, limit: int, output: Path, folder: Path) -> None:
    """Collects the signals, cross-validates, fits on everything and writes the coefficients."""
    rows: list[Row] = []
    for name, library, questions in sets(bench, limit=limit):
        click.echo(f"{name}: {len(questions)} questions", err=True)
        rows += collect(name, library, questions)
    sentence = fit_sentences(rows)
    write(sentence, read_rows(rows, sentence, readers_of(folder)), output)


def readers_of(folder: Path) -> dict[str, SpanReader]:
    """By half of squad2's articles, the reader trained on the other half; "both" is the shipped one."""
    return {"0": SpanReader(folder / "1.onnx"), "1": SpanReader(folder / "0.onnx"), "both": span_reader()}


def write(sentence: Logistic, rows: Sequence[Row], output: Path) -> None:
    """Cross-validates, fits on all rows, which were read in the order of `sentence`, and writes ranking.json."""
    figures, sure = cross_validate(rows)
    threshold, rates = choose_threshold(sure)
    for name, (answered, refused) in rates.items():
        figures[name] |= {"answerable_answered": answered, "unanswerable_refused": refused}
    read_sentence = fit_sentences(rows)
    models = [read_sentence] * len(rows)
    content = {
        "made_by": "eval/fit.py",
        "made_on": datetime.now(UTC).date().isoformat(),
        "data": "development questions: the shipped sets' development halves, squad2, clapnq and mtrag (squad2's"
        " articles and questions CC BY-SA 4.0, clapnq and mtrag Apache-2.0; none of their text is in here)",
        "cross_validated_by_article": figures,
        "refuse_below": threshold,
        "sentence": _named(sentence, SIGNALS),
        "read_sentence": _named(read_sentence, ALL_SIGNALS),
        "answerable": _named(fit_answers(rows, models, target="answerable"), ANSWER_SIGNALS),
        "right": _named(fit_answers(rows, models, target="right"), ANSWER_SIGNALS),
    }
    output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    json.dump({"refuse_below": threshold, **figures}, sys.stdout, indent=1)


def _named(model: Logistic, names: Sequence[str]) -> dict[str, float]:
    named = {name: round(float(weight), 4) for name, weight in zip(names, model.weights, strict=True)}
    return named | {"intercept": round(model.intercept, 4)}


if __name__ == "__main__":
    main()
