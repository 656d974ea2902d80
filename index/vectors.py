"""The vectors of all passages, ready to be searched: FAISS, derived from the database at any time.

A vector depends on the text of its passage and on the embedder alone. So each is held under the passage's key with a
mark of that text, and whatever the database has become since, what fits by key and mark is kept, the rest is taken out
and what is new is read. A large library keeps all this as a file beside the database, with the generation it was made
from; a file that is missing, cut short, damaged or of another embedder is made anew.
"""

import hashlib
import math
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

LARGE = 20_000
"""From this many passages on the file is kept: below it, building takes less than 0.1 s (measured on two cores)."""

EXACT = 1_000_000
"""Up to this many passages each is compared with the question: 3.5 ms of one core for every 100,000 (docs/scale.md).
Beyond it only those are whose cluster's centre is among the `_PROBED` nearest."""

_PROBED = 128
"""Finds .996 of the ten nearest among 1.1 million vectors, 64 find .975 (docs/scale.md)."""

_TRAINED_ON = 64
"""Vectors for each cluster's centre."""

_SLICE = 20_000
"""How many vectors are read at once: 31 MB as 32-bit numbers."""

_ABANDONED = 600.0
"""A file that was being written so many seconds ago, and still is not whole, never will be."""

_MAGIC = b"footnote-vectors-2\n"
_HEADER = struct.Struct("<qqq32sI")  # generation, passages, bytes that follow, embedder, CRC-32 of all but itself

Keys = npt.NDArray[np.int64]
Rows = npt.NDArray[np.float32]
Fetch = Callable[[Keys], Rows]
"""Reads the vectors of passages, shape (keys, dimension), in the order of their keys."""


class Vectors:
    """Passage vectors of unit length under the passages' keys, searched by cosine. Held in 16 bits a number, as the
    database has them.

    generation   of the library that it fits; None before it was brought up to date
    unsaved      how many vectors came or went since it was loaded or saved
    """

    def __init__(self, dimension: int) -> None:
        self.generation: int | None = None
        self.unsaved = 0
        self._dimension = dimension
        self._keys: Keys = np.empty(0, dtype=np.int64)  # ascending
        self._marks: Keys = np.empty(0, dtype=np.int64)
        self._index = _exact(dimension)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def _clusters(self) -> int:
        return getattr(self._index, "nlist", 0)

    def follow(self, keys: Keys, marks: Keys, fetch: Fetch, *, generation: int) -> None:
        """Brings it up to date with a library whose passages have these keys, in any order, and these marks: numbers
        that differ where the texts do. `fetch` is asked for the vectors that are not here yet. What raises half-way
        leaves it unusable."""
        order = np.argsort(keys)
        keys, marks = keys[order], marks[order]
        if (clusters := _clusters_worth(len(keys), now=self._clusters)) != self._clusters:
            self._keys = self._marks = np.empty(0, dtype=np.int64)
            self._index = _clustered(keys, fetch, clusters) if clusters else _exact(self._dimension)
        place = np.searchsorted(keys, self._keys)
        fits = place < len(keys)
        fits[fits] = (keys[place[fits]] == self._keys[fits]) & (marks[place[fits]] == self._marks[fits])
        stale, new = self._keys[~fits], np.delete(keys, place[fits])
        if len(stale):
            self._index.remove_ids(stale)
        for start in range(0, len(new), _SLICE):
            part = new[start : start + _SLICE]
            self._index.add_with_ids(np.ascontiguousarray(fetch(part), dtype=np.float32), part)
        self._keys, self._marks, self.generation = keys, marks, generation
        self.unsaved += len(stale) + len(new)

    def search(self, vector: npt.NDArray[np.float32], *, k: int) -> list[tuple[int, float]]:
        """The keys and cosines of the `k` nearest passages, nearest first; all of them where there are fewer."""
        k = min(k, len(self._keys))
        if k == 0:
            return []
        with _one_thread():
            cosines, keys = self._index.search(vector.reshape(1, -1), k)
        return [(int(key), float(cosine)) for key, cosine in zip(keys[0], cosines[0], strict=True) if key >= 0]

    def save(self, path: Path, *, embedder: str) -> None:
        """Writes the file whole or not at all. `embedder` is the identity of what made the vectors."""
        import faiss

        # FAISS's own file functions fail on non-ASCII paths on Windows, so the bytes are written here.
        parts: list[memoryview] = [self._keys.data, self._marks.data, faiss.serialize_index(self._index).data]
        facts = (self.generation, len(self._keys), sum(part.nbytes for part in parts), _digest(embedder))
        checksum = zlib.crc32(_HEADER.pack(*facts, 0))
        for part in parts:
            checksum = zlib.crc32(part, checksum)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            for left in path.parent.glob(f"{path.name}.*.partial"):  # by a process that was killed
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink(missing_ok=True)
            with partial.open("wb") as stream:
                stream.write(_MAGIC + _HEADER.pack(*facts, checksum))
                stream.writelines(parts)
            partial.replace(path)
            self.unsaved = 0
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, *, dimension: int, embedder: str) -> "Vectors | None":
        """What `save` wrote, or None where that is missing, damaged or of another embedder."""
        import faiss

        try:
            data = memoryview(path.read_bytes())
        except OSError:
            return None
        start = len(_MAGIC) + _HEADER.size
        if len(data) < start or data[: len(_MAGIC)] != _MAGIC:
            return None
        *facts, checksum = _HEADER.unpack(data[len(_MAGIC) : start])
        generation, passages, length, made_with = facts
        payload = data[start:]
        if made_with != _digest(embedder) or len(payload) != length:
            return None
        if checksum != zlib.crc32(payload, zlib.crc32(_HEADER.pack(*facts, 0))):
            return None
        vectors = cls(dimension)
        numbers = np.frombuffer(payload, dtype=np.int64, count=2 * passages).copy()  # not a view: `data` would stay
        vectors._keys, vectors._marks = numbers.reshape(2, -1)
        vectors._index = faiss.deserialize_index(np.frombuffer(payload, dtype=np.uint8, offset=16 * passages))
        if vectors._index.ntotal != passages or vectors._index.d != dimension:
            return None
        vectors.generation = generation
        return vectors


def _exact(dimension: int) -> Any:
    import faiss

    flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap(flat)


def _clustered(keys: Keys, fetch: Fetch, clusters: int) -> Any:
    import faiss

    sample = np.random.default_rng(1).choice(keys, min(_TRAINED_ON * clusters, len(keys)), replace=False)
    vectors = fetch(np.sort(sample))
    half, dimension = faiss.ScalarQuantizer.QT_fp16, vectors.shape[1]
    by_cluster = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension), dimension, clusters, half, faiss.METRIC_INNER_PRODUCT, False
    )
    by_cluster.train(vectors)
    by_cluster.nprobe = _PROBED
    return by_cluster


def _clusters_worth(passages: int, *, now: int) -> int:
    """How many clusters so many passages are worth, 0 for an exact search. What there is `now` is kept as long as it
    will do: a library that grows and shrinks a little is not built anew each time."""
    if passages <= (EXACT // 2 if now else EXACT):
        return 0
    best = round(math.sqrt(passages))
    return now if best <= 2 * now <= 4 * best else best


def _digest(embedder: str) -> bytes:
    return hashlib.sha256(embedder.encode()).digest()


@contextmanager
def _one_thread() -> Iterator[None]:
    """FAISS compares one question in one thread, while its others wait by turning in circles and take the cores from
    whoever works: on two busy cores 45 ms of processor time for 100,000 vectors instead of 5."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
