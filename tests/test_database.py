"""The database by itself: an older format brought up to date, and what is left of a damaged one saved."""

import contextlib
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.database import DATABASE, FORMAT, connect, make_tables, opened, problems_named, rescue
from index.documents import Document
from index.errors import LibraryProblem
from index.library import Library
from index.words import content_stems

# As format 1 had them.
TABLES_1 = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, root TEXT NOT NULL, path TEXT NOT NULL,
    title TEXT NOT NULL, text TEXT NOT NULL, sha256 TEXT NOT NULL, pages TEXT NOT NULL, size INTEGER, modified INTEGER,
    checked INTEGER NOT NULL, added TEXT NOT NULL, UNIQUE (root, path));
CREATE TABLE passages (key INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    vector BLOB NOT NULL, word_starts BLOB NOT NULL, word_vectors BLOB NOT NULL);
CREATE INDEX passages_of_document ON passages (document);
CREATE TABLE sentences (passage INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE, start INTEGER NOT NULL,
    stop INTEGER NOT NULL, PRIMARY KEY (passage, start)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(stems, content='', tokenize='unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
PRAGMA user_version = 1;
"""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A library of three documents."""
    folder = tmp_path / "library"
    with Library.open(folder) as library:
        for name in ("apples", "pears", "plums"):
            library.add([Document(name, name, f"{name.title()} grew by 4.5% at O'Brien's. They ripen in the autumn.")])
    return folder


@pytest.fixture
def of_format_1(made: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as old:
        old.executescript(TABLES_1)
        old.execute("ATTACH ? AS new", (str(made / DATABASE),))
        old.executescript(
            "INSERT INTO about SELECT * FROM new.about;"
            "INSERT INTO documents SELECT key, id, root, path, title, text, sha256, pages, size, modified, checked,"
            " added FROM new.documents;"
            "INSERT INTO passages SELECT key, document, start, stop, vector, word_starts, word_vectors"
            " FROM new.passages JOIN new.readings ON passage = key;"
            "INSERT INTO sentences SELECT * FROM new.sentences;"
        )
        for key, text in old.execute("SELECT key, text FROM documents").fetchall():
            stems = " ".join(content_stems(text))
            old.execute("INSERT INTO words (rowid, stems) VALUES (?, ?)", (key, stems))
        old.execute("UPDATE sqlite_sequence SET seq = 100 WHERE name = 'passages'")
        old.commit()
    return folder


def test_a_library_of_format_1_is_brought_up_to_date_as_it_is_opened(made: Path, of_format_1: Path) -> None:
    with Library.open(of_format_1) as old, Library.open(made) as new:
        assert old.search("Which pears?") == new.search("Which pears?")
        found = old.search("pears", k=1)[0]
        assert old.stored(found).sentences == new.stored(found).sentences
        assert (old.faults(), old.passages_with(["4.5", "o'brien"])) == ([], {"4.5": 3, "o'brien": 3})
        old.remove(["pears"])
        old.add([Document("figs", "Figs", "Figs are sweet.")])
        assert old.search("figs", k=1)[0].key > 100
        assert old.faults() == []
    with contextlib.closing(opened((of_format_1 / DATABASE).as_uri())) as rows:
        assert rows.execute("PRAGMA user_version").fetchone() == (FORMAT,)


def test_a_format_that_cannot_be_brought_up_to_date_is_left_as_it_was(of_format_1: Path) -> None:
    with contextlib.closing(sqlite3.connect(of_format_1 / DATABASE)) as old, old:
        old.execute("ALTER TABLE passages RENAME COLUMN vector TO something")
    with pytest.raises(LibraryProblem):
        connect(of_format_1, create=False)
    with contextlib.closing(sqlite3.connect(of_format_1 / DATABASE)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (1,)
        assert old.execute("SELECT count(*) FROM passages").fetchone() == (3,)


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from("⑴½4.,:’'é㎏ﷺ"), max_size=40
    )
)
def test_every_stem_is_one_word_of_the_table(text: str) -> None:
    with contextlib.closing(opened("file::memory:")) as rows:
        make_tables(rows)
        stems = content_stems(text)
        rows.execute("INSERT INTO words (rowid, stems) VALUES (1, ?)", (" ".join(stems),))
        stored = {term for (term,) in rows.execute("SELECT term FROM vocabulary")}
        assert stored == set(stems)
        for stem in stems:
            match = f'"{stem}"'
            assert rows.execute("SELECT rowid FROM words WHERE words MATCH ?", (match,)).fetchall() == [(1,)]


@pytest.mark.parametrize("keep", [0.35, 0.7, 0.98])
def test_of_a_database_cut_short_what_can_be_read_is_saved(made: Path, keep: float) -> None:
    file = made / DATABASE
    whole = file.read_bytes()
    with Library.open(made) as library:
        texts = {one.id: library.document(one.id).text for one in library.documents()}
    file.write_bytes(whole[: int(len(whole) * keep)])
    aside = rescue(made)
    assert aside is not None
    assert (aside / DATABASE).read_bytes() == whole[: int(len(whole) * keep)]
    assert sorted(entry.name for entry in made.iterdir()) == [aside.name, DATABASE]
    with Library.open(made, any_embedder=True) as library:
        library.reembed()
        saved = {one.id: library.document(one.id).text for one in library.documents()}
        assert saved == {id: text for id, text in texts.items() if id in saved}
        assert library.faults() == []


def test_a_database_in_which_one_page_is_spoilt_keeps_all_but_what_was_there(made: Path) -> None:
    with contextlib.closing(sqlite3.connect(made / DATABASE)) as rows:
        rows.execute("CREATE TABLE turns (number INTEGER, question TEXT)")
        rows.execute("INSERT INTO turns VALUES (1, 'Which pears?')")
        root = rows.execute("SELECT rootpage FROM sqlite_master WHERE name = 'passages'").fetchone()[0]
        size = rows.execute("PRAGMA page_size").fetchone()[0]
        rows.commit()
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray((made / DATABASE).read_bytes())
    data[size * (root - 1) : size * root] = b"\xaa" * size
    (made / DATABASE).write_bytes(data)
    rescue(made)
    with Library.open(made, any_embedder=True) as library:
        assert library.reembed() == 3
        assert library.faults() == []
    with contextlib.closing(sqlite3.connect(made / DATABASE)) as rows:
        assert rows.execute("SELECT * FROM turns").fetchall() == [(1, "Which pears?")]


def test_a_date_and_pages_are_kept(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        library.add([Document("a", "A", "One.\n\nTwo.", (0, 6), "2024-10")])
        assert library.document("a") == Document("a", "A", "One.\n\nTwo.", (0, 6), "2024-10")


def test_where_there_is_no_database_nothing_is_saved(tmp_path: Path) -> None:
    assert rescue(tmp_path) is None


@pytest.mark.parametrize(
    ("before", "statement", "says"),
    [
        ("PRAGMA max_page_count = 1", "CREATE TABLE one AS SELECT zeroblob(100000)", "is full; nothing was lost"),
        ("PRAGMA query_only = ON", "CREATE TABLE one (x)", "cannot be written; give yourself permission"),
    ],
)
def test_what_the_disk_refuses_is_named(made: Path, before: str, statement: str, says: str) -> None:
    with contextlib.closing(sqlite3.connect(made / DATABASE)) as rows:
        rows.execute(before)
        with pytest.raises(LibraryProblem, match=says), problems_named(made):
            rows.execute(statement)


def test_a_full_disk_takes_nothing_away(made: Path) -> None:
    with Library.open(made) as library:
        pages = library._connection.execute("PRAGMA page_count").fetchone()[0]
        library._connection.execute(f"PRAGMA max_page_count = {pages}")
        long = " ".join(f"Sentence {number} of very many that fill the disk." for number in range(400))
        with pytest.raises(LibraryProblem, match="is full"):
            library.add([Document("pears", "Pears", long)])
        assert library.document("pears").text.startswith("Pears grew")
        assert library.search("pears", k=1)[0].document == "pears"
        library._connection.execute("PRAGMA max_page_count = 1000000")
        library.add([Document("pears", "Pears", long)])
        assert library.faults() == []
