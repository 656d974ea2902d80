import json
import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scripted import saying, serving

from index.database import DATABASE
from index.library import Library
from ui.cli import main

ROOT = Path(__file__).parents[1]
TRADE = "By what percentage did trade grow from January to August 2024?"
KAZAN = "What is the population of Kazan?"
COMMAND = [sys.executable, "-c", "import sys; sys.argv[0] = 'footnote'; from ui.cli import main; main()"]
HEAVY = {"torch", "transformers", "gradio", "llama_index", "sentence_transformers", "faiss", "onnxruntime", "numpy"}
HELP_SECONDS = 0.5
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def footnote(*arguments: str | Path, stdin: str | None = None) -> Result:
    """The command line in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def process(
    *arguments: str | Path | bytes,
    before: list[str] | None = None,
    stdin: bytes = b"",
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """The command line as a process of its own."""
    return subprocess.run(
        [*(before or []), *COMMAND, *arguments],
        input=stdin,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])} | (environment or {}),
        capture_output=True,
        check=False,
    )


def problem(result: Result) -> str:
    """The one line that a failed command says on standard error."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("footnote: ")
    assert result.stderr.count("\n") == 1
    assert not CONTROL.search(result.stderr)
    assert result.stderr.endswith(".\n")
    return result.stderr


@pytest.fixture(scope="module")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of the built-in articles, to be read only."""
    folder = tmp_path_factory.mktemp("cli") / "library"
    with Library.open(folder) as library:
        library.add_builtin()
    return folder


@pytest.fixture
def library(builtin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of the built-in articles of one's own, which FOOTNOTE_LIBRARY names."""
    folder = Path(shutil.copytree(builtin, tmp_path / "library"))
    monkeypatch.setenv("FOOTNOTE_LIBRARY", str(folder))
    return folder


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "birds").mkdir(parents=True)
    (folder / "birds" / "heron.txt").write_text("The heron eats fish and frogs.\n", encoding="utf-8")
    (folder / "owl.md").write_text("# The owl\n\nThe owl hunts mice at night.\n", encoding="utf-8")
    return folder


def ids(folder: Path) -> set[str]:
    with Library.open(folder, create=False) as library:
        return {document.id for document in library.documents()}


BUILTIN = {"china-russia-axis.txt", "xi-visits-kazan.txt"}


# Asking -----------------------------------------------------------------------------------------------------------


def test_an_answer_is_printed_with_document_title_and_quote(builtin: Path) -> None:
    result = footnote("ask", TRADE, "--library", builtin)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    answer, place, quote = re.split(r"\n+", result.stdout.strip())
    sentence = (
        "According to Russian data, the trade volume between Russia and China increased by 4.5% from January to August"
        " 2024."
    )
    assert answer == f"{sentence} [1]"
    assert place.startswith("[1] xi-visits-kazan.txt — Xi’s Visit to Russia for Meeting with Putin")
    assert quote == f"    “{sentence}”"


def test_an_answer_as_json(builtin: Path) -> None:
    result = footnote("ask", TRADE, "--json", "--library", builtin)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert set(answer) == {
        *("question", "standalone_question", "answered", "text", "confidence", "citations", "passages", "model"),
        *("timings", "answerable", "checks", "notes"),
    }
    assert answer["answered"] is True
    assert "4.5%" in answer["citations"][0]["quote"]


def test_a_language_model_writes_and_what_became_of_its_sentences_is_told(builtin: Path) -> None:
    said = "According to Russian data, trade between Russia and China grew by 4.5% [1]. Kazan has 2 million people."
    with serving(saying(said)) as server:
        result = footnote("ask", TRADE, "--llm-url", server.url, "--llm-model", "tiny", "--library", builtin)
        asked = footnote("ask", TRADE, "--llm-url", server.url, "--json", "--library", builtin)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("According to Russian data, trade between Russia and China grew by 4.5%. [1]\n")
    assert result.stdout.endswith("(1 sentence was left out: the sources don’t say it.)\n")
    answer = json.loads(asked.stdout)
    assert answer["model"] == "tiny"
    assert [check["verdict"] for check in answer["checks"]] == ["supported", "dropped"]


def test_a_language_model_that_is_not_there_is_quoted_instead(builtin: Path) -> None:
    result = footnote("ask", TRADE, "--llm-url", "http://127.0.0.1:9", "--library", builtin)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("According to Russian data")
    assert "(No language model answers at http://127.0.0.1:9/v1; start its server" in result.stdout
    assert "address" in problem(footnote("ask", TRADE, "--llm-url", "localhost", "--library", builtin))


def test_one_document_alone_is_asked_and_searched(builtin: Path) -> None:
    for command in ("ask", "search"):
        result = footnote(command, TRADE, "--document", "china-russia-axis.txt", "--json", "--library", builtin)
        found = json.loads(result.stdout)
        passages = found["passages"] if command == "ask" else found
        assert {passage["document"] for passage in passages} == {"china-russia-axis.txt"}
        assert "nope" in problem(footnote(command, TRADE, "--document", "nope", "--library", builtin))


def test_a_refusal_is_an_answer_and_shows_the_nearest_passages(builtin: Path) -> None:
    result = footnote("ask", KAZAN, "--library", builtin)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("The documents don’t say.\n\nNearest passages:\n\n")
    assert len(re.findall(r"^[\w-]+\.txt \d+-\d+ \(\d\.\d\d\)$", result.stdout, re.MULTILINE)) == 3
    assert "[1]" not in result.stdout


@pytest.mark.parametrize("stdin", [TRADE, f"\n  {TRADE}\r\n\n"])
def test_a_question_from_standard_input(builtin: Path, stdin: str) -> None:
    result = footnote("ask", "-", "--json", "--library", builtin, stdin=stdin)
    assert json.loads(result.stdout)["question"] == TRADE


def test_a_search_prints_passages(builtin: Path) -> None:
    result = footnote("search", "trade volume", "-k", "3", "--library", builtin)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.strip().split("\n\n")) == 3
    found = json.loads(footnote("search", "trade volume", "-k", "3", "--json", "--library", builtin).stdout)
    assert len(found) == 3
    assert {tuple(one) for one in found} == {("document", "start", "end", "text", "score", "matched")}


QUESTIONS = {
    "empty": ("", "empty"),
    "blank": (" \t\n ", "empty"),
    "long": ("x" * 100_000, "100,000 characters"),
    "NUL": ("who\0", "NUL"),
}


def test_a_search_in_an_empty_library_says_so(tmp_path: Path) -> None:
    Library.open(tmp_path).close()
    result = footnote("search", "owls", "--library", tmp_path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`footnote index PATH`" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such file names")
def test_a_library_in_a_folder_of_an_odd_name_is_made_without_a_word_for_the_terminal(tmp_path: Path) -> None:
    result = footnote("list", "--library", tmp_path / "red\x1b[31m")
    assert result.exit_code == 0
    assert not CONTROL.search(result.stderr)


def test_a_damaged_library_is_rescued(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "owl.txt").write_text("The owl sleeps by day.")
    footnote("index", tmp_path / "notes", "--library", tmp_path / "library")
    database = tmp_path / "library" / DATABASE
    database.write_bytes(database.read_bytes()[:20_000])
    assert "`footnote index --rescue`" in problem(footnote("search", "owl", "--library", tmp_path / "library"))
    result = footnote("index", "--rescue", tmp_path / "notes", "--library", tmp_path / "library")
    assert result.exit_code == 0, result.output
    assert "damaged-" in result.stdout
    assert "sleeps by day" in footnote("search", "owl", "-k", "1", "--library", tmp_path / "library").stdout


def test_ctrl_c_says_that_what_is_done_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    Library.open(tmp_path / "library").close()
    monkeypatch.setattr(Library, "update", interrupted)
    assert "goes on from there" in problem(footnote("index", tmp_path, "--library", tmp_path / "library"))


@pytest.mark.parametrize("command", ["ask", "search"])
@pytest.mark.parametrize(("question", "says"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_that_cannot_be_used(builtin: Path, command: str, question: str, says: str) -> None:
    assert says in problem(footnote(command, "--library", builtin, "--", question))


@pytest.mark.parametrize(
    ("stdin", "says"),
    [(b"", b"empty"), (b" \n", b"empty"), (b"a\0b", b"NUL"), (b"\xff\xfe", b"UTF-8"), (b"x" * 100_000, b"100,000")],
)
def test_a_question_on_standard_input_that_cannot_be_used(builtin: Path, stdin: bytes, says: bytes) -> None:
    done = process("ask", "-", "--library", builtin, stdin=stdin)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"footnote: ")
    assert done.stderr.count(b"\n") == 1
    assert says in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="arguments are text there")
def test_an_argument_that_is_no_text(builtin: Path) -> None:
    done = process("ask", b"who \xff\xfe", "--library", builtin)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"UTF-8" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["ask"],
        ["ask", "one", "two"],
        ["ask", "--nonsense", "x"],
        ["search", "x", "-k", "0"],
        ["search", "x", "-k", "many"],
        ["index"],
        ["remove"],
        ["list", "x"],
        ["serve", "--port", "70000"],
        ["list", "--library", ""],
        ["eval", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(library: Path, arguments: list[str]) -> None:
    result = footnote(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: ")


# The library's contents -------------------------------------------------------------------------------------------


def counts(result: Result) -> dict[str, int]:
    return {word: int(number) for number, word in re.findall(r"(\d+) (added|changed|unchanged|removed)", result.stdout)}


def test_indexing_new_unchanged_changed_and_gone_files(library: Path, documents: Path) -> None:
    first = footnote("index", documents)
    assert first.exit_code == 0, first.output
    assert counts(first) == {"added": 2, "changed": 0, "unchanged": 0, "removed": 0}
    assert ids(library) == BUILTIN | {"birds/heron.txt", "owl.md"}
    assert counts(footnote("index", documents)) == {"added": 0, "changed": 0, "unchanged": 2, "removed": 0}

    (documents / "owl.md").write_text("# The owl\n\nThe owl sleeps by day.\n", encoding="utf-8")
    (documents / "birds" / "heron.txt").unlink()
    (documents / "photo.jpg").write_bytes(b"\xff")
    third = footnote("index", documents)
    assert third.exit_code == 0
    assert counts(third) == {"added": 0, "changed": 1, "unchanged": 0, "removed": 1}
    assert "1 of other kinds passed over" in third.stdout
    assert ids(library) == BUILTIN | {"owl.md"}
    assert "sleeps by day" in footnote("search", "owl", "-k", "1").stdout


@pytest.mark.parametrize("state", ["emptied", "missing"])
def test_an_emptied_or_missing_folder_keeps_its_documents_until_pruned(
    library: Path, documents: Path, state: str
) -> None:
    footnote("index", documents)
    shutil.rmtree(documents)
    if state == "emptied":
        documents.mkdir()
    kept = footnote("index", documents)
    assert "--prune" in problem(kept)
    assert counts(kept) == ({"added": 0, "changed": 0, "unchanged": 0, "removed": 0} if state == "emptied" else {})
    assert "owl.md" in ids(library)
    pruned = footnote("index", documents, "--prune")
    assert pruned.exit_code == 0
    assert counts(pruned)["removed"] == 2
    assert ids(library) == BUILTIN


def test_where_nothing_is_there_nothing_is_counted(library: Path, documents: Path) -> None:
    nowhere = [documents / "nowhere", documents / "elsewhere.txt"]
    result = footnote("index", *nowhere)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.findall(r"There is no file or folder .*(nowhere|elsewhere)", result.stderr) == ["nowhere", "elsewhere"]
    assert counts(footnote("index", *nowhere, documents))["added"] == 2


def test_two_folders_with_a_file_of_the_same_name(library: Path, documents: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "owl.md").write_text("Another owl.\n", encoding="utf-8")
    footnote("index", documents)
    assert footnote("index", other).exit_code == 0
    assert {"owl.md", "other/owl.md"} <= ids(library)


def test_the_list(library: Path, documents: Path) -> None:
    footnote("index", documents)
    result = footnote("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == sorted([*BUILTIN, "birds/heron.txt", "owl.md"])
    assert re.fullmatch(r"owl\.md\tThe owl\t4\d characters, 1 passages, added \d{4}-\d\d-\d\d", lines[2])
    listed = json.loads(footnote("list", "--json").stdout)
    assert {tuple(one) for one in listed} == {("id", "title", "characters", "passages", "added")}


def test_removing(library: Path) -> None:
    result = footnote("remove", "xi-visits-kazan.txt", "xi-visits-kazan.txt")
    assert (result.exit_code, result.stdout) == (0, "1 removed.\n")
    assert ids(library) == {"china-russia-axis.txt"}
    footnote("remove", "china-russia-axis.txt")
    empty = footnote("list")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "`footnote index PATH`" in empty.stderr
    refused = footnote("ask", TRADE)
    assert (refused.exit_code, refused.stdout) == (0, "The documents don’t say.\n")


def test_removing_what_is_not_there_removes_nothing(library: Path) -> None:
    said = problem(footnote("remove", "xi-visits-kazan.txt", "nope\x1b.txt"))
    assert "nope" in said
    assert "`footnote list`" in said
    assert ids(library) == BUILTIN


# Bad files --------------------------------------------------------------------------------------------------------


def spoil(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.txt"
    if kind == "binary":
        path.write_bytes(b"\x89PNG\r\n\xff\xfe\x00")
    elif kind == "NUL":
        path.write_bytes(b"text\0text")
    elif kind == "empty":
        path.touch()
    elif kind == "blank":
        path.write_bytes(b" \n\n ")
    elif kind == "broken link":
        path.symlink_to(folder / "nowhere")
    elif kind == "circular link":
        path.symlink_to(path)
    elif kind == "pipe":
        os.mkfifo(path)
    return path


BAD_FILES = {
    "binary": "save it as UTF-8 text",
    "NUL": "save it as UTF-8 text",
    "empty": "is empty",
    "blank": "is empty",
    "broken link": "mend or delete the link",
    "circular link": "link",
    "pipe": "name a text file",
    "missing": "check the name",
}


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and named pipes")
@pytest.mark.parametrize(("kind", "says"), BAD_FILES.items(), ids=BAD_FILES)
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_indexed(
    library: Path, documents: Path, kind: str, says: str
) -> None:
    path = spoil(documents, kind)
    alone = problem(footnote("index", path))
    assert says in alone
    assert path.name in alone
    assert ids(library) == BUILTIN
    if kind != "missing":
        with_others = footnote("index", documents)
        assert says in problem(with_others)
        assert counts(with_others)["added"] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and permission bits")
def test_an_unreadable_file_keeps_what_was_read_of_it(
    library: Path, documents: Path, unprivileged_command: list[str]
) -> None:
    footnote("index", documents)
    (documents / "owl.md").write_text("Something else.", encoding="utf-8")
    (documents / "owl.md").chmod(0)
    done = process("index", documents, before=unprivileged_command)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"permission" in done.stderr
    assert "owl.md" in ids(library)


def test_a_kind_of_file_that_is_not_read(library: Path, documents: Path) -> None:
    file = documents / "photo.jpg"
    file.write_bytes(b"\xff\xd8")
    assert "save it as one" in problem(footnote("index", file))


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_folder_that_holds_itself_is_no_endless_loop(library: Path, documents: Path) -> None:
    (documents / "birds" / "up").symlink_to(documents, target_is_directory=True)
    result = footnote("index", documents)
    assert result.exit_code == 0, result.output
    assert counts(result)["added"] == 2


NAMES = [
    "with spaces.txt",
    "new\nline.txt",
    "🐟 fish.txt",
    "~tilde.txt",
    "-dash.txt",
    "\x1b[31mred\x1b[0m.txt",
    "%s [1].txt",
]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")
@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_indexed_listed_cited_and_removed(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_text("The zebra has black and white stripes.\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    added = footnote("index", "--", name)
    assert added.exit_code == 0, added.output
    assert name in ids(library)
    found = footnote("search", "zebra stripes", "-k", "1")
    assert "The zebra has" in found.stdout
    assert not CONTROL.search(found.stdout)
    listed = footnote("list").stdout
    assert len(listed.splitlines()) == 3
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", listed)
    (printed,) = {line.split("\t")[0] for line in listed.splitlines()} - BUILTIN
    assert footnote("remove", "--", printed).stdout == "1 removed.\n"
    assert ids(library) == BUILTIN


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_text(library: Path, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("The zebra has stripes.\n", encoding="utf-8")
    done = process("index", os.fsencode(tmp_path) + b"/caf\xe9.txt")
    assert done.returncode == 0, done.stderr
    assert "caf\\xe9.txt" in ids(library)
    assert json.loads(footnote("search", "zebra", "-k", "1", "--json").stdout)[0]["document"] == "caf\\xe9.txt"


EVIL = "The zebra \x1b[31mis red\x1b[0m and \x9b2J striped \x07 \u202e backwards\x7f.\x1b]0;title\x07\n"


@pytest.mark.parametrize(
    "command", [["ask"], ["ask", "--json"], ["search"], ["search", "--json"], ["list"], ["list", "--json"]]
)
def test_no_escape_sequence_of_a_document_reaches_the_terminal(
    library: Path, tmp_path: Path, command: list[str]
) -> None:
    file = tmp_path / "evil.md"
    file.write_text(f"# A zebra \x1b[5mblinks\x9b\n\n{EVIL}", encoding="utf-8")
    assert footnote("index", file).exit_code == 0
    result = footnote(*command, *([] if command[0] == "list" else ["What about the zebra that is red and striped?"]))
    assert result.exit_code == 0
    assert "zebra" in result.stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x80-\x9f\u202e]", result.stdout)
    if "--json" not in command:
        assert "\x7f" not in result.stdout


# Bad libraries ----------------------------------------------------------------------------------------------------

COMMANDS = {
    "ask": ["ask", TRADE],
    "search": ["search", "trade"],
    "index": ["index", str(ROOT / "tests")],
    "list": ["list"],
    "remove": ["remove", "xi-visits-kazan.txt"],
}


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("PRAGMA user_version = 99", "update Footnote"),
        ("UPDATE about SET value = 'x' WHERE key = 'embedder_identity'", "--reembed"),
    ],
    ids=["newer", "other embedder"],
)
def test_a_library_of_a_newer_format_or_another_embedder(
    library: Path, command: list[str], statement: str, says: str
) -> None:
    change(library, statement)
    before = (library / DATABASE).read_bytes()
    assert says in problem(footnote(*command))
    assert (library / DATABASE).read_bytes() == before


def test_a_library_of_another_embedder_can_be_changed_over(library: Path) -> None:
    change(library, "UPDATE about SET value = 'x' WHERE key = 'embedder_identity'")
    result = footnote("index", "--reembed")
    assert (result.exit_code, result.stdout) == (0, "2 documents embedded anew.\n")
    assert footnote("doctor").exit_code == 0


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_file_is_no_library(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    for place in (file, file / "below"):
        assert "--library" in problem(footnote(*command, "--library", place))
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_damaged_library(library: Path) -> None:
    (library / DATABASE).write_bytes(b"no database " * 500)
    assert "footnote index --rescue" in problem(footnote("ask", TRADE))


@pytest.fixture
def read_only(library: Path) -> Iterator[Path]:
    library.chmod(0o500)
    yield library
    library.chmod(0o700)


def test_a_library_that_cannot_be_written_still_answers(read_only: Path, unprivileged_command: list[str]) -> None:
    for arguments in (["ask", TRADE], ["list"], ["doctor"]):
        done = process(*arguments, before=unprivileged_command)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("command", ["index", "remove"])
def test_a_library_that_cannot_be_written_is_not_changed(
    read_only: Path, unprivileged_command: list[str], documents: Path, command: str
) -> None:
    target = documents if command == "index" else "xi-visits-kazan.txt"
    done = process(command, target, before=unprivileged_command)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"permission" in done.stderr
    read_only.chmod(0o700)
    assert ids(read_only) == BUILTIN


@pytest.mark.parametrize("command", [["list"], ["index", "."], ["doctor"]], ids=" ".join)
def test_a_library_that_cannot_even_be_looked_into(
    library: Path, unprivileged_command: list[str], command: list[str]
) -> None:
    library.chmod(0)
    done = process(*command, before=unprivileged_command)
    library.chmod(0o700)
    assert done.returncode == 1
    assert b"ermission" in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    assert ids(library) == BUILTIN


def test_a_home_that_is_nobodys_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~nobody-at-all").write_text("mine", encoding="utf-8")
    assert "~nobody-at-all is a file" in problem(footnote("list", "--library", "~nobody-at-all"))


# The doctor -------------------------------------------------------------------------------------------------------


def test_the_doctor_finds_a_good_library_fine(library: Path) -> None:
    result = footnote("doctor")
    assert result.exit_code == 0, result.output
    assert all(line.startswith("fine   ") for line in result.stdout.splitlines())


def test_the_doctor_says_what_is_wrong(library: Path) -> None:
    change(library, "PRAGMA user_version = 99")
    result = footnote("doctor")
    assert result.exit_code == 1
    (wrong,) = [line for line in result.stdout.splitlines() if not line.startswith("fine ")]
    assert wrong.startswith("WRONG  ")
    assert "update Footnote" in wrong


# Processes --------------------------------------------------------------------------------------------------------


def test_first_use_says_on_standard_error_that_the_built_in_articles_are_indexed(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), "LOCALAPPDATA": str(tmp_path)}
    first = process("ask", TRADE, environment=home)
    assert first.returncode == 0, first.stderr
    assert b"4.5%" in first.stdout
    assert b"built-in articles" in first.stderr
    assert first.stderr.count(b"\n") == 1
    again = process("ask", TRADE, environment=home)
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, b"")


def test_the_library_option_goes_before_the_environment(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    monkeypatch.setenv("FOOTNOTE_LIBRARY", str(tmp_path / "file"))
    assert "is a file" in problem(footnote("list"))
    assert footnote("list", "--library", library).exit_code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_closed_pipe_ends_quietly(library: Path) -> None:
    change(library, f"UPDATE documents SET title = '{'x' * 200_000}'")  # more than a pipe takes at once
    command = " ".join(f"'{part}'" for part in [sys.executable, "-c", COMMAND[2].replace("'", '"'), "list"])
    done = subprocess.run(
        ["sh", "-c", f"{command} | head -1"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_line(library: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "list"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"footnote: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_of_another_encoding_gets_escapes(library: Path, encoding: str) -> None:
    done = process("list", environment={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert "Xi’s Visit".encode("utf-8" if encoding == "ascii" else encoding, "backslashreplace") in done.stdout
    done = process("list", "--json", environment={"PYTHONIOENCODING": encoding})
    assert json.loads(done.stdout)[1]["title"].startswith("Xi’s Visit")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_closed_standard_input_is_an_empty_question(library: Path) -> None:
    command = " ".join(f"'{part}'" for part in [sys.executable, "-c", COMMAND[2].replace("'", '"'), "ask", "-"])
    done = subprocess.run(["sh", "-c", f"{command} <&-"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr == b"footnote: The question is empty; ask something.\n"


def test_a_port_in_use(library: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = process("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"--port" in done.stderr


def test_help_answers_at_once() -> None:
    """Measured: 0.1 s on two cores; the bound is three times the half second that is promised."""
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        done = process("--help")
        seconds.append(time.perf_counter() - started)
        assert done.returncode == 0
        assert b"footnote [OPTIONS] COMMAND" in done.stdout
    assert statistics.median(seconds) < 3 * HELP_SECONDS


def imported(*arguments: str) -> set[str]:
    """The modules that a command leaves loaded, told on standard error."""
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    done = subprocess.run(
        [sys.executable, "-c", tell + COMMAND[2], *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("command", [[], *([name] for name in main.commands)], ids="".join)
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    assert not HEAVY & imported(*command, "--help")


def test_a_cold_question_imports_neither_torch_nor_transformers(library: Path) -> None:
    loaded = imported("ask", TRADE)
    assert {"onnxruntime", "numpy"} <= loaded
    assert not loaded & {"torch", "transformers", "sentence_transformers", "gradio", "llama_index"}
