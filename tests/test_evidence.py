from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.documents import Document
from index.library import Library
from rag.evidence import CONTEXT_WEIGHT, SIGNALS, Candidate, candidates, is_heading, take_apart
from rag.followup import Standalone

TEXT = (
    "Birds of the river\n\n"
    "The heron stands in the shallow water. It eats fish and frogs. Do herons nest in trees?\n\n"
    "The owl hunts mice at night. In 1879 Edison lit the owl's barn.\n"
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("evidence") / "library") as library:
        library.add([Document("birds.txt", "Birds of the river", TEXT)])
        yield library


def found(library: Library, question: str, asked: int = 0) -> list[Candidate]:
    return candidates(take_apart(Standalone(question, asked), library), library, library.search(question))


def signal(candidate: Candidate, name: str) -> float:
    return float(candidate.signals[SIGNALS.index(name)])


def of(found: list[Candidate], words: str) -> Candidate:
    return next(one for one in found if words in one.text)


def test_every_sentence_of_the_passages_is_a_candidate_with_exact_offsets(library: Library) -> None:
    sentences = found(library, "What does the heron eat?")
    assert {one.text for one in sentences} >= {"It eats fish and frogs.", "The owl hunts mice at night."}
    assert all(TEXT[one.start : one.end] == one.text for one in sentences)


ODD = [
    "?",
    "的",
    "Who is he?",
    "🐟",
    "[1] [2]",
    'NEAR/3 "owl" OR *',
    "1." * 300,
    "a’" * 300,
    "x" * 400,
    "\u200b",
    "owl " * 600,
]


@pytest.mark.parametrize("question", ["What does the heron eat?", *ODD], ids=range(1 + len(ODD)))
def test_whatever_the_question_all_signals_are_near_one_at_most(library: Library, question: str) -> None:
    for one in found(library, question):
        assert one.signals.shape == (len(SIGNALS),)
        assert np.isfinite(one.signals).all()
        assert one.signals.min() >= -1.01
        assert one.signals.max() <= 1.51


def test_the_words_of_a_question_speak_for_the_sentence_that_holds_them(library: Library) -> None:
    sentences = found(library, "Who hunts mice at night?")
    owl, heron = of(sentences, "owl hunts"), of(sentences, "fish")
    for name in ("late", "late_rare", "coverage", "meaning"):
        assert signal(owl, name) > signal(heron, name)
    assert signal(owl, "coverage") == 1


@pytest.mark.parametrize(
    ("question", "share"), [("What do birds of the river eat?", 1), ("Which birds eat mice?", 0.5), ("Who eats?", 0)]
)
def test_how_much_of_its_title_a_question_names_is_known(library: Library, question: str, share: float) -> None:
    assert {one.titled for one in found(library, question)} == {share}


@pytest.mark.parametrize(
    ("question", "item", "share", "name"),
    [
        ("What did Maud pay for her lamp?", "lamp", 1 / 3, True),
        ("What did Maud pay for her lamp?", "rug", 1 / 3, False),
        ("What did Sabine pay for her lamp?", "lamp", 0, False),
        ("What did Maud pay for her lamp in orders?", "lamp", 1 / 4, True),
        ("What did Gerd pay for her lamp?", "lamp", 0, False),
    ],
)
def test_a_row_lacks_what_the_question_names_and_another_row_of_its_table_holds(
    tmp_path: Path, question: str, item: str, share: float, name: bool
) -> None:
    rows = (("Sabine", "lamp", 245), ("Maud", "rug", 80), ("Ida", "chair", 60))
    text = "\n".join(f"Customer: {who} | Item: {what} | Price: {price} euros." for who, what, price in rows)
    with Library.open(tmp_path / "library") as library:
        library.add([Document("orders.csv", "Orders", text), Document("shops.txt", "Shops", "Maud has a shop.")])
        row = of(found(library, question), item)
        assert (row.lacks, row.lacks_name) == (pytest.approx(share), name)
        assert of(found(library, question), "has a shop").lacks == 0


def test_the_asked_kind_of_answer_is_seen(library: Library) -> None:
    sentences = found(library, "When did Edison light the barn?")
    assert signal(of(sentences, "1879"), "kind_held") == 1
    assert signal(of(sentences, "mice"), "kind_held") == 0
    assert signal(of(sentences, "mice"), "kind_near") == 1


@pytest.mark.parametrize(
    ("question", "beside"),
    [
        ("Who is the president of Arden?", True),
        ("Who was the president of Arden?", False),
        ("Who is the former president?", False),
        ("Who planted oaks?", False),
    ],
)
def test_a_former_president_is_not_the_president(tmp_path: Path, question: str, *, beside: bool) -> None:
    with Library.open(tmp_path / "library") as library:
        library.add([Document("a.txt", "A", "Ilse Holm, the former president of Arden, planted oaks.")])
        (only,) = found(library, question)
    assert only.beside == beside


def test_a_follow_up_of_names_alone_wants_them(library: Library) -> None:
    question = "What does the owl hunt? And Edison?"
    sentences = found(library, question, question.index("And"))
    assert [one.text for one in sentences if not one.beside] == [
        "The owl hunts mice at night.",
        "In 1879 Edison lit the owl's barn.",
    ]


def test_what_was_told_before_is_beside_where_more_is_asked_for(library: Library) -> None:
    question = "What else does the owl do?"
    told = Standalone(question, told=("The owl  hunts mice\nat night. It sleeps.",))
    sentences = candidates(take_apart(told, library), library, library.search(question))
    assert [one.text for one in sentences if one.beside] == ["The owl hunts mice at night."]


def test_headings_and_questions_are_told_apart_from_statements(library: Library) -> None:
    sentences = found(library, "birds")
    assert signal(of(sentences, "Birds of the river"), "heading") == 1
    assert signal(of(sentences, "Do herons"), "asks") == 1
    assert signal(of(sentences, "fish"), "heading") == signal(of(sentences, "fish"), "asks") == 0


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("Birds of the river", True),
        ("It eats fish.", False),
        ("“Why?”", False),
        ("他说。", False),
        ("word " * 50, False),
    ],
)
def test_a_heading_is_a_short_line_without_a_mark(line: str, heading: bool) -> None:
    assert is_heading(line) is heading


def test_rare_words_weigh_more(library: Library) -> None:
    question = take_apart(Standalone("owl zebra"), library)
    assert question.weights["zebra"] > question.weights["owl"] > 0


def test_words_taken_over_from_before_weigh_less_than_those_asked_now(library: Library) -> None:
    text = "What does the owl hunt: And the heron?"
    question = take_apart(Standalone(text, text.index("And")), library)
    assert set(question.emphasis.tolist()) == {1.0, CONTEXT_WEIGHT}
    assert question.emphasis[-1] == 1.0


def test_names_and_numbers_are_those_that_do_not_only_open_the_question(library: Library) -> None:
    assert take_apart(Standalone("Owls met Edison in 1879"), library).names == {"edison", "1879"}


def test_a_question_of_stop_words_alone_is_still_searched_for(library: Library) -> None:
    assert take_apart(Standalone("Who is he?"), library).stems


def test_no_passages_give_no_candidates(library: Library) -> None:
    assert candidates(take_apart(Standalone("owl"), library), library, []) == []


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("How many owls did Edison see?", "owl"),
        ("How many of the barn owls are there?", "owl"),
        ("How many herons nested?", "heron"),
        ("How much did it cost?", None),
        ("Who saw how many?", None),
    ],
)
def test_what_is_counted_is_told(library: Library, question: str, unit: str | None) -> None:
    assert take_apart(Standalone(question), library).demands.unit == unit


def test_what_a_question_demands_is_missed_where_it_is_missing(library: Library) -> None:
    missing = {"number_missing", "name_missing", "other_year", "unit_missing"}

    def missed(question: str, words: str) -> set[str]:
        sentence = of(found(library, question), words)
        return {name for name in missing if signal(sentence, name) == 1}

    assert missed("When did Edison light the owl's barn in 1879?", "Edison") == set()
    assert missed("Did Edison light the barn in 1880?", "Edison") == {"number_missing", "other_year"}
    assert missed("Did Edison light the barn in 1880?", "mice") == {"number_missing"}
    assert missed("When did Edison meet Tesla?", "Edison") == {"name_missing"}
    assert missed("How many owls are in the barn?", "owl hunts") == {"unit_missing"}


def test_what_was_only_taken_over_from_before_is_not_demanded(library: Library) -> None:
    text = "Did Tesla light it in 1880: And Edison?"
    demands = take_apart(Standalone(text, text.index("And")), library).demands
    assert (demands.numbers, demands.names) == (frozenset(), {"edison"})


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("Fifteen barn owls live here.", 0),
        ("Some 1,200 owls live here.", 0),
        ("In 1999 owls lived here.", 1),
        ("Twice the owls lived here.", 1),
        ("Owls and fifteen herons live here.", 1),
    ],
)
def test_a_number_of_what_is_counted_is_seen(tmp_path: Path, sentence: str, missing: int) -> None:
    with Library.open(tmp_path / "library") as library:
        library.add([Document("a.txt", "A", sentence)])
        (only,) = found(library, "How many owls are there?")
    assert signal(only, "unit_missing") == missing
