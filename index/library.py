"""A searchable library in a folder: SQLite holds the truth, FAISS and the words' table make it quick.

Each document goes in or out in one transaction, so that a process killed at any moment leaves a good library, and
other processes go on reading meanwhile.
"""

import json
import logging
import os
import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from index.database import connect, digest, problems_named, stems_stored
from index.documents import Document, builtin, printable
from index.embed import BundledEmbedder, Embedder, cores, load_embedder, unit
from index.errors import BadInput, LibraryProblem, NotFound
from index.folders import Progress, Report, Source, Stored, expanded, update
from index.reading import DIMENSION, Reader, Reading, packed, unpacked
from index.split import Passage, Sentence, split
from index.vectors import LARGE, Vectors
from index.words import content_stems, stem, tokens

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.retrievers import BaseRetriever

VECTORS = "passages.faiss"

BUILTIN_ROOT = "builtin:"
UPLOAD_ROOT = "upload:"

_CANDIDATES = 50
"""How many passages each of the two searches hands to the fusion."""

_DENSE_SHARE = 0.6
"""The weight of the cosine in the fused score; BM25, divided by the best of the query, has the rest."""

_CONTEXT_SHARE = 0.2
"""What BM25 of the words before a follow-up counts beside that of its own; measured on mtrag (docs/quality.md)."""

_FREQUENT = 0.5
"""Words in more than this share of the passages leave the query where others remain: they tell nothing and are slow."""

_REACH = 40_000
"""The rarest words of a query are looked up as long as no more passages than these hold them: at 40,000 passages all
words of a question take up to 20 ms of processor time, and more in step with the passages."""

_AHEAD = 64
"""How many passages are embedded before the documents that they are of are stored; what a kill may cost."""

_BATCH = 16
"""How many texts an embedder of one's own gets at once."""

_UNSAVED = 0.02
"""The vectors' file is written again once more than this share of the passages came or went since: to catch up with so
few takes less time than to write it."""

_TEXTS_KEPT = 64
"""Document texts kept in memory."""

Vector = npt.NDArray[np.float32]
Embedded = tuple[bytes, bytes, bytes]
"""What is stored of a passage's text: vector, word_starts and word_vectors, as index.database describes them."""

_Embedding = Future[dict[bytes, Embedded]]
_Given = TypeVar("_Given")

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


def default_path() -> Path:
    """`FOOTNOTE_LIBRARY`, else a folder in the user's data directory."""
    if named := os.environ.get("FOOTNOTE_LIBRARY"):
        return expanded(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("footnote", appauthor=False)) / "library"


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

    def same_texts(self) -> list[list[str]]:
        """The ids of documents of the same text, a list for each text that more than one has."""
        with self._reading() as rows:
            found = rows.execute(
                "SELECT id, sha256 FROM documents WHERE sha256 IN"
                " (SELECT sha256 FROM documents GROUP BY sha256 HAVING count(*) > 1) ORDER BY sha256, id"
            ).fetchall()
        same: dict[str, list[str]] = {}
        for id, sha256 in found:
            same.setdefault(sha256, []).append(id)
        return list(same.values())

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        documents: Sequence[str] | None = None,
        reading: Reading | None = None,
        context: Sequence[str] = (),
    ) -> list[Found]:
        """The `k` passages that fit the query best, best first: cosine and BM25 fused. With `documents`, ids, of these
        alone; raises NotFound for one that is not there. `reading` is what `reader` made of the query, where that is
        done already: it saves the bundled embedder from reading it again.

        `context` is what was said before a query that says too little by itself. The query's vector is then the mean of
        its own and of one for each of these with the query behind it, and their words count a little, too.
        """
        if k < 1:
            raise BadInput(f"k is {k}; ask for 1 passage or more.")
        if reading is not None and isinstance(self.embedder, BundledEmbedder):
            vector = reading.vector
        else:
            vector = self.embedder.embed_query(query)
        if context:
            vector = unit(sum((self.embedder.embed_query(f"{before}: {query}") for before in context), vector))
        with self._reading() as rows:
            wide = min(max(_CANDIDATES, 3 * k), self.passage_count())
            if documents is None:
                within = None
                similarity = dict(self._searchable().search(vector, k=wide))
            else:
                within = self._passages_of(documents)
                similarity = {key: float(vector @ stored) for key, stored in self._passage_vectors(within).items()}
            keywords = self._keyword_search(query, wide, within=within)
            if context:
                own = set(content_stems(query))
                around = " ".join(word for before in context for word in tokens(before) if stem(word) not in own)
                both = sorted(keywords.keys() | self._keyword_search(around, wide, within=within).keys())
                keywords = self._keyword_search(query, len(both), within=both)
                for key, score in self._keyword_search(around, len(both), within=both).items():
                    keywords[key] = keywords.get(key, 0.0) + _CONTEXT_SHARE * score
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
                "SELECT word_starts, word_vectors FROM readings WHERE passage = ?", (passage.key,)
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
        """Adds documents, or puts them in place of those of the same root and id. Returns the ids they got; raises
        BadInput for one that cannot be stored, when the others are.

        An id that another root owns is left alone: the new document is stored as `ROOTNAME/id`.
        """
        ids = []
        for _, result in self.put((Source(root, document.id), document) for document in documents):
            if isinstance(result, BadInput):  # these come last
                raise result
            ids.append(result)
        return ids

    def add_builtin(self) -> list[str]:
        """Adds the shipped articles."""
        return self.add(builtin(), root=BUILTIN_ROOT)

    def update(self, paths: Sequence["str | Path"], *, prune: bool = False, progress: Progress | None = None) -> Report:
        """Adds or updates files and folders. Documents whose file has gone from a folder leave the library.

        A folder that is missing, or holds none of its earlier files any more, may be one that is not mounted, or
        another may be in its place: nothing of it leaves, and nothing new comes in, unless `prune` is given. Whatever
        could not be done stands in `Report.problems`, a sentence each.
        """
        return update(self, paths, prune=prune, progress=progress)

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
            for table in ("sentences", "readings", "passages"):
                rows.execute(f"DELETE FROM {table}")
            stored = ((key, self._document(key)) for key in keys)
            for done, (key, document, passages, embedded) in enumerate(self._embedded(stored)):
                if progress:
                    progress(done, len(keys), document.title)
                self._insert_passages(rows, key, document, passages, embedded)
            self._sign(rows)
        return len(keys)

    def faults(self) -> list[str]:
        """What does not fit together in the library, a sentence each that says what to run; none in a good one."""
        every = {
            "passages of no document": "passages WHERE document NOT IN (SELECT key FROM documents)",
            "sentences of no passage": "sentences WHERE passage NOT IN (SELECT key FROM passages)",
            "word vectors of no passage": "readings WHERE passage NOT IN (SELECT key FROM passages)",
            "documents without passages": "documents WHERE key NOT IN (SELECT document FROM passages)",
            "passages without sentences": "passages WHERE key NOT IN (SELECT passage FROM sentences)",
            "passages without word vectors": "passages WHERE key NOT IN (SELECT passage FROM readings)",
            "passages whose vector has a wrong length": (
                f"passages WHERE length(vector) != {2 * self.embedder.dimension}"
            ),
            "passages whose word vectors have a wrong length": (
                f"readings WHERE length(word_vectors) != {DIMENSION // 4} * length(word_starts)"
            ),
        }
        with self._reading() as rows:
            damage = rows.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if damage != "ok":
                return [f"The database is damaged ({damage}); run `footnote index --rescue`."]
            counted = {
                what: rows.execute(f"SELECT count(*) FROM {where}").fetchone()[0] for what, where in every.items()
            }
            listed = {key for (key,) in rows.execute("SELECT id FROM words_docsize")}
            passages = {key for (key,) in rows.execute("SELECT key FROM passages")}
            counted["passages that the words' table lacks, or has too many"] = len(listed ^ passages)
            sizes = sum(_varint(size) for (size,) in rows.execute("SELECT sz FROM words_docsize"))
            words = rows.execute("SELECT coalesce(sum(cnt), 0) FROM vocabulary").fetchone()[0]
            counted["words that the words' table lacks, or has too many"] = abs(words - sizes)
            changed = stale = 0
            spans = "SELECT start, stop, digest FROM passages WHERE document = ?"
            for key, text, sha256 in rows.execute("SELECT key, text, sha256 FROM documents"):
                if Document("", "", text).sha256 != sha256:
                    changed += 1
                else:
                    stale += sum(digest(text[start:stop]) != of for start, stop, of in rows.execute(spans, (key,)))
            counted["passages whose vectors are of another text"] = stale
        faults = [
            f"There are {count} {what}; run `footnote index --reembed`." for what, count in counted.items() if count
        ]
        if changed:
            faults.append(f"The texts of {changed} documents are not as they were; run `footnote index --rescue`.")
        return faults

    def files(self) -> list[Stored]:
        """The documents that came from files, with the state of these when they were read."""
        with self._reading() as rows:
            found = rows.execute(
                "SELECT id, sha256, root, path, size, modified, checked, bytes FROM documents WHERE size IS NOT NULL"
            ).fetchall()
        return [Stored(row[0], row[1], Source(*row[2:])) for row in found]

    # Rows -----------------------------------------------------------------------------------------------------------

    def put(self, documents: Iterable[tuple[Source, Document]]) -> Iterator[tuple[Source, str | BadInput]]:
        """Stores each document in place of the one of the same root and path, and yields the id it got, or why it
        cannot be stored. While one is stored, those that come next are read and embedded already."""
        refused: list[tuple[Source, BadInput]] = []

        def storable() -> Iterator[tuple[Source, Document]]:
            for source, document in documents:
                if problem := _unstorable(document):
                    refused.append((source, problem))
                else:
                    yield source, document

        for source, document, passages, embedded in self._embedded(storable()):
            yield source, self._store(source, document, passages, embedded)
        yield from refused

    def touch(self, id: str, source: Source, *, title: str | None = None) -> None:
        """Notes the new state of a file whose text is the same."""
        with self._writing(changes=title is not None) as rows:
            rows.execute(
                "UPDATE documents SET title = coalesce(?, title), size = ?, modified = ?, checked = ?, bytes = ?"
                " WHERE id = ?",
                (title, source.size, source.modified, source.checked, source.digest, id),
            )

    def _embedded(
        self, documents: Iterable[tuple[_Given, Document]]
    ) -> Iterator[tuple[_Given, Document, list[Passage], dict[bytes, Embedded]]]:
        """The passages of documents and, by the digest of their texts, what is not stored yet of them. Works on all
        cores, some passages ahead of what is asked for."""
        waiting: deque[tuple[_Given, Document, list[Passage], list[bytes], set[Future[dict[bytes, Embedded]]]]] = (
            deque()
        )
        begun: dict[bytes, Future[dict[bytes, Embedded]]] = {}
        with_these = self.reader, self.embedder  # asking for them takes the lock, which this thread may hold
        at_once = 1 if isinstance(self.embedder, BundledEmbedder) else _BATCH
        ahead = 0

        def next_one() -> tuple[_Given, Document, list[Passage], dict[bytes, Embedded]]:
            given, document, passages, own, futures = waiting.popleft()
            results = {key: value for future in futures for key, value in future.result().items()}
            for key in own:
                del begun[key]
            return given, document, passages, results

        pool = ThreadPoolExecutor(cores())
        try:
            for given, document in documents:
                passages = split(document.text)
                texts = {digest(text): text for one in passages if (text := document.text[one.start : one.end])}
                with self._reading() as rows:
                    known = "SELECT 1 FROM passages WHERE digest = ?"
                    own = [key for key in texts if key not in begun and not rows.execute(known, (key,)).fetchone()]
                for group in range(0, len(own), at_once):
                    future = pool.submit(_embed, *with_these, {key: texts[key] for key in own[group : group + at_once]})
                    begun |= dict.fromkeys(own[group : group + at_once], future)
                waiting.append((given, document, passages, own, {begun[key] for key in texts if key in begun}))
                ahead += len(passages)
                while ahead > _AHEAD:
                    ahead -= len(waiting[0][2])
                    yield next_one()
            while waiting:
                yield next_one()
        finally:
            pool.shutdown(cancel_futures=True)

    def _store(
        self, source: Source, document: Document, passages: list[Passage], embedded: dict[bytes, Embedded]
    ) -> str:
        with self._writing() as rows:
            self._check_embedder()  # another process may have changed it over since
            known = rows.execute(
                "SELECT key, id, sha256 FROM documents WHERE root = ? AND path = ?", (source.root, source.path)
            ).fetchone()
            id = str(known[1]) if known else _free_id(rows, source.root, source.path)
            columns = {
                "id": id,
                "root": source.root,
                "path": source.path,
                "title": document.title,
                "text": document.text,
                "sha256": document.sha256,
                "pages": json.dumps(document.pages),
                "date": document.date,
                "size": source.size,
                "modified": source.modified,
                "checked": source.checked,
                "bytes": source.digest,
                "added": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            if known:
                key = known[0]
                before = self._document(key).text
                earlier = rows.execute("SELECT key, start, stop FROM passages WHERE document = ?", (key,)).fetchall()
                assigned = ", ".join(f"{column} = ?" for column in columns)
                rows.execute(f"UPDATE documents SET {assigned} WHERE key = ?", (*columns.values(), key))
                self._texts.pop(key, None)
            else:
                marks = ", ".join("?" * len(columns))
                inserted = rows.execute(
                    f"INSERT INTO documents ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
                )
                assert inserted.lastrowid is not None
                key, before, earlier = inserted.lastrowid, "", []
            self._insert_passages(rows, key, document, passages, embedded)
            _delete_passages(rows, before, earlier)  # last, since the new ones take over what is the same
            self._sign(rows)
        return id

    def _insert_passages(
        self,
        rows: sqlite3.Connection,
        document_key: int,
        document: Document,
        passages: list[Passage],
        embedded: dict[bytes, Embedded],
    ) -> None:
        for passage in passages:
            text = document.text[passage.start : passage.end]
            key = digest(text)
            parts = embedded.get(key) or self._stored_parts(key) or _embed(self.reader, self.embedder, {key: text})[key]
            passage_key = rows.execute(
                "INSERT INTO passages (document, start, stop, digest, vector) VALUES (?, ?, ?, ?, ?)",
                (document_key, passage.start, passage.end, key, parts[0]),
            ).lastrowid
            rows.execute("INSERT INTO readings VALUES (?, ?, ?)", (passage_key, parts[1], parts[2]))
            rows.executemany(
                "INSERT INTO sentences (passage, start, stop) VALUES (?, ?, ?)",
                [(passage_key, sentence.start, sentence.end) for sentence in passage.sentences],
            )
            rows.execute("INSERT INTO words (rowid, stems) VALUES (?, ?)", (passage_key, stems_stored(text)))

    def _stored_parts(self, key: bytes) -> Embedded | None:
        found: Embedded | None = self._connection.execute(
            "SELECT vector, word_starts, word_vectors FROM passages JOIN readings ON passage = key WHERE digest = ?",
            (key,),
        ).fetchone()
        return found

    def _delete(self, rows: sqlite3.Connection, key: int) -> None:
        earlier = rows.execute("SELECT key, start, stop FROM passages WHERE document = ?", (key,)).fetchall()
        _delete_passages(rows, self._document(key).text, earlier)
        rows.execute("DELETE FROM documents WHERE key = ?", (key,))
        self._texts.pop(key, None)

    def _document(self, key: int) -> Document:
        if self._texts_of != (generation := self.generation):  # a key may be another document's by now
            self._texts.clear()
            self._texts_of = generation
        if key in self._texts:
            self._texts.move_to_end(key)
            return self._texts[key]
        columns = "SELECT id, title, text, pages, date FROM documents WHERE key = ?"
        row = self._connection.execute(columns, (key,)).fetchone()
        document = Document(row[0], row[1], row[2], tuple(json.loads(row[3])), row[4])
        self._texts[key] = document
        if len(self._texts) > _TEXTS_KEPT:
            self._texts.popitem(last=False)
        return document

    # Searching ------------------------------------------------------------------------------------------------------

    def _searchable(self) -> Vectors:
        """The vectors of the library as it is now, whoever changed it last."""
        generation, passages = self.generation, self.passage_count()
        vectors = self._vectors
        if vectors is not None and (vectors.generation, len(vectors)) == (generation, passages):
            return vectors
        self._check_embedder()
        self._vectors = None  # what fails half-way is not used again
        file, embedder = self.path / VECTORS, self.embedder
        if vectors is None and passages >= LARGE:
            vectors = Vectors.load(file, dimension=embedder.dimension, embedder=embedder.identity)
        if vectors is None:
            vectors = Vectors(embedder.dimension)
        if (vectors.generation, len(vectors)) != (generation, passages):
            # The index by digest holds nothing else: all of it is read in a fraction of the time of the table.
            rows = self._connection.execute("SELECT key, digest FROM passages").fetchall()
            keys = np.array([key for key, _ in rows], dtype=np.int64)
            marks = np.frombuffer(b"".join(digest[:8] for _, digest in rows), dtype=np.int64)
            vectors.follow(keys, marks, self._vectors_of, generation=generation)
        if passages >= LARGE and vectors.unsaved > _UNSAVED * passages:
            try:
                vectors.save(file, embedder=embedder.identity)
            except OSError as error:  # a full disk or a read-only folder costs time, not answers
                log.warning("The vectors could not be kept in %s (%s); the next start builds them anew.", file, error)
        self._vectors = vectors
        return vectors

    def _vectors_of(self, keys: npt.NDArray[np.int64]) -> Vector:
        """The stored vectors of passages, by ascending key, shape (keys, dimension)."""
        rows = self._connection.execute(
            "SELECT vector FROM passages WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key",
            (json.dumps(keys.tolist()),),
        )
        stored = np.frombuffer(b"".join(vector for (vector,) in rows), dtype=np.float16)
        return stored.reshape(-1, self.embedder.dimension).astype(np.float32)

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
        rarest = sorted(rare, key=lambda one: counts[one])
        reach = list(accumulate(counts[one] for one in rarest))
        rare = [one for one, upto in zip(rarest, reach, strict=True) if upto <= _REACH] or rarest[:1]
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
        if self.embedder.identity != identity and self.embedder.name == self._about("embedder_name"):
            raise LibraryProblem(
                f"The library in {printable(self.path)} was made with other weights of the embedder"
                f" {self.embedder.name!r}; run `footnote index --reembed` to change it over."
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
                        # Not by one: an older copy of the database that is put back, and then changed as often, would
                        # pass for this one before the vectors' file.
                        "UPDATE about SET value = value + 1 + abs(random() % 1000000) WHERE key = 'generation'"
                    )
                self._connection.execute("COMMIT")
            except BaseException:
                self._texts.clear()
                if self._connection.in_transaction:  # a full disk has ended it
                    self._connection.execute("ROLLBACK")
                raise


# Ids ----------------------------------------------------------------------------------------------------------------


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


def _unstorable(document: Document) -> BadInput | None:
    for part, text in (("text", document.text), ("id", document.id), ("title", document.title)):
        if "\0" in text or _storable(text) != text:
            return BadInput(f"The {part} of {document.id!r} holds NUL or half characters; take them out.")
    if not document.text.strip():
        return BadInput(f"{document.id!r} is empty; there is nothing in it to index.")
    return None


def _embed(reader: Reader, embedder: Embedder, texts: dict[bytes, str]) -> dict[bytes, Embedded]:
    readings = [reader.read(text) for text in texts.values()]
    if isinstance(embedder, BundledEmbedder):  # one pass gives both
        vectors: Sequence[Vector] = [reading.vector for reading in readings]
    else:
        vectors = list(embedder.embed(list(texts.values())))
    return {
        key: (vector.astype(np.float16).tobytes(), reading.starts.tobytes(), packed(reading.words))
        for key, vector, reading in zip(texts, vectors, readings, strict=True)
    }


def _delete_passages(rows: sqlite3.Connection, text: str, passages: Iterable[tuple[int, int, int]]) -> None:
    """`passages` are keys and spans in `text`. The words' table has to be told what was in them."""
    for key, start, stop in passages:
        rows.execute(
            "INSERT INTO words (words, rowid, stems) VALUES ('delete', ?, ?)", (key, stems_stored(text[start:stop]))
        )
        rows.execute("DELETE FROM passages WHERE key = ?", (key,))


def _varint(size: bytes) -> int:
    """A number as SQLite packs it: seven bits a byte, the high bit where more follow."""
    number = 0
    for byte in size:
        number = number << 7 | byte & 127
    return number


def _storable(text: str) -> str:
    """The text without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
