"""Asks every question of a set and measures the answers."""

import contextlib
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import click

from eval.metrics import DEFINITIONS, Judgement, figures, judge
from eval.questions import Question, load, sample
from index.documents import printable
from index.errors import BadInput, LibraryProblem
from index.folders import Progress
from index.library import Library
from rag.chatbot import Chatbot
from rag.settings import Settings

BUILTIN = "built-in"
"""What settings call the questions and the articles that are shipped."""

MARKER_FILE = "eval.json"
"""Stands in a library that an evaluation made, and names the folder that was indexed into it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A question whose answer is another than in an earlier run. Outcomes are those of `outcome`."""

    question: Question
    before: str
    now: str
    text_before: str
    text_now: str

    @property
    def better(self) -> bool | None:
        """Whether it turned right or wrong; None where only the words changed or that cannot be told."""
        was, is_now = _GOOD.get(self.before), _GOOD.get(self.now)
        return None if was is None or was == is_now else is_now


@dataclass(frozen=True, slots=True)
class Result:
    """A run: the questions, and for each in the same order its answer and its judgement.

    settings   what was run, on what, when; ready for JSON
    answers    each the `Answer` of the contract as a dictionary
    metrics    `overall`, and `kind`, `category`, `half` by name: each the figures of `eval.metrics.figures`
    changes    what differs from the baseline; None where there was none
    """

    settings: Mapping[str, Any]
    questions: Sequence[Question]
    answers: Sequence[Mapping[str, Any]]
    judgements: Sequence[Judgement]
    metrics: Mapping[str, Any]
    changes: Sequence[Change] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The eval output of the contract: settings, metrics, rows."""
        rows = [
            {"id": judgement.id, "kind": judgement.kind, "answer": answer, "ms": round(judgement.milliseconds, 2)}
            for judgement, answer in zip(self.judgements, self.answers, strict=True)
        ]
        return {"settings": self.settings, "metrics": self.metrics, "rows": rows}

    def table(self) -> str:
        """The figures as a table for a terminal and, after a baseline, what changed."""
        parts = [_overall(self.metrics["overall"]), *(_groups(name, self.metrics[name]) for name in GROUPS)]
        if self.changes is not None:
            parts.append(_changed(self.changes, len(self.questions)))
        return "\n\n".join(part for part in parts if part)


GROUPS = ("kind", "category", "half")


def evaluate(
    *,
    questions_path: str | Path | None = None,
    documents: str | Path | None = None,
    library: str | Path | None = None,
    output: str | Path | None = None,
    report: str | Path | None = None,
    limit: int | None = None,
    baseline: str | Path | None = None,
    settings: Settings | None = None,
) -> Result:
    """Runs a question set and returns what it came to.

    questions_path   a file of the shared format; without it the questions that are shipped
    documents        the folder the questions are about; without it the articles that are shipped
    library          where to index them: a new folder, or one an earlier evaluation of the same documents made; without
                     it a temporary one
    output, report   files to write: the run as JSON, and as a page for the browser
    limit            ask so many questions only: a fixed sample of the set
    baseline         the JSON of an earlier run, to compare with

    Progress goes to standard error. Raises BadInput for a file, folder or number that cannot be used, before any
    question is asked, and LibraryProblem for a library that is not the evaluation's own.
    """
    if limit is not None and limit < 1:
        raise BadInput(f"The limit is {limit}; ask for 1 question or more.")
    if documents is not None and questions_path is None:
        raise BadInput("These documents need questions: name a file of them with --questions FILE.")
    if documents is not None and not Path(documents).is_dir():
        raise BadInput(f"There is no folder {printable(documents)}; name the folder that holds the documents.")
    if questions_path is not None and not Path(questions_path).is_file():
        raise BadInput(f"There is no question file {printable(questions_path)}; check the name.")
    for path in (output, report):
        if path is not None:
            _check_writable(Path(path))
    earlier = None if baseline is None else read_baseline(baseline)
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        if library is None:
            library = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="footnote-eval-"))) / "library"
        opened = stack.enter_context(open_library(library, documents))
        with _question_file(questions_path) as path:
            every = load(path, [opened.document(info.id) for info in opened.documents()])
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        chatbot = Chatbot.open(opened, settings=settings)
        answered = run(sample(every, limit), chatbot)
        described: dict[str, Any] = {
            "questions": BUILTIN if questions_path is None else str(questions_path),
            "questions_sha256": digest,
            "documents": BUILTIN if documents is None else str(documents),
            "limit": limit,
            "answering": {name: value for name, value in asdict(settings or Settings()).items() if "key" not in name},
            "model": answered.answers[0]["model"],
            "embedder": opened.embedder.name,
            "embedder_identity": opened.embedder.identity,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - started, 1),
            "machine": machine(),
        }
        texts = {info.id: opened.document(info.id).text for info in opened.documents()}
    changes = None if earlier is None else compare(answered, earlier, texts)
    result = Result(
        settings=described,
        questions=answered.questions,
        answers=answered.answers,
        judgements=answered.judgements,
        metrics=answered.metrics,
        changes=changes,
    )
    if output is not None:
        _write(Path(output), json.dumps(result.to_dict(), ensure_ascii=False, indent=1) + "\n")
    if report is not None:
        from eval.report import render

        _write(Path(report), render(result))
    return result


def run(questions: Sequence[Question], chatbot: Chatbot, *, progress: bool = True) -> Result:
    """Asks the questions in order, each with the history of its set, and judges the answers."""
    texts: dict[str, str] = {}
    answers, judgements = [], []
    with _bar("Asking", shown=progress) as shown:
        for number, question in enumerate(questions):
            shown(number, len(questions), question.id)
            started = time.perf_counter()
            try:
                answer = chatbot.ask(question.question, history=question.history)
            except BadInput as error:
                raise BadInput(f"The question {question.id} cannot be asked: {error}") from None
            milliseconds = (time.perf_counter() - started) * 1000
            answers.append(answer.to_dict())
            cited = {citation.document for citation in answer.citations}
            found = {passage.document for passage in answer.passages}
            for document in (cited | found) - texts.keys():
                texts[document] = chatbot.document(document).text
            judgements.append(judge(question, answers[-1], texts, milliseconds=milliseconds))
        shown(len(questions), len(questions), "")
    return Result(
        settings={"machine": machine()},
        questions=questions,
        answers=answers,
        judgements=judgements,
        metrics=grouped(judgements),
    )


def grouped(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """The figures of all judgements and of each kind, category and half."""
    metrics: dict[str, Any] = {"overall": figures(judgements)}
    for group in GROUPS:
        names = dict.fromkeys(getattr(one, group) for one in judgements)
        metrics[group] = {
            name: figures([one for one in judgements if getattr(one, group) == name])
            for name in names
            if name is not None
        }
    return metrics


@contextlib.contextmanager
def open_library(path: str | Path, documents: str | Path | None) -> Iterator[Library]:
    """Opens the library `path` with the folder `documents` (None: the shipped articles) indexed into it.

    A folder that is not there or is empty becomes a library of the evaluation's own, marked by a file that names the
    documents. Raises LibraryProblem for any other, so that no one's library is changed by a measurement, and BadInput
    where no document could be read.
    """
    folder = Path(path).expanduser().absolute()
    source = BUILTIN if documents is None else str(Path(documents).expanduser().resolve())
    marker = folder / MARKER_FILE
    if not _is_new(folder):
        try:
            made_from = json.loads(marker.read_text(encoding="utf-8"))["documents"]
        except (OSError, ValueError, KeyError, TypeError):
            raise LibraryProblem(
                f"{printable(folder)} was not made by an evaluation, so none may index into it; name a new folder."
            ) from None
        if made_from != source:
            raise LibraryProblem(
                f"The library {printable(folder)} was made from other documents ({printable(made_from)});"
                " name a new folder for these."
            )
    with Library.open(folder) as library:
        try:
            marker.write_text(json.dumps({"documents": source}) + "\n", encoding="utf-8")
        except OSError as error:
            raise LibraryProblem(f"{printable(marker)} cannot be written ({error.strerror or error}).") from None
        if documents is None:
            library.add_builtin()
        else:
            with _bar("Indexing") as shown:
                report = library.update([documents], prune=True, progress=shown)
            for problem in report.problems:
                click.echo(problem, err=True)
            if not library.documents():
                raise BadInput(f"{printable(documents)} holds no document that can be read; name another folder.")
        yield library


def read_baseline(path: str | Path) -> dict[str, Mapping[str, Any]]:
    """The answers of an earlier run's JSON by the id of their question. Raises BadInput for any other file."""
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))["rows"]
        answers = {row["id"]: row["answer"] for row in rows}
        if any(_ANSWER_FIELDS - answer.keys() for answer in answers.values()):
            raise KeyError("answer")
    except OSError as error:
        raise BadInput(f"The baseline {printable(path)} cannot be read ({error.strerror or error}).") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(
            f"The baseline {printable(path)} is not the output of an evaluation; make one with --output FILE."
        ) from None
    return answers


_ANSWER_FIELDS = {"answered", "text", "confidence", "citations", "passages"}


def compare(result: Result, earlier: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]) -> list[Change]:
    """The questions whose outcome or words are others than in an earlier run, in the order of the set."""
    changes = []
    for question, answer, judgement in zip(result.questions, result.answers, result.judgements, strict=True):
        before = earlier.get(question.id)
        if before is None:
            changes.append(Change(question, "not asked", outcome(judgement), "", answer["text"]))
            continue
        was, now = outcome(judge(question, before, texts, milliseconds=0)), outcome(judgement)
        if was != now or before["text"] != answer["text"]:
            changes.append(Change(question, was, now, before["text"], answer["text"]))
    return changes


def outcome(judgement: Judgement) -> str:
    """What became of a question, in a few words."""
    if not judgement.answered:
        return "refused, wrongly" if judgement.answerable else "refused, rightly"
    if judgement.right is None:
        return "answered"
    if not judgement.answerable:
        return "answered, though the documents don't"
    return "answered right" if judgement.right else "answered wrong"


_GOOD = {
    "refused, rightly": True,
    "answered right": True,
    "refused, wrongly": False,
    "answered, though the documents don't": False,
    "answered wrong": False,
}


def machine() -> dict[str, Any]:
    """The machine that times were measured on."""
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "platform": platform.platform()}


def _is_new(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except FileNotFoundError:
        return True
    except OSError as error:
        raise LibraryProblem(f"The library {printable(folder)} cannot be opened ({error.strerror or error}).") from None


@contextlib.contextmanager
def _question_file(path: str | Path | None) -> Iterator[Path]:
    if path is not None:
        yield Path(path)
    else:
        with resources.as_file(resources.files("eval") / "questions" / "builtin.jsonl") as shipped:
            yield shipped


def _check_writable(path: Path) -> None:
    """So that a run of minutes does not end in an error."""
    try:
        new = not path.exists()
        with path.open("a", encoding="utf-8"):
            pass
        if new:
            path.unlink()
    except OSError as error:
        raise BadInput(f"{printable(path)} cannot be written ({error.strerror or error}).") from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{printable(path)} cannot be written ({error.strerror or error}).") from None


@contextlib.contextmanager
def _bar(label: str, *, shown: bool = True) -> Iterator[Progress]:
    """A progress bar on standard error; nothing where that is no terminal."""
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=not (shown and sys.stderr.isatty())) as bar:

        def advance(done: int, total: int, _name: str) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield advance


# The table ----------------------------------------------------------------------------------------------------------

_COLUMNS = {
    "answered": "answered",
    "right": "right",
    "cited": "cited",
    "evidence@5": "evidence@5",
    "refusal_recall": "refused",
    "balanced_accuracy": "balanced",
    "right_when_answered": "of given",
}
"""The figures of the tables by group, and how they are headed there."""


def share(value: float) -> str:
    """A share as tables show it: two decimals, without the nought."""
    shown = f"{value:.2f}"
    return shown[1:] if shown.startswith("0") else shown


def _overall(metrics: Mapping[str, Any]) -> str:
    lines = [f"{metrics['questions']} questions, {metrics['answerable']} of them answerable", ""]
    lines.append(f"{'':<30}{'':>7}  {'95 % interval':<15}{'of':>7}")
    for name in DEFINITIONS:
        match metrics.get(name):
            case {"value": value, "low": low, "high": high, "of": of}:
                lines.append(f"{name:<30}{share(value):>7}  {f'{share(low)} to {share(high)}':<15}{of:>7}")
            case {"p50": median, "p95": high}:
                lines.append(f"{name:<30}{median:>7g}  median; 95 % are at most {high:g}")
    return "\n".join(lines)


def _groups(group: str, metrics: Mapping[str, Mapping[str, Any]]) -> str:
    if not metrics:
        return ""
    width = max(24, *(len(name) + 2 for name in metrics))
    lines = [f"by {group}".ljust(width) + f"{'questions':>10}" + "".join(f"{head:>12}" for head in _COLUMNS.values())]
    for name, these in metrics.items():
        cells = (share(these[figure]["value"]) if figure in these else "" for figure in _COLUMNS)
        lines.append(name.ljust(width) + f"{these['questions']:>10}" + "".join(f"{cell:>12}" for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def _changed(changes: Sequence[Change], total: int) -> str:
    lines = []
    for better, sign, meaning in ((True, "+", "better"), (False, "-", "worse"), (None, "~", "otherwise changed")):
        those = [change for change in changes if change.better is better]
        lines.append(f"{len(those)} {meaning}")
        for change in those:
            lines.append(f"  {sign} {change.question.id}: {change.question.question}")
            lines.append(f"      {change.before}: {change.text_before}")
            lines.append(f"      {change.now}: {change.text_now}")
    lines.append(f"{total - len(changes)} as before")
    return "\n".join(lines)
