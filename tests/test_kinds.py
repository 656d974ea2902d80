import pytest

from rag.kinds import KINDS, asked, asks_across, asks_several, names, people


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("By what percentage did trade grow?", "percent"),
        ("What share of the oil goes to China?", "percent"),
        ("How long did the meeting last?", "duration"),
        ("How many years did he rule?", "duration"),
        ("How much money did the bank lose?", "money"),
        ("What was the price of the gas?", "money"),
        ("What is the trade between the two worth?", "money"),
        ("What was the volume of trade in US dollars?", "money"),
        ("How many rubles did it cost?", "money"),
        ("Why does Alibaba refuse to be paid in rubles?", "reason"),
        ("How many countries took part?", "count"),
        ("What is the population of Kazan?", "count"),
        ("When did the summit take place?", "date"),
        ("In which year was the treaty signed?", "date"),
        ("Where was the summit held?", "place"),
        ("In which city did they meet?", "place"),
        ("Who presided over the summit?", "person"),
        ("Which professor said so?", "person"),
        ("Why did China stay neutral?", "reason"),
        ("What was the reason for the visit?", "reason"),
        ("How did the banks react?", "manner"),
        ("Did China condemn the invasion?", "yes-no"),
        ("And is it true?", "yes-no"),
        ("What is NATO?", "definition"),
        ("Name the banks that stopped payments.", "thing"),
        ("", "thing"),
        ("谁?", "thing"),
    ],
)
def test_the_kind_of_answer_a_question_asks_for(question: str, kind: str) -> None:
    assert asked(question) == kind
    assert kind in KINDS


@pytest.mark.parametrize("question", ["WHEN WAS IT?", "when was it?", "  When was it"])
def test_case_and_space_do_not_change_the_kind(question: str) -> None:
    assert asked(question) == "date"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("There, on Monday, Xi Jinping met Putin.", ["Monday", "Xi Jinping", "Putin"]),
        ("Analysts met.", []),  # a capital that only opens the sentence
        ("They left. Analysts met.", []),
        ("Xi Jinping spoke.", ["Xi Jinping"]),
        ("the Bank of China paid", ["Bank of China"]),
        ("in the Great Hall of the People today", ["Great Hall of the People"]),
        ("there Putin alongside Xi described it", ["Putin", "Xi"]),
        ("", []),
        ("nothing here", []),
    ],
)
def test_names_are_runs_of_capitalised_words(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Which companies are named?", "thing"),
        ("Which Chinese banks stopped payments?", "thing"),
        ("Who are the scholars quoted?", "person"),
        ("Which experts from Taiwan are quoted?", "person"),
        ("Name all the people who were interviewed.", "person"),
        ("List the countries that took part.", "place"),
        ("Which years are named?", "date"),
        ("What are the three reasons for the partnership?", "thing"),
        ("What types of organisations are there?", "thing"),
        ("What reasons were given?", "thing"),
        ("Please name the members of the council.", "thing"),
    ],
)
def test_a_question_that_asks_for_a_list_tells_of_what(question: str, kind: str) -> None:
    assert asks_several(question) == kind


@pytest.mark.parametrize(
    "question",
    [
        "Which bank refuses payments?",
        "What happens if it rains?",
        "What causes rain?",
        "What increases with age?",
        "What needs to be avoided with fire?",
        "Who is the president of the United States?",
        "Who are you?",
        "What is the name of the bus?",
        "Which process is used?",
        "Which US state is the largest?",
        "What has the visit changed?",
        "Name the capital of France.",
        "How many companies are named?",
        "Does he get a lot of what he wants?",
        "What did the sanctions do?",
        "",
    ],
)
def test_a_question_that_asks_for_one_thing_asks_for_no_list(question: str) -> None:
    assert asks_several(question) is None


@pytest.mark.parametrize(
    ("question", "does"),
    [
        ("What do both articles say about trade?", True),
        ("What do the documents say about trade?", True),
        ("What do all sources agree on?", True),
        ("What does the article say about trade?", False),
        ("Which document did both sign?", False),
    ],
)
def test_what_several_documents_say_is_asked_across_them(question: str, does: bool) -> None:
    assert asks_across(question) is does


def test_people_have_two_names_and_are_no_places() -> None:
    text = "Today in May, Ada King met Tom Hill in New York with the Royal Society, and Smith."
    assert people(text) == ["Ada King", "Tom Hill"]
