"""The chat in a real Chromium, over a real server: nothing on the console, nothing sent beyond loopback, and nothing
that axe-core finds to bar anybody from using it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
import scripted
from harmless import ATTACKS
from scripted import Handler
from serving import serving

from index.library import Library
from ui.access import SESSION

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync""".split()
SCREENSHOTS = os.environ.get("SCREENSHOTS")
"""A folder to keep pictures of the main states in; `make screenshots` names docs/chat."""

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 780}
PASSWORD = "correct horse ☂"
TWO_SOURCES = "What did Macron ask of Xi Jinping?"
MACRON = (
    "On May 6, Macron urged Xi Jinping during his visit to utilize China’s influence on Putin to end the Russia-Ukraine"
    " conflict. [1] ",
    "While Xi expressed willingness to work with France and proposed a global ceasefire during the Paris Olympics, he"
    " also indirectly criticized the “scapegoating of third countries and inciting a new Cold War” in relation to the"
    " Ukraine crisis. [2] ",
    "There is no indication that Xi Jinping will ask Russia, this ‘unlimited’ friendship ally, to cease the war. [3] ",
)
"""What a language model writes to that; each sentence is shown once the next is there."""
HOSTILE = """<img src=x> & co

The picture ![p](http://evil.example/p.png) <img src="http://evil.example/i.png" onerror="alert(1)"> of the
keeper Wiebke hangs in **the hall** of the lighthouse $$x^2$$ <script>alert(2)</script>."""

STREAMS: dict[Any, set[Any]] = {}
"""By page, the requests that are still bringing events of an answer."""

FERRY = Path(__file__).parent / "files" / "ferry.pdf"
SERVER = """
import sys, time
from rag import Chatbot
from ui.server import serve

class Chatbot(Chatbot):  # takes its time over an answer, as a language model does, where the question says so
    def stream(self, question, **options):
        for item in super().stream(question.removeprefix("Slowly: "), **options):
            if isinstance(item, str) and question.startswith("Slowly: "):
                for word in item.split(" "):
                    time.sleep(0.1)
                    yield word + " "
            else:
                yield item

serve(Chatbot.open(sys.argv[1]), port=0)
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs the program chromium")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over the built-in articles."""
    folder = tmp_path_factory.mktemp("browser") / "library"
    with Library.open(folder) as library:
        library.add_builtin()
    command = [sys.executable, "-c", SERVER, str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().split()[3]
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


class Writer:
    """A language model that has written so much as a test lets it, and goes on until it is hung up on."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.address = ""

    def __call__(self, handler: Handler) -> None:
        handler.begin()
        sent = 0
        while True:
            new = self.written[sent:]
            handler.piece("".join(new))
            sent += len(new)
            time.sleep(0.05)


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """A language model, and a server over the built-in articles for which it writes."""
    folder = tmp_path_factory.mktemp("written") / "library"
    with Library.open(folder) as library:
        library.add_builtin()
    writer = Writer()
    with scripted.serving(writer) as model, serving(folder, "--llm-url", model.url, "--llm-model", "tiny") as address:
        writer.address = address
        yield writer


@pytest.fixture
def writer(writers: Writer) -> Writer:
    writers.written = []
    return writers


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens the chat in a new page; at the end the page must have had nothing to complain of and called nobody."""
    wrong: list[str] = []
    pages = []

    def open_page(
        viewport: dict[str, int], path: str = "/", *, server: str = address, expected: str = "nothing", **options: Any
    ) -> Any:
        """`expected` is what a message of the console holds that is no fault: the status of a refused upload, say."""
        page = browser.new_page(viewport=viewport, **options)
        pages.append(page)

        def note(message: Any) -> None:
            if message.type in ("error", "warning") and expected not in message.text:
                wrong.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        streams = STREAMS.setdefault(page, set())
        page.on("request", lambda request: "/queue/data" in request.url and streams.add(request))
        page.on("requestfinished", lambda request: streams.discard(request))
        page.on("requestfailed", lambda request: streams.discard(request))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}") or dialog.dismiss())
        page.on("request", lambda request: _is_foreign(request.url) and wrong.append(request.url))
        page.goto(server + path)
        if path == "/":
            page.wait_for_selector("#composer textarea")
            page.wait_for_selector("#documents li", state="attached")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not wrong


def _is_foreign(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).hostname != "127.0.0.1"


def ask(page: Any, question: str) -> Any:
    """Types a question and waits for what comes of it; returns its turn."""
    begin(page, question)
    return settled(page)


def begin(page: Any, question: str) -> None:
    """Types a question and waits for its turn."""
    turns = page.locator(".turn").count()
    page.locator("#composer textarea").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_function("count => document.querySelectorAll('.turn').length > count", arg=turns)


def stop(page: Any) -> Any:
    """Stops an answer and returns its turn."""
    with page.expect_request("**/run/predict"):
        page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("#current .turn[data-state=stopped]")
    return page.locator("#current .turn")


def reload(page: Any) -> None:
    quiet(page)
    page.reload()


def quiet(page: Any) -> None:
    """An answer stands before its stream has ended, and a page that is left then complains that it was cut off."""
    ends = time.monotonic() + 30
    while STREAMS[page]:
        assert time.monotonic() < ends, "a stream stays open of which nothing is to come"
        page.wait_for_timeout(20)


def settled(page: Any) -> Any:
    page.wait_for_selector("#current .turn:not([data-state=waiting])")
    return page.locator("#current .turn")


def marked(page: Any) -> str:
    """The marked words, once they can be seen."""
    page.wait_for_function(
        """() => {
          const mark = document.querySelector("#reader-sheet mark.cited");
          if (!mark) return false;
          const { top, bottom, left, right } = mark.getClientRects()[0];
          const seen = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
          return top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth && mark.contains(seen);
        }"""
    )
    return "".join(page.locator("#reader-sheet mark.cited").all_text_contents())


def add_files(page: Any, *files: dict[str, Any]) -> list[str]:
    """Chooses files to upload and waits for what comes of them."""
    with page.expect_file_chooser() as chosen:
        page.locator("#add-files").click()
    chosen.value.set_files(list(files))
    page.locator("#uploads li").nth(len(files) - 1).wait_for()
    page.wait_for_function("() => !document.querySelector('#uploads progress')")
    return page.locator("#uploads li").all_inner_texts()


def text_file(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


def remove(page: Any, id: str) -> None:
    page.locator("#show-library").click()
    row = page.locator("#documents li", has_text=id)
    row.locator(".remove").click()
    row.locator(".really").click()
    row.wait_for(state="detached")


@cache
def axe() -> str:
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def barriers(page: Any) -> list[str]:
    """What axe-core finds against level A and AA in the page as it stands; the transitions have ended."""
    page.wait_for_function("() => document.getAnimations().every(({ playState }) => playState !== 'running')")
    page.evaluate(axe())
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [f"{it['id']}: {node['html'][:200]} ({node['failureSummary']})" for it in found for node in it["nodes"]]


def picture(page: Any, name: str) -> None:
    if SCREENSHOTS:
        page.wait_for_timeout(600)  # for what slides
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_question_its_answer_and_the_words_it_rests_on(opened: Any, viewport: dict[str, int], scheme: str) -> None:
    page = opened(viewport, color_scheme=scheme)
    if (viewport, scheme) in ((WIDE, "light"), (PHONE, "dark")):
        assert not barriers(page)
        picture(page, f"start-{viewport['width']}-{scheme}")
    turn = ask(page, "By what percentage did trade grow from January to August 2024?")
    assert "4.5%" in turn.locator(".answer").inner_text()
    turn.locator("a.marker").first.click()
    assert "increased by 4.5% from January to August 2024" in marked(page)
    assert page.locator("#reader-sheet h1").inner_text().startswith("Xi’s Visit to Russia")
    turn.locator("summary").last.evaluate("summary => summary.click()")
    assert not barriers(page)
    if scheme == "dark":
        picture(page, f"source-{viewport['width']}-dark")


def test_the_sources_of_an_answer_are_stepped_through(opened: Any) -> None:
    page = opened(WIDE)
    turn = ask(page, TWO_SOURCES)
    count = turn.locator("a.note").count()
    assert count > 1
    place = page.locator("#reader-place")
    marked(page)
    for key, number in (("n", 2), ("p", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("p", count)):
        turn.locator("h2").click()  # out of the box, in which n is a letter
        page.keyboard.press(key)
        page.wait_for_function(f"() => document.getElementById('reader-place').textContent.includes('{number} of')")
        assert turn.locator("a.marker[aria-current]").inner_text() == str(number)
    page.locator("#reader-next").click()
    page.wait_for_function("() => document.getElementById('reader-place').textContent.includes('1 of')")
    assert place.inner_text().startswith(f"Source 1 of {count}")
    assert marked(page)


def test_the_quote_is_shown_where_a_marker_is_pointed_at(opened: Any) -> None:
    page = opened(WIDE)
    turn = ask(page, "Where was the BRICS summit held?")
    marker, card = turn.locator("a.marker").first, page.locator("#card")
    assert card.is_hidden()
    marker.hover()
    assert turn.locator("q").first.inner_text() in card.inner_text()
    page.keyboard.press("Escape")
    assert card.is_hidden()
    marker.focus()
    assert card.is_visible()
    assert not barriers(page)
    assert marker.get_attribute("aria-describedby") == "card"
    picture(page, "quote")


def test_an_answer_grows_without_jumping_and_can_be_stopped(opened: Any, writer: Writer) -> None:
    page = opened(WIDE, server=writer.address)
    begin(page, TWO_SOURCES)
    writer.written += MACRON[:2]
    page.wait_for_selector("#current .turn[data-state=waiting] .answer p:not(.looking)")
    first = page.locator("#current .answer p").bounding_box()
    assert not barriers(page)
    picture(page, "stop")
    writer.written += MACRON[2:]
    page.wait_for_selector("#current .answer .marker:text('2')")
    now = page.locator("#current .answer p").first.bounding_box()
    assert (now["x"], now["y"]) == (first["x"], first["y"])
    turn = stop(page)
    assert page.locator("#current .answer p").first.bounding_box()["y"] == first["y"]
    assert turn.locator("a.marker").count() == 2
    assert "Macron urged" in marked(page)
    assert not barriers(page)
    writer.written = []
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_selector("#current .turn[data-state=waiting]")
    stop(page)
    assert page.locator(".turn").count() == 1


def test_a_stopped_answer_outlives_a_reload(opened: Any, writer: Writer) -> None:
    page = opened(WIDE, server=writer.address)
    begin(page, TWO_SOURCES)
    writer.written += MACRON[:2]
    page.wait_for_selector("#current .answer .marker")
    shown = stop(page).inner_text()
    assert "Stopped. What had come by then stands here." in shown
    writer.written = []
    begin(page, "Where was the BRICS <b>summit</b> held?")
    nothing = stop(page).inner_text()
    assert "Stopped before an answer." in nothing
    assert not barriers(page)
    reload(page)
    page.locator("#current .turn[data-state=stopped]").wait_for()
    assert (
        page.locator("#past .turn").inner_text().split() == shown.replace("Ask again", "").replace("Edit", "").split()
    )
    assert page.locator("#current .turn").inner_text() == nothing
    page.locator("#past a.marker").click()
    assert "Macron urged" in marked(page)
    begin(page, "And when?")
    assert "Macron" in stop(page).locator(".searched").inner_text()


def test_questions_that_are_stopped_and_asked_in_quick_succession_come_one_after_the_other(
    opened: Any, writer: Writer
) -> None:
    page = opened(WIDE, server=writer.address)
    for number in range(20):
        begin(page, f"{'Again: ' * number}Where was the BRICS summit held?")
        assert stop(page).locator(".question").inner_text().count("Again") == number
    quiet(page)


def test_the_last_question_can_be_edited(opened: Any) -> None:
    page = opened(WIDE)
    ask(page, "Where was the BRICS summit held?")
    turn = ask(page, "What is the population of Kazan?")
    turn.get_by_role("button", name="Edit question").click()
    box = page.locator("#composer textarea")
    assert box.input_value() == "What is the population of Kazan?"
    assert page.locator("#editing").is_visible()
    page.locator("#editing-cancel").click()
    assert box.input_value() == ""
    turn.get_by_role("button", name="Edit question").click()
    box.fill("What did Macron ask of Xi Jinping?")
    page.keyboard.press("Enter")
    page.wait_for_selector("#current .turn[data-state=answered]")
    assert page.locator("h2.question").all_inner_texts() == [
        "Where was the BRICS summit held?",
        "What did Macron ask of Xi Jinping?",
    ]
    assert page.locator("#editing").is_hidden()


def test_an_answer_is_copied_with_its_quotes(opened: Any) -> None:
    page = opened(WIDE)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = ask(page, "Where was the BRICS summit held?")
    turn.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(turn.locator(".answer p").first.inner_text().split("\n")[0][:40])
    assert turn.locator("q").first.inner_text() in copied
    assert "characters" in copied


def test_an_earlier_answer_keeps_its_source(opened: Any) -> None:
    page = opened(WIDE)
    page.locator(".example", has_text="Macron").click()
    first = settled(page).locator("a.marker").first.get_attribute("href")
    ask(page, "Where was the BRICS summit held?")
    assert "Kazan" in marked(page)
    page.locator("#past .turn a.marker").first.click()
    page.wait_for_function("() => document.querySelector('#reader-sheet mark.cited')?.textContent.includes('Macron')")
    assert "Macron" in marked(page)
    assert page.locator("#reader-page").get_attribute("href").endswith(first)


def test_a_follow_up_is_understood(opened: Any) -> None:
    page = opened(WIDE)
    ask(page, "Where was the BRICS summit held?")
    turn = ask(page, "And when?")
    assert "BRICS" in turn.locator(".searched").inner_text()
    assert page.locator(".turn").count() == 2


def test_the_keyboard_is_enough(opened: Any) -> None:
    page = opened(WIDE)

    def tab_to(selector: str, key: str = "Tab") -> None:
        for _ in range(60):
            page.keyboard.press(key)
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"{key} does not lead to {selector}")

    page.keyboard.type(TWO_SOURCES)
    page.keyboard.press("Enter")
    settled(page)
    tab_to("a.marker[data-marker='2']", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('reader-place').textContent.startsWith('Source 2')")
    assert marked(page)
    page.keyboard.press("p")
    page.wait_for_function("() => document.getElementById('reader-place').textContent.startsWith('Source 1')")
    assert page.evaluate("document.activeElement.dataset.marker") == "1"
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring != "none"
    tab_to("summary")
    page.keyboard.press("Enter")
    page.locator("#current .why .near").first.wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("() => !('pane' in document.documentElement.dataset)")
    tab_to("#show-library", "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to("#documents input")
    page.keyboard.press("Space")
    page.locator("#only").wait_for()
    tab_to("#only-clear", "Shift+Tab")
    page.keyboard.press("Enter")
    assert page.locator("#documents input:checked").count() == 0


def test_on_a_phone_the_keyboard_goes_to_the_source_and_back(opened: Any) -> None:
    page = opened(PHONE)
    turn = ask(page, "Where was the BRICS summit held?")
    turn.locator("a.marker").first.focus()
    page.keyboard.press("Enter")
    assert "Kazan" in marked(page)
    assert page.evaluate("document.activeElement.matches('#reader .close')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.classList.contains('marker')")
    page.wait_for_function("() => getComputedStyle(document.getElementById('source')).visibility === 'hidden'")


@pytest.mark.parametrize("viewport", [WIDE, {"width": 360, "height": 700}], ids=["wide", "phone"])
def test_a_refusal_looks_like_one_and_offers_what_is_near(opened: Any, viewport: dict[str, int]) -> None:
    page = opened(viewport)
    turn = ask(page, "What is the population of Kazan?")
    assert turn.get_attribute("data-state") == "refused"
    assert turn.locator("a.marker").count() == 0
    assert turn.locator(".refusal .near").count() == 3
    picture(page, f"refusal-{viewport['width']}")
    turn.locator(".refusal .near").first.click()
    assert marked(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_question_that_cannot_be_asked_is_answered_with_a_sentence(opened: Any) -> None:
    page = opened(WIDE)
    page.evaluate("document.querySelector('#composer textarea').removeAttribute('maxlength')")
    turn = ask(page, "why " * 2000)
    assert turn.get_attribute("data-state") == "problem"
    assert "shorten it" in turn.locator("[role=alert]").inner_text()


def test_a_document_cannot_act(opened: Any) -> None:
    page = opened(WIDE)
    add_files(page, text_file("<i>hostile<i>.md", HOSTILE))
    turn = ask(page, "Whose picture <img src=http://evil.example/q.png> hangs in the hall of the lighthouse?")
    assert "![p](http://evil.example/p.png)" in turn.locator(".answer").inner_text()
    assert "**the hall**" in marked(page)
    assert page.locator("#conversation img, #source img, .katex, #desk script").count() == 0
    remove(page, "<i>hostile<i>.md")


def test_nothing_hostile_acts_wherever_it_is_shown(opened: Any) -> None:
    page = opened(WIDE)
    added = page.evaluate(
        """async (attacks) => {
          const form = new FormData();
          attacks.forEach((attack, number) => {
            const text = `${attack}\n\nThe keeper number ${number} says ${attack} to the heron.`;
            form.append("file", new File([text], `${number} ${attack.slice(0, 60).replaceAll("/", "-")}.md`));
          });
          const { documents } = await (await fetch("/v1/documents", { method: "POST", body: form })).json();
          return documents.map(({ id }) => id);
        }""",
        ATTACKS,
    )
    assert len(added) == len(ATTACKS) >= 40
    page.locator("#show-library").click()
    page.wait_for_function("count => document.querySelectorAll('#documents li').length >= count", arg=len(added))
    for number in (0, 12, 24, 36):
        page.locator("#documents a").nth(number).click()
        page.wait_for_selector("#reader-sheet h1")
        page.locator("#show-library").click()
    for number in (3, 9):
        turn = ask(page, f"What does the keeper number {number} say to the heron? {ATTACKS[number]}")
        turn.locator("summary").last.click()
        if turn.locator("a.marker").count():
            turn.locator("a.marker").first.hover()
    strange = "#desk :is(img, iframe, svg, script, object, embed, base, style, video, audio, math, marquee), .katex"
    assert page.locator(strange).count() == 0
    assert page.title() == "Footnote"
    assert page.url.startswith("http://127.0.0.1")
    gone = page.evaluate(
        """async (ids) => {
          const responses = [];
          for (const id of ids) {
            const path = id.split("/").map(encodeURIComponent).join("/");
            responses.push(await fetch(`/v1/documents/${path}`, { method: "DELETE" }));
          }
          return responses.filter(({ ok }) => ok).length;
        }""",
        added,
    )
    assert gone == len(added)


def test_the_list_of_documents_is_a_way_to_read_them(opened: Any) -> None:
    page = opened(PHONE)
    page.locator("#show-library").click()
    page.locator("#documents a", has_text="Mutual Flattery").click()
    page.wait_for_selector("#reader-sheet h1:has-text('Mutual Flattery')")
    page.locator("#reader .close").click()
    page.wait_for_function("() => getComputedStyle(document.getElementById('source')).visibility === 'hidden'")


def test_documents_are_added_asked_alone_and_removed(opened: Any) -> None:
    page = opened(WIDE, expected="status of 400")
    owls, broken = (
        text_file("owls.txt", "Owls of the Kremlin\n\nThe owl of Kazan eats 17 mice."),
        text_file("a.exe", "MZ"),
    )
    good, bad = add_files(page, owls, broken)
    assert "Added, 1 passage" in good
    assert "owls.txt" in good
    assert "a.exe" in bad
    assert "Footnote" in bad
    row = page.locator("#documents li", has_text="owls.txt")
    row.wait_for()
    assert not barriers(page)
    page.locator("#library-search").fill("OWL")
    assert page.locator("#documents li").count() == 1
    page.locator("#library-search").fill("")
    row.get_by_role("checkbox").check()
    assert "Owls of the Kremlin" in page.locator("#only").inner_text()
    picture(page, "library")
    turn = ask(page, "What does the owl of Kazan eat?")
    assert "17 mice" in turn.locator(".answer").inner_text()
    turn = ask(page, "Where was the BRICS summit held?")
    assert {"Owls of the Kremlin"} >= set(turn.locator("cite").all_text_contents())
    page.locator("#show-library").click()
    page.locator("#only-clear").click()
    assert page.locator("#only").is_hidden()
    row.locator(".remove").click()
    page.get_by_role("button", name="Keep").click()
    remove(page, "owls.txt")
    assert page.locator("#documents li").count() == 2


def test_a_pdf_is_added_and_cited_by_its_page(opened: Any) -> None:
    page = opened(WIDE)
    (added,) = add_files(page, {"name": "ferry.pdf", "mimeType": "application/pdf", "buffer": FERRY.read_bytes()})
    assert "Added" in added
    turn = ask(page, "How many passengers did the ferry Aurelia carry in 2023?")
    assert "48,200" in turn.locator(".answer").inner_text()
    assert "page 2" in turn.locator(".note").first.inner_text()
    assert "48,200" in marked(page)
    assert page.locator("#reader-place").inner_text().endswith("page 2")
    assert page.locator("#reader-sheet .page-number").all_inner_texts() == ["Page 1", "Page 2", "Page 3"]
    picture(page, "pdf")
    remove(page, "ferry.pdf")


def test_a_dropped_file_is_added(opened: Any) -> None:
    page = opened(PHONE)
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["The heron eats fish."], "heron.md"));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }"""
    )
    page.locator("#uploads li", has_text="Added").wait_for()
    assert not barriers(page)
    page.locator("#library .close").click()
    remove(page, "heron.md")


@pytest.mark.parametrize("width", [360, 1600])
def test_every_side_fits_narrow_and_wide(opened: Any, width: int) -> None:
    page = opened({"width": width, "height": 760 if width < 800 else 900})
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    ask(page, TWO_SOURCES)
    assert page.evaluate(fits)
    picture(page, f"answer-{width}")
    for pane in ("library", "conversations"):
        page.locator(f"#show-{pane}").click()
        page.wait_for_selector(f"#{pane} li")
        assert page.evaluate(fits)
        if width < 800:
            assert not barriers(page)
            picture(page, f"{pane}-{width}")
            page.locator(f"#{pane} .close").click()


@pytest.mark.parametrize(
    ("path", "scheme"), [("/documents/xi-visits-kazan.txt?start=10500&end=10560", "dark"), ("/docs", "light")]
)
def test_a_page_of_its_own_bars_nobody(opened: Any, path: str, scheme: str) -> None:
    assert not barriers(opened(PHONE, path=path, color_scheme=scheme))


# Conversations ----------------------------------------------------------------------------------------------------


def test_a_conversation_outlives_a_reload_for_its_owner_alone(opened: Any) -> None:
    page = opened(WIDE)
    ask(page, "Where was the BRICS summit held?")
    ask(page, "What is the population of Kazan?")
    page.wait_for_function("() => location.hash.startsWith('#conversation=')")
    reload(page)
    page.locator("#current .turn[data-state=refused]").wait_for()
    assert page.locator("h2.question").all_inner_texts() == [
        "Where was the BRICS summit held?",
        "What is the population of Kazan?",
    ]
    page.locator("#past a.marker").first.click()
    assert "Kazan" in marked(page)
    assert "BRICS" in ask(page, "And when was the BRICS summit?").locator(".answer").inner_text()
    assert page.locator("#past .turn").count() == 2

    stranger = opened(WIDE)
    stranger.goto(page.url)
    reload(stranger)
    assert "no such conversation" in stranger.locator("#current [role=alert]").inner_text()
    assert "BRICS" not in stranger.locator("#conversation").inner_text()


def test_conversations_are_opened_renamed_exported_and_deleted(opened: Any) -> None:
    page = opened(WIDE)
    ask(page, "Where was the BRICS summit held?")
    page.locator("#new-conversation").click()
    page.locator(".example").first.wait_for()
    assert page.locator(".turn").count() == 0
    ask(page, "What is the population of Kazan?")
    page.locator("#show-conversations").click()
    rows = page.locator("#conversations-list li")
    page.wait_for_function("() => document.querySelectorAll('#conversations-list li').length === 2")
    older = rows.nth(1)
    older.locator(".rename").click()
    page.keyboard.type("The <b>summit</b>")
    page.keyboard.press("Enter")
    row = page.locator("#conversations-list li", has_text="The <b>summit</b>")
    row.wait_for()
    assert not barriers(page)
    picture(page, "conversations")
    for format in ("md", "html", "json"):
        with page.expect_download() as download:
            row.locator(f"[data-format={format}]").click()
        text = Path(download.value.path()).read_text("utf-8")
        assert "southwestern Russian city of Kazan" in text
        assert "<b>summit" not in text or format == "json"
    row.locator(".open").click()
    page.locator("#current .turn[data-state=answered]").wait_for()
    page.locator("#show-conversations").click()
    row.locator(".remove").click()
    row.locator(".really").click()
    row.wait_for(state="detached")
    page.locator(".example").first.wait_for()
    assert rows.count() == 1


def test_a_new_conversation_ends_the_answer_that_is_being_written(opened: Any, writer: Writer) -> None:
    page = opened(WIDE, server=writer.address)
    begin(page, TWO_SOURCES)
    writer.written += MACRON[:2]
    page.wait_for_selector("#current .answer .marker")
    page.locator("#new-conversation").click()
    page.locator("#welcome").wait_for()
    writer.written += MACRON[2:]
    page.wait_for_timeout(500)
    assert page.locator(".turn").count() == 0
    assert "#" not in page.url
    writer.written = []
    begin(page, "Where was the BRICS summit held?")
    stop(page)
    assert page.locator(".turn").count() == 1
    page.locator("#show-conversations").click()
    page.locator("#conversations-list .open", has_text=TWO_SOURCES).first.click()
    page.locator("#current .turn[data-state=stopped] .marker").wait_for()
    assert page.locator("h2.question").all_inner_texts() == [TWO_SOURCES]


def test_a_new_conversation_does_not_get_the_answer_to_what_was_just_sent(opened: Any, writer: Writer) -> None:
    page = opened(WIDE, server=writer.address)
    for _ in range(3):
        page.locator("#composer textarea").fill(TWO_SOURCES)
        page.keyboard.press("Enter")
        page.locator("#new-conversation").evaluate("button => button.click()")
        page.get_by_role("button", name="Ask", exact=True).wait_for()
        page.locator("#welcome").wait_for()
        page.wait_for_timeout(500)
        assert page.locator(".turn").count() == 0


def test_an_answer_that_is_being_written_is_deleted_with_its_conversation(opened: Any, writer: Writer) -> None:
    page = opened(WIDE, server=writer.address)
    begin(page, "Where was the BRICS summit held?")
    stop(page)
    begin(page, TWO_SOURCES)
    writer.written += MACRON[:2]
    page.wait_for_selector("#current .answer .marker")
    page.locator("#show-conversations").click()
    row = page.locator("#conversations-list li[aria-current=true]")
    row.locator(".remove").click()
    row.locator(".really").click()
    page.locator("#welcome").wait_for()
    page.locator("#conversations-about", has_text="None yet").wait_for(state="attached")
    assert page.locator(".turn").count() == 0


def test_an_answer_is_judged_with_a_word_and_the_verdict_stays(opened: Any) -> None:
    page = opened(WIDE)
    turn = ask(page, "Where was the BRICS summit held?")
    turn.get_by_role("button", name="Bad answer").click()
    comment = turn.locator(".comment input")
    comment.wait_for()
    comment.fill("Too <long>.")
    page.keyboard.press("Enter")
    turn.get_by_text("Noted, thank you.").wait_for()
    reload(page)
    bad = page.locator("#current").get_by_role("button", name="Bad answer")
    bad.wait_for()
    assert bad.get_attribute("aria-pressed") == "true"
    bad.click()
    page.wait_for_selector("#current [data-do=down][aria-pressed=false]")


def test_a_reopened_citation_says_that_its_document_has_changed(opened: Any) -> None:
    page = opened(WIDE)
    add_files(page, text_file("heron.txt", "Herons\n\nThe heron of Kazan eats 23 frogs."))
    ask(page, "What does the heron of Kazan eat?")
    assert "23 frogs" in marked(page)
    page.locator("#show-library").click()
    add_files(page, text_file("heron.txt", "Herons\n\nThe heron of Kazan eats nothing now."))
    reload(page)
    page.locator("#current .turn[data-state=answered]").wait_for()
    assert "has changed since" in page.locator("#current .note").first.inner_text()
    remove(page, "heron.txt")


# When the server doesn't answer -----------------------------------------------------------------------------------


@pytest.fixture
def page_at(browser: Any) -> Iterator[Callable[[str], Any]]:
    """Opens the chat at an address, and doesn't mind what the console says of a server that is gone."""
    pages = []

    def open_page(address: str) -> Any:
        pages.append(browser.new_page(viewport=WIDE))
        pages[-1].goto(address)
        pages[-1].wait_for_selector("#documents li", state="attached")
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library of the built-in articles."""
    with Library.open(tmp_path / "library") as library:
        library.add_builtin()
    return tmp_path / "library"


def test_an_answer_that_broke_off_says_so_and_the_question_stays(page_at: Callable[[str], Any], folder: Path) -> None:
    writer = Writer()
    writer.written += MACRON[:2]
    with scripted.serving(writer) as model:
        options = ["--llm-url", model.url, "--llm-model", "tiny"]
        with serving(folder, *options) as address:
            page, other = page_at(address), page_at(address)
            for one in (page, other):
                begin(one, TWO_SOURCES)
                one.wait_for_selector("#current .answer .marker")
        for one in (page, other):
            one.wait_for_selector("#current .turn[data-state=broken]")
        broken = page.locator("#current .turn")
        assert broken.get_by_role("alert").inner_text() == (
            "The answer broke off. The server cannot be reached. Is it still running? Reload the page to go on."
        )
        assert "Macron urged" in broken.locator(".answer").inner_text()
        assert not page.get_by_role("button", name="Stop").is_visible()
        assert not barriers(page)
        with serving(folder, *options, "--port", str(urlsplit(address).port)):
            broken.get_by_role("button", name="Reload").click()
            other.locator("#new-conversation").click()
            other.locator("#welcome").wait_for()
            other.locator("#composer textarea").fill(TWO_SOURCES)
            with other.expect_navigation():
                other.keyboard.press("Enter")
            for one in (page, other):
                one.wait_for_function(
                    "question => document.querySelector('#composer textarea')?.value === question", arg=TWO_SOURCES
                )
                one.keyboard.press("Enter")
                one.wait_for_selector("#current .turn[data-state=waiting] .marker")
                assert "Macron urged" in stop(one).inner_text()


def test_a_question_that_was_not_sent_says_why(page_at: Callable[[str], Any], folder: Path) -> None:
    with serving(folder, "--rate-limit", "8") as address:
        page = page_at(address)
        page.evaluate("() => Promise.all(Array.from({ length: 8 }, () => fetch('/v1/documents')))")
        page.locator("#composer textarea").fill("Where was the BRICS summit held?")
        page.keyboard.press("Enter")
        unsent = page.locator("#unsent")
        unsent.wait_for()
        assert "was not sent. That was too much at once; try again in" in unsent.inner_text()
        assert page.locator("#composer textarea").input_value() == "Where was the BRICS summit held?"
        page.wait_for_timeout(9000)
        page.keyboard.press("Enter")
        assert "Kazan" in settled(page).inner_text()
        assert unsent.is_hidden()


def test_a_citations_page_comes_to_its_place_without_script(opened: Any) -> None:
    page = opened(PHONE, path="/documents/xi-visits-kazan.txt?start=10500&end=10560", java_script_enabled=False)
    page.wait_for_timeout(300)
    box = page.locator("mark.cited").first.bounding_box()
    assert 0 <= box["y"] <= PHONE["height"]


def test_a_question_sent_the_moment_an_answer_stands_is_asked(opened: Any) -> None:
    page = opened(WIDE)
    page.evaluate(
        """question => {
          const box = document.querySelector("#composer textarea");
          const observer = new MutationObserver(() => {
            if (!document.querySelector("#current .turn[data-state=answered]")) return;
            observer.disconnect();
            box.value = question;
            box.dispatchEvent(new Event("input", { bubbles: true }));
            requestAnimationFrame(() =>
              box.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true, cancelable: true })));
          });
          observer.observe(document.getElementById("current"), { childList: true, subtree: true });
        }""",
        "What did Macron ask of Xi Jinping?",
    )
    ask(page, "Where was the BRICS summit held?")
    page.wait_for_function("() => document.querySelectorAll('.turn').length === 2")
    assert "Macron" in settled(page).inner_text()
    assert page.locator("#composer textarea").input_value() == ""


def test_a_key_struck_twice_sends_no_draft(opened: Any) -> None:
    page = opened(WIDE)
    box = page.locator("#composer textarea")
    box.fill("Slowly: What did Macron ask of Xi Jinping?")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_selector("#composer .stop-button")
    page.wait_for_function("() => !document.querySelector('#composer textarea').value")
    box.fill("Where was the")
    settled(page)
    page.wait_for_selector("#composer .submit-button")
    page.wait_for_timeout(1000)
    assert page.locator(".turn").count() == 1
    assert box.input_value() == "Where was the"


# The login --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that asks for a password."""
    folder = tmp_path_factory.mktemp("locked") / "library"
    with Library.open(folder) as library:
        library.add_builtin()
    with serving(folder, FOOTNOTE_PASSWORD=PASSWORD) as address:
        yield address


@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), ({"width": 360, "height": 700}, "dark")])
def test_who_logs_in_can_log_out(opened: Any, locked: str, viewport: dict[str, int], scheme: str) -> None:
    page = opened(viewport, "/login", server=locked, color_scheme=scheme)
    assert not barriers(page)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#composer textarea")
    page.wait_for_selector("#documents li", state="attached")
    assert not barriers(page)
    menu, name = page.locator("#top nav").bounding_box(), page.locator("h1.wordmark").bounding_box()
    assert menu["height"] < 40  # all in one line
    assert name["x"] + name["width"] < menu["x"]
    picture(page, f"log-out-{viewport['width']}-{scheme}")
    (session,) = (cookie for cookie in page.context.cookies() if cookie["name"] == SESSION)
    quiet(page)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    assert page.locator("#password").is_visible()
    assert SESSION not in {cookie["name"] for cookie in page.context.cookies()}
    request = Request(f"{locked}/v1/documents", headers={"cookie": f"{SESSION}={session['value']}"})
    with pytest.raises(HTTPError, match="401") as refused:
        urlopen(request)
    refused.value.close()
    page.go_back()
    assert page.locator("#composer").count() == 0


def test_where_nobody_logs_in_nobody_logs_out(opened: Any) -> None:
    assert opened(WIDE).locator("#log-out").count() == 0
