import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from rag.markers import MarkerParser, Written


def pointed(*pieces: str, sources: int = 9) -> list[int]:
    parser = MarkerParser(sources)
    for piece in pieces:
        parser.feed(piece)
    parser.close()
    return parser.pointed


def parsed(*pieces: str, sources: int = 9) -> list[Written]:
    parser = MarkerParser(sources)
    found = [sentence for piece in pieces for sentence in parser.feed(piece)]
    return found + parser.close()


def told(text: str, sources: int = 9) -> list[tuple[str, tuple[int, ...]]]:
    return [(sentence.text, sentence.numbers) for sentence in parsed(text, sources=sources)]


@pytest.mark.parametrize(
    "marked",
    [
        "Trade grew by 4.5% [2].",
        "Trade grew by 4.5%. [2]",
        "Trade grew by 4.5%.[2]",
        "Trade grew by 4.5%[2].",
        "Trade grew [2] by 4.5%.",
        "[2] Trade grew by 4.5%.",
        "[2]: Trade grew by 4.5%.",
        "Trade grew by 4.5% [S2].",
        "Trade grew by 4.5% [Source 2].",
        "Trade grew by 4.5% [source: 2].",
        "Trade grew by 4.5% [Sentence 2].",
        "Trade grew by 4.5% [[2]].",
        "Trade grew by 4.5% [^2].",
        "Trade grew by 4.5% ([2]).",
        "Trade grew by 4.5% (2).",
        "Trade grew by 4.5% (Source 2).",
        "Trade grew by 4.5%【2】.",
        "Trade grew by 4.5%【2†source】.",
        "Trade grew by 4.5%［2］.",
        "Trade grew by 4.5%².",
        "Trade grew by 4.5%.²",
        "Trade grew by 4.5% [2](#source-2).",
        "Trade grew by 4.5%. Source 2",
        "Trade grew by 4.5% (see Source 2).",
        "According to Source 2, trade grew by 4.5%.",
        "Source 2 states that trade grew by 4.5%.",
        "Source 2: Trade grew by 4.5%.",
        "- Trade grew by 4.5% [2].",
        "1. Trade grew by 4.5% [2].",
        "**Trade grew** by 4.5% [2].",
        "Answer: Trade grew by 4.5% [2].",
        "<think>Is it [3]? Or [4].</think>Trade grew by 4.5% [2].",
        "Trade grew by 4.5% [2].<|im_end|>",
        "Trade grew by 4.5% [2][77].",
    ],
)
def test_a_marker_in_any_shape_is_understood_and_leaves_the_text(marked: str) -> None:
    text, numbers = told(marked)[0]
    assert re.sub(r"\W", "", text) == "Tradegrewby45"
    assert text.rstrip(".") == "Trade grew by 4.5%"
    assert numbers == (2,)


@pytest.mark.parametrize(
    "marker",
    ["[1][3]", "[1, 3]", "[1; 3]", "[1 and 3]", "[1] [3]", "[1], [3]", "[S1, S3]", "【1】【3】", "(1, 3)", "¹,³"],
)
def test_several_sources_of_a_sentence(marker: str) -> None:
    assert told(f"Trade grew {marker}.")[0][1] == (1, 3)


def test_a_range_of_sources() -> None:
    assert told("Trade grew [2-4].") == [("Trade grew.", (2, 3, 4))]


@pytest.mark.parametrize(
    "text",
    [
        "The area is 10 km² in all.",
        "It was signed (2024) in Kazan.",
        "He left [sic] at once.",
        "He is the source of 12 rumours.",
        "It cost (300) roubles.",
    ],
)
def test_what_is_no_marker_stays(text: str) -> None:
    assert told(text) == [(text, ())]


def test_each_sentence_has_its_own() -> None:
    assert told("Xi met Mr. Putin [1]. They spoke. [2][3] It rained in the U.S. on May 7 [4].") == [
        ("Xi met Mr. Putin.", (1,)),
        ("They spoke.", (2, 3)),
        ("It rained in the U.S. on May 7.", (4,)),
    ]


def test_markers_in_front_belong_to_what_follows() -> None:
    assert told("[1] Xi met Putin. [2] They spoke.\n[3] It rained.") == [
        ("Xi met Putin.", (1,)),
        ("They spoke.", (2,)),
        ("It rained.", (3,)),
    ]


def test_a_line_is_a_sentence_and_an_open_end_is_known() -> None:
    first, second, third = parsed("The reasons\n- gas [1]\n- oi")
    assert (first.opens_line, second.opens_line, third.opens_line) == (True, True, True)
    assert (first.whole, second.whole, third.whole) == (True, True, False)


def test_a_sentence_is_returned_as_soon_as_the_next_one_has_begun() -> None:
    parser = MarkerParser(3)
    assert parser.feed("Xi met Putin [1]. ") == []
    assert parser.feed("They") == []
    assert [one.text for one in parser.feed(" spoke")] == ["Xi met Putin."]


def test_numbers_alone_are_known() -> None:
    assert told("[2] [3]\n[9][1]") == []
    assert pointed("[2] [3]\n[9][1]", sources=4) == [2, 3, 1]
    assert pointed("[2] Trade grew [1].\n[3]") == [3]


def test_thinking_that_never_ends_is_nothing() -> None:
    assert told("<think>" + "I wonder. " * 2_000) == []


PIECES = some.lists(
    some.one_of(
        some.sampled_from(
            [
                *("[1]", "[2]", "[1, 3]", "[1][2]", "[S4]", "【1】", "【1†source】", "(1)", "(2024)", "¹", "²³", "km²"),
                *("Source 1", "According to Source 2,", "Sources 1 and 2", "[", "]", "(", "[12", "[^1]", "[1](#a)"),
                *("Xi met Putin", "Mr. Smith", "the U.S.", "4.5%", "He said “no.”", "北京会议。", "So", "s", "Sour"),
                *(".", ". ", "! ", "?", "\n", "\n\n- ", "\r\n1. ", " ", ", ", "…", "<think>", "</think>", "<|im_end|>"),
                *("<", "**", "# ", "word " * 130, "x" * 700),
            ]
        ),
        some.text(max_size=8),
    ),
    max_size=25,
).map("".join)


@settings(max_examples=120, deadline=None)
@given(text=PIECES, cuts=some.lists(some.integers(0, 2_000), max_size=12))
@example(text="A [1]. B", cuts=[2, 3, 4, 5])
@example(text="[2] [3]\n[9][1]", cuts=[3, 8, 11])
@example(text="word " * 118 + "in the U.S. The end. " + "word " * 60, cuts=list(range(560, 640)))
def test_how_the_text_is_cut_changes_nothing(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert parsed(*pieces, sources=4) == parsed(text, sources=4) == parsed(*text, sources=4)
    assert pointed(*pieces, sources=4) == pointed(text, sources=4) == pointed(*text, sources=4)


@settings(max_examples=60, deadline=None)
@given(text=PIECES, sources=some.integers(0, 5))
def test_only_sources_that_were_given_are_named(text: str, sources: int) -> None:
    for sentence in parsed(text, sources=sources):
        assert all(1 <= number <= sources for number in sentence.numbers)
        assert len(set(sentence.numbers)) == len(sentence.numbers)
        assert sentence.text == " ".join(sentence.text.split())
        assert not re.search(r"\[\s*\d{1,3}\s*\]", sentence.text.replace("[[", "["))
