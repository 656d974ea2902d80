"""The library's SQLite file: its tables, how it is opened, brought up to date and mended."""

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.documents import Document, printable
from index.errors import LibraryProblem
from index.words import content_stems

FORMAT = 2
"""The version of the tables below. A library of an older one is brought up to date when it is opened, one of a newer
one is refused. 1, of November 2026, had no digests, and numbers and names such as 4.5 and O'Brien cut in two."""

DATABASE = "library.sqlite"

PATIENCE = 15.0
"""How long to wait for another process that is writing, in seconds."""

_WORDS = (
    # The stems come from index.words; what stands in one must not be cut here. `ascii` leaves all else as it is.
    "CREATE VIRTUAL TABLE words USING fts5(stems, content='', tokenize=\"ascii tokenchars '.,:'''\")",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row)",
)

_PASSAGES = (
    """CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT,   -- a key is never used again: FAISS may still hold it
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    digest BLOB NOT NULL,            -- of its text, 16 bytes: the same text is embedded once
    vector BLOB NOT NULL             -- the embedder's, float16
)""",
    "CREATE INDEX passages_of_document ON passages (document)",
    "CREATE INDEX passages_of_digest ON passages (digest)",
    """CREATE TABLE readings (
    passage INTEGER PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
    word_starts BLOB NOT NULL,       -- int32: where in the passage each content word starts
    word_vectors BLOB NOT NULL       -- int8, 128 a word: index.reading.packed
)""",
)

_TABLES = (
    "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE documents (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,              -- the folder it was indexed from, or builtin: or upload:
    path TEXT NOT NULL,              -- below the root
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    pages TEXT NOT NULL,             -- JSON list of offsets
    size INTEGER,                    -- of the file, bytes; NULL where there is no file
    modified INTEGER,                -- of the file, nanoseconds since 1970
    checked INTEGER NOT NULL,        -- when the file was read last, likewise
    added TEXT NOT NULL,             -- ISO 8601, UTC
    bytes BLOB,                      -- sha256 of the file; NULL where it is not known
    date TEXT,                       -- that the file gives itself: Document.date
    UNIQUE (root, path)
)""",
    *_PASSAGES,
    """CREATE TABLE sentences (
    passage INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    PRIMARY KEY (passage, start)
) WITHOUT ROWID""",
    *_WORDS,
)

_OURS = ("about", "documents", "passages", "readings", "sentences", "words", "vocabulary", "sqlite_")


def connect(folder: Path, *, create: bool) -> sqlite3.Connection:
    """Opens the database in a folder, or makes one; brings an older one up to date. Raises LibraryProblem."""
    shown = printable(folder)
    file = folder / DATABASE
    try:
        is_file, is_there = folder.exists() and not folder.is_dir(), file.exists()
    except OSError as error:
        raise LibraryProblem(
            f"The folder {shown} cannot be read ({error.strerror}); give yourself permission, or name another folder"
            " with --library."
        ) from None
    if is_file:
        raise LibraryProblem(f"{shown} is a file; name a folder for the library with --library.")
    with problems_named(folder):
        if not is_there:
            if not create:
                raise LibraryProblem(f"There is no library in {shown}; `footnote index PATH` makes one.")
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise LibraryProblem(
                    f"The folder {shown} cannot be made ({error.strerror}); name another with --library."
                ) from None
        try:
            connection = opened(file.as_uri())
        except sqlite3.OperationalError:
            if not is_there or os.access(folder, os.W_OK):
                raise
            # A folder that cannot be written, without a log: nobody changes it under us.
            connection = opened(f"{file.as_uri()}?immutable=1")
        try:
            version = _format(connection)
            if version == 0:
                make_tables(connection)
            elif version > FORMAT:
                raise LibraryProblem(
                    f"The library in {shown} was made by a newer Footnote (format {version}, this one reads {FORMAT});"
                    " update Footnote, or name another folder with --library."
                )
            elif version < FORMAT:
                _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def opened(uri: str) -> sqlite3.Connection:
    """A connection to what is at the address, whatever its tables."""
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        _format(connection)  # the first look at the file: raises where it cannot be read
    except BaseException:
        connection.close()
        raise
    return connection


def make_tables(connection: sqlite3.Connection) -> None:
    """All tables or none; processes that start at once make them once."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:  # SQLite waits for a lock, but not here
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    with _all_or_nothing(connection):
        if _format(connection) == 0:
            for statement in _TABLES:
                connection.execute(statement)
            # Not from 0: the vectors' file of a database that was deleted would pass for that of the new one.
            connection.execute("INSERT INTO about VALUES ('generation', abs(random() / 65536))")
            connection.execute(f"PRAGMA user_version = {FORMAT}")


def digest(text: str) -> bytes:
    """What tells texts of passages apart: 16 bytes of their sha256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def stems_stored(text: str) -> str:
    """What the words' table holds of a passage."""
    return " ".join(content_stems(text))


def rescue(folder: Path) -> Path | None:
    """Sets a damaged database aside and puts a new one in its place with every document that can still be read whole,
    without its passages, and what other tables hold. Returns where the damaged one is now; None where there is none.

    Killed half-way, it leaves the damaged database where it was.
    """
    file = folder / DATABASE
    if not file.exists():
        return None
    partial = folder / "rescued"
    partial.mkdir(exist_ok=True)
    for left in partial.iterdir():
        left.unlink()
    with problems_named(folder):
        connection = connect(partial, create=True)
        with contextlib.closing(connection):
            with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(opened(file.as_uri())) as damaged:
                _copy_readable(damaged, connection)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    aside = folder / f"damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    aside.mkdir()
    # The log first: without it the damaged database is no worse, with another's it would be.
    for name in (f"{DATABASE}-wal", f"{DATABASE}-shm", DATABASE):
        with contextlib.suppress(FileNotFoundError):
            (folder / name).rename(aside / name)
    (partial / DATABASE).rename(file)
    for left in partial.iterdir():
        left.unlink()
    partial.rmdir()
    return aside


def _copy_readable(damaged: sqlite3.Connection, rescued: sqlite3.Connection) -> None:
    columns = [row[1] for row in rescued.execute("PRAGMA table_info(documents)")]
    there = {row[1] for row in damaged.execute("PRAGMA table_info(documents)")}
    wanted = ", ".join(column if column in there else "NULL" for column in columns)
    with _all_or_nothing(rescued):
        for row in _rows(damaged, f"SELECT {wanted} FROM documents WHERE key", "documents", "key"):
            document = dict(zip(columns, row, strict=True))
            if Document(document["id"], document["title"], document["text"]).sha256 == document["sha256"]:
                marks = ", ".join("?" * len(row))
                rescued.execute(f"INSERT OR IGNORE INTO documents VALUES ({marks})", row)
        tables = damaged.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index')").fetchall()
        for name, sql in tables:
            if name.startswith(_OURS) or not sql:
                continue
            rescued.execute(sql)
            if sql.upper().startswith("CREATE TABLE"):
                with contextlib.suppress(sqlite3.DatabaseError):
                    for row in damaged.execute(f'SELECT * FROM "{name}"'):
                        rescued.execute(f'INSERT OR IGNORE INTO "{name}" VALUES ({", ".join("?" * len(row))})', row)


def _rows(damaged: sqlite3.Connection, query: str, table: str, key: str) -> Iterator[tuple[object, ...]]:
    """The rows of a table that can be read, one after the other, past those that cannot."""
    try:
        last = damaged.execute(f"SELECT max({key}) FROM {table}").fetchone()[0] or 0
    except sqlite3.DatabaseError:
        last = 100_000
    for number in range(1, last + 1):
        try:
            row = damaged.execute(f"{query} = ?", (number,)).fetchone()
        except sqlite3.DatabaseError:
            continue
        if row and all(value is None or isinstance(value, str | int | bytes) for value in row):
            yield row


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection) -> None:
    """From format 1 to 2, in place and in one transaction; vectors and texts stay as they are."""
    connection.execute("PRAGMA foreign_keys = OFF")  # or the sentences would leave with the table that is replaced
    connection.execute("PRAGMA legacy_alter_table = ON")  # or they would go on pointing at it
    with _all_or_nothing(connection):
        if _format(connection) == 1:
            connection.execute("ALTER TABLE documents ADD COLUMN bytes BLOB")
            connection.execute("ALTER TABLE documents ADD COLUMN date TEXT")
            connection.execute("ALTER TABLE passages RENAME TO passages_1")
            connection.execute("DROP INDEX passages_of_document")
            connection.execute("DROP TABLE vocabulary")
            connection.execute("DROP TABLE words")
            for statement in (*_PASSAGES, *_WORDS):
                connection.execute(statement)
            for document, text in connection.execute("SELECT key, text FROM documents"):
                old = "SELECT key, start, stop, vector, word_starts, word_vectors FROM passages_1 WHERE document = ?"
                for key, start, stop, vector, word_starts, word_vectors in connection.execute(old, (document,)):
                    passage = (key, document, start, stop, digest(text[start:stop]), vector)
                    connection.execute("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", passage)
                    connection.execute("INSERT INTO readings VALUES (?, ?, ?)", (key, word_starts, word_vectors))
                    stems = stems_stored(text[start:stop])
                    connection.execute("INSERT INTO words (rowid, stems) VALUES (?, ?)", (key, stems))
            last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages_1'").fetchone()
            connection.execute("DROP TABLE passages_1")
            if last:
                connection.execute("DELETE FROM sqlite_sequence WHERE name = 'passages'")
                connection.execute("INSERT INTO sqlite_sequence VALUES ('passages', ?)", last)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("PRAGMA legacy_alter_table = OFF")
    connection.execute("PRAGMA foreign_keys = ON")


@contextmanager
def _all_or_nothing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it
            connection.execute("ROLLBACK")
        raise


@contextmanager
def problems_named(folder: Path) -> Iterator[None]:
    """SQLite's errors as sentences."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        shown = printable(folder)
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the rest of it says in which call
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            sentence = f"Another Footnote is writing to the library in {shown}; try again when it has finished."
        elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            sentence = (
                f"The library in {shown} cannot be written; give yourself permission, or name another folder with"
                " --library."
            )
        elif code == sqlite3.SQLITE_FULL:
            sentence = f"The disk that holds the library in {shown} is full; nothing was lost, make room and try again."
        elif code == sqlite3.SQLITE_IOERR:
            sentence = (
                f"The disk refused to read or write the library in {shown} ({error}); look after its room and its"
                " state, then run `footnote doctor`."
            )
        else:
            sentence = (
                f"The library in {shown} is damaged ({error}); run `footnote index --rescue`: it saves what can be read"
                " and names what to index again."
            )
        raise LibraryProblem(sentence) from None
