import pytest

from rag.answer import REFUSAL
from rag.followup import CONTEXT_CHARACTERS, Turn, asks_of_a_refusal, standalone, without_courtesies, without_documents

SUMMIT = "Where was the BRICS summit held?"
ZHENG = "What did Zheng Qinmo say about the visit?"
HELD: list[Turn] = [
    {"role": "user", "content": SUMMIT},
    {"role": "assistant", "content": "The BRICS summit took place in Kazan. [1]"},
]
SAID: list[Turn] = [
    {"role": "user", "content": ZHENG},
    {"role": "assistant", "content": "This visit is very important. [1] It props Xi Jinping up. [2]"},
]


@pytest.mark.parametrize(
    "question",
    [
        "What is the population of Kazan?",
        "How many people live in Shanghai?",
        "By what percentage did trade grow from January to August 2024?",
        "Why did Putin say that the West is worried about Russia?",
        "What did Putin say about his visit to Beijing?",
        "And who warned of a new axis of evil?",
        "So which banks of China stopped paying?",
        "By the way, what is a secret?",
        "What are worker nodes?",
    ],
)
@pytest.mark.parametrize("history", [(), HELD, SAID, [*HELD, *SAID]], ids=["none", "held", "said", "both"])
def test_a_complete_question_stays_as_it_is(question: str, history: list[Turn]) -> None:
    made = standalone(question, history)
    assert (made.text, made.asked) == (question, 0)


@pytest.mark.parametrize(
    "question",
    [
        "Why?",
        "when",
        "And when?",
        "And Hikvision?",
        "What about Hikvision?",
        "How about the banks of China?",
        "Who said that?",
        "Where was it held?",
        "Which ones?",
        "What are the benefits?",
        "What is it?",
        "What are its limits?",
        "Why not?",
        "But did the leaders of both countries agree to this?",
        "Would Putin be against that?",
        "Is American football derived from it?",
        "Who among the leaders of Europe paid for these meetings?",
        "I meant the summit of the European Union.",
        "You mentioned a plan for peace, what is in it for Ukraine?",
        "Can you explain the last option to a beginner in finance?",
        "?",
        "他呢？",
    ],
)
def test_a_follow_up_gets_what_it_leans_on_in_front(question: str) -> None:
    made = standalone(question, HELD)
    assert made.text.endswith(question)
    assert made.text[made.asked :] == question
    assert "Where was the BRICS summit held" in made.text[: made.asked]


@pytest.mark.parametrize("question", ["Why?", "What did he say?", "And Hikvision?"])
def test_without_history_there_is_nothing_to_lean_on(question: str) -> None:
    assert standalone(question).text == question


@pytest.mark.parametrize(
    ("question", "made"),
    [
        ("Where does he teach at the university?", "Where does Zheng Qinmo teach at the university?"),
        ("What did she say about the war in Ukraine?", "What did Zheng Qinmo say about the war in Ukraine?"),
        ("What is his position on the war in Ukraine?", "What is Zheng Qinmo’s position on the war in Ukraine?"),
    ],
)
def test_he_and_she_become_the_person_asked_about(question: str, made: str) -> None:
    assert standalone(question, SAID).text == made


def test_a_person_named_with_a_possessive_is_the_person() -> None:
    history: list[Turn] = [{"role": "user", "content": "What is Zheng Qinmo's view of NATO and the war?"}]
    made = standalone("Where does he teach at the university?", history)
    assert made.text == "Where does Zheng Qinmo teach at the university?"


def test_a_fragment_that_came_last_is_leaned_on_too() -> None:
    history: list[Turn] = [
        {"role": "user", "content": "What is the difference between market cap and net asset value?"},
        {"role": "assistant", "content": "One is of a company, the other of a fund. [1]"},
        {"role": "user", "content": "enterprise value"},
        {"role": "assistant", "content": "It counts debt, too. [1]"},
    ]
    made = standalone("How is it calculated?", history)
    assert "net asset value" in made.text
    assert "enterprise value" in made.text


def test_a_question_about_another_asks_the_first_again() -> None:
    history: list[Turn] = [
        {"role": "user", "content": "Which banks of China refuse payments?"},
        {"role": "assistant", "content": "Several do. [1]"},
        {"role": "user", "content": "What about Alibaba?"},
        {"role": "assistant", "content": "It ships nothing. [1]"},
    ]
    assert standalone("And Hikvision?", history).text == "Which banks of China refuse payments: And Hikvision?"


def test_the_last_question_and_the_opening_of_the_answer_are_searched_for_beside() -> None:
    assert standalone("Why?", SAID).context == (ZHENG, "This visit is very important.")
    assert standalone("Why?", [{"role": "user", "content": ZHENG}]).context == (ZHENG,)
    assert standalone("What is the population of Kazan?", SAID).context == ()


def test_they_are_whom_the_question_before_names() -> None:
    assert "Zheng Qinmo" in standalone("When did they meet?", SAID).text


def test_markers_of_an_answer_are_no_context() -> None:
    for question in ("Why?", "What did he say about NATO?", "And Putin?"):
        assert "[1]" not in standalone(question, SAID).text


@pytest.mark.parametrize("last", ["And why?", "Who presided over it?", "And Putin?"])
def test_a_chain_of_three_still_knows_what_it_began_with(last: str) -> None:
    history: list[Turn] = [
        *HELD,
        {"role": "user", "content": "And when?"},
        {"role": "assistant", "content": "From October 22nd to 24th. [1]"},
    ]
    made = standalone(last, history)
    assert "BRICS summit" in made.text[: made.asked]
    assert made.text[made.asked :] == last


def test_of_a_page_pasted_above_a_question_the_end_is_read() -> None:
    made = standalone("Why?", [{"role": "user", "content": "word " * 20_000 + SUMMIT}])
    assert "BRICS summit" in made.text
    assert len(made.text) <= CONTEXT_CHARACTERS + len(": Why?")


def test_a_chain_of_three_leans_on_the_last_complete_question() -> None:
    made = standalone("And when?", [*SAID, *HELD])
    assert "BRICS summit" in made.text
    assert "Zheng" not in made.text


@pytest.mark.parametrize(
    "history",
    [
        [{"role": "assistant", "content": "Hello."}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}],
        [{"role": "user", "content": "\n \n"}, {"role": "user", "content": "?"}],
        [{"role": "user", "content": "Why?"}] * 3,
        [{"role": "user", "content": "[1] [2] 😀 \u202e"}, {"role": "assistant", "content": "[1]"}],
        [{"role": "assistant", "content": "The summit was in Kazan."}] * 3,
        [{"role": "user", "content": SUMMIT}] * 50,
    ],
)
@pytest.mark.parametrize("question", ["Why?", "And when?", "Was it?", "What is the population of Kazan?", "?"])
def test_whatever_the_history_the_question_is_there(question: str, history: list[Turn]) -> None:
    made = standalone(question, history)
    assert 0 <= made.asked <= len(made.text)
    assert made.text[made.asked :] == question


def test_a_place_or_an_abbreviation_is_nobody() -> None:
    history = [
        {"role": "user", "content": "Where was the BRICS summit held?"},
        {"role": "assistant", "content": "The BRICS summit took place in the Russian city of Kazan. [1]"},
    ]
    assert standalone("What did he say?", history).text == "Where was the BRICS summit held: What did he say?"


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("What do both articles say about NATO?", "What about NATO?"),
        ("What does the document say about owls?", "What about owls?"),
        ("Does the text mention Hikvision?", "What about Hikvision?"),
        ("Do the documents say anything about trade?", "What about trade?"),
        ("According to the article, where was the summit held?", "where was the summit held?"),
        ("Where was the summit held, according to the documents?", "Where was the summit held?"),
        ("Which banks are mentioned in the article?", "Which banks?"),
        ("Which companies are named?", "Which companies?"),
        ("What happened on May 16?", "What was on May 16?"),
    ],
)
def test_what_is_said_of_the_documents_is_not_searched_for(question: str, rest: str) -> None:
    assert without_documents(question) == rest
    assert standalone(question).text == rest


@pytest.mark.parametrize(
    "question",
    [
        "What is in the document signed on May 16?",
        "Which document did they sign?",
        "What does the article say?",
        "Who wrote the article?",
        "Who is named?",
        "According to the article by Reuters, who won?",
    ],
)
def test_a_document_that_is_what_is_asked_about_is_searched_for(question: str) -> None:
    assert without_documents(question) == question


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("Hello!", ""),
        ("ok, thank you very much", ""),
        ("Thanks for clarifying. Do they have predators?", "Do they have predators?"),
        ("Hi, where was the summit held?", "where was the summit held?"),
        ("Where was the summit held, thanks?", "Where was the summit held?"),
        ("Great Wall of China", "Great Wall of China"),
        ("Hi-fi sales in China", "Hi-fi sales in China"),
        ("Good Friday agreement: who signed it?", "Good Friday agreement: who signed it?"),
        ("Who wrote the thank you note?", "Who wrote the thank you note?"),
        ("Why did Xi thank Putin?", "Why did Xi thank Putin?"),
    ],
)
def test_courtesies_are_not_searched_for(question: str, rest: str) -> None:
    assert without_courtesies(question) == rest
    assert standalone(question).text == rest


def test_thanks_are_nothing_to_lean_on() -> None:
    assert standalone("And when?", [*HELD, {"role": "user", "content": "Thanks!"}]) == standalone("And when?", HELD)


def test_who_said_that_asks_about_the_last_answer() -> None:
    made = standalone("Who said that?", SAID)
    assert made.text == "What did Zheng Qinmo say about the visit: This visit is very important: Who said that?"
    assert made.query == made.text


@pytest.mark.parametrize(
    ("question", "more"),
    [
        ("What else?", True),
        ("Why?", True),
        ("But why did he?", True),
        ("When?", False),
        ("What else did he say?", True),
        ("And which others?", True),
        ("Can you tell me more about it?", True),
        ("Was it more than before?", False),
        ("What did he say?", False),
    ],
)
def test_what_was_told_is_known_where_more_is_asked_for(question: str, *, more: bool) -> None:
    answer = "Zheng Qinmo said so. [1] It rained. [2]"
    history = [{"role": "user", "content": "Who said so in Kazan?"}, {"role": "assistant", "content": answer}]
    assert standalone(question, history).told == (("Zheng Qinmo said so. It rained.",) if more else ())


def test_a_refusal_says_nothing_to_lean_on() -> None:
    refused = [SAID[0], {"role": "assistant", "content": "The documents don’t say. They speak of “Zheng”."}]
    assert standalone("Why?", refused) == standalone("Why?", SAID[:1])
    assert standalone("Who said that?", refused).context


DOCUMENTS_SILENT: list[Turn] = [
    {"role": "user", "content": "How many soldiers has Russia lost?"},
    {"role": "assistant", "content": f"{REFUSAL} They speak of “Russia”, but not of “soldiers”."},
]


@pytest.mark.parametrize("question", ["And when?", "Why?", "And who said so?"])
def test_what_was_refused_leaves_nothing_to_ask_about(question: str) -> None:
    assert asks_of_a_refusal(question, DOCUMENTS_SILENT)
    assert asks_of_a_refusal(question, [*HELD, *DOCUMENTS_SILENT])
    assert not asks_of_a_refusal(question, HELD)
    assert not asks_of_a_refusal(question, [*DOCUMENTS_SILENT, *HELD])
    assert not asks_of_a_refusal(question, [])


def test_a_follow_up_that_says_something_itself_is_not_refused_for_what_was() -> None:
    assert not asks_of_a_refusal("And in the Second World War?", DOCUMENTS_SILENT)


def test_of_an_answered_question_more_can_be_asked_after_a_refusal() -> None:
    cost: list[Turn] = [{"role": "user", "content": "And how much?"}, {"role": "assistant", "content": REFUSAL}]
    assert not asks_of_a_refusal("And when?", [*HELD, *cost])
