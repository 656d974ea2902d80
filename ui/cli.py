"""The command line: `footnote`. Each command only calls what the other packages offer and prints it.

Imports stand inside the commands, so that `footnote --help` answers at once.
"""

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from index.errors import BadInput, FootnoteError

if TYPE_CHECKING:
    from index.folders import Report
    from rag.answer import Answer, RetrievedPassage

_NEAREST_SHOWN = 3


class _Commands(click.Group):
    """Shows a problem as one line on standard error and exits with 1; a closed pipe or Ctrl-C ends quietly."""

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):  # what a Windows code page lacks is escaped
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except FootnoteError as error:
            click.echo(f"footnote: {_one_line(str(error))}", err=True)
            ctx.exit(1)
        except BrokenPipeError:
            # Nobody reads on (`footnote list | head -1`); keep the interpreter from complaining at exit.
            sys.stdout = None
            ctx.exit(0)
        except OSError as error:
            place = f"{error.filename} cannot be used" if error.filename else "Reading or writing failed"
            advice = "check the name, your permission and the room on the disk."
            click.echo(f"footnote: {_one_line(f'{place} ({error.strerror or error}); {advice}')}", err=True)
            ctx.exit(1)


def _named(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value == "":  # --library "$UNSET" would put a library into the folder one happens to be in
        raise click.BadParameter("the name is empty; name a folder.")
    return value


def _secret(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():  # --password "$UNSET" would let everybody in
        raise click.BadParameter("it is empty.")
    return value


_library_option = click.option(
    "--library",
    metavar="DIR",
    callback=_named,
    envvar="FOOTNOTE_LIBRARY",
    help="The library's folder. Default: FOOTNOTE_LIBRARY, else a folder in your data directory.",
)
_document_option = click.option(
    "--document",
    "documents",
    metavar="ID",
    multiple=True,
    help="Look into this document alone, by the id that `footnote list` prints; may be given more than once.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--llm-url and --llm-model; the command gets them as `llm_url` and `llm_model`."""
    url = click.option(
        "--llm-url",
        metavar="URL",
        help="Let a language model at this OpenAI-compatible address write the answers; each sentence is checked."
        " Default: FOOTNOTE_LLM_URL, else answers are quoted. Its key: FOOTNOTE_LLM_KEY.",
    )
    name = click.option(
        "--llm-model",
        metavar="NAME",
        help="The language model's name there. Default: FOOTNOTE_LLM_MODEL, else the only one it lists.",
    )
    return url(name(command))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="footnote-rag", prog_name="footnote")
def main() -> None:
    """Answers questions from your own documents and footnotes every sentence to the exact words it rests on."""


@main.command()
@_library_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=7860, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--password",
    envvar="FOOTNOTE_PASSWORD",
    callback=_secret,
    help="Ask for it on a login page. Default: FOOTNOTE_PASSWORD, which other users of the machine don't see.",
)
@click.option(
    "--token",
    envvar="FOOTNOTE_TOKEN",
    callback=_secret,
    help="Ask programs for it, as Authorization: Bearer TOKEN. Default: FOOTNOTE_TOKEN. Where only one of the two is"
    " given, it serves both.",
)
@click.option("--open-to-everyone", is_flag=True, help="Let --host reach beyond this machine without either.")
@click.option(
    "--rate-limit",
    default=600,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="How many requests a minute to take from one address; 0 for any number.",
)
@_model_options
def serve(
    library: str | None,
    host: str,
    port: int,
    password: str | None,
    token: str | None,
    open_to_everyone: bool,
    rate_limit: int,
    llm_url: str | None,
    llm_model: str | None,
) -> None:
    """Browser chat at / and HTTP API at /v1, in one process."""
    from rag import Chatbot, Settings
    from ui.access import Secrets
    from ui.server import serve as run

    with Chatbot.open(library, settings=Settings(llm_url=llm_url, llm_model=llm_model)) as chatbot:
        run(
            chatbot,
            host=host,
            port=port,
            secrets=Secrets(password, token),
            open_to_everyone=open_to_everyone,
            requests_a_minute=rate_limit,
        )


@main.command()
@click.argument("question")
@_document_option
@_model_options
@_library_option
@_json_option
def ask(
    question: str,
    documents: Sequence[str],
    llm_url: str | None,
    llm_model: str | None,
    library: str | None,
    as_json: bool,
) -> None:
    """Prints one answer with its citations. QUESTION may be - for standard input."""
    from rag import Chatbot, Settings

    if question == "-":
        question = _standard_input()
    with Chatbot.open(library, settings=Settings(llm_url=llm_url, llm_model=llm_model)) as chatbot:
        answer = chatbot.ask(question, documents=documents or None)
    click.echo(_as_json(answer.to_dict()) if as_json else _answer_text(answer))


@main.command()
@click.argument("query")
@click.option("-k", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many passages.")
@_document_option
@_library_option
@_json_option
def search(query: str, k: int, documents: Sequence[str], library: str | None, as_json: bool) -> None:
    """Prints the passages that fit QUERY best, best first."""
    from dataclasses import asdict

    from rag import Chatbot

    if query == "-":
        query = _standard_input()
    with Chatbot.open(library) as chatbot:
        passages = chatbot.search(query, k=k, documents=documents or None)
    if as_json:
        click.echo(_as_json([asdict(passage) for passage in passages]))
    elif passages:
        click.echo("\n\n".join(_passage_text(passage) for passage in passages))
    else:
        click.echo("The library is empty; `footnote index PATH` adds files and folders.", err=True)


@main.command("index")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--prune", is_flag=True, help="Also let the documents of a missing or emptied folder leave.")
@click.option("--watch", is_flag=True, help="Go on, and index what changes in them as it changes, until Ctrl-C.")
@click.option("--reembed", is_flag=True, help="Embed every stored text anew, after a change of the embedder.")
@click.option("--rescue", is_flag=True, help="Save what can be read of a damaged library; `footnote doctor` says when.")
@_library_option
def index_command(
    paths: Sequence[Path], prune: bool, watch: bool, reembed: bool, rescue: bool, library: str | None
) -> None:
    """Adds or updates files and folders. What is unchanged costs nothing; what has gone from a folder leaves.

    A file .footnoteignore, in the syntax of .gitignore, names what is passed over in its folder.
    """
    from index import folders
    from rag.chatbot import open_library

    if not (paths or reembed or rescue) or (watch and not paths):
        raise click.UsageError("Name at least one file or folder.")
    try:
        if rescue or reembed:
            _embed_anew(library, rescue=rescue)
            if not paths:
                return
        with open_library(library) as opened:
            for due in folders.watch(paths) if watch else [paths]:
                with _progress("Indexing") as progress:
                    report = opened.update(due, prune=prune, progress=progress)
                _show_report(report, due)
    except KeyboardInterrupt:
        click.echo("footnote: Stopped; what was indexed is kept, and the same command goes on from there.", err=True)
        raise click.exceptions.Exit(0 if watch else 1) from None
    if report.problems:
        raise click.exceptions.Exit(1)


def _embed_anew(library: str | None, *, rescue: bool) -> None:
    from index import database
    from index.documents import printable
    from index.folders import expanded
    from index.library import Library, default_path

    folder = expanded(library) if library is not None else default_path()
    aside = database.rescue(folder) if rescue else None
    with Library.open(folder, create=False, any_embedder=True) as opened, _progress("Embedding") as progress:
        count = opened.reembed(progress=progress)
        roots = sorted({stored.source.root for stored in opened.files()})
    click.echo(f"{count} document{'' if count == 1 else 's'} embedded anew.")
    if aside:
        click.echo(f"What was damaged is in {printable(aside)}, for you to keep or delete.")
        folders = " ".join(printable(root) for root in roots) or "PATH"
        click.echo(f"Run `footnote index {folders}` to bring back what could not be read.")


def _show_report(report: "Report", paths: Sequence[Path]) -> None:
    from index.folders import absolute

    done = report.added or report.changed or report.unchanged or report.removed
    if done or any(os.path.lexists(absolute(path)) for path in paths):  # else there was nothing to count
        click.echo(
            f"{len(report.added)} added, {len(report.changed)} changed, {len(report.unchanged)} unchanged,"
            f" {len(report.removed)} removed"
            + (f", {report.skipped} of other kinds passed over" if report.skipped else "")
            + "."
        )
    for problem in report.problems:
        click.echo(f"footnote: {_one_line(problem)}", err=True)


@main.command("list")
@_library_option
@_json_option
def list_command(library: str | None, as_json: bool) -> None:
    """Prints what is in the library."""
    from dataclasses import asdict

    from index.documents import printable
    from rag.chatbot import open_library

    with open_library(library) as opened:
        documents = opened.documents()
    if as_json:
        click.echo(_as_json([asdict(document) for document in documents]))
        return
    for document in documents:
        click.echo(
            f"{printable(document.id)}\t{_one_line(document.title)}\t{document.characters:,} characters,"
            f" {document.passages:,} passages, added {document.added[:10]}"
        )
    if not documents:
        click.echo("The library is empty; `footnote index PATH` adds files and folders.", err=True)


@main.command()
@click.argument("documents", nargs=-1, required=True, metavar="DOCUMENT...")
@_library_option
def remove(documents: Sequence[str], library: str | None) -> None:
    """Takes documents out of the library, by the ids that `footnote list` prints."""
    from index.documents import printable
    from rag.chatbot import open_library

    with open_library(library) as opened:
        known = [document.id for document in opened.documents()]
        # `list` escapes what a terminal would obey, so an id with a newline may come as it was printed.
        ids = {printable(id): id for id in known} | {id: id for id in known}
        named = list(dict.fromkeys(ids.get(name, name) for name in documents))
        opened.remove(named)
    click.echo(f"{len(named)} removed.")


@main.command("eval")
@click.option(
    "--questions", type=click.Path(path_type=Path), help="A question set, JSON lines. Default: the built-in one."
)
@click.option("--documents", type=click.Path(path_type=Path), help="The folder its questions are about.")
@click.option("--output", type=click.Path(path_type=Path), help="Write settings, metrics and every row as JSON.")
@click.option("--report", type=click.Path(path_type=Path), help="Write a report with plots and misses as HTML.")
@click.option("--baseline", type=click.Path(path_type=Path), help="An earlier --output; prints what changed.")
@click.option("--limit", type=click.IntRange(1), help="Only so many questions.")
@click.option("--library", metavar="DIR", help="Keep the library here; it must be new or made by eval.")
@click.option(
    "--from-feedback",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Instead, write the questions whose answers got a thumbs-down as a question set; --library is the one they"
    " were asked of.",
)
def eval_command(from_feedback: Path | None, **options: Any) -> None:
    """Runs a question set and prints how good the answers are."""
    if from_feedback is not None:
        from eval.feedback import write_questions
        from rag.chatbot import open_library

        with open_library(options["library"]) as opened:
            count = write_questions(opened, from_feedback)
        click.echo(f"{count} questions written to {_one_line(str(from_feedback))}; fill in what the answers should be.")
        return
    from eval.run import evaluate

    click.echo(evaluate(questions_path=options.pop("questions"), **options).table())


@main.command()
@_model_options
@_library_option
def mcp(llm_url: str | None, llm_model: str | None, library: str | None) -> None:
    """Lets a program ask, search and read over standard input and output (Model Context Protocol)."""
    from rag import Chatbot, Settings
    from ui.mcp import build

    with Chatbot.open(library, settings=Settings(llm_url=llm_url, llm_model=llm_model)) as chatbot:
        build(chatbot).run("stdio")


@main.command()
@_model_options
@_library_option
def doctor(llm_url: str | None, llm_model: str | None, library: str | None) -> None:
    """Checks the library, the installation and the language model, if there is one, and says in plain words what is
    wrong and what to run."""
    from ui.doctor import examine

    findings = examine(library, llm_url=llm_url, llm_model=llm_model)
    for finding in findings:
        click.echo(f"{'fine ' if finding.fine else 'WRONG'}  {_one_line(finding.text)}")
    if not all(finding.fine for finding in findings):
        raise click.exceptions.Exit(1)


def _standard_input() -> str:
    if sys.stdin is None:  # closed, as with `<&-`
        return ""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise BadInput("Standard input is not text; pipe in a question as UTF-8 text.") from None


def _as_json(value: object) -> str:
    """Readable JSON in which what a terminal would obey is escaped."""
    text = json.dumps(value, ensure_ascii=getattr(sys.stdout, "encoding", None) != "utf-8", indent=2)
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def _one_line(text: str) -> str:
    from index.documents import printable

    return printable(" ".join(text.split()))


def _answer_text(answer: "Answer") -> str:
    if not answer.answered:
        nearest = [_passage_text(passage) for passage in answer.passages[:_NEAREST_SHOWN]]
        near = ["Nearest passages:", *nearest] if nearest else []
        return "\n\n".join([_printable_lines(answer.text), *_notes(answer), *near])
    quotes = [
        f"[{citation.marker}] {_one_line(citation.document)} — {_one_line(citation.title)}"
        + (f", page {citation.page}" if citation.page else "")
        + f"\n    “{_one_line(citation.quote)}”"
        for citation in answer.citations
    ]
    return "\n\n".join([_printable_lines(answer.text), *quotes, *_notes(answer)])


def _notes(answer: "Answer") -> list[str]:
    """What a person should know of how it was answered."""
    notes = list(answer.notes)
    for verdict, done in (("replaced", "replaced by the words of the source"), ("dropped", "left out")):
        count = sum(check.verdict == verdict for check in answer.checks)
        if count:
            sentences = "1 sentence was" if count == 1 else f"{count} sentences were"
            notes.append(f"{sentences} {done}: the sources don’t say {'it' if count == 1 else 'them'}.")
    return [f"({_one_line(' '.join(notes))})"] if notes else []


def _passage_text(passage: "RetrievedPassage") -> str:
    place = f"{_one_line(passage.document)} {passage.start}-{passage.end} ({passage.score:.2f})"
    return f"{place}\n    {_one_line(passage.text)}"


def _printable_lines(text: str) -> str:
    return "\n".join(_one_line(line) for line in text.split("\n"))


class _progress:  # noqa: N801 - used like a function
    """A progress bar on standard error where that is a terminal, else nothing."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Any = None

    def __enter__(self) -> Callable[[int, int, str], None]:
        return self._advance

    def _advance(self, done: int, total: int, name: str) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=self._label, unit="file", disable=not sys.stderr.isatty(), leave=False)
        self._bar.set_postfix_str(name[:40], refresh=False)
        self._bar.update(done - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
