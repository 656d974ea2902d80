"""Whether the figures hold: `python -m eval.gate` prints them beside their floors and fails where one is not met.

The shipped sets of questions always; samples of the public sets where FOOTNOTE_BENCH names their folder. With --whole
these sets whole, and nothing else: `make bench`, some ten minutes.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from eval import questions
from eval.metrics import Judgement, figures
from eval.questions import Question
from eval.run import BUILTIN, run, share
from index import documents
from index.documents import Document
from index.errors import FootnoteError
from index.library import Library
from rag.chatbot import Chatbot

SHOWN = (
    "evidence@5",
    "right",
    "cited",
    "citation_precision",
    "answered",
    "refusal_recall",
    "balanced_accuracy",
    "ece",
    "auroc",
    "markers_match",
    "offsets_exact",
)
"""The figures shown of every set, floor or not."""

SHIPPED = (BUILTIN, "own words", "articles", "elsewhere", "tables")
MEDIAN = "median"
NOT_MET = "NOT MET"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a public set that is small enough for a gate.

    file        the questions, below the folder of the sets; their documents are in `docs` beside it
    size        so many of them are asked, chosen by the hash of the id; None for all
    documents   those that hold the evidence, and as many others, chosen likewise, as make up this number; None for all
    """

    name: str
    file: str
    size: int | None
    documents: int | None = None

    def read(self, bench: Path) -> tuple[list[Question], list[Document]]:
        """The questions asked and the documents they are asked about. Raises BadInput."""
        asked, every = questions.load_with_documents(bench / self.file)
        asked = questions.sample(asked, self.size)
        if self.documents is None:
            return asked, every
        needed = {span.document for question in asked for span in question.evidence}
        room = max(0, self.documents - len(needed))
        others = questions.sample([one for one in every if one.id not in needed], room)
        return asked, [one for one in every if one.id in needed] + others


PARTS = (
    Part("squad2", "squad2/questions.quick.jsonl", 200),
    Part("clapnq", "clapnq/questions.jsonl", 80),
    Part("mtrag", "mtrag/clapnq/questions.quick.jsonl", 20, 100),
    Part("mtrag", "mtrag/cloud/questions.quick.jsonl", 20, 100),
    Part("mtrag", "mtrag/fiqa/questions.quick.jsonl", 20, 100),
    Part("mtrag", "mtrag/govt/questions.quick.jsonl", 20, 100),
)
"""Parts of one name are asked of a library each and measured together."""

WHOLE = (
    Part("squad2/all", "squad2/questions.jsonl", None),
    Part("clapnq/all", "clapnq/questions.jsonl", None),
    *(Part("mtrag/all", f"mtrag/{library}/questions.jsonl", None) for library in ("clapnq", "cloud", "fiqa", "govt")),
)
"""The public sets whole."""


@dataclass(frozen=True, slots=True)
class Floor:
    """A figure of a set that must be at least or at most so much; of a spread, its median.

    half, kind   the questions that count; None for all
    """

    set: str
    figure: str
    least: float | None = None
    most: float | None = None
    half: str | None = None
    kind: str | None = None

    def counts(self, judgement: Judgement) -> bool:
        return self.half in (None, judgement.half) and self.kind in (None, judgement.kind)

    def holds(self, value: float) -> bool:
        """Never for NaN."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        least = [] if self.least is None else [f"at least {share(self.least)}"]
        return " and ".join(least if self.most is None else [*least, f"at most {self.most:g}"])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: a figure of a set, and its floor where it has one."""

    set: str
    figure: str
    value: float
    interval: str
    floor: Floor | None = None

    @property
    def verdict(self) -> str:
        if self.floor is None:
            return ""
        return "holds" if self.floor.holds(self.value) else NOT_MET


def floors() -> list[Floor]:
    """The floors of `floors.json`."""
    text = (resources.files("eval") / "floors.json").read_text(encoding="utf-8")
    return [Floor(**line) for line in json.loads(text)]


def lines(name: str, judgements: Sequence[Judgement], every_floor: Iterable[Floor]) -> list[Line]:
    """The figures of a set: those with floors first, then the others worth showing."""
    found = []
    of_set = [floor for floor in every_floor if floor.set == name]
    for floor in of_set:
        value, interval = _read(figures([one for one in judgements if floor.counts(one)]).get(floor.figure))
        found.append(Line(name, floor.figure, value, interval, floor))
    overall = figures(judgements)
    for figure in SHOWN:
        if figure in overall and not any(floor.figure == figure and floor.half is None for floor in of_set):
            found.append(Line(name, figure, *_read(overall[figure])))
    return found


HEAD = f"{'set':<11}{'questions':<14}{'figure':<20}{'value':>6}  {'95 % interval':<15}{'floor':<15}"


def row(line: Line) -> str:
    """A line of the table as text, in the columns of HEAD."""
    which = " ".join(part for part in (line.floor.half, line.floor.kind) if part) if line.floor else ""
    shown = f"{line.value:g}" if line.interval == MEDIAN else f"{line.value:.3f}"  # .846 is not .85
    floor = str(line.floor) if line.floor else ""
    figure = f"{line.set:<11}{which or 'all':<14}{line.figure:<20}{shown:>6}  {line.interval:<15}"
    return f"{figure}{floor:<15}{line.verdict}".rstrip()


def measure(asked: Sequence[Question], about: Iterable[Document]) -> Sequence[Judgement]:
    """Asks the questions of a library made of these documents alone."""
    with (
        tempfile.TemporaryDirectory(prefix="footnote-gate-") as folder,
        Library.open(Path(folder) / "library") as library,
    ):
        library.add(about)
        return run(asked, Chatbot.open(library)).judgements


def shipped(name: str) -> tuple[Sequence[Question], Iterable[Document]]:
    """The questions of one of SHIPPED and the documents they are asked about."""
    match name:
        case "built-in":
            return questions.builtin(), documents.builtin()
        case "own words":
            return questions.builtin("own-words"), documents.builtin()
        case "articles":
            return questions.builtin("articles"), documents.builtin()
        case "elsewhere":
            return questions.invented("elsewhere")
    return questions.invented("tables")


def main(whole: bool = False) -> int:
    """Prints the table set by set; 0 where every floor that could be measured holds, else 1. `whole`: of the public
    sets, whole."""
    bench = os.environ.get("FOOTNOTE_BENCH")
    every_floor = floors()
    missed = 0
    started = time.perf_counter()
    print(HEAD)
    try:
        every_part = WHOLE if whole else PARTS
        shipped_sets = () if whole else SHIPPED
        for name in dict.fromkeys((*shipped_sets, *(part.name for part in every_part))):
            parts = [part for part in every_part if part.name == name]
            if name in SHIPPED:
                judgements = list(measure(*shipped(name)))
            elif bench is not None and all((Path(bench) / part.file).is_file() for part in parts):
                judgements = [one for part in parts for one in measure(*part.read(Path(bench)))]
            else:
                print(f"{name:<11}SKIPPED: not in the folder that FOOTNOTE_BENCH names")
                continue
            for line in lines(name, judgements, every_floor):
                print(row(line), flush=True)
                missed += line.verdict == NOT_MET
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{missed} floors not met; {time.perf_counter() - started:.0f} s")
    return 1 if missed else 0


def _read(figure: Any) -> tuple[float, str]:
    """The value of a figure and its interval, as text; NaN where there is none."""
    match figure:
        case {"value": float(value), "low": low, "high": high}:
            return value, f"{share(low)} to {share(high)}"
        case {"p50": float(median)}:
            return median, MEDIAN
    return float("nan"), ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m eval.gate", description=__doc__.partition("\n")[0])
    parser.add_argument("--whole", action="store_true", help="the public sets whole, and nothing else")
    sys.exit(main(parser.parse_args().whole))
