"""The library on a real disk with the real embedder: what goes in, stays, leaves and is found, whatever happens."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.base.embeddings.base import BaseEmbedding

import index.database
import index.folders
import index.library
from index.database import DATABASE
from index.documents import Document, builtin
from index.embed import BundledEmbedder
from index.errors import BadInput, LibraryProblem, NotFound
from index.library import BUILTIN_ROOT, UPLOAD_ROOT, VECTORS, Found, Library, default_path

ROOT = Path(index.library.__file__).parents[1]
posix_names = pytest.mark.skipif(os.name == "nt", reason="Windows allows no such file names")


class Lengths(BaseEmbedding):
    """An embedder of one's own: how often some letters stand in a text."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(text.lower().count(letter)) + 0.01 for letter in "aeioulnrst"]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


@pytest.fixture(autouse=True, scope="module")
def _weights_loaded_once() -> Iterator[None]:
    """Libraries that name no embedder share the bundled one, as they well may: it is safe to share."""
    load, bundled = index.library.load_embedder, BundledEmbedder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index.library, "load_embedder", lambda named: bundled if named is None else load(named))
        yield


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        yield opened


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("articles")) as opened:
        opened.add_builtin()
        yield opened


@pytest.fixture
def copy(articles: Library, tmp_path: Path) -> Path:
    """The folder of a library of the built-in articles, to be spoilt."""
    with contextlib.closing(sqlite3.connect(articles.path / DATABASE)) as source:
        folder = tmp_path / "copy"
        folder.mkdir()
        with contextlib.closing(sqlite3.connect(folder / DATABASE)) as target:
            source.backup(target)
    return folder


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder of two notes, one of them in a folder below."""
    folder = tmp_path / "notes"
    write(folder / "apples.txt", "Apples ripen in the autumn. They keep all winter in a cool cellar.")
    write(folder / "trees" / "pears.md", "# Pears\n\nPears are picked before they are ripe.")
    return folder


def write(path: Path, text: str | bytes) -> Path:
    """Writes a file as though an hour ago, so that its time says for sure whether it changed since."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    earlier = time.time() - 3600
    os.utime(path, (earlier, earlier))
    return path


def ids(library: Library) -> list[str]:
    return [document.id for document in library.documents()]


def key_free(found: list[Found]) -> list[tuple[str, int, int, float]]:
    return [(one.document, one.start, one.end, round(one.score, 6)) for one in found]


def script(code: str, *arguments: str | Path, prefix: list[str] | None = None) -> "subprocess.Popen[str]":
    imports = (
        "import sys, time\nfrom index.documents import Document\nfrom index.errors import FootnoteError\n"
        "from index.library import Library\n"
    )
    command = [*(prefix or []), sys.executable, "-c", imports + code, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def output(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return out


# In, out and found ------------------------------------------------------------------------------------------------


def test_a_new_library_is_empty_and_good(library: Library) -> None:
    assert (library.documents(), library.search("anything"), library.faults()) == ([], [], [])


def test_the_builtin_articles_are_stored_as_they_are(articles: Library) -> None:
    assert [articles.document(one.id).text for one in builtin()] == [one.text for one in builtin()]


def test_the_list_says_what_is_there(articles: Library) -> None:
    listed = articles.documents()
    assert [(one.id, one.title, one.characters) for one in listed] == [
        (one.id, one.title, len(one.text)) for one in builtin()
    ]
    assert sum(one.passages for one in listed) == articles.passage_count() > 20


def test_a_document_keeps_its_pages(library: Library) -> None:
    library.add([Document("book", "Book", "First page.\n\nSecond page.", pages=(0, 13))])
    assert library.document("book").pages == (0, 13)


def test_a_passage_that_is_found_is_a_span_of_its_document(articles: Library) -> None:
    found = articles.search("How much did trade grow from January to August 2024?", k=30)
    assert [articles.document(one.document).text[one.start : one.end] for one in found] == [one.text for one in found]


def test_the_best_passage_comes_first(articles: Library) -> None:
    found = articles.search("How much did trade grow from January to August 2024?")
    assert "4.5%" in found[0].text
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@pytest.mark.parametrize("k", [1, 3, 10**30])
def test_as_many_passages_come_as_are_asked_for_and_there(articles: Library, k: int) -> None:
    assert len(articles.search("China and Russia", k=k)) == min(k, articles.passage_count())


def test_no_passage_at_all_cannot_be_asked_for(articles: Library) -> None:
    with pytest.raises(BadInput, match="1 passage or more"):
        articles.search("China", k=0)


def test_a_query_is_searched_for_in_its_context(library: Library) -> None:
    library.add(
        Document(name, name, text)
        for name, text in (
            ("heron.txt", "The heron nests in the crowns of tall trees by the river."),
            ("owl.txt", "The owl nests in old barns and church towers."),
            ("cuckoo.txt", "The cuckoo builds no home of its own."),
        )
    )
    for bird in ("heron", "owl"):
        found = library.search("Where does it nest?", context=(f"What does the {bird} eat?",))
        assert found[0].document == f"{bird}.txt"
        assert all(0 <= one.keywords <= 1 for one in found)
        within = library.search("Why?", context=(f"What does the {bird} eat?",), documents=["cuckoo.txt"])
        assert [one.document for one in within] == ["cuckoo.txt"]


def test_the_rarest_words_of_a_query_are_looked_up_first(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(Document(str(number), "Note", f"Apples and pears{' and figs' * (number == 3)}.") for number in range(5))
    library.add(Document(f"other {number}", "Note", "Something else.") for number in range(6))
    assert len(library._keyword_search("apples, pears, figs", 50)) == 5
    for reach in (1, 5, 0):
        monkeypatch.setattr(index.library, "_REACH", reach)
        assert len(library._keyword_search("apples, pears, figs", 50)) == 1


def test_of_documents_that_are_named_the_passages_come_as_near_as_among_all(articles: Library) -> None:
    query = "How much did trade grow from January to August 2024?"
    every = {(one.document, one.start): one for one in articles.search(query, k=1000)}
    for id in ids(articles):
        alone = articles.search(query, k=5, documents=[id])
        assert ({one.document for one in alone}, len(alone)) == ({id}, 5)
        same = [every[one.document, one.start] for one in alone]
        assert [one.similarity for one in alone] == pytest.approx([one.similarity for one in same], abs=1e-3)
        most = max(one.keywords for one in every.values() if one.document == id)
        assert [one.keywords for one in alone] == pytest.approx([one.keywords / most for one in same])
    assert key_free(articles.search(query, documents=ids(articles))) == key_free(articles.search(query))


def test_no_passage_comes_of_no_documents(articles: Library) -> None:
    assert articles.search("trade", documents=[]) == []


def test_documents_to_be_searched_have_to_be_there(articles: Library) -> None:
    with pytest.raises(NotFound):
        articles.search("trade", documents=["none"])


def test_a_query_that_was_read_already_finds_the_same(articles: Library) -> None:
    query = "Where did they meet?"
    assert articles.search(query, reading=articles.reader.read(query)) == articles.search(query)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters() | st.sampled_from('"*^():-+AND NEAR.\0\ud800'), max_size=60))
def test_no_question_is_too_odd_to_be_searched_for(articles: Library, query: str) -> None:
    assert len(articles.search(query, k=2)) == 2


def test_a_question_of_a_hundred_thousand_characters_is_searched_for(articles: Library) -> None:
    assert len(articles.search("Where did Putin and Xi meet? " * 3500, k=5)) == 5


def test_the_sentences_and_words_of_a_passage_are_stored(articles: Library) -> None:
    found = articles.search("trade", k=1)[0]
    stored = articles.stored(found)
    assert (stored.sentences[0].start, stored.sentences[-1].end) == (found.start, found.end)
    assert stored.words.shape == (len(stored.word_starts), 128)
    assert [found.start <= start < found.end for start in stored.word_starts] == [True] * len(stored.word_starts)


def test_passages_are_counted_by_the_stems_in_them(library: Library) -> None:
    library.add([Document("one", "One", "Apples here."), Document("two", "Two", "An apple there and a pear.")])
    assert library.passages_with(["appl", "pear", "plum"]) == {"appl": 2, "pear": 1, "plum": 0}


def test_a_document_of_the_same_id_takes_the_place_of_the_earlier(library: Library) -> None:
    for text in ("The first text is about apples.", "The second text is about pears."):
        library.add([Document("note", "Note", text)])
    assert [one.text for one in library.search("apples")] == ["The second text is about pears."]
    assert library.faults() == []


def test_what_is_removed_is_not_found_any_more(library: Library) -> None:
    library.add([Document("a", "A", "Apples are red."), Document("b", "B", "Pears are green.")])
    library.remove(["a"])
    assert (ids(library), [one.document for one in library.search("apples")], library.faults()) == (["b"], ["b"], [])


def test_nothing_is_removed_when_one_of_the_ids_is_wrong(library: Library) -> None:
    library.add([Document("a", "A", "Apples are red.")])
    with pytest.raises(NotFound, match="footnote list"):
        library.remove(["a", "b"])
    assert ids(library) == ["a"]


@pytest.mark.parametrize("id", ["nothing", "", "a\0b", "\ud800"])
def test_a_document_that_is_not_there_is_not_found(articles: Library, id: str) -> None:
    with pytest.raises(NotFound):
        articles.document(id)


@pytest.mark.parametrize("text", ["", " \n\t ", "half \ud800", "holds \0"])
def test_a_text_that_cannot_be_stored_is_refused(library: Library, text: str) -> None:
    with pytest.raises(BadInput, match="'x'"):
        library.add([Document("x", "X", text)])
    assert ids(library) == []


def test_after_a_text_that_is_refused_the_ones_before_it_are_there(library: Library) -> None:
    with pytest.raises(BadInput):
        library.add([Document("a", "A", "Apples."), Document("b", "B", "")])
    assert (ids(library), library.faults()) == (["a"], [])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=200)), max_size=5))
def test_a_library_is_good_whatever_texts_go_in_and_out(changes: list[tuple[str, str]]) -> None:
    library = Library(Path(), index.database.opened("file::memory:"), None)
    index.database.make_tables(library._connection)
    kept: dict[str, str] = {}
    for id, text in changes:
        with contextlib.suppress(BadInput):
            library.add([Document(id, id, text)])
            kept[id] = text
    assert {id: library.document(id).text for id in ids(library)} == kept
    assert (library.faults(), len(library.search("a", k=100))) == ([], library.passage_count())
    library.remove(kept)
    assert library._connection.execute("SELECT count(*) FROM vocabulary").fetchone() == (0,)
    library.close()


# Files and folders --------------------------------------------------------------------------------------------------


def test_a_folder_is_read_with_what_is_below_it(library: Library, notes: Path) -> None:
    report = library.update([notes])
    assert (report.added, report.problems, ids(library)) == (
        ["apples.txt", "trees/pears.md"],
        [],
        ["apples.txt", "trees/pears.md"],
    )


def test_files_of_other_kinds_and_hidden_ones_are_passed_over(library: Library, notes: Path) -> None:
    for name in ("photo.jpg", ".hidden.txt", ".git/notes.txt"):
        write(notes / name, "Not to be read.")
    report = library.update([notes])
    assert (len(report.added), report.skipped, report.problems) == (2, 1, [])


def test_unchanged_files_are_not_read_again(library: Library, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library.update([notes])
    generation = library.generation
    monkeypatch.setattr(index.folders, "read", None)
    report = library.update([notes])
    assert (report.unchanged, report.changed, library.generation) == (["apples.txt", "trees/pears.md"], [], generation)


def test_a_file_changed_a_moment_ago_is_read_again_since_it_may_have_changed_unseen(
    library: Library, tmp_path: Path
) -> None:
    file = tmp_path / "note.txt"
    file.write_text("A note of ten")
    library.update([file])
    state = file.stat()
    file.write_text("A note of two")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert library.update([file]).changed == ["note.txt"]


def test_a_touched_file_of_the_same_text_is_not_embedded_again(
    library: Library, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.update([notes])
    (notes / "apples.txt").touch()
    monkeypatch.setattr(index.library, "_embed", None)
    assert library.update([notes]).unchanged == ["apples.txt", "trees/pears.md"]


def test_changed_text_is_indexed_anew(library: Library, notes: Path) -> None:
    library.update([notes])
    (notes / "apples.txt").write_text("Apples are sold in July.")
    report = library.update([notes])
    assert (report.changed, report.unchanged) == (["apples.txt"], ["trees/pears.md"])
    assert library.search("When are apples sold?", k=1)[0].text == "Apples are sold in July."
    assert library.faults() == []


def test_a_file_that_is_gone_leaves_and_the_others_stay(library: Library, notes: Path, tmp_path: Path) -> None:
    library.add([Document("article.txt", "Article", "An article.")], root=BUILTIN_ROOT)
    library.add([Document("upload.txt", "Upload", "An upload.")], root=UPLOAD_ROOT)
    library.update([notes, write(tmp_path / "elsewhere" / "plums.txt", "Plums are blue.").parent])
    (notes / "apples.txt").unlink()
    assert library.update([notes]).removed == ["apples.txt"]
    assert ids(library) == ["article.txt", "plums.txt", "trees/pears.md", "upload.txt"]


def test_a_file_in_the_place_of_a_removed_one_is_not_unchanged(library: Library, notes: Path) -> None:
    library.update([notes])
    library.remove(["apples.txt"])
    assert library.update([notes]).added == ["apples.txt"]


def test_a_single_file_belongs_to_the_folder_it_was_indexed_from(library: Library, notes: Path) -> None:
    library.update([notes])
    (notes / "trees" / "pears.md").write_text("# Pears\n\nPears are juicy.")
    assert library.update([notes / "trees" / "pears.md"]).changed == ["trees/pears.md"]
    assert library.update([notes]).removed == []


def test_a_single_new_file_has_its_name_as_id(library: Library, notes: Path) -> None:
    assert library.update([notes / "trees" / "pears.md"]).added == ["pears.md"]


def test_files_of_the_same_name_in_two_folders_both_stay(library: Library, tmp_path: Path) -> None:
    for parent in ("a", "b", "c"):
        write(tmp_path / parent / "notes" / "readme.txt", f"This is the text of {parent}.")
    added = [library.update([tmp_path / parent / "notes"]).added for parent in ("a", "b", "c")]
    assert added == [["readme.txt"], ["notes/readme.txt"], ["notes-2/readme.txt"]]
    again = library.update([tmp_path / parent / "notes" for parent in ("a", "b", "c")])
    assert again.unchanged == ["readme.txt", "notes/readme.txt", "notes-2/readme.txt"]
    texts = [library.document(id).text for id in again.unchanged]
    assert texts == [f"This is the text of {parent}." for parent in ("a", "b", "c")]


def test_a_document_keeps_its_id_when_its_text_changes(library: Library, tmp_path: Path) -> None:
    for parent in ("a", "b"):
        write(tmp_path / parent / "note.txt", f"This is the text of {parent}.")
    library.update([tmp_path / "a", tmp_path / "b"])
    (tmp_path / "b" / "note.txt").write_text("Something else.")
    assert library.update([tmp_path / "b"]).changed == ["b/note.txt"]
    assert library.document("note.txt").text == "This is the text of a."


def test_a_file_called_like_a_builtin_article_leaves_that_alone(library: Library, tmp_path: Path) -> None:
    library.add([Document("article.txt", "Article", "An article.")], root=BUILTIN_ROOT)
    write(tmp_path / "mine" / "article.txt", "My own text.")
    assert library.update([tmp_path / "mine"]).added == ["mine/article.txt"]
    assert library.document("article.txt").text == "An article."


@pytest.mark.parametrize("spoil", [shutil.rmtree, lambda folder: (shutil.rmtree(folder), folder.mkdir())])
def test_a_folder_that_is_missing_or_empty_keeps_everything(
    library: Library, notes: Path, spoil: Callable[[Path], object]
) -> None:
    library.update([notes])
    spoil(notes)
    report = library.update([notes])
    assert (report.removed, len(ids(library)), len(report.problems)) == ([], 2, 1)
    assert "--prune" in report.problems[0]


@pytest.mark.parametrize("spoil", [shutil.rmtree, lambda folder: (shutil.rmtree(folder), folder.mkdir())])
def test_prune_removes_what_is_gone_from_that_folder_only(
    library: Library, notes: Path, spoil: Callable[[Path], object]
) -> None:
    library.add([Document("article.txt", "Article", "An article.")], root=BUILTIN_ROOT)
    library.update([notes])
    spoil(notes)
    report = library.update([notes], prune=True)
    assert (report.removed, report.problems) == (["apples.txt", "trees/pears.md"], [])
    assert (ids(library), library.faults()) == (["article.txt"], [])


def test_a_folder_with_other_files_than_before_keeps_the_earlier_ones(library: Library, notes: Path) -> None:
    """Another disk may be mounted there, tomorrow still."""
    library.update([notes])
    shutil.rmtree(notes)
    write(notes / "plums.txt", "Plums are blue.")
    for _ in range(2):
        report = library.update([notes])
        assert (report.added, report.removed, len(report.problems)) == ([], [], 1)
        assert "--prune" in report.problems[0]
    report = library.update([notes], prune=True)
    assert (report.added, report.removed) == (["plums.txt"], ["apples.txt", "trees/pears.md"])


def test_a_folder_named_twice_is_updated_once(library: Library, notes: Path) -> None:
    library.update([notes])
    (notes / "apples.txt").unlink()
    report = library.update([notes, f"{notes}/"])
    assert (report.removed, report.unchanged) == (["apples.txt"], ["trees/pears.md"])


def test_a_name_that_is_nothing_is_named_and_the_rest_is_read(library: Library, notes: Path) -> None:
    report = library.update([notes / "no such file.txt", notes])
    assert report.problems == [f"There is no file or folder {notes / 'no such file.txt'}; check the name."]
    assert len(report.added) == 2


def test_files_in_an_unreadable_folder_stay(
    library: Library, notes: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    library.update([notes])
    (notes / "trees").chmod(0)
    with unprivileged():
        report = library.update([notes], prune=True)
    (notes / "trees").chmod(0o755)
    assert (report.removed, len(ids(library))) == ([], 2)
    assert report.problems == [f"The folder {notes / 'trees'} cannot be read (Permission denied)."]


def test_prune_removes_nothing_from_a_folder_that_cannot_be_listed(
    library: Library, notes: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    library.update([notes])
    notes.chmod(0)
    with unprivileged():
        report = library.update([notes], prune=True)
    notes.chmod(0o755)
    assert (report.removed, len(ids(library)), len(report.problems)) == ([], 2, 1)


def test_an_unreadable_file_is_named_and_stays(
    library: Library, notes: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    library.update([notes])
    write(notes / "apples.txt", "Changed, but who can see it?").chmod(0)
    (notes / "trees").chmod(0o444)  # listed, but its files cannot be reached
    with unprivileged():
        report = library.update([notes])
    (notes / "trees").chmod(0o755)
    assert (report.removed, len(ids(library)), len(report.problems)) == ([], 2, 2)


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty.txt": (b"", "is empty"),
    "blank.md": (b" \n\n\t", "is empty"),
    "nul.txt": (b"text \0 text", "NUL"),
    "picture.txt": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not text"),
    "large.txt": (b"x" * (50 * 2**20 + 1), "larger than 50 MB"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_text_is_named_and_nothing_else_is_lost(library: Library, notes: Path, name: str) -> None:
    data, problem = BAD_FILES[name]
    write(notes / name, data)
    report = library.update([notes])
    assert (report.added, len(report.problems)) == (["apples.txt", "trees/pears.md"], 1)
    assert name in report.problems[0]
    assert problem in report.problems[0]


def test_a_file_that_is_no_text_any_more_keeps_its_earlier_text(library: Library, notes: Path) -> None:
    library.update([notes])
    (notes / "apples.txt").write_bytes(b"\0\0\0")
    report = library.update([notes])
    assert (report.removed, len(report.problems)) == ([], 1)
    assert library.document("apples.txt").text.startswith("Apples ripen")


@posix_names
def test_links_to_nothing_and_in_a_loop_are_no_end(library: Library, notes: Path) -> None:
    (notes / "broken.txt").symlink_to(notes / "nothing")
    (notes / "itself.txt").symlink_to(notes / "itself.txt")
    (notes / "trees" / "up").symlink_to(notes)
    os.mkfifo(notes / "pipe.txt")
    report = library.update([notes])
    assert len(report.added) == 2
    assert sorted(problem.removeprefix(str(notes)).split(" is ")[0] for problem in report.problems) == [
        "/broken.txt",
        "/itself.txt",
        "/pipe.txt",
    ]


ODD_NAMES = [
    "with spaces.txt",
    "two\nlines.txt",
    "emoji 🎉.txt",
    "ünïcode.txt",
    "-k.txt",
    "a'b\"c.txt",
    "%41.txt",
    "~.txt",
]


@posix_names
@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_of_an_odd_name_is_indexed_found_again_and_removed(library: Library, notes: Path, name: str) -> None:
    write(notes / name, "Quinces smell sweet.")
    assert name in library.update([notes]).added
    assert library.search("quinces", k=1)[0].document == name
    assert name in library.update([notes]).unchanged
    assert library.update([notes / name]).unchanged == [name]
    library.remove([name])
    assert name not in ids(library)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_file_whose_name_is_no_text_is_indexed_under_a_name_that_is(library: Library, notes: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(notes) + b"/caf\xe9.txt"))
    write(path, "Coffee is served.")
    write(notes / "bad\nname.txt", b"")
    report = library.update([notes])
    assert r"caf\xe9.txt" in report.added
    assert report.problems[0].count("\n") == 0
    assert r"caf\xe9.txt" in library.update([notes]).unchanged
    path.unlink()
    assert library.update([notes]).removed == [r"caf\xe9.txt"]


@posix_names
@pytest.mark.parametrize("name", ["a b?c#d%20", "zwei\nZeilen", "🎉", os.fsdecode(b"caf\xe9")])
def test_a_library_may_lie_in_a_folder_of_an_odd_name(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        with Library.open(tmp_path / name) as library:
            library.add([Document("a", "A", "Apples are red.")])
            assert ids(library) == ["a"]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_progress_is_told_file_by_file(library: Library, notes: Path) -> None:
    told: list[tuple[int, int, str]] = []
    library.update([notes], progress=lambda *step: told.append(step))
    assert told == [(0, 2, "apples.txt"), (1, 2, "pears.md"), (2, 2, "")]


# The library's own folder -------------------------------------------------------------------------------------------


def test_the_variable_names_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LIBRARY", "~/mine")
    assert default_path() == Path.home() / "mine"


def test_without_the_variable_it_is_in_the_users_data(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_path().is_relative_to(Path.home())


def test_a_file_is_no_library(tmp_path: Path) -> None:
    with pytest.raises(LibraryProblem, match="is a file; name a folder"):
        Library.open(write(tmp_path / "file", "x"))


@pytest.mark.parametrize("place", ["file/library", "x" * 300, "link"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, place: str) -> None:
    write(tmp_path / "file", "x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "at all")
    with pytest.raises(LibraryProblem, match="name another"):
        Library.open(tmp_path / place)


def test_no_library_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(LibraryProblem, match="There is no library"):
        Library.open(tmp_path / "none", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_looked_into_is_named(
    copy: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    copy.chmod(0)
    with unprivileged(), pytest.raises(LibraryProblem, match="permission"):
        Library.open(copy)
    copy.chmod(0o755)


OPEN_AND_TRY = """
try:
    with Library.open(sys.argv[1]) as library:
        print(len(library.search("Putin", k=3)))
        library.add([Document("a", "A", "Apples.")])
        print("written")
except FootnoteError as error:
    print(error)
"""


@pytest.mark.parametrize("of_file", [False, True])
def test_a_library_that_cannot_be_written_is_searched_all_the_same(
    copy: Path, unprivileged_command: list[str], of_file: bool
) -> None:
    (copy / DATABASE if of_file else copy).chmod(0o444 if of_file else 0o555)
    lines = output(script(OPEN_AND_TRY, copy, prefix=unprivileged_command)).splitlines()
    copy.chmod(0o755)
    assert lines[0] == "3"
    assert "cannot be written; give yourself permission" in lines[1]


def test_a_library_cannot_be_made_in_a_folder_that_cannot_be_written(
    tmp_path: Path, unprivileged_command: list[str]
) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    lines = [output(script(OPEN_AND_TRY, path, prefix=unprivileged_command)) for path in (folder, folder / "new")]
    assert ["cannot be written" in lines[0], "cannot be made" in lines[1]] == [True, True]


def test_a_newer_format_is_refused_and_left_alone(copy: Path) -> None:
    with contextlib.closing(sqlite3.connect(copy / DATABASE)) as database:
        database.execute("PRAGMA user_version = 99")
    before = (copy / DATABASE).read_bytes()
    with pytest.raises(LibraryProblem, match="newer Footnote"):
        Library.open(copy)
    assert (copy / DATABASE).read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    database = write(tmp_path / DATABASE, "This is no database, it is a text. " * 50)
    with pytest.raises(LibraryProblem, match="damaged"):
        Library.open(tmp_path)
    assert database.read_text().startswith("This is no database")


def test_a_damaged_database_is_named_as_such(copy: Path) -> None:
    database = copy / DATABASE
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xaa" * (len(data) - 4096)
    database.write_bytes(data)
    with pytest.raises(LibraryProblem, match=r"damaged.*footnote index --rescue"), Library.open(copy) as library:
        library.search("Putin")


def test_a_database_of_zero_bytes_becomes_a_library(tmp_path: Path) -> None:
    write(tmp_path / DATABASE, b"")
    with Library.open(tmp_path) as library:
        library.add([Document("a", "A", "Apples.")])
        assert library._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert (ids(library), library.faults()) == (["a"], [])


# Embedders ----------------------------------------------------------------------------------------------------------


def test_a_library_is_made_and_searched_with_an_embedder_of_ones_own(tmp_path: Path, notes: Path) -> None:
    with Library.open(tmp_path, embedder=Lengths()) as library:
        library.update([notes])
    with Library.open(tmp_path, embedder=Lengths()) as library:
        assert library.search("ripe pears", k=1)[0].document == "trees/pears.md"
        assert library.faults() == []


def test_a_library_of_another_embedder_is_refused_until_it_is_changed_over(tmp_path: Path) -> None:
    with Library.open(tmp_path, embedder=Lengths()) as library:
        library.add([Document("a", "A", "Apples are red."), Document("b", "B", "Grapes are green.")])
    with pytest.raises(LibraryProblem, match=r"'Lengths unknown'.*`footnote index --reembed`"):
        Library.open(tmp_path)
    with Library.open(tmp_path, any_embedder=True) as library:
        with pytest.raises(LibraryProblem, match="--reembed"):
            library.search("apples")
        assert library.reembed() == 2
        assert library.search("an apple", k=1)[0].document == "a"
        assert library.faults() == []
    with pytest.raises(LibraryProblem, match="--reembed"):
        Library.open(tmp_path, embedder=Lengths())


def test_two_embedders_never_write_into_one_new_library(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library, Library.open(tmp_path, embedder=Lengths()) as other:
        library.add([Document("a", "A", "Apples are red.")])
        with pytest.raises(LibraryProblem, match="--reembed"):
            other.add([Document("b", "B", "Grapes are green.")])
        assert (ids(library), library.faults()) == (["a"], [])


def test_an_open_library_that_another_process_changes_over_is_not_searched_with_the_old_embedder(
    tmp_path: Path,
) -> None:
    with Library.open(tmp_path) as library, Library.open(tmp_path, embedder=Lengths(), any_embedder=True) as other:
        library.add([Document("a", "A", "Apples are red.")])
        library.search("apples")
        other.reembed()
        with pytest.raises(LibraryProblem, match="--reembed"):
            library.search("apples")


def test_a_library_read_by_another_version_is_refused(copy: Path) -> None:
    with contextlib.closing(sqlite3.connect(copy / DATABASE)) as database, database:
        database.execute("UPDATE about SET value = 'older' WHERE key = 'reader_identity'")
    with pytest.raises(LibraryProblem, match=r"another version.*--reembed"):
        Library.open(copy)


# The vectors' file --------------------------------------------------------------------------------------------------


@pytest.fixture
def with_file(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library whose vectors are kept in a file."""
    monkeypatch.setattr(index.library, "LARGE", 1)
    with Library.open(copy) as library:
        library.search("Putin")
    return copy


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def _cut_in_the_head(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:25])


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _of_another_generation(file: Path) -> None:
    earlier = file.read_bytes()
    with Library.open(file.parent) as library:
        library.add([Document("a", "A", "Apples.")])
        library.remove(["a"])
    file.write_bytes(earlier)


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        _cut,
        _cut_in_the_head,
        _flip,
        _of_another_generation,
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"garbage" * 1000),
        lambda file: (file.unlink(), file.mkdir()),
    ],
    ids=["missing", "cut", "cut-in-the-head", "a-bit", "another-generation", "empty", "garbage", "a-folder"],
)
def test_a_spoilt_file_of_vectors_changes_no_result(
    articles: Library, with_file: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(with_file / VECTORS)
    with Library.open(with_file) as library:
        assert key_free(library.search("Where did they meet?")) == key_free(articles.search("Where did they meet?"))


def test_a_good_file_of_vectors_is_used(with_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Library, "_vectors_of", None)
    with Library.open(with_file) as library:
        assert len(library.search("Where did they meet?", k=3)) == 3


def test_a_file_of_an_earlier_generation_is_brought_up_to_date(
    with_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.library, "_UNSAVED", 0.5)
    before, read = (with_file / VECTORS).read_bytes(), Library._vectors_of
    asked: list[int] = []
    monkeypatch.setattr(Library, "_vectors_of", lambda library, keys: (asked.extend(keys), read(library, keys))[1])
    with Library.open(with_file) as library:
        library.add([Document("a", "A", "Apples ripen in the autumn.")])
    with Library.open(with_file) as library:
        assert library.search("When do apples ripen?", k=1)[0].document == "a"
        library.remove(["a"])
        assert "a" not in {one.document for one in library.search("When do apples ripen?")}
    assert len(asked) == 1
    assert (with_file / VECTORS).read_bytes() == before  # so small a change is not worth writing it


def test_a_file_of_vectors_is_written_again_after_a_change(with_file: Path) -> None:
    before = (with_file / VECTORS).read_bytes()
    with Library.open(with_file) as library:
        library.add([Document("a", "A", "Apples ripen in the autumn.")])
        assert library.search("When do apples ripen?", k=1)[0].document == "a"
    assert (with_file / VECTORS).read_bytes() != before


def test_the_file_of_a_deleted_library_is_not_taken_for_the_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.library, "LARGE", 1)
    for first, second in (("Apples are red.", "Pears are green."), ("Pears are green.", "Apples are red.")):
        for file in tmp_path.glob(f"{DATABASE}*"):
            file.unlink()
        with Library.open(tmp_path) as library:
            library.add([Document("one", "One", first), Document("two", "Two", second)])
            found = library.search("the colour of an apple", k=1)
    assert found[0].text == "Apples are red."


def test_an_older_copy_of_the_database_is_searched_by_its_own_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of the vectors is then of a later generation, with other texts under the same keys."""
    monkeypatch.setattr(index.library, "LARGE", 1)
    with Library.open(tmp_path) as library:
        library.add([Document("one", "One", "Apples are red."), Document("two", "Two", "Ships are slow.")])
    older = (tmp_path / DATABASE).read_bytes()
    for last in ("Pears are green.", "The moon is far away."):
        (tmp_path / DATABASE).write_bytes(older)
        with Library.open(tmp_path) as library:
            library.add([Document("three", "Three", last)])
            assert library.search(last, k=1)[0].text == last
            assert library.search(last, k=1)[0].similarity > 0.99


def test_a_small_library_keeps_no_file(articles: Library) -> None:
    articles.search("Putin")
    assert not (articles.path / VECTORS).exists()


# Several at once ----------------------------------------------------------------------------------------------------


def test_what_another_process_wrote_is_seen(tmp_path: Path) -> None:
    change = 'Library.open(sys.argv[1]).add([Document("a", "A", sys.argv[2])])'
    with Library.open(tmp_path) as library:
        for text in ("Apples are red.", "Apples are sold in July."):
            output(script(change, tmp_path, text))
            assert (library.document("a").text, library.search("apples")[0].text) == (text, text)


def test_a_document_is_replaced_by_another_connection_without_a_word_of_it_left(tmp_path: Path) -> None:
    """Once the words' table was left damaged: a text in memory was taken for the one that had taken its place."""
    with Library.open(tmp_path) as one, Library.open(tmp_path) as other:
        one.add([Document("a", "A", "Apples are red.")])
        other.document("a")
        one.add([Document("a", "A", "Pears are green.")])
        assert other.document("a").text == "Pears are green."
        other.remove(["a"])
        assert one._connection.execute("SELECT count(*) FROM vocabulary").fetchone() == (0,)
        one.add([Document("b", "B", "Plums are blue.")])
        assert [found.document for found in other.search("pears")] == ["b"]


WRITE = """
print("ready", flush=True)
sys.stdin.readline()
with Library.open(sys.argv[1]) as library:
    for number in range(8):
        library.add([Document(f"{sys.argv[2]}{number}", "Note", f"Note {number} of {sys.argv[2]}. It is short.")])
"""


def test_two_processes_make_one_library_and_write_at_once(tmp_path: Path) -> None:
    writers = [script(WRITE, tmp_path / "new", name) for name in "ab"]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        output(writer)
    with Library.open(tmp_path / "new") as library:
        assert (len(ids(library)), library.faults()) == (16, [])


KILLED = """
import os
library = Library.open(sys.argv[1])
library.add([Document("before", "Before", "This was there before.")])
texts = " ".join(f"Sentence {number} of many." for number in range(100))
insert = library._insert_passages
def stop(*arguments):
    insert(*arguments)
    library._connection.execute("PRAGMA cache_spill = 1")
    print("inside", flush=True)
    time.sleep(60)
library._insert_passages = stop
library.add([Document("before", "Half", texts)]) if sys.argv[2] == "add" else library.reembed()
"""


@pytest.mark.parametrize("doing", ["add", "reembed"])
def test_a_writer_killed_inside_a_transaction_leaves_a_good_library(tmp_path: Path, doing: str) -> None:
    writer = script(KILLED, tmp_path, doing)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "inside\n"
    writer.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    writer.communicate()
    with Library.open(tmp_path) as library:
        assert library.document("before").text == "This was there before."
        assert [found.text for found in library.search("before")] == ["This was there before."]
        library.add([Document("after", "After", "This came after it.")])
        assert (ids(library), library.faults()) == (["after", "before"], [])


def test_a_library_that_another_process_holds_is_named_after_a_while(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.database, "PATIENCE", 0.1)
    with contextlib.closing(sqlite3.connect(copy / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Library.open(copy) as library:
            assert len(library.search("Putin", k=2)) == 2
            with pytest.raises(LibraryProblem, match=r"Another Footnote is writing.*try again"):
                library.add([Document("a", "A", "Apples.")])


def test_threads_search_while_one_adds_and_removes(copy: Path) -> None:
    stop = threading.Event()
    wrong: list[object] = []

    with Library.open(copy) as library:

        def search() -> None:
            try:
                while not stop.is_set():
                    for found in library.search("Putin and Xi met in Kazan", k=5):
                        text = library.document(found.document).text if "note" not in found.document else None
                        if text is not None and text[found.start : found.end] != found.text:
                            wrong.append(found)
                    library.documents()
            except Exception as error:
                wrong.append(error)

        threads = [threading.Thread(target=search) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(10):
            library.add([Document(f"note {number}", "Note", f"Putin and Xi met in Kazan {number} times.")])
        library.remove([f"note {number}" for number in range(5)])
        stop.set()
        for thread in threads:
            thread.join()
        assert (wrong, len(ids(library)), library.faults()) == ([], 7, [])


# Faults -------------------------------------------------------------------------------------------------------------

FAULTS = {
    "passages of no document": "UPDATE passages SET document = 999 WHERE key = (SELECT min(key) FROM passages)",
    "sentences of no passage": "INSERT INTO sentences VALUES (9999, 0, 5)",
    "documents without passages": "DELETE FROM passages WHERE document = (SELECT min(key) FROM documents)",
    "passages whose vector has a wrong length": "UPDATE passages SET vector = substr(vector, 1, 10)",
    "the words' table": "INSERT INTO words (words) VALUES ('delete-all')",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_made_by_hand_is_found_and_repaired(library: Library, notes: Path, fault: str) -> None:
    library.update([notes])
    found = key_free(library.search("When are pears picked?"))
    with contextlib.closing(sqlite3.connect(library.path / DATABASE)) as database, database:
        database.execute(FAULTS[fault])
    assert [one for one in library.faults() if fault in one and "footnote index --reembed" in one] != []
    library.reembed()
    assert (library.faults(), key_free(library.search("When are pears picked?"))) == ([], found)


def test_a_library_of_everything_is_good(articles: Library) -> None:
    assert articles.faults() == []


def test_reembedding_changes_no_result(articles: Library, copy: Path) -> None:
    with Library.open(copy) as library:
        steps: list[int] = []
        assert library.reembed(progress=lambda done, count, title: steps.append(done)) == 2
        assert steps == [0, 1]
        assert key_free(library.search("trade")) == key_free(articles.search("trade"))


def test_vectors_are_stored_without_a_loss_that_shows(articles: Library) -> None:
    found = articles.search("Where did they meet?", k=5)
    exact = articles.embedder.embed([one.text for one in found]) @ articles.embedder.embed_query("Where did they meet?")
    assert np.abs(exact - [one.similarity for one in found]).max() < 1e-3


def test_the_builtin_root_is_no_folder(articles: Library) -> None:
    assert articles.files() == []
