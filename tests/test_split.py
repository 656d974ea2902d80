"""Sentences and passages: that nothing is lost, doubled or endless in any text, and where a reader would cut."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index.documents import builtin
from index.split import PARAGRAPH_WORDS, PASSAGE_WORDS, SENTENCE_CHARACTERS, _count_words, split, split_sentences

PIECES = [
    "The summit took place in Kazan. ", "He said: “We agree.” ", "U.S. ", "J. ", "4.5 ", "[1]", " (12) ",
    ".", "...", "?!", "。",
    "」", "\n", "\n\n", "\r\n", "\t", "\u2028", "\x1c", "- item\n", "# Heading\n", "| a | b |\n",
    "A: b. C | D: e\n", " | ",
    "東京は首都です", "🎉", "\ud800", "\0",
    "e\u0301", "\u200b", "word " * 40, "x" * 700, "A", "b", "1. ", "etc. ", "\"", "'", "\u3000", "— ",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=200)


def sentences(text: str) -> list[str]:
    return [text[one.start : one.end] for one in split_sentences(text)]


# Any text ---------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(texts)
@example("")
@example("A.\x1c\x1cB")
@example("。" * 50)
def test_every_character_that_is_no_space_is_in_exactly_one_sentence(text: str) -> None:
    covered = [0] * len(text)
    for passage in split(text):
        for sentence in passage.sentences:
            for offset in range(sentence.start, sentence.end):
                covered[offset] += 1
    assert max(covered, default=0) <= 1
    assert [text[offset] for offset, count in enumerate(covered) if not count and not text[offset].isspace()] == []


@settings(max_examples=150, deadline=None)
@given(texts)
def test_passages_are_their_sentences_in_order(text: str) -> None:
    position = 0
    for passage in split(text):
        assert (passage.start, passage.end) == (passage.sentences[0].start, passage.sentences[-1].end)
        for sentence in passage.sentences:
            assert position <= sentence.start < sentence.end
            position = sentence.end


@settings(max_examples=150, deadline=None)
@given(texts)
def test_sentences_are_bounded_and_without_space_around_them(text: str) -> None:
    for sentence in split_sentences(text):
        quote = text[sentence.start : sentence.end]
        assert quote == quote.strip()
        assert 0 < len(quote) <= SENTENCE_CHARACTERS


@settings(max_examples=100, deadline=None)
@given(texts.map(lambda text: text * 8))
def test_passages_are_bounded(text: str) -> None:
    """A passage of several sentences is no longer than a long paragraph and half a sentence."""
    for passage in split(text):
        sizes = [_count_words(text[one.start : one.end]) for one in passage.sentences]
        assert len(sizes) <= 2 or sum(sizes) <= PARAGRAPH_WORDS + max(sizes)


@settings(max_examples=50, deadline=None)
@given(texts)
def test_a_text_is_cut_the_same_way_twice(text: str) -> None:
    assert split(text) == split(text)


@settings(max_examples=50, deadline=None)
@given(texts, texts)
def test_no_sentence_reaches_over_a_blank_line(first: str, second: str) -> None:
    cuts = split_sentences(f"{first}\n\n{second}")
    assert [one for one in cuts if one.start < len(first) < one.end] == []


PATHOLOGICAL = {
    "one giant line": "word " * 100_000,
    "one giant word": "x" * 500_000,
    "full stops": "." * 500_000,
    "full stops apart": ". " * 60_000,
    "exclamations": "a!? " * 100_000,
    "initials": "A. " * 50_000,
    "abbreviations": "U.S. e.g. " * 50_000,
    "bracketed numbers": "[1]" * 150_000,
    "notes": ".[1][2] " * 60_000,
    "quotes": '."' * 200_000,
    "closing quotes": "a." + "\"'”)" * 100_000,
    "line ends": "\n" * 500_000,
    "blank lines": "\n " * 200_000,
    "spaces": "a." + " " * 500_000 + "B",
    "short lines": "Line\n" * 50_000,
    "list": "- item\n" * 80_000,
    "hashes": "#" * 300_000,
    "Chinese": "今天天气很好" * 80_000,
    "Chinese stops": "。" * 300_000,
    "digits and dots": "1.1" * 150_000,
    "emoji": "🎉" * 300_000,
    "combining": "e" + "\u0301" * 300_000,
    "carriage returns": "a\r" * 200_000,
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_a_hundred_thousand_odd_characters_are_cut_in_linear_time(name: str) -> None:
    text = PATHOLOGICAL[name]
    started = time.process_time()
    passages = split(text)
    assert time.process_time() - started < 6
    inside = sum(len("".join(text[one.start : one.end].split())) for passage in passages for one in passage.sentences)
    assert inside == len("".join(text.split()))


# Where a reader would cut -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met Mr. Jones at St. Mary's.| They talked.",
        "It was founded by J. R. R. Tolkien.| He wrote.",
        "The firm (Acme Inc. of Ohio) grew.| It paid.",
        "He works at Acme Inc.| The firm pays well.",
        "The U.S. officials left.| They flew home.",
        "He lives in the U.S.| The officials left.",
        "It grew by 4.5 percent to 1,234.56 euros.| Then it fell.",
        "It opens at 5 p.m. on Monday.| Come early.",
        "See Fig. 3 and pp. 12 ff. for more.| It helps.",
        "On Jan. 5 it rained.| On Feb. 6 it snowed.",
        "Use fruit, e.g. Apples or Pears.| Cook them.",
        "“We agree.” |She smiled.",
        "He said, “We agree.”| She smiled.",
        "“Do we agree?” he asked.| She smiled.",
        "Is it so?| Yes!| It is.",
        "Wait... what?| Nothing.",
        "It ended.[12]| Another began.[3]",
        "It ended [12].| Another began.",
        "It rained (see above.)| It snowed.",
        "Version 2.0.1 came out.| It works.",
        "Go to www.example.com for more.| It is free.",
        "World War I. |The war began in 1914.",
        "C'est fini.| Élan revient.",
        "Он приехал.| Она уехала.",
        "今天天气很好。|我们去公园。|你呢？",
        "「行きます。」|彼は言った。",
        "그는 왔다.| 그녀는 갔다.",
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str) -> None:
    expected = [part.strip() for part in text.split("|")]
    assert sentences(text.replace("|", "")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A heading\n\nThe text follows.", ["A heading", "The text follows."]),
        ("# A heading\nThe text follows.", ["# A heading", "The text follows."]),
        ("- first item\n- second item\n- third", ["- first item", "- second item", "- third"]),
        ("1. First step\n2. Second step", ["1. First step", "2. Second step"]),
        ("a) one thing\nb) another", ["a) one thing", "b) another"]),
        ("| a | b |\n| c | d |", ["| a | b |", "| c | d |"]),
        (
            "This line is wrapped by hand after about sixty letters and\nit goes on here."
            " The next sentence is also\nwrapped.",
            [
                "This line is wrapped by hand after about sixty letters and\nit goes on here.",
                "The next sentence is also\nwrapped.",
            ],
        ),
        ("Roses are red\nViolets are blue", ["Roses are red", "Violets are blue"]),
        ("They bring apples,\nPears and plums.", ["They bring apples,\nPears and plums."]),
    ],
)
def test_lines_stand_alone_or_flow_on(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize("row", ["The end | of it. Another one.", "| a. B | c. D |", "A: 1. 2 | B: Mr. X. He"])
def test_the_row_of_a_table_is_one_sentence(row: str) -> None:
    assert sentences(f"Before. It is.\n{row}\nBehind it. Yes.") == ["Before.", "It is.", row, "Behind it.", "Yes."]


def test_an_overlong_row_is_cut_between_cells() -> None:
    row = " | ".join(f"A cell, the number {number}; yes." for number in range(40))
    assert len(found := sentences(row)) == 2
    assert all(one.startswith("A cell") for one in found)


def test_a_part_of_a_text_is_cut_with_offsets_into_the_whole() -> None:
    text = "First one. Second one. Third one."
    assert [text[one.start : one.end] for one in split_sentences(text, 11, 22)] == ["Second one."]


def test_an_overlong_sentence_is_cut_behind_a_clause() -> None:
    text = "one two three; " * 60
    assert {one[-1] for one in sentences(text)} == {";"}


def test_a_heading_stays_with_what_follows_it() -> None:
    text = "First part\n\n" + "Some words stand here. " * 35 + "\n\nSecond part\n\nOther words stand here."
    assert [text[one.start : one.end].partition("\n")[0] for one in split(text)] == ["First part", "Second part"]


def test_short_sections_share_a_passage() -> None:
    text = "\n\n".join(f"Opening hours {number}\n\nOpen from nine to five." for number in range(5))
    assert [(one.start, one.end) for one in split(text)] == [(0, len(text))]


def test_the_headings_at_the_end_of_a_full_passage_go_into_the_next() -> None:
    text = "Some words stand here. " * 25 + "\n\nA chapter\n\nA section\n\n" + "Other words stand here. " * 40
    assert [text[one.start : one.end].partition("\n")[0][:10] for one in split(text)] == ["Some words", "A chapter"]


def test_short_lines_without_end_are_cut_all_the_same() -> None:
    text = "\n\n".join(f"Line {number}" for number in range(1_000))
    assert max(_count_words(text[one.start : one.end]) for one in split(text)) <= PASSAGE_WORDS


def test_short_paragraphs_share_a_passage() -> None:
    assert len(split("One short paragraph.\n\nAnother short paragraph.")) == 1


def test_a_long_paragraph_is_cut_in_parts_of_about_equal_size() -> None:
    text = "Ten words are in this sentence, as you can count. " * 40
    sizes = [_count_words(text[one.start : one.end]) for one in split(text)]
    assert (sum(sizes), max(sizes) - min(sizes) <= 20, max(sizes) <= PARAGRAPH_WORDS) == (400, True, True)


@pytest.mark.parametrize("number", [0, 1])
def test_no_sentence_of_the_articles_is_odd(number: int) -> None:
    text = builtin()[number].text
    shown = sentences(text)
    assert [one for one in shown if one[0].islower() or len(one) < 15] == []
    assert [one for one in shown[1:] if one.rstrip('”"’)')[-1] not in ".?!:" and len(one) > 120] == []
