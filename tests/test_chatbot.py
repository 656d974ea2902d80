import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from eval import questions
from index.documents import Document
from index.errors import BadInput, NotFound
from index.library import Library
from rag import Answer, Chatbot, RetrievedPassage, Settings
from rag.answer import Piece

TRADE = "By what percentage did trade grow from January to August 2024?"
KAZAN = "What is the population of Kazan?"
MARKER = re.compile(r"\[\s*(\d+)\s*\]")  # \d and int() know the digits of every script
BUILTIN = questions.builtin()


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    with Chatbot.open(tmp_path_factory.mktemp("chatbot") / "library") as chatbot:
        yield chatbot


def streamed(chatbot: Chatbot, question: str, **options: Any) -> tuple[list[str], Answer]:
    *pieces, answer = chatbot.stream(question, **options)
    assert isinstance(answer, Answer)
    assert all(isinstance(piece, str) for piece in pieces)
    cited = [piece for piece in pieces if isinstance(piece, Piece)]
    assert tuple(one for piece in cited for one in piece.citations) == answer.citations
    return [str(piece) for piece in pieces], answer


def check(chatbot: Chatbot, answer: Answer, pieces: Sequence[str]) -> None:
    """What holds for every answer of every library."""
    assert "".join(pieces) == answer.text
    assert [int(number) for number in MARKER.findall(answer.text)] == [one.marker for one in answer.citations]
    assert [one.marker for one in answer.citations] == list(range(1, len(answer.citations) + 1))
    for citation in answer.citations:
        document = chatbot.document(citation.document)
        assert document.text[citation.start : citation.end] == citation.quote
        assert citation.quote.strip()
        assert citation.title == document.title
        assert citation.sha256 == hashlib.sha256(document.text.encode()).hexdigest()
    for passage in answer.passages:
        assert chatbot.document(passage.document).text[passage.start : passage.end] == passage.text
        assert 0 <= passage.score <= 1.0001
    scores = [passage.score for passage in answer.passages]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= answer.confidence <= 1
    assert answer.answered == bool(answer.citations)
    assert answer.text.strip()
    assert json.loads(json.dumps(answer.to_dict())) == answer.to_dict()


# The built-in articles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", BUILTIN, ids=lambda question: question.id)
def test_every_answer_of_the_built_in_set_is_exact(chatbot: Chatbot, question: questions.Question) -> None:
    pieces, answer = streamed(chatbot, question.question, history=question.history)
    check(chatbot, answer, pieces)
    assert answer.question == question.question
    assert len(answer.passages) == 10


def test_the_growth_of_trade_is_answered_with_one_citation(chatbot: Chatbot) -> None:
    answer = chatbot.ask(TRADE)
    assert answer.answered
    assert "4.5%" in answer.text
    assert answer.text.endswith("[1]")
    assert "increased by 4.5% from January to August 2024" in answer.citations[0].quote
    assert answer.standalone_question == answer.question == TRADE
    assert answer.model == "extractive"


def test_the_population_of_kazan_is_refused_with_the_nearest_passages(chatbot: Chatbot) -> None:
    answer = chatbot.ask(KAZAN)
    assert not answer.answered
    assert answer.citations == ()
    assert answer.text.startswith("The documents don’t say.")
    assert len(answer.passages) == 10


def test_thanks_are_no_question(chatbot: Chatbot) -> None:
    pieces, answer = streamed(chatbot, "Thank you!")
    assert "".join(pieces) == answer.text == "Nothing was asked. Ask something that the documents may answer."
    assert not answer.answered
    assert answer.passages == ()


def test_a_vice_chairman_is_not_the_chairman(chatbot: Chatbot) -> None:
    assert not chatbot.ask("Who is the chairman of the House Armed Services Committee?").answered
    assert "Wittman" in chatbot.ask("Who is the vice chairman of the House Armed Services Committee?").text


def test_a_refusal_streams_its_text_too(chatbot: Chatbot) -> None:
    pieces, answer = streamed(chatbot, KAZAN)
    assert "".join(pieces) == answer.text


def test_timings_add_up(chatbot: Chatbot) -> None:
    timings = chatbot.ask(TRADE).timings
    assert set(timings) == {"retrieve", "answer", "total"}
    assert min(timings.values()) >= 0
    assert timings["retrieve"] + timings["answer"] == pytest.approx(timings["total"], abs=0.01)


def test_a_follow_up_is_searched_for_with_what_it_leans_on(chatbot: Chatbot) -> None:
    first = "Where was the BRICS summit held?"
    history = [{"role": "user", "content": first}, {"role": "assistant", "content": chatbot.ask(first).text}]
    pieces, answer = streamed(chatbot, "And when?", history=history)
    check(chatbot, answer, pieces)
    assert answer.question == "And when?"
    assert "BRICS summit" in answer.standalone_question


@pytest.mark.parametrize("question", ["And when?", "And why?", "Who said so?"])
def test_nothing_more_is_known_of_what_was_refused(chatbot: Chatbot, question: str) -> None:
    first = "How many soldiers has Russia lost?"
    history = [{"role": "user", "content": first}, {"role": "assistant", "content": chatbot.ask(first).text}]
    answer = chatbot.ask(question, history=history)
    assert (answer.answered, answer.answerable, answer.citations) == (False, 0, ())


def test_the_same_question_gets_the_same_answer(chatbot: Chatbot) -> None:
    first, second = chatbot.ask(TRADE).to_dict(), chatbot.ask(TRADE).to_dict()
    assert first.pop("timings")
    assert second.pop("timings")
    assert first == second


def test_many_may_ask_at_once(chatbot: Chatbot) -> None:
    asked = [TRADE, KAZAN] * 8
    alone = {question: chatbot.ask(question).text for question in (TRADE, KAZAN)}
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda question: chatbot.ask(question).text, asked))
    assert texts == [alone[question] for question in asked]


# Some documents alone ---------------------------------------------------------------------------------------------


def test_only_the_documents_named_are_asked(chatbot: Chatbot) -> None:
    for id in ("china-russia-axis.txt", "xi-visits-kazan.txt"):
        pieces, answer = streamed(chatbot, TRADE, documents=[id])
        check(chatbot, answer, pieces)
        assert {passage.document for passage in answer.passages} == {id}
        assert {passage.document for passage in chatbot.search(TRADE, documents=[id])} == {id}
    assert "4.5%" in chatbot.ask(TRADE, documents=["xi-visits-kazan.txt"]).text
    everywhere = [info.id for info in chatbot.library.documents()]
    assert chatbot.ask(TRADE, documents=everywhere).text == chatbot.ask(TRADE).text


def test_a_document_that_is_not_there_cannot_be_asked(chatbot: Chatbot) -> None:
    with pytest.raises(NotFound, match="nope"):
        chatbot.ask(TRADE, documents=["nope.txt"])


def test_no_documents_have_no_answer(chatbot: Chatbot) -> None:
    assert not chatbot.ask(TRADE, documents=[]).answered


# Settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("threshold", "answered"), [(0.0, True), (1.01, False)])
def test_the_threshold_of_refusing_can_be_set(chatbot: Chatbot, threshold: float, answered: bool) -> None:
    own = Chatbot.open(chatbot.library, settings=Settings(refuse_below=threshold))
    pieces, answer = streamed(own, KAZAN)
    check(own, answer, pieces)
    assert answer.answered is answered


def test_the_number_of_passages_can_be_set(chatbot: Chatbot) -> None:
    assert len(Chatbot.open(chatbot.library, settings=Settings(passages=3)).ask(TRADE).passages) == 3


def test_the_length_of_questions_can_be_set(chatbot: Chatbot) -> None:
    own = Chatbot.open(chatbot.library, settings=Settings(question_characters=5))
    assert own.ask("Who??").passages
    with pytest.raises(BadInput, match="6 characters, and at most 5"):
        own.ask("Where?")


# Bad input --------------------------------------------------------------------------------------------------------

UNUSABLE = ["", " ", "\n\t ", "\u2003", "a\0b", "\0", "x" * 100_000, "why " * 25_000, "half a character: \ud800"]


@pytest.mark.parametrize("question", UNUSABLE, ids=range(len(UNUSABLE)))
def test_a_question_that_cannot_be_used_is_refused_in_one_sentence(chatbot: Chatbot, question: str) -> None:
    for call in (chatbot.ask, chatbot.search):
        with pytest.raises(BadInput) as raised:
            call(question)
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 200


def test_a_stream_raises_as_ask_does(chatbot: Chatbot) -> None:
    with pytest.raises(BadInput, match="empty"):
        next(chatbot.stream(""))


@pytest.mark.parametrize(
    "turn",
    [
        {},
        {"role": "user"},
        {"content": "x"},
        {"role": "system", "content": "x"},
        {"role": "user", "content": None},
        {"role": "user", "content": ["x"]},
        {"role": "user", "content": "\ud800"},
    ],
)
def test_a_history_that_cannot_be_used_is_refused(chatbot: Chatbot, turn: Any) -> None:
    with pytest.raises(BadInput):
        chatbot.ask("Why?", history=[turn])


ODD = [
    "?",
    "的",
    "🐟" * 400,
    "1." * 400,
    "a’" * 400,
    "a'b" * 300,
    "x" * 2000,
    "[1] " * 300,
    "\u200b",
    "\x1b[31m?",
    '" OR *',
]


@pytest.mark.parametrize("question", ODD, ids=range(len(ODD)))
def test_odd_questions_get_an_answer_all_the_same(chatbot: Chatbot, question: str) -> None:
    pieces, answer = streamed(chatbot, question)
    check(chatbot, answer, pieces)


@pytest.mark.parametrize("content", ["", "?", "1." * 400, "[1]\n\n[2]", "Where? " * 300], ids=range(5))
def test_odd_histories_get_an_answer_all_the_same(chatbot: Chatbot, content: str) -> None:
    history = [{"role": "user", "content": content}, {"role": "assistant", "content": content}]
    pieces, answer = streamed(chatbot, "Why?", history=history)
    check(chatbot, answer, pieces)


# Searching and documents ------------------------------------------------------------------------------------------


def test_a_search_finds_passages_with_exact_offsets_best_first(chatbot: Chatbot) -> None:
    found = chatbot.search("trade volume between Russia and China", k=4)
    assert len(found) == 4
    assert all(isinstance(one, RetrievedPassage) for one in found)
    assert all(chatbot.document(one.document).text[one.start : one.end] == one.text for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_passages_name_the_words_they_share_with_a_query_or_a_question(chatbot: Chatbot) -> None:
    best = chatbot.search("trade volumes between Russia and China", k=1)[0]
    assert {"trade", "volume", "Russia", "China"} <= set(best.matched)
    assert all(word in best.text for word in best.matched)
    assert "trade" in chatbot.ask(TRADE).passages[0].matched


def test_a_search_finds_no_more_than_there_is(chatbot: Chatbot) -> None:
    assert len(chatbot.search("Russia", k=500)) == chatbot.library.passage_count()


@pytest.mark.parametrize("k", [0, -1])
def test_a_search_for_nothing_is_refused(chatbot: Chatbot, k: int) -> None:
    with pytest.raises(BadInput):
        chatbot.search("Russia", k=k)


@pytest.mark.parametrize("id", ["nope.txt", "", "../xi-visits-kazan.txt", "\ud800", "'; DROP TABLE documents"])
def test_a_document_that_is_not_there_is_not_found(chatbot: Chatbot, id: str) -> None:
    with pytest.raises(NotFound):
        chatbot.document(id)


def test_an_empty_library_refuses() -> None:
    with tempfile.TemporaryDirectory() as folder, Library.open(folder) as library:
        pieces, answer = streamed(Chatbot(library), "Who?")
        check(Chatbot(library), answer, pieces)
        assert not answer.answered
        assert answer.passages == ()
        assert Chatbot(library).search("Who?") == []


def test_first_use_indexes_the_built_in_articles_and_says_so(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path_factory.mktemp("first") / "deep" / "library"
    for times in (1, 0):
        with Chatbot.open(folder) as opened:
            assert len(opened.library.documents()) == 2
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.count("built-in articles") == output.err.count("\n") == times


# Any text ---------------------------------------------------------------------------------------------------------

BRACKETS = [
    "[1]",
    "[12]",
    "[ 3 ]",
    "[\n4]",
    "[١]",
    "[१२]",
    "[[5]]",
    "[6",
    "7]",
    "[8][9]",
    "[a]",
    "[]",
    "[1, 2]",
    "［1］",
    "(1)",
]
WORDS = [
    *("the heron owl river Kazan Putin trade 4.5% 1879 he said because it".split()),
    *("naïve 北京 会议。 привет 🐟 👩‍👩‍👧 e\u0301 \u202ertl\u202c ﷽ ß İ".split()),
    *("U.S. Mr. e.g. Dr. “Hi!” ‘so’ ... ? ! .".split()),
    *BRACKETS,
]
PIECES = some.one_of(
    some.sampled_from(WORDS),
    some.sampled_from(BRACKETS),
    some.text(some.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12),
)
SPACES = some.sampled_from([" ", " ", " ", "", ". ", ".\n", "\n\n", "\n# ", "\t", "\u3000", "\u2028"])
PARTS = some.lists(some.tuples(PIECES, SPACES), min_size=1, max_size=60).map(
    lambda parts: "".join(word + space for word, space in parts)
)
TEXTS = some.one_of(PARTS, some.tuples(PARTS, some.integers(2, 40)).map(lambda both: both[0] * both[1])).filter(
    lambda text: bool(text.strip())
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=some.lists(TEXTS, min_size=1, max_size=3),
    question=some.one_of(
        some.sampled_from(["Who?", "[1]?", "What did the heron say about trade?", "When did Putin meet [2] in 北京?"]),
        PARTS,
    ).filter(lambda question: bool(question.strip())),
)
@example(texts=["The trade [1] grew [12] by 4.5% [١]. He said [[2]] so [3"], question="By how much did trade grow?")
@example(texts=["It is [1] so. " * 100], question="Is it so?")
@example(texts=["word [1] " * 800], question="Which word?")  # one giant line without a full stop
@example(texts=["[1]" * 800], question="[1]")
@example(texts=["x" * 10_000], question="x")
@example(texts=["1." * 800], question="1.1")
@example(texts=["北京会议[1]举行了" * 150], question="会议在哪里举行?")
@example(texts=["The owl eats [1\n] mice.", "The owl eats [1\n] mice."], question="What does the owl eat?")
def test_whatever_the_texts_every_bracketed_number_is_a_marker(texts: list[str], question: str) -> None:
    with tempfile.TemporaryDirectory() as folder, Library.open(folder) as library:
        library.add(Document(f"{number}.txt", f"Text [{number}]", text) for number, text in enumerate(texts))
        chatbot = Chatbot(library, settings=Settings(refuse_below=0.0))
        pieces, answer = streamed(chatbot, question)
        check(chatbot, answer, pieces)
        assert answer.answered
