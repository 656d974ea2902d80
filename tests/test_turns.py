"""A question and what came of it, as HTML."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harmless import ATTACKS, HOSTILE, Elements, assert_harmless

from index.documents import Document
from index.library import Library
from rag import Answer, Chatbot, Citation
from rag.answer import Check, Piece, RetrievedPassage
from rag.chatbot import STOPPED, STOPPED_BEFORE
from ui.pages import document_page, escape, link
from ui.turns import Kept, answer_html, failed_html, stopped_html, waiting_html

QUESTION = "Where was the BRICS summit held, and how did trade grow in Russia?"
SUMMIT = "The BRICS summit took place in the southwestern Russian city of Kazan from October 22nd to 24th."
TRADE = "the trade volume between Russia and China increased by 4.5% from January to August 2024."


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path_factory.mktemp("turns") / "library")) as opened:
        opened.library.add_builtin()
        yield opened


@pytest.fixture(scope="module")
def answer(chatbot: Chatbot) -> Answer:
    """An answer of two sentences, whatever is retrieved for its question."""
    document = chatbot.document("xi-visits-kazan.txt")
    citations = []
    for marker, quote in enumerate((SUMMIT, TRADE), 1):
        start = document.text.index(quote)
        end = start + len(quote)
        citations.append(Citation(marker, document.id, document.title, start, end, quote, document.sha256))
    asked = chatbot.ask(QUESTION)
    text = f"{SUMMIT} [1]\n\n{TRADE} [2]"
    return replace(asked, text=text, answered=True, confidence=0.8, citations=tuple(citations))


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path / "hostile")) as opened:
        opened.library.add([Document(id='a "><script>.md', title='<b>T</b> & "Co"', text=HOSTILE)])
        yield opened


def of_class(page: str, name: str) -> list[dict[str, str | None]]:
    return [attributes for _, attributes in Elements(page).found if name in (attributes.get("class") or "").split()]


def with_words(answer: Answer, words: str) -> Answer:
    """The answer with its citations pointing at the first of `words` in their quotes."""
    citations = []
    for citation in answer.citations:
        at = citation.quote.find(words)
        found = at >= 0
        start, end = citation.start + at, citation.start + at + len(words)
        citations.append(replace(citation, answer_start=start if found else None, answer_end=end if found else None))
    return replace(answer, citations=tuple(citations))


def test_every_marker_is_a_link_to_its_words(chatbot: Chatbot, answer: Answer) -> None:
    page = answer_html(chatbot, answer, "k")
    for name in ("marker", "note"):
        links = of_class(page, name)
        assert [attributes["data-marker"] for attributes in links] == [str(it.marker) for it in answer.citations]
        for attributes, citation in zip(links, answer.citations, strict=True):
            others = [
                (other.start, other.end)
                for other in answer.citations
                if other != citation and other.document == citation.document
            ]
            words = None
            if citation.answer_start is not None and citation.answer_end is not None:
                words = citation.answer_start, citation.answer_end
            expected = link(
                citation.document, (citation.start, citation.end), others, words=words, version=citation.sha256
            )
            assert attributes["href"] == expected


def test_the_words_that_answer_are_emphasised_in_the_answer_and_its_note(chatbot: Chatbot, answer: Answer) -> None:
    page = answer_html(chatbot, with_words(answer, "4.5%"), "k")
    paragraphs, quotes = re.findall(r'<p dir="auto">.*?</p>', page), re.findall(r"<q .*?</q>", page)
    for shown in (paragraphs, quotes):
        assert "<b>" not in shown[0]
        assert "increased by <b>4.5%</b> from" in shown[1]
    assert "words=" in page


def test_confidence_is_told_in_words_and_as_a_number(chatbot: Chatbot, answer: Answer) -> None:
    for confidence, words in ((0.93, "Very likely right 93%"), (0.7, "Likely right 70%"), (0.1, "Uncertain 10%")):
        assert words in Elements(answer_html(chatbot, replace(answer, confidence=confidence), "k")).text


def test_why_tells_what_was_searched_for_and_what_was_found(chatbot: Chatbot, answer: Answer) -> None:
    first = replace(answer.passages[0], matched=("Russia",), score=0.8251)
    told = replace(answer, answerable=0.876, passages=(first, *answer.passages[1:]))
    why = answer_html(chatbot, told, "k").partition('<details class="why">')[2]
    text = Elements(why).text
    assert f"Searched for: {answer.standalone_question}" in text
    assert "Probability that the documents answer this: 88%" in text
    assert "score 0.83" in text
    assert why.count('class="near"') == len(answer.passages)
    assert "<b>Russia</b>" in why


def test_what_was_left_out_is_counted_and_can_be_opened(chatbot: Chatbot, answer: Answer) -> None:
    dropped = [Check(f"Claim <i>{number}</i>.", "dropped", 0.12, "9 % is not in the source.") for number in range(2)]
    kept = Check("Kept.", "supported", 0.9, "It is there.")
    page = answer_html(chatbot, replace(answer, checks=(*dropped, kept)), "k")
    left_out = page.partition('<details class="left-out">')[2].partition("</details>")[0]
    text = Elements(left_out).text
    assert text.startswith("2 sentences were left out: the sources don’t say them")
    assert "Claim <i>1</i>.9 % is not in the source. Support 0.12." in text
    assert "Kept" not in text
    assert_harmless(page)


def test_an_answer_can_be_copied_with_its_quotes(chatbot: Chatbot, answer: Answer) -> None:
    text = Elements(answer_html(chatbot, answer, "k").partition('<pre class="as-text" hidden>')[2]).text
    assert text.startswith(answer.text)
    for citation in answer.citations:
        assert f"[{citation.marker}] “{citation.quote}”" in text
        assert f"({citation.document}, characters {citation.start}-{citation.end})" in text


def test_a_refusal_has_the_nearest_passages_and_no_marker(chatbot: Chatbot) -> None:
    page = answer_html(chatbot, chatbot.ask("What is the population of Kazan?"), "k")
    assert 'data-state="refused"' in page
    assert len(of_class(page.partition('<details class="why">')[0], "near")) == 3
    assert not of_class(page, "marker")
    assert "Why no answer" in page


def test_a_follow_up_shows_what_was_searched_for(chatbot: Chatbot, answer: Answer) -> None:
    def searched(answer: Answer) -> bool:
        return bool(of_class(answer_html(chatbot, answer, "k"), "searched"))

    second = replace(answer, standalone_question="And <when> was the summit held?")
    assert escape(second.standalone_question) in answer_html(chatbot, second, "k")
    assert searched(second)
    assert not searched(answer)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Said so. [1] And", "Said so.|1 And"),
        ("Said so. [1", "Said so."),
        ("Said so. [", "Said so."),
        ("<b>[12]</b>", "<b>|12</b>"),
        ("", "Looking in the documents"),
    ],
)
def test_an_answer_on_its_way_shows_no_half_marker(text: str, shown: str) -> None:
    page = waiting_html("Question?", text, "k").replace('<span class="marker">', '<span class="marker">|')
    assert Elements(page).text.removeprefix("Question?") == shown


def test_a_growing_answer_and_the_whole_one_have_the_same_paragraphs(chatbot: Chatbot, answer: Answer) -> None:
    """So that nothing jumps when the sources come."""

    def paragraphs(page: str) -> list[str]:
        body = page.partition('<div class="answer"')[2].partition("</div>")[0]
        return [Elements(paragraph).text for paragraph in re.findall(r"<p .*?</p>", body, re.DOTALL)]

    whole = answer_html(chatbot, answer, "k")
    assert paragraphs(waiting_html(answer.question, answer.text, "k")) == paragraphs(whole)


def test_a_stopped_answer_says_so_and_has_its_sources(chatbot: Chatbot, answer: Answer) -> None:
    pieces = [Piece(f"{SUMMIT} [1]\n\n", answer.citations[:1]), Piece(f"{TRADE} [2]", answer.citations[1:])]
    page = stopped_html(chatbot, chatbot.stopped(QUESTION, pieces[:1]), "k", Kept("c", 1))
    assert 'data-state="stopped" data-conversation="c" data-number="1"' in page
    assert [attributes["data-marker"] for attributes in of_class(page, "marker")] == ["1"]
    assert STOPPED in page
    assert TRADE not in page
    assert 'data-do="up"' not in page
    assert "confidence" not in page


def test_one_that_was_stopped_before_an_answer_says_that(chatbot: Chatbot) -> None:
    page = stopped_html(chatbot, chatbot.stopped(QUESTION, ["", "a text without a source"]), "k")
    assert STOPPED_BEFORE in page
    assert STOPPED not in page
    assert "without a source" not in page
    assert 'data-do="copy"' not in page
    assert 'data-do="again"' in page


def test_nothing_of_a_hostile_document_or_question_becomes_an_element(hostile: Chatbot) -> None:
    for question in ("What is the keeper's name?", "<img src=x onerror=alert(1)> [1] $$x$$ {{x}} keeper?", HOSTILE):
        for answer in (hostile.ask(question), hostile.ask("population of Kazan", history=[])):
            claimed = Check(HOSTILE, "dropped", 0.0, HOSTILE)
            told = replace(with_words(answer, "<svg onload=alert(4)>"), checks=(claimed,), notes=(HOSTILE,))
            assert_harmless(answer_html(hostile, told, "k"))
            assert_harmless(stopped_html(hostile, told, "k"))
        for page in (waiting_html, failed_html):
            assert_harmless(page(question, question, "k"))


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    """A library whose every document is hostile by its name, its title and its text."""
    with Chatbot.open(Library.open(tmp_path_factory.mktemp("attacked") / "library")) as opened:
        opened.library.add([Document(attack, attack, f"{attack}\n\nThe word {attack} is here.") for attack in ATTACKS])
        yield opened


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_a_text_says_it_stays_text(attacked: Chatbot, attack: str) -> None:
    document = attacked.document(attack)
    start, end = document.text.index("The word"), len(document.text)
    quote = document.text[start:end]
    words = document.text.index(attack, start)
    answer = Answer(
        question=attack,
        standalone_question=f"{attack}?",
        answered=True,
        text=f"{quote} [1]",
        confidence=0.5,
        citations=(Citation(1, attack, attack, start, end, quote, document.sha256, None, words, words + len(attack)),),
        passages=(RetrievedPassage(attack, start, end, quote, 0.5, (attack,)),),
        model=attack,
        timings={"total": 5.0},
        checks=(Check(attack, "dropped", 0.1, attack), Check(attack, "replaced", 0.1, attack)),
        notes=(attack,),
    )
    kept = Kept(attack, 1, "up")
    for page in (
        answer_html(attacked, answer, "k", kept),
        answer_html(attacked, replace(answer, answered=False, citations=()), "k", kept),
        waiting_html(attack, attack, "k"),
        stopped_html(attacked, answer, "k", kept),
        stopped_html(attacked, replace(answer, answered=False, citations=()), "k", kept),
        failed_html(attack, attack, "k"),
        document_page(document, cited=(start, end), words=(words, words + len(attack))),
    ):
        assert_harmless(page)


# A document that is not what it was ---------------------------------------------------------------------------------


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path / "moving")) as opened:
        opened.library.add([Document(id="birds.txt", title="Birds", text="The heron eats fish.")])
        yield opened


def asked_before(chatbot: Chatbot) -> Answer:
    answer = chatbot.ask("What does the heron eat?")
    assert answer.citations
    return answer


def test_words_that_moved_are_followed_and_the_change_is_told(moving: Chatbot) -> None:
    answer = asked_before(moving)
    moving.library.add([Document(id="birds.txt", title="Birds", text="Birds differ. The heron eats fish.")])
    page = answer_html(moving, answer, "k")
    assert "start=14&amp;end=34" in page
    assert "has changed since; the words stand in it still" in page


def test_words_that_are_gone_are_not_pointed_at(moving: Chatbot) -> None:
    answer = asked_before(moving)
    moving.library.add([Document(id="birds.txt", title="Birds", text="The heron eats frogs.")])
    page = answer_html(moving, answer, "k")
    assert "has changed since: the words are gone" in page
    assert "start=" not in page


def test_a_document_that_is_gone_has_no_link(moving: Chatbot) -> None:
    answer = asked_before(moving)
    moving.library.remove(["birds.txt"])
    page = answer_html(moving, answer, "k")
    assert "no longer in the library" in page
    assert "/documents/" not in page
    assert "The heron eats fish." in page
