"""What a text says word by word: a vector for each word that says something, in its context.

Two texts are compared by late interaction (ColBERT, Khattab & Zaharia 2020): each word of the question looks for the
word of the sentence that is nearest to it. With the untrained token vectors of the bundled embedder this puts the right
sentence first for 79 % of squad2's development questions where the cosine of whole sentences does for 63 %
(docs/quality.md). The bundled model reads for every library, whichever embedder finds its passages, so that what is
fitted on these vectors holds for all.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.embed import BundledEmbedder, Vectors, cores, unit
from index.words import STOPWORDS, places

_BASIS = Path(__file__).parent / "models" / "word-basis.npy"

DIMENSION = 128
"""Length of a word vector: the first principal components of 30,000 words of the development sets (eval/fit.py). 64
lose one to four points of the right sentences, all 384 gain none to two."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The content words of a text.

    vector   of the whole text, shape (384,), unit length
    starts   where each content word starts in the text, shape (words,)
    words    their vectors in context, shape (words, 128), unit length
    """

    vector: Vectors
    starts: npt.NDArray[np.int32]
    words: Vectors


class Reader:
    """Reads with the bundled model. Safe to use from several threads."""

    def __init__(self, model: BundledEmbedder) -> None:
        self._model = model

    @property
    def identity(self) -> str:
        """Differs wherever the vectors differ."""
        return f"{self._model.identity}-{DIMENSION}"

    def read(self, text: str) -> Reading:
        """One text; what is longer than the model takes at once is read in parts. `vector` is that of the first."""
        first: Vectors | None = None
        starts: list[int] = []
        pooled: list[Vectors] = []
        begin = 0
        while begin < len(text) or first is None:
            vector, offsets, tokens = self._model.embed_tokens(text[begin:])
            first = vector if first is None else first
            seen = max(end for _, end in offsets)
            rest = text[begin + seen :].strip()
            space = text.rfind(" ", begin + seen // 2, begin + seen) if rest else -1
            stop = begin + seen if space < 0 else space  # a word that was cut is read whole in the next part
            for start, vectors in _pooled(text[begin:stop], offsets, tokens):
                starts.append(begin + start)
                pooled.append(vectors)
            if not rest or stop <= begin:
                break
            begin = len(text) - len(text[stop:].lstrip())  # a gap may be longer than what is read at once
        if not starts:
            return Reading(first, np.empty(0, dtype=np.int32), np.empty((0, DIMENSION), dtype=np.float32))
        return Reading(first, np.array(starts, dtype=np.int32), unit(_projected(np.stack(pooled))))

    def read_all(self, texts: Sequence[str]) -> list[Reading]:
        """Several texts, spread over the cores."""
        if len(texts) < 2:
            return [self.read(text) for text in texts]
        with ThreadPoolExecutor(cores()) as pool:
            return list(pool.map(self.read, texts))


def _pooled(text: str, offsets: Sequence[tuple[int, int]], tokens: Vectors) -> Iterator[tuple[int, Vectors]]:
    """Where each content word starts, and the mean of the vectors of its tokens."""
    first = 0
    for start, end, word in places(text):
        while first < len(offsets) and offsets[first][1] <= start:
            first += 1
        last = first
        while last < len(offsets) and offsets[last][0] < end and offsets[last][1] > 0:
            last += 1
        if last > first and word not in STOPWORDS:
            yield start, tokens[first:last].mean(axis=0)


def _projected(pooled: Vectors) -> Vectors:
    """Token vectors, shape (words, 384), onto the basis: (words, 128).

    In slices of four words: a larger product OpenBLAS spreads over threads of its own, which wait for each other by
    turning in circles and take the cores from the texts that are read beside: 4 ms of processor time instead of 0.2.
    """
    basis = _basis()
    sliced = np.zeros((-(-len(pooled) // 4), 4, pooled.shape[1]), dtype=np.float32)
    sliced.reshape(-1, pooled.shape[1])[: len(pooled)] = pooled
    projected: Vectors = (sliced @ basis[:-1]).reshape(-1, DIMENSION)[: len(pooled)] + basis[-1]
    return projected


def packed(words: Vectors) -> bytes:
    """Word vectors in 8 bits, for the database: shape (words, 128), each scaled to its largest component."""
    largest = np.maximum(np.abs(words).max(axis=1, keepdims=True, initial=0), 1e-12)
    blob: bytes = np.round(words / largest * 127).astype(np.int8).tobytes()
    return blob


def unpacked(blob: bytes) -> Vectors:
    """What `packed` made, of unit length again; the cosine to the original is above .999."""
    return unit(np.frombuffer(blob, dtype=np.int8).reshape(-1, DIMENSION).astype(np.float32))


@cache
def _basis() -> Vectors:
    basis: Vectors = np.load(_BASIS, allow_pickle=False).astype(np.float32)
    return basis
