import pytest

from rag.kinds import KINDS, asked, names


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("By what percentage did trade grow?", "percent"),
        ("What share of the oil goes to China?", "percent"),
        ("How long did the meeting last?", "duration"),
        ("How many years did he rule?", "duration"),
        ("How much money did the bank lose?", "money"),
        ("What was the price of the gas?", "money"),
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
        ("", []),
        ("nothing here", []),
    ],
)
def test_names_are_runs_of_capitalised_words(text: str, found: list[str]) -> None:
    assert names(text) == found
