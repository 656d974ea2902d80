"""The chat page: what its HTML is made of, and its Gradio endpoint."""

import gc
import re
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.documents import Document
from index.errors import BadInput
from index.library import Library
from rag import Answer, Chatbot
from ui import chat
from ui.api import create_app
from ui.chat import EXAMPLES, Turn, answer_html, build, history, problem_html, waiting_html
from ui.pages import document_page, escape, link, place

HOSTILE = """# Heading <script>alert(1)</script>

<img src="http://evil.example/a.png" onerror="alert(2)"> says ![picture](http://evil.example/b.png) and
[link](javascript:alert(3)) with $$\\href{http://evil.example}{x}$$ and `code` & **stars** "quoted" 'single' [1] [12].

The keeper's name is </article></mark><svg onload=alert(4)> Wiebke {{constructor}} ${alert(5)} \u202eHansen.
"""


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


OUR_TAGS = set("article h1 h2 p div ol ul li a span cite bdi q mark small section header button".split())
OUR_TAGS |= set("html head meta title link body nav main".split())


def assert_harmless(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert tag in OUR_TAGS
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "srcdoc")]
        assert (attributes.get("href") or "/").startswith("/")


@pytest.fixture
def chatbot(tmp_path: Path) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path / "library")) as opened:
        opened.library.add_builtin()
        yield opened


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path / "hostile")) as opened:
        opened.library.add([Document(id='a "><script>.md', title='<b>T</b> & "Co"', text=HOSTILE)])
        yield opened


def test_every_marker_is_a_link_to_its_words(chatbot: Chatbot) -> None:
    answer = chatbot.ask("What is the New M-shaped Cold War and where was the BRICS summit held?")
    elements = Elements(answer_html(chatbot, answer, 1)).found
    for name in ("marker", "note"):
        links = [attributes for tag, attributes in elements if tag == "a" and attributes["class"] == name]
        assert [attributes["data-marker"] for attributes in links] == [str(it.marker) for it in answer.citations]
        for attributes, citation in zip(links, answer.citations, strict=True):
            others = [(other.start, other.end) for other in answer.citations if other != citation]
            assert attributes["href"] == link(citation.document, (citation.start, citation.end), others)


@pytest.mark.parametrize("question", EXAMPLES)
def test_the_questions_to_start_from_are_answered(chatbot: Chatbot, question: str) -> None:
    assert chatbot.ask(question).answered


def test_a_refusal_has_the_nearest_passages_and_no_marker(chatbot: Chatbot) -> None:
    page = answer_html(chatbot, chatbot.ask("What is the population of Kazan?"), 1)
    classes = [attributes.get("class") for _, attributes in Elements(page).found]
    assert 'data-state="refused"' in page
    assert classes.count("near") == 3
    assert "marker" not in classes


def test_a_follow_up_shows_what_was_searched_for(chatbot: Chatbot) -> None:
    first = chatbot.ask("Where was the BRICS summit held?")
    turns = [Turn(first.question, first.text, ""), Turn("", None, "a question that failed")]
    assert history(turns) == [
        {"role": "user", "content": first.question},
        {"role": "assistant", "content": first.text},
    ]
    second = chatbot.ask("And when?", history=history(turns))
    assert escape(second.standalone_question) in answer_html(chatbot, second, 2)
    assert "Searched for" not in answer_html(chatbot, first, 1)


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
    page = waiting_html("Question?", text, 1).replace('<span class="marker">', '<span class="marker">|')
    assert Elements(page).text.removeprefix("Question?") == shown


def test_nothing_of_a_hostile_document_or_question_becomes_an_element(hostile: Chatbot) -> None:
    for question in ("What is the keeper's name?", "<img src=x onerror=alert(1)> [1] $$x$$ {{x}} keeper?", HOSTILE):
        for answer in (hostile.ask(question), hostile.ask("population of Kazan", history=[])):
            assert_harmless(answer_html(hostile, answer, 1))
        assert_harmless(waiting_html(question, question, 1))
    assert_harmless(problem_html(HOSTILE))
    assert_harmless(chat.listing_html(hostile.library.documents()))


def test_a_documents_page_holds_its_text_and_nothing_else(hostile: Chatbot) -> None:
    (info,) = hostile.library.documents()
    document = hostile.document(info.id)
    start = document.text.index("The keeper")
    page = document_page(document, cited=(start, start + 40), others=[(start + 20, start + 60), (0, 5)])
    assert_harmless(page)
    shown = re.sub(r"\s+", "", Elements(page.split('<article class="paper"')[1].partition(">")[2]).text)
    assert shown == re.sub(r"\s+", "", document.title + document.text)


def test_marks_follow_code_points_across_paragraphs() -> None:
    document = Document(id="a.txt", title="T", text="🎈 one\n\ntwo 🎈 three\n\nfour")
    page = document_page(document, cited=(2, 10))
    assert re.findall(r"<mark[^>]*>([^<]*)</mark>", page) == ["one", "two"]
    assert page.count('id="cited"') == 1
    assert place(document, 7) == "paragraph 2"


def test_a_long_document_is_shown_in_parts_that_lead_to_each_other() -> None:
    text = "\n\n".join(f"Paragraph {number} of a long text." for number in range(30_000))
    document = Document(id="long.txt", title="Long", text=text)
    start = text.index("Paragraph 15000 ")
    page = document_page(document, cited=(start, start + 15))
    assert len(page) < 200_000
    assert ">Paragraph 15000</mark>" in page
    at, seen = 0, set(re.findall(r"Paragraph \d+", document_page(document, at=0)))
    while later := re.search(r"at=(\d+)\">Later text", document_page(document, at=at)):
        at = int(later[1])
        seen |= set(re.findall(r"Paragraph \d+", document_page(document, at=at)))
    assert len(seen) == 30_000


def test_one_endless_line_is_shown_in_parts_too() -> None:
    page = document_page(Document(id="line.txt", title="Line", text="word " * 200_000), cited=(500_000, 500_004))
    assert len(page) < 200_000
    assert ">word</mark>" in page


@pytest.fixture
def quiet() -> Iterator[None]:
    """Gradio makes event loops that it never closes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def test_the_page_calls_nobody_and_offers_no_links_of_gradios(chatbot: Chatbot, quiet: None) -> None:
    config = TestClient(create_app(chatbot), base_url="http://127.0.0.1").get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    assert config["run_history"] is False
    assert config["show_error"] is False


def test_questions_are_answered_at_the_same_time(chatbot: Chatbot, quiet: None) -> None:
    blocks = build(chatbot)
    assert blocks._queue.default_concurrency_limit == chat.AT_ONCE


@pytest.mark.parametrize("problem", [BadInput("The question is <b>odd</b>; mend it."), RuntimeError("a secret")])
def test_a_failure_is_a_turn_with_a_sentence(
    chatbot: Chatbot, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fails(*_: object, **__: object) -> Iterator[str | Answer]:
        yield "The begin"
        raise problem

    monkeypatch.setattr(chatbot, "stream", fails)
    piece, turn = chat._outcome(chatbot, "Why?", [])
    assert piece == "The begin"
    assert isinstance(turn, Turn)
    assert turn.reply is None
    assert_harmless(turn.html)
    assert (str(problem) in Elements(turn.html).text) is isinstance(problem, BadInput)
    assert "secret" not in turn.html
