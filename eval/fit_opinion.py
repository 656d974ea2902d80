"""Fits how much a small language model's yes or no counts: `python -m eval.fit_opinion ROWS.jsonl --llm-url URL`.

A logistic regression of "answerable" on three numbers, the log-odds by the ranking alone and those of the model's "yes"
to either question of rag/opinion.py, over development questions of the sets that the reader was not trained on. The
model is asked both for each; its replies are appended to the file, and without --llm-url only fitted to again.
Cross-validated by question, repeatedly; the threshold is the one with the best mean balanced accuracy on what was left
out.
"""

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from eval.bench_llm import rows
from eval.fit import DECIDING, FOLDS, choose_threshold, rates, sets
from eval.logistic import importance, regression
from eval.metrics import auroc
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
    "built-in": 200,
    "own words": 110,
    "articles": 80,
    "elsewhere": 110,
    "pairs": 20,
    "clapnq": 80,
    "mtrag": 8,
}
"""So many questions of each set, or library, are asked."""

RIDGE = 1e-3

REPEATS = 10
"""So many partings into folds are averaged: with one alone, of twenty, the threshold came out from .80 to .87."""


def asked(model: Model, bench: Path, done: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """A row for each question that was not asked yet and may be answered."""
    for name, library, questions in sets(bench):
        if name not in SHARES:
            continue
        for question in random.Random(1).sample(questions, min(MOST[name], len(questions))):
            if (name, question.id) in done:
                continue
            searched = standalone(question.question, question.history[-HISTORY_TURNS:])
            retrieved = retrieve(library, searched)
            if not retrieved.sentences or retrieved.answerable < UNLIKELY or not tells(retrieved.sentences[0][0].text):
                continue
            quotes = choose(retrieved, library, question.question)
            both = asking(searched.text, quotes, retrieved.sentences[0][0], library)
            said = ["".join(model.yes_or_no(messages, seconds=120.0)) for messages in both]
            yield {
                "set": name,
                "id": question.id,
                "answerable": question.answerable,
                "ranking": retrieved.answerable,
                "said": said,
                "model": Path(model.name).name,
            }


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
    replied = [(row, odds) for row in rows(path) if (odds := told(row["said"])) is not None]
    names = np.array([row["set"] for row, _ in replied])
    right = np.array([row["answerable"] for row, _ in replied], dtype=bool)
    table = np.array([signals(row["ranking"], odds) for row, odds in replied])
    weighed = importance([row["set"] for row, _ in replied], SHARES)
    sure = np.zeros(len(replied))
    for repeat in range(REPEATS):
        fold = np.random.default_rng(repeat).permutation(len(replied)) % FOLDS
        for number in range(FOLDS):
            kept = fold != number
            left_out = regression(table[kept], right[kept], weighed[kept], ridge=RIDGE).log_odds(table[~kept])
            sure[~kept] += 1 / (1 + np.exp(-left_out)) / REPEATS
    threshold = choose_threshold(names, right, sure, deciding=[name for name in DECIDING if name in SHARES])
    both = regression(table, right, weighed, ridge=RIDGE)
    figures: dict[str, Any] = {}
    for name in SHARES:
        of = names == name
        figures[name] = {
            "questions": int(of.sum()),
            **{
                f"answerable_auroc{by}": round(auroc(values[of], right[of].astype(float)), 4)
                for by, values in (
                    ("_ranking", table[:, 0]),
                    ("_states", table[:, 1]),
                    ("_suggested", table[:, 2]),
                    ("", sure),
                )
            },
            "answered_and_refused": rates(right[of], sure[of], threshold),
        }
    content = {
        "made_by": "eval/fit_opinion.py",
        "made_on": datetime.now(UTC).date().isoformat(),
        "model": sorted({row["model"] for row, _ in replied}),
        "data": "development questions that the ranking finds answerable with a probability of at least "
        f"{UNLIKELY} and whose likeliest sentence is no row of a table, each set by its share; squad2, which the "
        "reader has seen, is none of them",
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
