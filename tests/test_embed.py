"""The bundled embedder against the float model, foreign embedders, and texts that are none."""

import hashlib
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_index.core import MockEmbedding
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field

from eval.questions import builtin as builtin_questions
from index import embed
from index.documents import builtin
from index.embed import BundledEmbedder, Embedder, load_embedder
from index.errors import BadInput, MissingPart
from index.split import split, split_sentences

ROOT = Path(embed.__file__).parents[1]
FOLDER = Path(embed.__file__).parent / "models" / "all-MiniLM-L6-v2-int8"
SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@pytest.fixture(scope="module")
def bundled() -> BundledEmbedder:
    return BundledEmbedder()


@pytest.fixture(scope="module")
def original() -> Embedder:
    return load_embedder("all-MiniLM-L6-v2-float")


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    texts = [document.text for document in builtin()]
    return [text[span.start : span.end] for text in texts for span in split_sentences(text)]


@pytest.fixture(scope="module")
def passages() -> list[str]:
    texts = [document.text for document in builtin()]
    return [text[passage.start : passage.end] for text in texts for passage in split(text)]


# The bundled model ------------------------------------------------------------------------------------------------


def test_the_source_is_the_published_model() -> None:
    weights = embed.float_model_folder() / "model.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == SOURCE_SHA256


def test_the_identity_is_the_hash_of_the_model_file(bundled: Embedder) -> None:
    assert bundled.identity == hashlib.sha256((FOLDER / "model.onnx").read_bytes()).hexdigest()


def test_the_model_card_names_both_hashes_and_the_licence(bundled: Embedder) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [part for part in (SOURCE_SHA256, bundled.identity, "Apache-2.0") if part not in card] == []


def test_the_tokenizer_is_that_of_the_source() -> None:
    source = embed.float_model_folder() / "tokenizer.json"
    assert (FOLDER / "tokenizer.json").read_bytes() == source.read_bytes()


def test_sentence_vectors_are_near_those_of_the_float_model(
    bundled: Embedder, original: Embedder, sentences: list[str]
) -> None:
    """Measured: mean .9970, least .9951."""
    cosines = (bundled.embed(sentences) * original.embed(sentences)).sum(axis=1)
    assert (cosines.mean() >= 0.995, cosines.min() >= 0.99) == (True, True)


def test_a_text_longer_than_the_model_takes_is_cut_where_the_float_model_cuts_it(
    bundled: Embedder, original: Embedder
) -> None:
    text = " ".join(document.text for document in builtin())
    assert float(bundled.embed_query(text) @ original.embed_query(text)) >= 0.99


def test_the_same_passages_are_found_as_with_the_float_model(
    bundled: Embedder, original: Embedder, passages: list[str]
) -> None:
    """Measured: of the first five passages for these questions, 94.6 % are the same."""
    asked = [question.question for question in builtin_questions()[:100]]
    nearest = [
        np.argsort(-(embedder.embed(asked) @ embedder.embed(passages).T))[:, :5] for embedder in (bundled, original)
    ]
    shared = [len(set(first) & set(second)) / 5 for first, second in zip(*nearest, strict=True)]
    assert np.mean(shared) >= 0.9


def test_it_needs_neither_torch_nor_transformers() -> None:
    script = (
        "import sys; from index.embed import load_embedder\n"
        "load_embedder().embed(['One text.', 'Another.'])\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_nothing_heavy_is_imported_before_the_first_text() -> None:
    script = (
        "import sys; from index.embed import load_embedder\n"
        "load_embedder().identity\n"
        "print([name for name in ('onnxruntime', 'tokenizers', 'llama_index') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_vectors_have_unit_length(bundled: Embedder, passages: list[str]) -> None:
    assert np.allclose(np.linalg.norm(bundled.embed(passages), axis=1), 1, atol=1e-6)


def test_a_vector_does_not_depend_on_its_neighbours(bundled: Embedder, sentences: list[str]) -> None:
    together, alone = bundled.embed(sentences), [bundled.embed([text])[0] for text in reversed(sentences)]
    assert np.array_equal(together, np.array(alone[::-1]))


def test_no_texts_give_no_vectors(bundled: Embedder) -> None:
    assert bundled.embed([]).shape == (0, bundled.dimension)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "\0",
        "a\0b",
        "\ud800",
        "before \udfff after",
        "a" * 1_000_000,
        "ab " * 300_000,
        "漢" * 1_000_000,
        "e" + "\u0301" * 1_000_000,
        "\u200b" * 1_000_000,
        "[CLS] [SEP] [MASK] [PAD]",
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_any_text_has_a_vector(text: str, bundled: Embedder) -> None:
    vector = bundled.embed_query(text)
    assert (vector.shape, vector.dtype, round(float(vector @ vector), 5)) == ((bundled.dimension,), np.float32, 1.0)


def test_several_threads_get_what_one_gets(sentences: list[str]) -> None:
    shared, results = BundledEmbedder(), {}
    texts = sentences[:20]

    def work(number: int) -> None:
        results[number] = shared.embed(texts)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(results[number], shared.embed(texts)) for number in range(4))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.onnx", None),
        ("model.onnx", b""),
        ("model.onnx", b"version https://git-lfs.github.com/spec/v1\n"),
        ("tokenizer.json", None),
        ("tokenizer.json", b"{}"),
        ("model.onnx.sha256", None),
        ("model.onnx.sha256", b""),
    ],
)
def test_a_damaged_installation_is_named(name: str, content: bytes | None, tmp_path: Path) -> None:
    for file in FOLDER.iterdir():
        if file.name != name:
            shutil.copy(file, tmp_path)
        elif content is not None:
            (tmp_path / name).write_bytes(content)
    broken = BundledEmbedder(tmp_path)
    with pytest.raises(MissingPart, match="install Footnote anew"):
        _ = broken.identity, broken.embed_query("text")


# Token by token ---------------------------------------------------------------------------------------------------


def test_the_vector_of_a_text_is_that_of_embed(bundled: BundledEmbedder, passages: list[str]) -> None:
    assert np.array_equal([bundled.embed_tokens(text)[0] for text in passages], bundled.embed(passages))


def test_every_token_has_a_span_of_the_text_and_a_vector(bundled: BundledEmbedder) -> None:
    text = "Xi \U0001f600 met Putin\0 in Kazan."
    _, spans, vectors = bundled.embed_tokens(text)
    words = ["Xi", "\U0001f600", "met", "Putin", "in", "Kazan", "."]
    assert [text[start:end] for start, end in spans] == ["", *words, ""]
    assert vectors.shape == (len(spans), bundled.dimension)


def test_the_same_word_has_another_vector_in_another_sentence(bundled: BundledEmbedder) -> None:
    river, money = (bundled.embed_tokens(f"{text} bank.")[2][-3] for text in ("We sat on the river", "I paid at the"))
    assert float(river @ money / np.linalg.norm(river) / np.linalg.norm(money)) < 0.9


@pytest.mark.parametrize(
    "text", [pytest.param("many words " * 300, id="words"), pytest.param("漢字" * 5000, id="漢字")]
)
def test_a_text_longer_than_the_model_takes_is_read_from_its_start(text: str, bundled: BundledEmbedder) -> None:
    vector, spans, vectors = bundled.embed_tokens(text)
    assert len(spans) == len(vectors) >= 256
    assert spans[1][0] == 0
    assert np.isfinite(vectors).all()
    assert np.array_equal(vector, bundled.embed_query(text))


# Other embedders --------------------------------------------------------------------------------------------------


class Letters(BaseEmbedding):
    """Counts letters; adds a fixed step in the last place to what is searched for."""

    model_name: str = "letters"
    batches: list[int] = Field(default_factory=list)

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(text.count(letter)) for letter in "abcde"]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        self.batches.append(len(texts))
        return [self._get_text_embedding(text) for text in texts]

    def _get_query_embedding(self, query: str) -> list[float]:
        return [*self._get_text_embedding(query)[:4], 100.0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def test_a_llama_index_embedding_embeds_in_batches() -> None:
    letters = Letters()
    vectors = load_embedder(letters).embed(["aab", "", "e"])
    expected = np.array([[2, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]) / np.array([[5**0.5], [1], [1]])
    assert np.allclose(vectors, expected)
    assert letters.batches == [3]


def test_a_llama_index_embedding_knows_questions_from_texts() -> None:
    assert load_embedder(Letters()).embed_query("a")[4] > 0.99


def test_the_dimension_of_a_llama_index_embedding_is_tried_out() -> None:
    assert load_embedder(MockEmbedding(embed_dim=7)).dimension == 7


def test_llama_index_embeddings_are_told_apart_by_class_name_and_dimension() -> None:
    models = [Letters(), Letters(model_name="others"), MockEmbedding(embed_dim=5), MockEmbedding(embed_dim=6)]
    assert len({load_embedder(model).identity for model in models}) == len(models)


def test_a_llama_index_embedding_keeps_its_identity() -> None:
    assert load_embedder(Letters()).identity == load_embedder(Letters()).identity


def test_the_published_model_has_another_identity_than_the_bundled(bundled: Embedder, original: Embedder) -> None:
    assert (original.dimension, original.identity != bundled.identity) == (bundled.dimension, True)


def test_a_folder_of_sentence_transformers_is_known_by_its_weights(original: Embedder, tmp_path: Path) -> None:
    folder = shutil.copytree(embed.float_model_folder(), tmp_path / "mein Modell")
    assert load_embedder(str(folder)).identity == original.identity


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "a" * 1_000_000], ids=lambda text: ascii(text[:8]))
def test_any_text_has_a_vector_of_the_float_model(text: str, original: Embedder) -> None:
    assert round(float(np.linalg.norm(original.embed_query(text))), 5) == 1.0


@pytest.mark.parametrize("name", ["no-such/model", "./no-such-folder", "", "index/articles"])
def test_a_model_that_is_not_there_is_named_with_what_to_do(name: str) -> None:
    with pytest.raises(MissingPart, match=rf"'{name}'.*name a folder\.$"):
        load_embedder(name)


def test_an_object_of_another_kind_is_refused() -> None:
    odd: Any = 7
    with pytest.raises(BadInput, match="A int is no embedder"):
        load_embedder(odd)
