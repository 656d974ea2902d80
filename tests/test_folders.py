"""In step with folders: what is passed over, and what is not read or embedded a second time."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import index.folders
import index.library
from index.embed import BundledEmbedder
from index.errors import BadInput
from index.folders import CACHE_MARK, IGNORE_FILE, watch
from index.library import Library


@pytest.fixture(autouse=True, scope="module")
def _weights_loaded_once() -> Iterator[None]:
    load, bundled = index.library.load_embedder, BundledEmbedder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index.library, "load_embedder", lambda named: bundled if named is None else load(named))
        yield


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are embedded from now on."""
    texts: list[str] = []
    embed = index.library._embed

    def noting(reader: object, embedder: object, given: dict[bytes, str]) -> object:
        texts.extend(given.values())
        return embed(reader, embedder, given)  # type: ignore[arg-type]

    monkeypatch.setattr(index.library, "_embed", noting)
    return texts


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    earlier = time.time() - 3600
    os.utime(path, (earlier, earlier))
    return path


def ids(library: Library) -> list[str]:
    return [document.id for document in library.documents()]


# What is passed over ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ("", ["a.txt", "deep/b.txt", "deep/deeper/c.txt", "drafts/d.txt"]),
        ("drafts/\n", ["a.txt", "deep/b.txt", "deep/deeper/c.txt"]),
        ("*.txt\n!b.txt\n", ["deep/b.txt"]),
        ("/a.txt\ndeep/**/c.txt", ["deep/b.txt", "drafts/d.txt"]),
        ("# nothing\n\n!.hidden.txt", [".hidden.txt", "a.txt", "deep/b.txt", "deep/deeper/c.txt", "drafts/d.txt"]),
        ("!node_modules/", ["a.txt", "deep/b.txt", "deep/deeper/c.txt", "drafts/d.txt", "node_modules/e.txt"]),
    ],
)
def test_an_ignore_file_names_what_is_passed_over(
    library: Library, tmp_path: Path, rules: str, left: list[str]
) -> None:
    folder = tmp_path / "notes"
    for name in ("a", "deep/b", "deep/deeper/c", "drafts/d", ".hidden", "node_modules/e", "~$a", "__pycache__/f"):
        write(folder / f"{name}.txt", f"This is {name}.")
    if rules:
        write(folder / IGNORE_FILE, rules)
    assert library.update([folder]).added == left


def test_an_ignore_file_further_down_has_the_last_word(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    for name in ("a.txt", "deep/a.txt", "deep/b.txt"):
        write(folder / name, f"This is {name}.")
    write(folder / IGNORE_FILE, "a.txt")
    write(folder / "deep" / IGNORE_FILE, "!a.txt\nb.txt")
    assert library.update([folder]).added == ["deep/a.txt"]


def test_what_is_ignored_from_now_on_leaves(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    write(folder / "a.txt", "Apples.")
    write(folder / "b.txt", "Pears.")
    library.update([folder])
    write(folder / IGNORE_FILE, "b.txt")
    assert library.update([folder]).removed == ["b.txt"]


def test_an_ignore_file_that_is_no_text_is_named(library: Library, tmp_path: Path) -> None:
    write(tmp_path / "notes" / "a.txt", "Apples.")
    (tmp_path / "notes" / IGNORE_FILE).write_bytes(b"\xff\xfe\xff")
    report = library.update([tmp_path / "notes"])
    assert (report.added, len(report.problems)) == (["a.txt"], 1)
    assert IGNORE_FILE in report.problems[0]


def test_caches_and_the_library_itself_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "cache" / "a.txt", "Apples.")
    write(tmp_path / "cache" / CACHE_MARK, "Signature: 8a477f597d28d172789f06886806bc55")
    write(tmp_path / "library" / "b.txt", "Pears.")
    write(tmp_path / "c.txt", "Plums.")
    with Library.open(tmp_path / "library") as library:
        assert library.update([tmp_path]).added == ["c.txt"]


def test_a_file_that_is_named_is_read_though_it_is_ignored(library: Library, tmp_path: Path) -> None:
    assert library.update([write(tmp_path / ".hidden.txt", "Apples.")]).added == [".hidden.txt"]


# What is done once --------------------------------------------------------------------------------------------------


def paragraphs(*names: str) -> str:
    return "\n\n".join(" ".join(f"The {name} number {number} is ripe." for number in range(25)) for name in names)


def test_of_a_changed_file_only_the_changed_passages_are_embedded(
    library: Library, tmp_path: Path, embedded: list[str]
) -> None:
    file = write(tmp_path / "fruit.txt", paragraphs("apple", "pear", "plum"))
    library.update([file])
    assert len(embedded) == 3
    embedded.clear()
    file.write_text(paragraphs("apple", "fig", "plum"))
    assert library.update([file]).changed == ["fruit.txt"]
    assert [text[:7] for text in embedded] == ["The fig"]
    assert library.search("Which fig?", k=1)[0].text.startswith("The fig")
    assert (library.faults(), library.passage_count()) == ([], 3)


def test_a_moved_file_keeps_its_vectors(library: Library, tmp_path: Path, embedded: list[str]) -> None:
    file = write(tmp_path / "notes" / "fruit.txt", paragraphs("apple", "pear"))
    write(tmp_path / "notes" / "other.txt", "Something else.")
    library.update([tmp_path / "notes"])
    before = library.search("pears", k=1)[0]
    embedded.clear()
    file.rename(file.with_name("moved.txt"))
    report = library.update([tmp_path / "notes"])
    assert (report.added, report.removed, embedded) == (["moved.txt"], ["fruit.txt"], [])
    after = library.search("pears", k=1)[0]
    assert (after.document, after.similarity) == ("moved.txt", before.similarity)
    assert (after.start, library.faults()) == (before.start, [])


def test_the_same_content_twice_is_embedded_once_and_listed_twice(
    library: Library, tmp_path: Path, embedded: list[str]
) -> None:
    for name in ("one", "two"):
        write(tmp_path / "notes" / f"{name}.txt", paragraphs("apple", "pear"))
    library.update([tmp_path / "notes"])
    assert (ids(library), len(embedded)) == (["one.txt", "two.txt"], 2)
    library.remove(["one.txt"])
    assert library.search("apples", k=1)[0].document == "two.txt"
    assert library.faults() == []


def test_a_touched_file_costs_a_look_at_its_bytes(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "a.txt", "Apples.")
    library.update([file])
    file.touch()
    monkeypatch.setattr(index.folders, "read", None)
    assert library.update([file]).unchanged == ["a.txt"]


@pytest.mark.parametrize("outer_first", [True, False])
def test_a_folder_in_an_indexed_folder_does_not_double(library: Library, tmp_path: Path, outer_first: bool) -> None:
    outer, inner = tmp_path / "papers", tmp_path / "papers" / "2024"
    write(inner / "a.txt", "Apples.")
    write(outer / "b.txt", "Pears.")
    for folder in (outer, inner) if outer_first else (inner, outer):
        library.update([folder])
    assert ids(library) == (["2024/a.txt", "b.txt"] if outer_first else ["a.txt", "b.txt"])
    (inner / "a.txt").unlink()
    write(inner / "c.txt", "Plums.")
    library.update([outer])
    assert ids(library) == ["2024/c.txt", "b.txt"]


def test_many_small_files_come_out_in_the_order_of_their_names(library: Library, tmp_path: Path) -> None:
    names = [f"{number:03}.txt" for number in range(100)]
    for name in names:
        write(tmp_path / "notes" / name, f"This is the note called {name}.")
    write(tmp_path / "notes" / "050.txt", "\0")
    report = library.update([tmp_path / "notes"])
    assert (report.added, len(report.problems)) == ([name for name in names if name != "050.txt"], 1)
    assert library.faults() == []


def test_a_parser_that_breaks_down_stops_nothing(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = index.folders.read

    def breaking(path: Path, *, id: str) -> object:
        if path.name == "b.txt":
            raise RecursionError("too\ndeep")
        return real(path, id=id)

    monkeypatch.setattr(index.folders, "read", breaking)
    for name in "abc":
        write(tmp_path / "notes" / f"{name}.txt", f"This is {name}.")
    report = library.update([tmp_path / "notes"])
    assert report.added == ["a.txt", "c.txt"]
    assert report.problems == [rf"{tmp_path / 'notes' / 'b.txt'} cannot be read (RecursionError: too\ndeep)."]


def test_what_was_done_before_ctrl_c_is_kept_and_the_next_run_goes_on(library: Library, tmp_path: Path) -> None:
    names = [f"{number:03}.txt" for number in range(80)]
    for name in names:
        write(tmp_path / "notes" / name, f"This is the note called {name}.")

    def interrupt(done: int, count: int, name: str) -> None:
        if done == 75:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.update([tmp_path / "notes"], progress=interrupt)
    kept = ids(library)
    assert 0 < len(kept) < len(names)
    assert library.faults() == []
    report = library.update([tmp_path / "notes"])
    assert (report.unchanged, sorted(report.unchanged + report.added)) == (kept, names)


# Watching -----------------------------------------------------------------------------------------------------------


def test_what_changes_is_named_as_it_changes(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / name / "note.txt", "Apples.")
    changes = watch([tmp_path / "a", tmp_path / "b"])
    assert next(changes) == [tmp_path / "a", tmp_path / "b"]
    threading.Timer(0.5, write, [tmp_path / "b" / "new.txt", "Pears."]).start()
    assert next(changes) == [tmp_path / "b"]
    changes.close()


def test_nothing_cannot_be_watched(tmp_path: Path) -> None:
    changes = watch([tmp_path / "none"])
    next(changes)
    with pytest.raises(BadInput, match="check the names"):
        next(changes)
