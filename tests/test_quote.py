import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.documents import Document
from index.library import Library
from rag.evidence import SIGNALS, Candidate, take_apart
from rag.followup import Standalone, standalone
from rag.quote import (
    MEMBERS,
    QUOTE_CHARACTERS,
    SECOND_SHARE,
    Quote,
    _leans,
    answering,
    choose,
    cite,
    gathered,
    quotable_together,
    shown,
)
from rag.retrieve import Retrieved, retrieve

TEXT = (
    "Herons\n\n"
    "The heron [12] eats fish. It nests in tall trees [3]. But it also stands in rivers.\n"
    "Owls hunt mice at night. " + "The owl " + "very " * 200 + "slowly turns. They sleep by day."
)
FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Greta", "Hugo", "Ida")
PAGED = Document("paged.txt", "Paged", "One page is here.\nTwo pages are here.", pages=(0, 18))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("quote") / "library") as library:
        library.add([Document("birds.txt", "Birds", TEXT), PAGED])
        yield library


def at(words: str, document: str = "birds.txt", text: str = TEXT, axis: int = 0) -> Candidate:
    start = text.index(words)
    meaning = np.zeros(128, dtype=np.float32)
    meaning[axis] = 1
    return Candidate(
        document,
        start,
        start + len(words),
        words,
        0,
        np.zeros(len(SIGNALS)),
        meaning,
    )


def chosen(library: Library, *candidates: tuple[Candidate, float]) -> list[str]:
    retrieved = Retrieved(take_apart(Standalone("What?"), library), [], list(candidates), 1.0, 1.0)
    return [library.document(one.document).text[one.start : one.end] for one in choose(retrieved, library)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("plain", "plain"),
        ("as [1] and [23] say", "as (1) and (23) say"),
        ("as [ 1 ] says", "as ( 1 ) says"),
        ("nested [[1]]", "nested [(1)]"),
        ("unclosed [1 and 2]", "unclosed [1 and 2]"),
        ("arabic [١٢]", "arabic (١٢)"),
        ("spread [\n1\n] out\n\tover  lines", "spread ( 1 ) out over lines"),
        ("no number [a] [] [1a]", "no number [a] [] [1a]"),
        ("", ""),
    ],
)
def test_bracketed_numbers_are_shown_in_round_brackets(words: str, expected: str) -> None:
    assert shown(words) == expected
    assert not re.search(r"\[\s*\d+\s*\]", shown(words))


def test_the_best_sentence_is_quoted(library: Library) -> None:
    assert chosen(library, (at("Owls hunt mice at night."), 1.0)) == ["Owls hunt mice at night."]


def test_a_second_sentence_that_is_as_likely_is_quoted_too_in_reading_order(library: Library) -> None:
    owls, herons = at("Owls hunt mice at night.", axis=0), at("The heron [12] eats fish.", axis=1)
    assert chosen(library, (owls, 1.0), (herons, 1.0)) == [herons.text, owls.text]


def test_a_second_sentence_that_is_less_likely_is_not(library: Library) -> None:
    owls, herons = at("Owls hunt mice at night.", axis=0), at("The heron [12] eats fish.", axis=1)
    assert chosen(library, (owls, 1.0), (herons, 1.0 - math.log(1 / SECOND_SHARE - 1) - 0.1)) == [owls.text]


def test_a_sentence_that_says_the_same_is_not_quoted_again(library: Library) -> None:
    owls, herons = at("Owls hunt mice at night."), at("The heron [12] eats fish.")
    assert chosen(library, (owls, 1.0), (herons, 1.0)) == [owls.text]


def test_never_more_than_two_sentences_are_chosen(library: Library) -> None:
    words = ["Owls hunt mice at night.", "The heron [12] eats fish.", "They sleep by day."]
    assert len(chosen(library, *((at(one, axis=axis), 1.0) for axis, one in enumerate(words)))) <= 2


def test_a_sentence_that_leans_on_the_one_before_brings_it_along(library: Library) -> None:
    quotes = chosen(library, (at("But it also stands in rivers."), 1.0))
    assert quotes == ["The heron [12] eats fish. It nests in tall trees [3]. But it also stands in rivers."]


def test_no_heading_is_brought_along(library: Library) -> None:
    assert "Herons" not in chosen(library, (at("It nests in tall trees [3]."), 1.0))[0]


def test_a_quote_is_not_widened_without_end(library: Library) -> None:
    (quote,) = chosen(library, (at("They sleep by day."), 1.0))
    assert len(quote) <= QUOTE_CHARACTERS
    assert quote.endswith("They sleep by day.")


def test_quotes_that_meet_become_one(library: Library) -> None:
    leaning, before = at("It nests in tall trees [3].", axis=0), at("The heron [12] eats fish.", axis=1)
    assert chosen(library, (leaning, 1.0), (before, 1.0)) == ["The heron [12] eats fish. It nests in tall trees [3]."]


def test_the_document_of_the_best_sentence_comes_first(library: Library) -> None:
    paged = at("Two pages are here.", "paged.txt", PAGED.text, axis=0)
    assert chosen(library, (paged, 1.0), (at("Owls hunt mice at night.", axis=1), 1.0)) == [
        "Two pages are here.",
        "Owls hunt mice at night.",
    ]


HARBOURS = (
    Document(
        "north.txt",
        "North",
        "The shipyard Norvik Brothers closed its docks in March. Fishermen mend their nets in the morning."
        " Gulls breed on the cliffs. The shipyard Tamsen Marine closed its docks in May.\n\n"
        "The lighthouse was painted white by Ada King, a painter from Ostholm. Bread is baked at four.",
    ),
    Document(
        "south.txt",
        "South",
        "The shipyard Hallgrim Works closed its docks in June. The market opens on Fridays. It rains in autumn.\n\n"
        "The museum was painted red by Tom Hill, a painter from Vesterby.",
    ),
)


@pytest.fixture(scope="module")
def harbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("harbours") / "library") as library:
        library.add(HARBOURS)
        yield library


def quoted(library: Library, question: str) -> str:
    retrieved = retrieve(library, standalone(question))
    return " ".join(cite(choose(retrieved, library, question), library)[0])


@pytest.mark.parametrize(
    ("question", "members"),
    [
        ("Which shipyards closed their docks?", ["Norvik", "Tamsen", "Hallgrim"]),
        ("Name all the shipyards that closed their docks.", ["Norvik", "Tamsen", "Hallgrim"]),
        ("Who are the painters?", ["Ada King", "Tom Hill"]),
    ],
)
def test_a_list_is_gathered_from_all_documents(harbours: Library, question: str, members: list[str]) -> None:
    words = quoted(harbours, question)
    assert [member for member in members if member not in words] == []
    assert not any(other in words for other in ("Gulls", "Bread", "nets", "rains", "Fridays"))


def test_what_both_documents_say_is_quoted_from_both(harbours: Library) -> None:
    words = quoted(harbours, "What do both documents say about painters?")
    assert "Ada King" in words
    assert "Tom Hill" in words


def test_one_thing_is_quoted_from_one_place(harbours: Library) -> None:
    words = quoted(harbours, "Who painted the lighthouse white?")
    assert ("Ada King" in words, "Tom Hill" in words) == (True, False)


def listing(library: Library, *candidates: tuple[Candidate, float]) -> list[str]:
    question = "Which birds are there?"
    retrieved = Retrieved(take_apart(Standalone(question), library), [], list(candidates), 1.0, 1.0)
    return [library.document(one.document).text[one.start : one.end] for one in choose(retrieved, library, question)]


def test_a_list_takes_no_sentence_that_names_nobody_new(library: Library) -> None:
    names = ["Ada King saw it.", "There Ada King sat.", "Nobody came.", "There Tom Hill sat."]
    likely = [
        (replace(at(TEXT[8 + place : 12 + place], axis=place), text=text), 1.0) for place, text in enumerate(names)
    ]
    assert len(listing(library, *likely)) == 1  # spans that meet are one quote
    with_new = quotable_together(likely)
    assert [one.text for one in gathered(likely, with_new, "person")] == [names[0], names[1], names[3]]


def test_a_list_has_an_end(library: Library) -> None:
    first = (*FIRST_NAMES,)
    likely = [
        (replace(at("fish", axis=place), text=f"{name} King sat there."), 1.0) for place, name in enumerate(first)
    ]
    assert len(gathered(likely, [likely[0][0]], "person")) == MEMBERS
    long = [(replace(one, text=f"{one.text} {'word ' * 60}"), score) for one, score in likely]
    assert len(gathered(long, [long[0][0]], "person")) == 2


def test_a_citation_holds_the_exact_words_and_where_they_stand(library: Library) -> None:
    start = TEXT.index("It nests")
    quotes = [Quote("birds.txt", start, start + 27), Quote("paged.txt", 18, len(PAGED.text))]
    pieces, citations = cite(quotes, library)
    assert pieces == ["It nests in tall trees (3). [1] ", "Two pages are here. [2]"]
    assert [one.marker for one in citations] == [1, 2]
    assert [one.quote for one in citations] == ["It nests in tall trees [3].", "Two pages are here."]
    assert [one.page for one in citations] == [None, 2]
    assert [one.sha256 for one in citations] == [library.document("birds.txt").sha256, PAGED.sha256]


def test_nothing_chosen_cites_nothing(library: Library) -> None:
    assert chosen(library) == []
    assert cite([], library) == ([], [])


@pytest.mark.parametrize(
    ("sentence", "does"),
    [
        ("After taking office, he chose Beijing.", True),
        ("Moreover, they left the city.", True),
        ("This is why.", True),
        ("On that day, Ada King met the council in Lund.", True),
        ("At the same time Ada King left.", True),
        ("On the day of the fair Ada King left.", False),
        ("Putin stated that he will come.", False),
        ("As Putin’s first visit was long, he continues.", False),
        ("The trade grew by 4.5%.", False),
    ],
)
def test_a_sentence_that_speaks_of_somebody_it_has_not_named_leans(sentence: str, does: bool) -> None:
    assert _leans(sentence) is does


@pytest.mark.parametrize(
    ("question", "sentence", "words"),
    [
        ("When was the heron seen?", "In May 2024 a heron was seen.", "May 2024"),
        ("When was the owl seen?", "In May 2024 a heron was seen, and an owl in 1999.", None),
        ("By what percentage did trade grow?", "Trade grew by 4.5% in 2024.", "4.5%"),
        ("How many owls nest there?", "Some 1,200 owls nest in the barns.", "1,200"),
        ("Who saw the owl?", "The owl was seen by Ada King.", None),
        ("Why did the owl leave?", "The owl left because of the noise.", None),
        ("When did the owl leave?", "The owl left.", None),
        ("When was the fair?", "The fair was held from October 22nd to 24th.", "October 22nd to 24th"),
        ("When was the fair?", "The fair was held from May 1999 until 2001.", "May 1999 until 2001"),
        ("By what percentage did trade grow?", "Growth rose from 4.5% to 5%.", None),
    ],
)
def test_the_words_that_answer_are_told_where_one_place_alone_can_be_it(
    library: Library, question: str, sentence: str, words: str | None
) -> None:
    given = replace(at(TEXT[:20]), text=sentence, start=100, end=100 + len(sentence))
    found = answering(take_apart(Standalone(question), library), given)
    assert (found and sentence[found[0] - 100 : found[1] - 100]) == words


def test_what_the_reader_marks_is_not_pointed_at_where_it_is_of_another_kind(library: Library) -> None:
    sentence = "The fair in Lund was held in May 1999, and again in 2001."
    asked = take_apart(Standalone("When was the fair?"), library)

    def pointed_at(words: str) -> str | None:
        start = 100 + sentence.index(words)
        read = replace(at(TEXT[:20]), text=sentence, start=100, end=100 + len(sentence), odds=5.0)
        found = answering(asked, replace(read, span=(start, start + len(words))))
        return found and sentence[found[0] - 100 : found[1] - 100]

    assert pointed_at("Lund") is None
    assert pointed_at("May 1999") == "May 1999"


def test_what_the_reader_marks_is_pointed_at_where_one_sentence_is_quoted(library: Library) -> None:
    def read(words: str, axis: int) -> Candidate:
        one = at(words, axis=axis)
        return replace(one, span=(one.start, one.start + 4), odds=5.0)

    def pointed_at(*sentences: tuple[Candidate, float]) -> list[tuple[int, int] | None]:
        asked = take_apart(Standalone("What hunts?"), library)
        return [one.answer for one in choose(Retrieved(asked, [], list(sentences), 1.0, 1.0), library)]

    owls, herons = read("Owls hunt mice at night.", 0), read("The heron [12] eats fish.", 1)
    assert pointed_at((owls, 9.0), (herons, 0.0)) == [owls.span]
    assert pointed_at((owls, 1.0), (herons, 0.9)) == [None, None]


def test_of_two_sentences_only_the_likelier_has_words_pointed_at(tmp_path: Path) -> None:
    text = "The fair in the old harbour was large. It was the largest since the war of 1922."
    with Library.open(tmp_path / "library") as library:
        library.add([Document("fair.txt", "Fair", text)])
        fair, largest = (at(one, "fair.txt", text, axis) for axis, one in enumerate(re.split(r"(?<=\.) ", text)))
        asked = take_apart(Standalone("When was the fair?"), library)

        def pointed_at(*sentences: tuple[Candidate, float]) -> list[str | None]:
            quotes = choose(Retrieved(asked, [], list(sentences), 1.0, 1.0), library)
            return [one.answer and text[slice(*one.answer)] for one in quotes]

        assert pointed_at((largest, 1.0), (fair, 0.9)) == ["1922"]
        assert pointed_at((fair, 1.0), (largest, 0.9)) == [None]
