import hashlib
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import Document
from index.errors import MissingPart
from index.library import Library
from rag.evidence import SIGNALS, Candidate, candidates, take_apart
from rag.followup import Standalone
from rag.ranking import fitted, quotable, rank
from rag.spans import (
    ALONE,
    ANSWER_TOKENS,
    READ_SIGNALS,
    UNREAD,
    WINDOW_CHARACTERS,
    WINDOWS,
    Marked,
    SpanReader,
    neighbourhoods,
    read,
    span_reader,
)

TEXT = (
    "The old mill stands by the river Ebb. Carla Weiss bought it in 1987 from the town of Lund. She paid nine thousand"
    " crowns for it.\n\n"
    "The roof was mended by carpenters from Malm. They worked for eleven weeks, and the wheel turned again in spring."
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("spans") / "library") as library:
        library.add([Document("mill.txt", "The mill", TEXT)])
        yield library


def seen(library: Library, question: str) -> list[Candidate]:
    found = candidates(take_apart(Standalone(question), library), library, library.search(question))
    likely = [candidate for candidate, _ in rank(quotable(found), fitted().sentence)]
    return read(question, found, likely, span_reader())


def best(found: list[Candidate]) -> Candidate:
    return max(found, key=lambda one: one.signals[len(SIGNALS)])


# Texts that stand nowhere in what the reader was trained on.
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who bought the mill?", "Carla Weiss"),
        ("When was the mill bought?", "1987"),
        ("How long did the carpenters work?", "eleven weeks"),
        ("Where did the carpenters come from?", "Malm"),
    ],
)
def test_the_words_that_answer_are_marked(library: Library, question: str, answer: str) -> None:
    span = best(seen(library, question)).span
    assert span is not None
    assert answer in TEXT[span[0] : span[1]]
    assert span[1] - span[0] < 3 * len(answer)


def test_of_the_rows_of_a_table_the_one_asked_for_is_read(tmp_path: Path) -> None:
    rows = ("Boat: Alma | Built: 1931 | Owner: Ida Lund.", "Boat: Berta | Built: 1948 | Owner: Per Holm.")
    with Library.open(tmp_path / "library") as library:
        library.add([Document("boats.csv", "Boats", "\n".join(rows))])
        alma, berta = (seen(library, f"Who is the owner of {boat}?") for boat in ("Alma", "Berta"))
    assert [one.text for one in alma if one.span] == [rows[0]]
    assert [one.text for one in berta if one.span] == [rows[1]]


def test_a_text_that_answers_is_told_from_one_that_does_not() -> None:
    question = "Who bought the mill?"
    answers, beside = span_reader().read(question, [TEXT[:90], "The mill has a wheel of oak and two stones."])
    first, second = answers.best(0, 90), beside.best(0, 60)
    assert first is not None
    assert second is not None
    assert first[0] > second[0]


def test_every_candidate_keeps_its_signals_and_gets_those_of_reading(library: Library) -> None:
    for one in seen(library, "Who bought the mill?"):
        assert one.signals.shape == (len(SIGNALS) + len(READ_SIGNALS),)
        assert np.isfinite(one.signals).all()
        said = dict(zip(READ_SIGNALS, one.signals[-len(READ_SIGNALS) :].tolist(), strict=True))
        assert -1 <= said["span"] <= 1
        assert 0 <= said["span_likely"] <= 1
        assert 0 <= said["span_share"] <= 1
        assert (one.span is None) == (tuple(said.values()) == UNREAD)
        assert one.span is None or one.start <= one.span[0] < one.span[1] <= one.end


def test_the_likeliest_are_read_alone_too(library: Library) -> None:
    found = seen(library, "Who bought the mill?")
    alone = [one for one in found if one.alone > -math.inf]
    assert len(alone) == ALONE
    assert min(one.odds for one in alone) >= max(one.odds for one in found if one not in alone)


def test_the_order_stays(library: Library) -> None:
    question = "Who bought the mill?"
    found = candidates(take_apart(Standalone(question), library), library, library.search(question))
    assert [one.start for one in read(question, found, found[::-1], span_reader())] == [
        one.start for one in found[::-1]
    ]


@pytest.mark.parametrize("question", ["?", "的", "who " * 3_000, "\u200b", "🐟", "[MASK] [SEP]"])
def test_no_question_is_too_odd_to_be_read(question: str) -> None:
    for marked in span_reader().read(question, [TEXT, "", "x" * 5_000, "的" * 900]):
        assert np.isfinite([*marked.starts, *marked.ends, marked.none]).all()


def test_what_is_read_with_others_is_read_as_alone() -> None:
    question = "Who bought the mill?"
    texts = [TEXT, "The mill has a wheel of oak.", TEXT[:90]]
    for together, text in zip(span_reader().read(question, texts), texts, strict=True):
        alone = span_reader().read(question, [text])[0]
        np.testing.assert_array_equal(together.starts, alone.starts)
        assert together.none == alone.none


def test_the_title_is_read_where_the_text_does_not_hold_it() -> None:
    text = "It stands by the river Ebb."
    question = "Where does the mill of Orsa stand?"
    plain, titled, other = span_reader().read(question, [text] * 3, ["", "The mill of Orsa", "A list of shops"])
    assert [one.best(0, len(text)) is not None for one in (plain, titled, other)] == [True] * 3
    assert titled.none != other.none
    assert titled.offsets == plain.offsets
    (held,) = span_reader().read(question, [text], ["The river Ebb"])
    assert held.none == plain.none


def test_the_documents_title_is_read(library: Library) -> None:
    assert {one.title for one in seen(library, "Who bought the mill?")} == {"The mill"}


def test_a_damaged_reader_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "reader.onnx").write_bytes(b"no model")
    with pytest.raises(MissingPart, match=r"^The reader .* is damaged; install Footnote anew\.$"):
        SpanReader(tmp_path / "reader.onnx").read("Who?", [TEXT])


# Spans --------------------------------------------------------------------------------------------------------------


def marked(starts: list[float], ends: list[float], none: float = 0.0) -> Marked:
    """Tokens of two characters with a space between them."""
    offsets = [(3 * place, 3 * place + 2) for place in range(len(starts))]
    return Marked(np.array(starts, dtype=np.float32), np.array(ends, dtype=np.float32), offsets, none)


def test_the_best_span_does_not_end_before_it_starts() -> None:
    assert marked([0, 0, 5], [5, 1, 0]).best(0, 100) == (5.0, (0, 2))


def test_the_best_span_lies_within_the_part_asked_for() -> None:
    assert marked([9, 1, 0], [9, 0, 2]).best(3, 100) == (3.0, (3, 8))


def test_a_part_without_tokens_has_no_span() -> None:
    assert marked([1, 2], [1, 2]).best(50, 100) is None


def test_the_odds_are_against_no_answer() -> None:
    assert marked([3], [4], none=5.0).best(0, 10) == (2.0, (0, 2))


numbers = st.floats(-20, 20, width=32)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=60), st.data())
def test_no_allowed_span_is_better_than_the_best(said: list[tuple[float, float]], data: st.DataObject) -> None:
    starts, ends = [one for one, _ in said], [one for _, one in said]
    found = marked(starts, ends).best(0, 3 * len(said))
    assert found is not None
    first = data.draw(st.integers(0, len(said) - 1))
    last = data.draw(st.integers(first, min(len(said), first + ANSWER_TOKENS) - 1))
    assert found[0] >= np.float32(starts[first]) + np.float32(ends[last]) - 1e-4
    assert found[1][1] - found[1][0] <= 3 * ANSWER_TOKENS


# Neighbourhoods -----------------------------------------------------------------------------------------------------


def sentence(passage: int, start: int, length: int) -> Candidate:
    return Candidate("a.txt", start, start + length, "x" * length, passage, np.zeros(1), np.zeros(1, dtype=np.float32))


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(1, 700), min_size=1, max_size=9), min_size=1, max_size=8), st.randoms())
def test_neighbourhoods_are_runs_of_a_passage_that_share_nothing(lengths: list[list[int]], chance: object) -> None:
    found, start = [], 0
    for passage, group in enumerate(lengths):
        for length in group:
            found.append(sentence(passage, start, length))
            start += length + 1
    ranked = found[:]
    chance.shuffle(ranked)  # type: ignore[attr-defined]
    groups = neighbourhoods(found, ranked)
    assert 1 <= len(groups) <= WINDOWS
    assert groups[0][0].passage == ranked[0].passage
    taken = [one.start for group in groups for one in group]
    assert len(set(taken)) == len(taken)
    for group in groups:
        assert {one.passage for one in group} == {group[0].passage}
        assert all(second.start == first.end + 1 for first, second in pairwise(group))
        assert len(group) == 1 or group[-1].end - group[0].start <= WINDOW_CHARACTERS
    assert len(groups) == WINDOWS or len(taken) == len(found)


def test_the_model_card_names_the_hash_the_data_and_the_licence() -> None:
    folder = Path(__file__).parents[1] / "rag" / "models"
    card = (folder / "README.md").read_text(encoding="utf-8")
    digest = hashlib.sha256((folder / "reader-int8.onnx").read_bytes()).hexdigest()
    assert [part for part in (digest, "SQuAD", "CC BY-SA 4.0", "Apache-2.0") if part not in card] == []
