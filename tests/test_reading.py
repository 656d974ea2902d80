"""Word vectors: one for each word that says something, where it stands, however long or odd the text."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import builtin
from index.embed import BundledEmbedder
from index.reading import DIMENSION, Reader, packed, unpacked
from index.words import STOPWORDS, places


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(BundledEmbedder())


def content(text: str) -> list[int]:
    return [start for start, _, word in places(text) if word not in STOPWORDS]


TEXT = "According to Russian data, the trade volume grew by 4.5% in 2024. Xi’s visit to Kazan took three days."


def test_every_content_word_has_a_vector_where_it_starts(reader: Reader) -> None:
    reading = reader.read(TEXT)
    assert reading.starts.tolist() == content(TEXT)
    assert (reading.words.shape, reading.vector.shape) == ((len(content(TEXT)), DIMENSION), (384,))


def test_vectors_have_unit_length(reader: Reader) -> None:
    reading = reader.read(TEXT)
    assert np.linalg.norm(reading.words, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(reading.vector) == pytest.approx(1, abs=1e-5)


def test_the_vector_of_the_text_is_the_embedders(reader: Reader) -> None:
    assert reader.read(TEXT).vector == pytest.approx(BundledEmbedder().embed_query(TEXT), abs=1e-6)


def test_a_word_is_nearest_to_itself_in_another_text(reader: Reader) -> None:
    there = reader.read(TEXT)
    asked = reader.read("How long did the visit take?")
    visit = asked.words[content("How long did the visit take?").index(17)]
    nearest = int(np.argmax(there.words @ visit))
    assert TEXT[there.starts[nearest] :].startswith("visit")


def test_a_text_longer_than_the_model_takes_is_read_to_its_end(reader: Reader) -> None:
    text = builtin()[0].text
    reading = reader.read(text)
    assert set(content(text)) - set(reading.starts.tolist()) == set()


def test_several_texts_are_read_as_each_alone(reader: Reader) -> None:
    texts = [TEXT, "", "Short.", TEXT * 12]
    for together, alone in zip(reader.read_all(texts), map(reader.read, texts), strict=True):
        assert together.starts.tolist() == alone.starts.tolist()
        assert together.words == pytest.approx(alone.words, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters() | st.sampled_from("abc 今。'’.\ud800\0🎉"), max_size=120))
def test_any_text_is_read(reader: Reader, text: str) -> None:
    reading = reader.read(text)
    assert len(reading.starts) == len(reading.words)
    assert set(reading.starts.tolist()) <= set(content(text))
    assert np.isfinite(reading.words).all()
    assert np.isfinite(reading.vector).all()


@pytest.mark.parametrize(
    "text",
    ["x" * 5_000, "1." * 1_500, "今天" * 700, "🎉" * 1_500, "a." + " " * 20_000 + "b", "\0" * 3_000, " " * 20_000],
    ids=["a word", "digits", "Chinese", "emoji", "spaces", "NUL", "blank"],
)
def test_a_long_odd_text_is_read_in_time(reader: Reader, text: str) -> None:
    started = time.process_time()
    reading = reader.read(text)
    assert time.process_time() - started < 10
    assert np.isfinite(reading.words).all()


def test_words_behind_a_long_gap_are_read(reader: Reader) -> None:
    text = "Apples." + " " * 20_000 + "Pears."
    assert set(reader.read(text).starts.tolist()) == set(content(text))


def test_packed_vectors_are_nearly_what_they_were(reader: Reader) -> None:
    words = reader.read(builtin()[0].text).words
    back = unpacked(packed(words))
    assert back.shape == words.shape
    assert float((back * words).sum(axis=1).min()) > 0.999


def test_no_words_are_packed_as_none() -> None:
    none = np.empty((0, DIMENSION), dtype=np.float32)
    assert (packed(none), unpacked(b"").shape) == (b"", (0, DIMENSION))


def test_the_identity_names_model_and_length(reader: Reader) -> None:
    assert reader.identity == f"{BundledEmbedder().identity}-{DIMENSION}"
