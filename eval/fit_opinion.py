"""Fits how much a small language model's yes or no counts: `python -m eval.fit_opinion ROWS.jsonl --llm-url URL`.

A logistic regression of "answerable" on three numbers, the log-odds by the ranking alone and those of the model's "yes"
to either question of rag/opinion.py, over development questions of the sets that the reader was not trained on. The
model is asked both for each; its replies are appended to the file, and without --llm-url only fitted to again.
Cross-validated by question, repeatedly; the threshold is the lowest at which, of what was left out, no more
unanswerable questions are answered than MOST_ANSWERED.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from eval.bench_llm import rows
from eval.fit import DECIDING, FOLDS, rates, sets
from eval.logistic import Matrix, importance, regression
from eval.metrics import auroc
from eval.questions import Question
from rag.chatbot import HISTORY_TURNS, UNLIKELY
from rag.followup import standalone
from rag.llm import Model, load_model
from rag.opinion import WEIGHTS, asking, signals, tells, told
from rag.quote import choose
from rag.retrieve import retrieve

SHARES = {
    "built-in": 0.15,
    "own words": 0.15,
    "articles": 0.15,
    "elsewhere": 0.2,
    "pairs": 0.1,
    "clapnq": 0.2,
    "mtrag": 0.05,
}
"""What each set weighs. Of rows of tables no model is asked (rag.opinion.tells). The reader has seen squad2's
questions, so that the ranking seems surer there than it is."""

MOST = {
    "built-in": (60, 60),
    "own words": (90, 60),
    "articles": (90, 60),
    "elsewhere": (140, 160),
    "pairs": (15, 20),
    "clapnq": (100, 140),
    "mtrag": (13, 25),
}
"""So many answerable and unanswerable questions of each set, or library, are taken."""

MOST_ANSWERED = 0.04
"""What share of the unanswerable questions may be answered, as docs/writing.md aims for; of the answerable as many are
answered as that leaves."""

RIDGE = 1e-3

REPEATS = 10
"""So many partings into folds are averaged: by one alone, of twenty, the threshold of before was from .80 to .87."""


def taken(name: str, questions: Sequence[Question]) -> list[Question]:
    """The questions of a set, or of one of its libraries, that are fitted to."""
    mixed = random.Random(1).sample(questions, len(questions))
    answerable, unanswerable = MOST[name]
    held, missing = ([one for one in mixed if one.answerable is kind] for kind in (True, False))
    return held[:answerable] + missing[:unanswerable]


def asked(model: Model, bench: Path, done: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """A row for each question that there is none of yet, with what the model says; of one that is refused without it
    (rag.chatbot.UNLIKELY) nothing is said."""
    for name, library, questions in sets(bench):
        for question in taken(name, questions) if name in SHARES else ():
            if (name, question.id) in done:
                continue
            searched = standalone(question.question, question.history[-HISTORY_TURNS:])
            retrieved = retrieve(library, searched)
            said: list[str] = []
            if retrieved.sentences and retrieved.answerable >= UNLIKELY:
                best = retrieved.sentences[0][0]
                if not tells(best.text):
                    continue
                quotes = choose(retrieved, library, question.question)
                both = asking(searched.text, quotes, best, library)
                said = ["".join(model.yes_or_no(messages, seconds=120.0)) for messages in both]
            yield {
                "set": name,
                "id": question.id,
                "answerable": question.answerable,
                "ranking": retrieved.answerable,
                "said": said,
                "model": Path(model.name).name,
            }


def lowest_keeping(
    names: npt.NDArray[np.str_], answerable: npt.NDArray[np.bool_], sure: Matrix, *, deciding: Sequence[str]
) -> float:
    """The lowest threshold at which the share of unanswerable questions that are answered, in the mean over the sets
    `deciding`, is at most MOST_ANSWERED. Given are each row's set, whether the documents answer it, and how sure that
    is. 0.95 where there is none."""
    grid = np.linspace(0.05, 0.95, 181)
    for threshold in grid:
        shares = [(sure[(names == name) & ~answerable] >= threshold).mean() for name in deciding]
        if np.mean(shares) <= MOST_ANSWERED:
            return round(float(threshold), 3)
    return float(grid[-1])


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--llm-url", help="The model's address; without it only what was asked before is fitted to.")
@click.option("--bench", type=click.Path(path_type=Path, exists=True), envvar="FOOTNOTE_BENCH", required=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("rag/opinion.json"), show_default=True)
def main(path: Path, llm_url: str | None, bench: Path, output: Path) -> None:
    """Asks, cross-validates, fits on everything and writes the coefficients."""
    if model := load_model(url=llm_url) if llm_url else None:
        with path.open("a", encoding="utf-8") as file:
            for row in asked(model, bench, {(row["set"], row["id"]) for row in rows(path)}):
                file.write(json.dumps(row) + "\n")
                file.flush()
    every = [row for row in rows(path) if not row["said"] or told(row["said"])]
    names = np.array([row["set"] for row in every])
    right = np.array([row["answerable"] for row in every], dtype=bool)
    replied = np.array([bool(row["said"]) for row in every])
    answerable = right[replied]
    table = np.array([signals(row["ranking"], odds) for row in every if row["said"] and (odds := told(row["said"]))])
    # A user's questions may be answerable as often as not, whatever a set has.
    halves = {f"{name}, {kind}": share / 2 for name, share in SHARES.items() for kind in (True, False)}
    weighed = importance([f"{row['set']}, {row['answerable']}" for row in every if row["said"]], halves)
    by_all = np.zeros(len(table))
    for repeat in range(REPEATS):
        fold = np.random.default_rng(repeat).permutation(len(every))[replied] % FOLDS
        for number in range(FOLDS):
            kept = fold != number
            left_out = regression(table[kept], answerable[kept], weighed[kept], ridge=RIDGE).log_odds(table[~kept])
            by_all[~kept] += 1 / (1 + np.exp(-left_out)) / REPEATS
    sure = np.zeros(len(every))
    sure[replied] = by_all
    threshold = lowest_keeping(names, right, sure, deciding=[name for name in DECIDING if name in SHARES])
    both = regression(table, answerable, weighed, ridge=RIDGE)
    figures: dict[str, Any] = {}
    for name in SHARES:
        of = names[replied] == name
        figures[name] = {
            "questions": int((names == name).sum()),
            "asked": int(of.sum()),
            **{
                f"answerable_auroc{by}": round(auroc(values[of], answerable[of].astype(float)), 4)
                for by, values in (
                    ("_ranking", table[:, 0]),
                    ("_states", table[:, 1]),
                    ("_suggested", table[:, 2]),
                    ("", by_all),
                )
            },
            "answered_and_refused": rates(right[names == name], sure[names == name], threshold),
        }
    content = {
        "made_by": "eval/fit_opinion.py",
        "made_on": datetime.now(UTC).date().isoformat(),
        "model": sorted({row["model"] for row in every if row["said"]}),
        "data": "development questions that the ranking finds answerable with a probability of at least "
        f"{UNLIKELY} and whose likeliest sentence is no row of a table, each set by its share, half of it for the "
        "answerable; squad2, which the reader has seen, is none of them",
        "shares": SHARES,
        "cross_validated": figures,
        "weights": {
            name: round(float(value), 4)
            for name, value in zip(
                (*WEIGHTS, "intercept", "refuse_below"),
                (*both.weights, both.intercept, threshold),
                strict=True,
            )
        },
    }
    output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    json.dump({"weights": content["weights"], **figures}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
