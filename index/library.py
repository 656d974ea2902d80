"""A searchable library in a folder: SQLite holds the truth, FAISS and the words' table make it quick.

Each document goes in or out in one transaction, so that a process killed at any moment leaves a good library, and
other processes go on reading meanwhile.
"""

import json
import logging
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index.documents import SUFFIXES, Document, builtin, decodable, printable, read
from index.embed import BundledEmbedder, Embedder, load_embedder
from index.errors import BadInput, LibraryProblem, MissingPart, NotFound
from index.reading import Reader, Reading, packed, unpacked
from index.split import Passage, Sentence, split
from index.vectors import LARGE, Vectors
from index.words import content_stems

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.retrievers import BaseRetriever

FORMAT = 1
"""The version of the tables below; a library of a newer one is refused."""

DATABASE = "library.sqlite"
VECTORS = "passages.faiss"

BUILTIN_ROOT = "builtin:"
UPLOAD_ROOT = "upload:"

_CANDIDATES = 50
"""How many passages each of the two searches hands to the fusion."""

_DENSE_SHARE = 0.6
"""The weight of the cosine in the fused score; BM25, divided by the best of the query, has the rest."""

_FREQUENT = 0.5
"""Words in more than this share of the passages leave the query where others remain: they tell nothing and are slow."""

_PATIENCE = 15.0
"""How long to wait for another process that is writing, in seconds."""

_TEXTS_KEPT = 64
"""Document texts kept in memory."""

_TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
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
    UNIQUE (root, path)
);
CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT,   -- a key is never used again: FAISS may still hold it
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    vector BLOB NOT NULL,            -- the embedder's, float16
    word_starts BLOB NOT NULL,       -- int32: where in the passage each content word starts
    word_vectors BLOB NOT NULL       -- int8, 128 a word: index.reading.packed
);
CREATE INDEX passages_of_document ON passages (document);
CREATE TABLE sentences (
    passage INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    PRIMARY KEY (passage, start)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(stems, content='', tokenize='unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
"""

Vector = npt.NDArray[np.float32]
EmbeddedPassage = tuple[Passage, Vector, Reading]
"""A passage, the embedder's vector of it and what was read in it."""

log = logging.getLogger("footnote")


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A line of the library's contents; `characters` and `passages` are counts, `added` is ISO 8601 in UTC."""

    id: str
    title: str
    characters: int
    passages: int
    added: str


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that a search found: its span, its text and why it was found.

    score       the fused score by which it is ranked, 0..1
    similarity  the cosine of question and passage
    keywords    BM25, divided by that of the best passage: 0..1
    """

    document: str
    start: int
    end: int
    text: str
    score: float
    similarity: float
    keywords: float
    key: int = field(repr=False, default=0)


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """What is stored of a passage beyond its text.

    sentences    in reading order
    word_starts  where in the document each content word starts, shape (words,)
    words        their vectors in context, shape (words, 128), unit length
    """

    sentences: tuple[Sentence, ...]
    word_starts: npt.NDArray[np.int32]
    words: Vector


@dataclass(slots=True)
class Report:
    """What an update did: document ids, and for each file that could not be read one sentence."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: int = 0
    problems: list[str] = field(default_factory=list)


Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the file at hand."""


def default_path() -> Path:
    """`FOOTNOTE_LIBRARY`, else a folder in the user's data directory."""
    if named := os.environ.get("FOOTNOTE_LIBRARY"):
        return expanded(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("footnote", appauthor=False)) / "library"


def expanded(path: str | Path) -> Path:
    """A path with `~` or `~name` at its start as that home folder; a name that is nobody's stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises for a file called ~notes.txt


class Library:
    """Documents, their passages and sentences, and the search over them. Safe to use from several threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection, embedder: "str | BaseEmbedding | None") -> None:
        self.path = path
        self._connection = connection
        self._named_embedder = embedder
        self._embedder: Embedder | None = None
        self._reader: Reader | None = None
        self._lock = threading.RLock()
        self._vectors: Vectors | None = None
        self._vectors_of: tuple[int, int] = (-1, -1)
        self._texts: OrderedDict[int, Document] = OrderedDict()
        self._texts_of = -1

    @classmethod
    def open(
        cls,
        path: "str | Path | None" = None,
        *,
        embedder: "str | BaseEmbedding | None" = None,
        create: bool = True,
        any_embedder: bool = False,
    ) -> "Library":
        """Opens the library in the folder `path` (default: `default_path()`), or makes an empty one there.

        Raises LibraryProblem where the folder cannot be used, the library is damaged, of a newer format or made with
        another embedder (unless `any_embedder`: then `reembed` comes next), and, with `create=False`, where there is
        none.
        """
        folder = (expanded(path) if path is not None else default_path()).absolute()
        connection = connect(folder, create=create)
        library = cls(folder, connection, embedder)
        try:
            if not any_embedder:
                library._check_embedder()
        except BaseException:
            connection.close()
            raise
        return library

    def close(self) -> None:
        """Lets go of the database. The library cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def embedder(self) -> Embedder:
        """The embedder, loaded when it is first needed."""
        with self._lock:
            if self._embedder is None:
                self._embedder = load_embedder(self._named_embedder)
            return self._embedder

    @property
    def reader(self) -> Reader:
        """What reads passages word by word: the bundled model, whichever the embedder is."""
        with self._lock:
            if self._reader is None:
                embedder = self.embedder
                self._reader = Reader(embedder if isinstance(embedder, BundledEmbedder) else BundledEmbedder())
            return self._reader

    @property
    def generation(self) -> int:
        """A number that grows with every change of the library, by whichever process."""
        return int(self._about("generation") or 0)

    # Reading ------------------------------------------------------------------------------------------------------

    def documents(self) -> list[DocumentInfo]:
        """What is in the library, by id."""
        with self._reading() as rows:
            found = rows.execute(
                "SELECT id, title, length(text), (SELECT count(*) FROM passages WHERE document = documents.key), added"
                " FROM documents ORDER BY id"
            ).fetchall()
        return [DocumentInfo(*row) for row in found]

    def document(self, id: str) -> Document:
        """The document of that id; its text is the one in which offsets count. Raises NotFound."""
        with self._reading() as rows:
            row = rows.execute("SELECT key FROM documents WHERE id = ?", (_storable(id),)).fetchone()
            if row is None:
                raise NotFound(id)
            return self._document(row[0])

    def search(
        self, query: str, *, k: int = 10, documents: Sequence[str] | None = None, reading: Reading | None = None
    ) -> list[Found]:
        """The `k` passages that fit the query best, best first: cosine and BM25 fused. With `documents`, ids, of these
        alone; raises NotFound for one that is not there. `reading` is what `reader` made of the query, where that is
        done already: it saves the bundled embedder from reading it again."""
        if k < 1:
            raise BadInput(f"k is {k}; ask for 1 passage or more.")
        if reading is not None and isinstance(self.embedder, BundledEmbedder):
            vector = reading.vector
        else:
            vector = self.embedder.embed_query(query)
        with self._reading() as rows:
            wide = max(_CANDIDATES, 3 * k)
            if documents is None:
                similarity = dict(self._searchable().search(vector, k=wide))
                keywords = self._keyword_search(query, wide)
            else:
                within = self._passages_of(documents)
                similarity = {key: float(vector @ stored) for key, stored in self._passage_vectors(within).items()}
                keywords = self._keyword_search(query, wide, within=within)
            missing = [key for key in keywords if key not in similarity]
            similarity |= {key: float(vector @ stored) for key, stored in self._passage_vectors(missing).items()}
            best = max(keywords.values(), default=1.0)
            scored = []
            for key, cosine in similarity.items():
                word_score = keywords.get(key, 0.0) / best
                fused = _DENSE_SHARE * max(cosine, 0.0) + (1 - _DENSE_SHARE) * word_score
                scored.append((fused, cosine, word_score, key))
            scored.sort(key=lambda entry: (-entry[0], entry[3]))
            found = []
            for fused, cosine, word_score, key in scored[:k]:
                row = rows.execute("SELECT document, start, stop FROM passages WHERE key = ?", (key,)).fetchone()
                document = self._document(row[0])
                text = document.text[row[1] : row[2]]
                found.append(Found(document.id, row[1], row[2], text, fused, cosine, word_score, key))
            return found

    def stored(self, passage: Found) -> StoredPassage:
        """The sentences and word vectors of a passage that was found."""
        with self._reading() as rows:
            starts, words = rows.execute(
                "SELECT word_starts, word_vectors FROM passages WHERE key = ?", (passage.key,)
            ).fetchone()
            spans = rows.execute("SELECT start, stop FROM sentences WHERE passage = ? ORDER BY start", (passage.key,))
            sentences = tuple(Sentence(*span) for span in spans)
        return StoredPassage(
            sentences, np.frombuffer(starts, dtype=np.int32) + np.int32(passage.start), unpacked(words)
        )

    def passage_count(self) -> int:
        """How many passages the library holds."""
        with self._reading() as rows:
            return int(rows.execute("SELECT count(*) FROM passages").fetchone()[0])

    def passages_with(self, stems: Iterable[str]) -> dict[str, int]:
        """In how many passages each stem (`index.words.stem`) stands."""
        wanted = sorted(set(stems))
        with self._reading() as rows:
            marks = ",".join("?" * len(wanted))
            counts = dict(rows.execute(f"SELECT term, doc FROM vocabulary WHERE term IN ({marks})", wanted))
        return {stem: int(counts.get(stem, 0)) for stem in wanted}

    def as_retriever(self, *, k: int = 10) -> "BaseRetriever":
        """This library as a llama-index retriever; each node's metadata holds document, start, end and title."""
        from index.retriever import LibraryRetriever

        return LibraryRetriever(self, k=k)

    # Writing ------------------------------------------------------------------------------------------------------

    def add(self, documents: Iterable[Document], *, root: str = UPLOAD_ROOT) -> list[str]:
        """Adds documents, or puts them in place of those of the same root and id. Returns the ids they got.

        An id that another root owns is left alone: the new document is stored as `ROOTNAME/id`.
        """
        return [self._put(document, root=root, path=document.id) for document in documents]

    def add_builtin(self) -> list[str]:
        """Adds the shipped articles."""
        return self.add(builtin(), root=BUILTIN_ROOT)

    def update(self, paths: Sequence["str | Path"], *, prune: bool = False, progress: Progress | None = None) -> Report:
        """Adds or updates files and folders. Documents whose file has gone from a folder leave the library.

        A folder that is missing, or holds none of its earlier files any more, may be one that is not mounted, or
        another may be in its place: nothing of it leaves, and nothing new comes in, unless `prune` is given. Whatever
        could not be done stands in `Report.problems`, a sentence each.
        """
        report = Report()
        jobs: list[tuple[str, Path, Path]] = []  # root, path below it, file
        gone: list[tuple[str, set[str]]] = []  # root, paths below it
        # abspath, since resolve() would follow links
        for given in dict.fromkeys(Path(os.path.abspath(expanded(name))) for name in paths):  # noqa: PTH100
            root = decodable(str(given))
            if os.path.isdir(given):  # noqa: PTH112 - unlike Path.is_dir, never raises
                unreadable: list[str] = []
                files = list(_walk(given, unreadable, report))
                leaving = self._gone(root, {_below(file, given) for file in files}, unreadable)
                if prune or self._keeps_some(root, given, leaving, report):
                    gone.append((root, leaving))
                    jobs += [(root, given, file) for file in files]
            elif not os.path.lexists(given) and (leaving := set(self._paths_of(root))):
                if prune or self._keeps_some(root, given, leaving, report):
                    gone.append((root, leaving))
            elif os.path.lexists(given):
                jobs.append((*self._owner_of(given), given))
            else:
                report.problems.append(f"There is no file or folder {printable(given)}; check the name.")
        for done, (root, folder, file) in enumerate(jobs):
            if progress:
                progress(done, len(jobs), printable(file.name))
            self._update_file(root, folder, file, report)
        if progress:
            progress(len(jobs), len(jobs), "")
        for root, leaving in gone:
            ids = [id for path, id in self._paths_of(root).items() if path in leaving]
            if ids:
                self.remove(ids)
                report.removed += ids
        return report

    def remove(self, ids: Iterable[str]) -> None:
        """Takes documents out. Raises NotFound, with nothing removed, when one of the ids is not there."""
        wanted = list(dict.fromkeys(ids))
        with self._writing() as rows:
            keys = []
            for id in wanted:
                row = rows.execute("SELECT key FROM documents WHERE id = ?", (_storable(id),)).fetchone()
                if row is None:
                    raise NotFound(id)
                keys.append(row[0])
            for key in keys:
                self._delete(rows, key)

    def reembed(self, *, progress: Progress | None = None) -> int:
        """Splits and embeds every stored text anew, with the embedder this library was opened with, in one
        transaction. Returns the number of documents."""
        with self._writing() as rows:
            keys = [row[0] for row in rows.execute("SELECT key FROM documents ORDER BY key")]
            rows.execute("INSERT INTO words (words) VALUES ('delete-all')")
            rows.execute("DELETE FROM passages")
            for done, key in enumerate(keys):
                document = self._document(key)
                if progress:
                    progress(done, len(keys), document.title)
                self._insert_passages(rows, key, document, self._embedded(document))
            rows.execute("DELETE FROM sentences WHERE passage NOT IN (SELECT key FROM passages)")
            self._sign(rows)
        return len(keys)

    def faults(self) -> list[str]:
        """What does not fit together in the library, a sentence each that says what to run; none in a good one."""
        checks = (
            (
                "SELECT count(*) FROM passages WHERE document NOT IN (SELECT key FROM documents)",
                "passages of no document",
            ),
            (
                "SELECT count(*) FROM sentences WHERE passage NOT IN (SELECT key FROM passages)",
                "sentences of no passage",
            ),
            (
                "SELECT count(*) FROM documents WHERE key NOT IN (SELECT document FROM passages)",
                "documents without passages",
            ),
            (
                f"SELECT count(*) FROM passages WHERE length(vector) != {2 * self.embedder.dimension}",
                "passages whose vector has a wrong length",
            ),
            (
                "SELECT abs((SELECT count(*) FROM passages) - (SELECT count(*) FROM words_docsize))",
                "passages more or fewer than the words' table knows",
            ),
        )
        with self._reading() as rows:
            damage = rows.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                return [f"The database is damaged ({damage}); move the folder away and index your documents again."]
            counted = [(rows.execute(query).fetchone()[0], what) for query, what in checks]
        return [f"There are {count} {what}; run `footnote index --reembed`." for count, what in counted if count]

    # Files ----------------------------------------------------------------------------------------------------------

    def _update_file(self, root: str, folder: Path, file: Path, report: Report) -> None:
        path = _below(file, folder)
        with self._reading() as rows:
            known = rows.execute(
                "SELECT id, sha256, size, modified, checked FROM documents WHERE root = ? AND path = ?", (root, path)
            ).fetchone()
        try:
            state = file.stat() if file.exists() else None
            checked = time.time_ns()
            if known and state and _surely_same(known, state):
                report.unchanged.append(known[0])
                return
            document = read(file, id=path)
        except (BadInput, MissingPart) as problem:
            report.problems.append(str(problem))
            return
        except OSError as error:
            report.problems.append(f"{printable(file)} cannot be read ({error.strerror or error}).")
            return
        size, modified = (state.st_size, state.st_mtime_ns) if state else (None, None)
        if known and known[1] == document.sha256:
            report.unchanged.append(known[0])
            self._touch(root, path, document.title, size, modified, checked)
            return
        id = self._put(document, root=root, path=path, size=size, modified=modified, checked=checked)
        (report.changed if known else report.added).append(id)

    def _touch(self, root: str, path: str, title: str, size: int | None, modified: int | None, checked: int) -> None:
        """Notes the file's new size and time; the text is the same."""
        with self._writing(changes=False) as rows:
            rows.execute(
                "UPDATE documents SET title = ?, size = ?, modified = ?, checked = ? WHERE root = ? AND path = ?",
                (title, size, modified, checked, root, path),
            )

    def _gone(self, root: str, present: set[str], unreadable: list[str]) -> set[str]:
        """The paths indexed from a folder that are not in it any more, as far as it can be looked into."""
        if "." in unreadable:
            return set()  # the folder itself
        hidden = tuple(f"{part}/" for part in unreadable)
        return {path for path in self._paths_of(root) if not (path in present or path.startswith(hidden))}

    def _keeps_some(self, root: str, folder: Path, leaving: set[str], report: Report) -> bool:
        """Whether some of a folder's documents would stay; if not, says so."""
        if not leaving or len(leaving) < len(self._paths_of(root)):
            return True
        state = "holds none of its earlier files" if folder.is_dir() else "is missing"
        report.problems.append(
            f"{printable(folder)} {state}, so its {len(leaving)} documents were kept and no others read;"
            " if they are gone for good, run the same command with --prune."
        )
        return False

    def _owner_of(self, file: Path) -> tuple[str, Path]:
        """The root a single file belongs to: the one it was indexed from before, else its folder."""
        with self._reading() as rows:
            for folder in file.parents:
                place = (decodable(str(folder)), _below(file, folder))
                if rows.execute("SELECT 1 FROM documents WHERE root = ? AND path = ?", place).fetchone():
                    return place[0], folder
        return decodable(str(file.parent)), file.parent

    def _paths_of(self, root: str) -> dict[str, str]:
        with self._reading() as rows:
            return dict(rows.execute("SELECT path, id FROM documents WHERE root = ?", (root,)))

    # Rows -----------------------------------------------------------------------------------------------------------

    def _put(
        self,
        document: Document,
        *,
        root: str,
        path: str,
        size: int | None = None,
        modified: int | None = None,
        checked: int = 0,
    ) -> str:
        """Stores a document in place of the one of that root and path. Returns the id it got."""
        for part, text in (("text", document.text), ("id", document.id), ("title", document.title)):
            if "\0" in text or _storable(text) != text:
                raise BadInput(f"The {part} of {document.id!r} holds NUL or half characters; take them out.")
        if not document.text.strip():
            raise BadInput(f"{document.id!r} is empty; there is nothing in it to index.")
        embedded = self._embedded(document)
        with self._writing() as rows:
            self._check_embedder()  # another process may have changed it over since
            known = rows.execute("SELECT key, id FROM documents WHERE root = ? AND path = ?", (root, path)).fetchone()
            if known:
                self._delete(rows, known[0])
            id = str(known[1]) if known else _free_id(rows, root, path)
            key = rows.execute(
                "INSERT INTO documents (id, root, path, title, text, sha256, pages, size, modified, checked, added)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    id,
                    root,
                    path,
                    document.title,
                    document.text,
                    document.sha256,
                    json.dumps(document.pages),
                    size,
                    modified,
                    checked,
                    datetime.now(UTC).isoformat(timespec="seconds"),
                ),
            ).lastrowid
            assert key is not None
            self._insert_passages(rows, key, document, embedded)
            self._sign(rows)
        return id

    def _embedded(self, document: Document) -> list[EmbeddedPassage]:
        """The passages of a document, the vector of each, and those of its sentences."""
        passages = split(document.text)
        texts = [document.text[passage.start : passage.end] for passage in passages]
        readings = self.reader.read_all(texts)
        if isinstance(self.embedder, BundledEmbedder):  # one pass gives both
            vectors: Sequence[Vector] = [reading.vector for reading in readings]
        else:
            vectors = list(self.embedder.embed(texts))
        return list(zip(passages, vectors, readings, strict=True))

    def _insert_passages(
        self,
        rows: sqlite3.Connection,
        key: int,
        document: Document,
        embedded: list[EmbeddedPassage],
    ) -> None:
        for passage, vector, reading in embedded:
            passage_key = rows.execute(
                "INSERT INTO passages (document, start, stop, vector, word_starts, word_vectors)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    key,
                    passage.start,
                    passage.end,
                    vector.astype(np.float16).tobytes(),
                    reading.starts.tobytes(),
                    packed(reading.words),
                ),
            ).lastrowid
            rows.executemany(
                "INSERT INTO sentences (passage, start, stop) VALUES (?, ?, ?)",
                [(passage_key, sentence.start, sentence.end) for sentence in passage.sentences],
            )
            rows.execute(
                "INSERT INTO words (rowid, stems) VALUES (?, ?)",
                (passage_key, _stems_stored(document, passage.start, passage.end)),
            )

    def _delete_passages(self, rows: sqlite3.Connection, key: int) -> None:
        document = self._document(key)
        for passage, start, stop in rows.execute(
            "SELECT key, start, stop FROM passages WHERE document = ?", (key,)
        ).fetchall():
            stems = _stems_stored(document, start, stop)
            rows.execute("INSERT INTO words (words, rowid, stems) VALUES ('delete', ?, ?)", (passage, stems))
        rows.execute("DELETE FROM passages WHERE document = ?", (key,))

    def _delete(self, rows: sqlite3.Connection, key: int) -> None:
        self._delete_passages(rows, key)
        rows.execute("DELETE FROM documents WHERE key = ?", (key,))
        self._texts.pop(key, None)

    def _document(self, key: int) -> Document:
        if self._texts_of != (generation := self.generation):  # a key may be another document's by now
            self._texts.clear()
            self._texts_of = generation
        if key in self._texts:
            self._texts.move_to_end(key)
            return self._texts[key]
        row = self._connection.execute("SELECT id, title, text, pages FROM documents WHERE key = ?", (key,)).fetchone()
        document = Document(row[0], row[1], row[2], tuple(json.loads(row[3])))
        self._texts[key] = document
        if len(self._texts) > _TEXTS_KEPT:
            self._texts.popitem(last=False)
        return document

    # Searching ------------------------------------------------------------------------------------------------------

    def _searchable(self) -> Vectors:
        """The vectors of the library as it is now, whoever changed it last."""
        generation, passages = self.generation, self.passage_count()
        if self._vectors is not None and self._vectors_of == (generation, passages):
            return self._vectors
        self._check_embedder()
        file = self.path / VECTORS
        dimension = self.embedder.dimension
        vectors = Vectors.load(file, generation=generation, dimension=dimension) if passages >= LARGE else None
        if vectors is None or len(vectors) != passages:
            vectors = self._build(dimension)
            if passages >= LARGE:
                try:
                    vectors.save(file, generation=generation)
                except OSError as error:  # a full disk or a read-only folder costs time, not answers
                    log.warning(
                        "The vectors could not be kept in %s (%s); the next start builds them anew.", file, error
                    )
        self._vectors, self._vectors_of = vectors, (generation, passages)
        return vectors

    def _build(self, dimension: int) -> Vectors:
        rows = self._connection.execute("SELECT key, vector FROM passages ORDER BY key").fetchall()
        keys = np.array([row[0] for row in rows], dtype=np.int64)
        stored = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.float16)
        return Vectors.build(keys, stored.reshape(-1, dimension).astype(np.float32))

    def _passages_of(self, ids: Iterable[str]) -> list[int]:
        """The keys of the passages of these documents. Raises NotFound."""
        keys: list[int] = []
        for id in dict.fromkeys(ids):
            row = self._connection.execute("SELECT key FROM documents WHERE id = ?", (_storable(id),)).fetchone()
            if row is None:
                raise NotFound(id)
            keys += (key for (key,) in self._connection.execute("SELECT key FROM passages WHERE document = ?", row))
        return keys

    def _passage_vectors(self, keys: Iterable[int]) -> dict[int, Vector]:
        found = {}
        for key in keys:
            blob = self._connection.execute("SELECT vector FROM passages WHERE key = ?", (key,)).fetchone()[0]
            found[key] = np.frombuffer(blob, dtype=np.float16).astype(np.float32)
        return found

    def _keyword_search(self, query: str, k: int, *, within: list[int] | None = None) -> dict[int, float]:
        """The `k` best passages, of those `within` if given, by BM25: key to score (greater is better)."""
        stems = list(dict.fromkeys(content_stems(query)))[:200]
        if not stems:
            return {}
        counts = self.passages_with(stems)
        rare = [stem for stem in stems if counts[stem] <= _FREQUENT * self.passage_count()]
        match = " OR ".join(f'"{stem}"' for stem in rare or stems)
        rows = self._connection.execute(
            "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ?1"
            " AND (?2 IS NULL OR rowid IN (SELECT value FROM json_each(?2))) ORDER BY bm25(words), rowid LIMIT ?3",
            (match, None if within is None else json.dumps(within), k),
        )
        return {int(key): max(float(score), 1e-9) for key, score in rows}

    # The database ---------------------------------------------------------------------------------------------------

    def _about(self, key: str) -> str | None:
        with self._reading() as rows:
            row = rows.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _check_embedder(self) -> None:
        identity = self._about("embedder_identity")
        if identity is None:
            return
        if self.embedder.identity == identity and self._about("reader_identity") != self.reader.identity:
            raise LibraryProblem(
                f"The library in {printable(self.path)} was made by another version of Footnote;"
                " run `footnote index --reembed` to bring it up to date."
            )
        if self.embedder.identity != identity:
            raise LibraryProblem(
                f"The library in {printable(self.path)} was made with the embedder {self._about('embedder_name')!r} and"
                f" cannot be searched with {self.embedder.name!r}; run `footnote index --reembed` to change it over."
            )

    def _sign(self, rows: sqlite3.Connection) -> None:
        """Notes with which embedder the vectors were made."""
        rows.executemany(
            "INSERT INTO about VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [
                ("embedder_name", self.embedder.name),
                ("embedder_identity", self.embedder.identity),
                ("reader_identity", self.reader.identity),
            ],
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The database, for one consistent look at it. Nested uses share the outermost's."""
        with self._lock, problems_named(self.path):
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def _writing(self, *, changes: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it happens or nothing."""
        with self._lock, problems_named(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                if changes:
                    self._connection.execute(
                        "UPDATE about SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'"
                    )
                self._connection.execute("COMMIT")
            except BaseException:
                self._texts.clear()
                if self._connection.in_transaction:  # a full disk has ended it
                    self._connection.execute("ROLLBACK")
                raise


# The folder ---------------------------------------------------------------------------------------------------------


def connect(folder: Path, *, create: bool) -> sqlite3.Connection:
    """The database of the library in `folder`, whose tables are there. Raises LibraryProblem."""
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
            connection = _opened(file.as_uri())
        except sqlite3.OperationalError:
            if not is_there or os.access(folder, os.W_OK):
                raise
            # A folder that cannot be written, without a log: nobody changes it under us.
            connection = _opened(f"{file.as_uri()}?immutable=1")
        try:
            version = _format(connection)
            if version == 0:
                _make_tables(connection)
            elif version > FORMAT:
                raise LibraryProblem(
                    f"The library in {shown} was made by a newer Footnote (format {version}, this one reads {FORMAT});"
                    " update Footnote, or name another folder with --library."
                )
        except BaseException:
            connection.close()
            raise
        return connection


def _opened(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        _format(connection)  # the first look at the file: raises where it cannot be read
    except BaseException:
        connection.close()
        raise
    return connection


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(connection: sqlite3.Connection) -> None:
    """All tables or none; processes that start at once make them once."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:  # SQLite waits for a lock, but not here
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _format(connection) == 0:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            # Not from 0: the vectors' file of a database that was deleted would pass for that of the new one.
            connection.execute("INSERT INTO about VALUES ('generation', abs(random() / 65536))")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
    except BaseException:
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
        shown, text = printable(folder), str(error)
        if "locked" in text:
            sentence = f"Another Footnote is writing to the library in {shown}; try again when it has finished."
        elif "readonly" in text or "unable to open" in text:
            sentence = (
                f"The library in {shown} cannot be written; give yourself permission, or name another folder with"
                " --library."
            )
        elif "full" in text:
            sentence = f"The disk that holds the library in {shown} is full; nothing was lost, make room and try again."
        else:
            sentence = (
                f"The library in {shown} is damaged ({text}); move the folder away and index your documents again."
            )
        raise LibraryProblem(sentence) from None


def _free_id(rows: sqlite3.Connection, root: str, path: str) -> str:
    """The path; where another root owns that id, ROOTNAME/path, then ROOTNAME-2/path and so on."""
    name = root.rstrip(":") if root in (BUILTIN_ROOT, UPLOAD_ROOT) else Path(root).name or "root"
    candidates: Iterator[str] = iter([path, f"{name}/{path}"])
    number = 2
    while True:
        id = next(candidates, None) or f"{name}-{number}/{path}"
        if rows.execute("SELECT 1 FROM documents WHERE id = ?", (id,)).fetchone() is None:
            return id
        if id.startswith(f"{name}-{number}/"):
            number += 1


def _walk(folder: Path, unreadable: list[str], report: Report) -> Iterator[Path]:
    """The files below a folder that are of a kind Footnote reads, sorted. Hidden ones and linked folders are passed
    over, so that a link back up is no endless loop. Folders that cannot be listed are noted."""

    def note(error: OSError) -> None:
        path = Path(error.filename)
        unreadable.append(_below(path, folder))
        report.problems.append(f"The folder {printable(path)} cannot be read ({error.strerror}).")

    for parent, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)
            else:
                report.skipped += 1


def _below(file: Path, folder: Path) -> str:
    return decodable(file.relative_to(folder).as_posix())


def _surely_same(known: tuple[str, str, int | None, int | None, int], state: os.stat_result) -> bool:
    """Size and time as noted; a file changed within two seconds of being read could have changed again unnoticed."""
    _, _, size, modified, checked = known
    return (size, modified) == (state.st_size, state.st_mtime_ns) and checked - state.st_mtime_ns > 2_000_000_000


def _stems_stored(document: Document, start: int, stop: int) -> str:
    return " ".join(content_stems(document.text[start:stop]))


def _storable(text: str) -> str:
    """The text without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
