"""Whether a question of a conversation finds its evidence: `python -m eval.followups --libraries DIR` measures it.

The figure is evidence@5 of the answerable turns of mtrag, its four libraries in full.

Three ways to search are compared: by the last turn as it was typed, by what Footnote makes of the conversation, and by
the rewrite that a person, or a large model, made of it (`meta.official_llm_rewrite`).
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import numpy as np

from eval.metrics import LEVEL, RESAMPLES, SEED, evidence_found
from eval.questions import Question, load
from eval.run import open_library, share
from index.documents import printable
from index.errors import BadInput, FootnoteError
from index.library import Found, Library
from rag.chatbot import HISTORY_TURNS
from rag.followup import Standalone, standalone
from rag.retrieve import retrieve

LIBRARIES = ("clapnq", "cloud", "fiqa", "govt")
FORMS = ("last turn", "conversation", "rewrite")


def found(library: Library, question: Question) -> tuple[bool, bool, bool]:
    """Whether the evidence is among the first five passages, searched for in each of FORMS."""
    rewrite = question.meta.get("official_llm_rewrite") or question.question
    return (
        _holds(library.search(question.question), question),
        _holds(retrieve(library, asked(question)).passages, question),
        _holds(library.search(rewrite), question),
    )


def asked(question: Question) -> Standalone:
    """The question as the chatbot searches for it."""
    return standalone(question.question, question.history[-HISTORY_TURNS:])


def _holds(passages: Iterable[Found], question: Question) -> bool:
    rows = [{"document": one.document, "start": one.start, "end": one.end, "text": one.text} for one in passages]
    return evidence_found(rows, question.evidence)


def row(name: str, outcomes: Sequence[Sequence[bool]]) -> str:
    """A line of the table: how many questions, and for each of FORMS the share found with its 95 % interval."""
    if not outcomes:
        return f"{name:<14}{0:>9}"
    table = np.array(outcomes, dtype=np.float64)
    drawn = np.random.default_rng(SEED).integers(0, len(table), (RESAMPLES, len(table)))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(table[drawn].mean(axis=1), [tail, 1 - tail], axis=0)
    shares = [
        f"{f'{value:.3f} [{share(least)}, {share(most)}]':<20}"
        for value, least, most in zip(table.mean(axis=0), low, high, strict=True)
    ]
    return f"{name:<14}{len(table):>9}  {''.join(shares)}".rstrip()


@click.command()
@click.option("--bench", type=click.Path(path_type=Path, exists=True), envvar="FOOTNOTE_BENCH", required=True)
@click.option("--libraries", type=click.Path(path_type=Path), required=True, help="Where to index them, once.")
def main(bench: Path, libraries: Path) -> None:
    """Prints the table, library by library, then all of them and those turns that lean on what was said before."""
    click.echo(f"{'library':<14}{'questions':>9}  {''.join(f'{form:<20}' for form in FORMS)}".rstrip())
    every: list[tuple[bool, bool, bool]] = []
    leaning: list[tuple[bool, bool, bool]] = []
    try:
        for name in LIBRARIES:
            folder = bench / "mtrag" / name
            if not (folder / "docs").is_dir():
                raise BadInput(f"There is no folder {printable(folder / 'docs')}; name the one that holds mtrag.")
            outcomes = []
            with open_library(libraries / name, folder / "docs") as library:
                documents = [library.document(info.id) for info in library.documents()]
                for question in load(folder / "questions.jsonl", documents):
                    if question.answerable and question.evidence:
                        outcomes.append(found(library, question))
                        if asked(question).text != question.question:
                            leaning.append(outcomes[-1])
            click.echo(row(name, outcomes))
            every += outcomes
        click.echo(row("all", every))
        click.echo(row("leaning", leaning))
    except FootnoteError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
