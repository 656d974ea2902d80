"""Words, where they stand and what they are folded to."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.words import STOPWORDS, content_stems, places, shared, stem, tokens


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=100))
def test_words_stand_in_order_where_they_are_said_to(text: str) -> None:
    position = 0
    for start, end, _ in places(text):
        assert position <= start < end <= len(text)
        position = end
    assert [word for _, _, word in places(text)] == tokens(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=100))
def test_every_letter_and_digit_is_in_a_word(text: str) -> None:
    inside = {offset for start, end, _ in places(text) for offset in range(start, end)}
    assert [one for offset, one in enumerate(text) if one.isalnum() and offset not in inside] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Xi’s visit, Putin's reply", ["xi", "visit", "putin", "reply"]),
        ("4.5% of 1,234.56 at 10:30", ["4.5", "of", "1,234.56", "at", "10:30"]),
        ("May 16-17.", ["may", "16", "17"]),
        ("Müller café Ångström", ["muller", "cafe", "angstrom"]),
        ("isn't O'Brien", ["isn't", "o'brien"]),
        ("snake_case e-mail", ["snake", "case", "e", "mail"]),
        ("今天 東京タワー", list("今天東京タワー")),
        ("covid19 B2B", ["covid19", "b2b"]),
        ("\ud800 \0 \ufdd0 🎉", []),
        ("", []),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert tokens(text) == words


def test_korean_is_read_character_by_character() -> None:
    assert len(places("대한민국")) == 4


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("meetings", "meet"),
        ("meeting", "meet"),
        ("countries", "countri"),
        ("4.5", "4.5"),
        ("1990s", "1990s"),
        ("is", "is"),
    ],
)
def test_stems(word: str, stemmed: str) -> None:
    assert stem(word) == stemmed


def test_words_that_say_nothing_are_left_out_and_repeats_kept() -> None:
    assert content_stems("What did the summit say of the summits?") == ["summit", "sai", "summit"]


def test_stop_words_are_words_as_they_are_folded() -> None:
    assert [word for word in STOPWORDS if tokens(word) != [word]] == []


@pytest.mark.parametrize("unit", ["a'", "1.", "今a", "a\u0301", "x", "'"])
def test_words_are_found_in_linear_time(unit: str) -> None:
    started = time.process_time()
    tokens(unit * 200_000)
    assert time.process_time() - started < 4


def test_the_words_that_a_text_shares() -> None:
    assert shared("The Owl hunts, and owl means owl.", {"owl", "hunt"}) == ("Owl", "hunts", "owl")
    assert shared("Nothing of it.", {"owl"}) == ()


def test_threads_that_stem_at_once_get_the_stems_of_their_own_words() -> None:
    """Once a stemmer that threads shared gave one the stem of another's word."""
    words = [
        f"{first}{middle}{last}"
        for first in "bcdfghjk"
        for middle in "aeiou"
        for last in (*"lmnrst", "tional", "fulness", "ication", "ements")
    ]
    alone = [stem(word) for word in words]
    stem.cache_clear()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(stem, words)) == alone
    finally:
        sys.setswitchinterval(interval)
