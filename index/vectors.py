"""The vectors of all passages, ready to be searched: FAISS, derived from the database at any time.

While a library is small it is built from the database at start. A large one keeps it as a file beside the database,
with the number of the generation it was made from; a file that is missing, cut short, damaged or of another
generation is built anew.
"""

import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

LARGE = 20_000
"""From this many passages on the file is kept: below it, building takes less than 0.1 s (measured on two cores)."""

_ABANDONED = 600.0
"""A file that was being written so many seconds ago, and still is not whole, never will be."""

_MAGIC = b"footnote-vectors-1\n"
_HEADER = struct.Struct("<qqqI")  # generation, passages, bytes that follow, CRC-32 of all but itself


class Vectors:
    """Passage vectors of unit length under the passages' keys. Exact search by cosine."""

    def __init__(self, keys: npt.NDArray[np.int64], flat: Any) -> None:
        self._keys = keys
        self._flat = flat

    @classmethod
    def build(cls, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> "Vectors":
        """`keys` has shape (passages,), `vectors` (passages, dimension)."""
        import faiss

        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(keys, flat)

    def __len__(self) -> int:
        return len(self._keys)

    def search(self, vector: npt.NDArray[np.float32], *, k: int) -> list[tuple[int, float]]:
        """The keys and cosines of the `k` nearest passages, nearest first; all of them where there are fewer."""
        k = min(k, len(self._keys))
        if k == 0:
            return []
        cosines, rows = self._flat.search(vector.reshape(1, -1), k)
        return [(int(self._keys[row]), float(cosine)) for row, cosine in zip(rows[0], cosines[0], strict=True)]

    def save(self, path: Path, *, generation: int) -> None:
        """Writes the file whole or not at all."""
        import faiss

        # FAISS's own file functions fail on non-ASCII paths on Windows, so the bytes are written here.
        payload = self._keys.tobytes() + faiss.serialize_index(self._flat).tobytes()
        checksum = _checksum(generation, len(self._keys), payload)
        header = _HEADER.pack(generation, len(self._keys), len(payload), checksum)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            for left in path.parent.glob(f"{path.name}.*.partial"):  # by a process that was killed
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink(missing_ok=True)
            partial.write_bytes(_MAGIC + header + payload)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, *, generation: int, dimension: int) -> "Vectors | None":
        """What `save` wrote, or None where that is missing, damaged or of another generation."""
        import faiss

        try:
            data = path.read_bytes()
        except OSError:
            return None
        start = len(_MAGIC) + _HEADER.size
        if len(data) < start or not data.startswith(_MAGIC):
            return None
        made_from, passages, length, checksum = _HEADER.unpack(data[len(_MAGIC) : start])
        payload = data[start:]
        if made_from != generation or len(payload) != length or checksum != _checksum(made_from, passages, payload):
            return None
        keys = np.frombuffer(payload, dtype=np.int64, count=passages)
        flat = faiss.deserialize_index(np.frombuffer(payload, dtype=np.uint8, offset=keys.nbytes))
        if flat.ntotal != passages or flat.d != dimension:
            return None
        return cls(keys, flat)


def _checksum(generation: int, passages: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<qq", generation, passages)))
