import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path

import pytest
from scripted import saying, serving

import index.library
from index.database import DATABASE
from index.documents import Document
from index.library import VECTORS, Library
from ui import doctor
from ui.doctor import Finding, examine


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor") / "library"
    with Library.open(folder) as library:
        library.add_builtin()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A good library of one's own."""
    return Path(shutil.copytree(made, tmp_path / "library"))


def wrong(findings: list[Finding]) -> list[str]:
    return [finding.text for finding in findings if not finding.fine]


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.execute(statement)
    connection.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_good_library_is_fine_all_over(folder: Path) -> None:
    findings = examine(folder)
    assert wrong(findings) == []
    said = "\n".join(finding.text for finding in findings)
    for part in (
        "Python is 3.",
        "main packages are installed",
        "opens",
        "2 documents",
        "every offset right",
        "MB are free",
        "no network used",
        "Generation ",
    ):
        assert part in said


def test_looking_changes_nothing(folder: Path) -> None:
    before = contents(folder)
    examine(folder)
    assert contents(folder) == before


def test_no_library_yet_is_fine_and_none_is_made(tmp_path: Path) -> None:
    findings = examine(tmp_path / "library")
    assert wrong(findings) == []
    assert "`footnote index PATH`" in findings[-1].text
    assert list(tmp_path.iterdir()) == []


def test_an_empty_library_is_fine(tmp_path: Path) -> None:
    Library.open(tmp_path / "library").close()
    assert wrong(examine(tmp_path / "library")) == []


def test_a_file_is_no_library(tmp_path: Path) -> None:
    file = tmp_path / "library"
    file.write_text("text", encoding="utf-8")
    (problem,) = wrong(examine(file))
    assert "is a file" in problem
    assert "--library" in problem


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("PRAGMA user_version = 99", "update Footnote"),
        ("UPDATE about SET value = 'x' WHERE key = 'embedder_identity'", "`footnote index --reembed`"),
        ("UPDATE about SET value = 'x' WHERE key = 'reader_identity'", "`footnote index --reembed`"),
        ("DELETE FROM passages", "`footnote index --reembed`"),
        ("UPDATE passages SET vector = x'00' WHERE key = 1", "`footnote index --reembed`"),
        ("UPDATE passages SET stop = stop - 1 WHERE key = 1", "`footnote index --reembed`"),
        ("INSERT INTO words (words) VALUES ('delete-all')", "`footnote index --reembed`"),
        ("INSERT INTO words (words, rowid, stems) VALUES ('delete', 1, 'other')", "`footnote index --reembed`"),
        ("DELETE FROM sentences WHERE passage = 1", "`footnote index --reembed`"),
        ("DELETE FROM readings WHERE passage = 1", "`footnote index --reembed`"),
        ("UPDATE documents SET text = 'X' || substr(text, 2) WHERE key = 1", "`footnote index --rescue`"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_run(folder: Path, statement: str, says: str) -> None:
    change(folder, statement)
    problems = wrong(examine(folder))
    assert problems
    assert all(says in problem and "\n" not in problem for problem in problems)


def test_embedding_anew_mends_what_the_doctor_sends_there(folder: Path) -> None:
    change(folder, "DELETE FROM passages WHERE document = 1")
    change(folder, "UPDATE passages SET vector = x'00' WHERE key = (SELECT max(key) FROM passages)")
    change(folder, "UPDATE about SET value = 'x' WHERE key = 'embedder_identity'")
    with Library.open(folder, create=False, any_embedder=True) as library:
        assert library.reembed() == 2
    assert wrong(examine(folder)) == []


@pytest.mark.parametrize("data", [b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_is_named(folder: Path, data: bytes) -> None:
    (folder / DATABASE).write_bytes(data)
    (problem,) = wrong(examine(folder))
    assert "damaged" in problem
    assert "footnote index --rescue" in problem


def test_a_database_cut_short_is_named(folder: Path) -> None:
    file = folder / DATABASE
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    problems = wrong(examine(folder))
    assert problems
    assert "damaged" in problems[0]


def test_a_folder_without_permission(folder: Path, unprivileged: Callable[[], AbstractContextManager[None]]) -> None:
    folder.chmod(0)
    try:
        with unprivileged():
            (problem,) = wrong(examine(folder))
    finally:
        folder.chmod(0o700)
    assert "permission" in problem


def test_files_that_changed_or_are_gone_are_told_of_and_are_no_fault(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in ("a", "b", "c"):
        (notes / f"{name}.txt").write_text("Owls sleep by day.", encoding="utf-8")
    with Library.open(tmp_path / "library") as library:
        library.update([notes])
    assert "3 files were indexed; none has changed since" in told(tmp_path / "library")
    assert "1 texts are in the library more than once: a.txt = b.txt = c.txt." in told(tmp_path / "library")
    (notes / "a.txt").unlink()
    (notes / "b.txt").write_text("Owls hunt at night.", encoding="utf-8")
    assert f"1 files in {notes} have changed and 1 are gone" in told(tmp_path / "library")
    assert wrong(examine(tmp_path / "library")) == []


def test_the_state_of_the_vectors_file_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the vectors are read from the database at each start" in told(folder)
    monkeypatch.setattr(doctor, "LARGE", 1)
    monkeypatch.setattr(index.library, "LARGE", 1)
    assert "the file of the vectors is missing" in told(folder)  # the self-test that follows makes it
    assert "the file of the vectors is up to date" in told(folder)
    with Library.open(folder) as library:
        library.add([Document("a", "A", "Apples ripen in the autumn.")])
    assert "the file of the vectors is of an earlier generation" in told(folder)
    (folder / VECTORS).write_bytes(b"no vectors")
    assert "the file of the vectors is missing, damaged" in told(folder)


def told(folder: Path) -> str:
    return "\n".join(finding.text for finding in examine(folder))


def test_reaching_for_the_network_is_refused_and_noted() -> None:
    with doctor._no_network() as tried, pytest.raises(OSError, match="shut off"):
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    assert tried == ["socket.getaddrinfo 127.0.0.1"]
    with socket.socket() as free:  # from now on it is let through again
        free.bind(("127.0.0.1", 0))
        socket.getaddrinfo("127.0.0.1", 80)


def test_a_missing_package_is_named_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = metadata.version

    def without_gradio(name: str) -> str:
        if name == "gradio":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without_gradio)
    assert wrong(examine(tmp_path / "library")) == ["Not installed: gradio; run `pip install gradio`."]


# The language model -----------------------------------------------------------------------------------------------


def test_the_language_model_is_asked_for_a_word(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(saying("Yes.")) as server:
        assert wrong(examine(folder)) == []
        assert server.asked == []  # only where one is configured
        monkeypatch.setenv("FOOTNOTE_LLM_URL", server.url)
        findings = examine(folder)
        assert wrong(findings) == []
        assert any("The language model tiny wrote a word" in finding.text for finding in findings)
    assert "No language model answers" in wrong(examine(folder))[0]


def test_an_address_that_is_none_is_named(folder: Path) -> None:
    assert "address 'localhost'" in wrong(examine(folder, llm_url="localhost"))[0]
