"""The browser chat: a Gradio page with the conversation on the left and the cited document on the right.

The conversation is HTML of our own in which every text of a person, a document or a model is escaped, so that nothing
in it is read as Markdown, LaTeX or HTML; Gradio's Chatbot would read all three. A marker is a link to the document's
page (ui/pages.py); the script in assets/chat.js shows that page beside the conversation instead.
"""

import functools
import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from index.errors import FootnoteError
from index.library import DocumentInfo
from rag import Answer, Chatbot, Citation, RetrievedPassage
from ui.pages import escape, link, place

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio import Blocks

EXAMPLES = (
    "By what percentage did trade between Russia and China grow in 2024?",
    "What is the “New M-shaped Cold War”?",
    "Which Chinese companies stopped doing business with Russia?",
    "What did Macron ask of Xi Jinping?",
)
"""Questions to start from; offered while the library holds the built-in articles that answer them."""

_EXAMPLE_DOCUMENTS = {"china-russia-axis.txt", "xi-visits-kazan.txt"}

AT_ONCE = 40
"""How many questions are answered at the same time; further ones wait their turn."""

_LISTED = 200
"""How many documents the page lists."""

INTERNAL = "Something went wrong inside Footnote; the server's terminal shows what. Please try again."

_NEAREST = 3
_SNIPPET_CHARACTERS = 200
_QUOTE_CHARACTERS = 400

_MARKER = re.compile(r"\s*\[(\d+)\]")
_HALF_MARKER = re.compile(r"\s*\[?\d*$|\s+$")

_FONT = ["ui-sans-serif", "system-ui", "sans-serif"]
_MONO = ["ui-monospace", "monospace"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that has been dealt with: its place in the page, and the reply where there was one."""

    question: str
    reply: str | None
    html: str


def mount(
    app: "FastAPI", chatbot: Chatbot, *, host: str, port: int, exception_handlers: dict[Any, Any] | None = None
) -> None:
    """Mounts the chat at "/" of the app. What is added to the app later is hidden behind it."""
    gradio = _gradio()
    gradio.mount_gradio_app(
        app,
        build(chatbot),
        path="/",
        server_name=host,
        server_port=port,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        app_kwargs={"exception_handlers": exception_handlers or {}, "docs_url": None, "redoc_url": None},
        theme=gradio.themes.Base(font=_FONT, font_mono=_MONO),
        head=_HEAD,
    )


def build(chatbot: Chatbot) -> "Blocks":
    """The chat page as Gradio Blocks."""
    gradio = _gradio()

    def respond(question: str, turns: list[Turn]) -> Iterator[dict[Any, Any]]:
        if not question.strip():
            yield {box: ""}
            return
        number = len(turns) + 1
        yield {
            box: "",
            welcome: gradio.Column(visible=False),
            past: "".join(turn.html for turn in turns),
            current: waiting_html(question, "", number),
        }
        text = ""
        for item in _outcome(chatbot, question, turns):
            if isinstance(item, Turn):
                yield {current: item.html, turns_state: [*turns, item]}
            else:
                text += item
                yield {current: waiting_html(question, text, number)}

    def loaded() -> dict[Any, Any]:
        try:
            documents = chatbot.library.documents()
        except FootnoteError as error:
            return {count: "", listing: problem_html(str(error)), examples: gradio.Column(visible=False)}
        offers = {document.id for document in documents} >= _EXAMPLE_DOCUMENTS
        return {
            count: count_html(documents),
            listing: listing_html(documents),
            examples: gradio.Column(visible=offers),
        }

    def ask(question: str, history: list[dict[str, str]] | None = None) -> dict[str, Any]:
        """Answers a question. `history` holds earlier turns: {"role": "user" or "assistant", "content": text}."""
        try:
            return chatbot.ask(question, history=history or []).to_dict()
        except FootnoteError as error:
            raise gradio.Error(str(error), print_exception=False) from error

    html = functools.partial(gradio.HTML, apply_default_css=False, js_on_load=None)
    private = {"api_visibility": "private", "show_progress": "hidden"}
    with gradio.Blocks(title="Footnote", analytics_enabled=False, fill_width=True, fill_height=True) as blocks:
        turns_state = gradio.State([])
        with gradio.Row(elem_id="top"):
            html(_HEADER)
            count = html(elem_id="count")
        with gradio.Row(elem_id="desk"):
            with gradio.Column(elem_id="talk"):
                with gradio.Column(elem_id="conversation"):
                    with gradio.Column(elem_id="welcome") as welcome:
                        html(_WELCOME)
                        with gradio.Column(elem_id="examples", visible=False) as examples:
                            buttons = [gradio.Button(question, elem_classes="example") for question in EXAMPLES]
                    past = html(elem_id="past")
                    current = html(elem_id="current")
                with gradio.Row(elem_id="composer"):
                    box = gradio.Textbox(
                        placeholder="Ask your documents",
                        label="Your question",
                        show_label=False,
                        lines=1,
                        max_lines=6,
                        max_length=chatbot.settings.question_characters,
                        submit_btn="Ask",
                        container=False,
                    )
            with gradio.Column(elem_id="source"):
                html(_SOURCE, elem_id="reading")
                listing = html(elem_id="listing")
        outputs = [box, welcome, past, current, turns_state]
        box.submit(respond, [box, turns_state], outputs, **private)
        for button in buttons:
            button.click(respond, [button, turns_state], outputs, **private)
        blocks.load(loaded, None, [count, listing, examples], **private)
        gradio.api(ask, api_name="ask")
    blocks.queue(default_concurrency_limit=AT_ONCE)
    return cast("Blocks", blocks)


def _gradio() -> Any:
    # Gradio asks a server of its makers for its newest version when imported or started, unless told not to.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio

    return gradio


def _outcome(chatbot: Chatbot, question: str, turns: Sequence[Turn]) -> Iterator[str | Turn]:
    """The pieces of the answer's text, then the turn they belong to."""
    number = len(turns) + 1
    try:
        for item in chatbot.stream(question, history=history(turns)):
            yield Turn(question, item.text, answer_html(chatbot, item, number)) if isinstance(item, Answer) else item
    except FootnoteError as error:
        yield Turn(question, None, turn_html(question, number, "problem", problem_html(str(error))))
    except Exception:
        logging.getLogger(__name__).exception("A question could not be answered")
        yield Turn(question, None, turn_html(question, number, "problem", problem_html(INTERNAL)))


def history(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The conversation as the chatbot takes it; questions without a reply are not part of it."""
    return [
        {"role": role, "content": content}
        for turn in turns
        if turn.reply is not None
        for role, content in (("user", turn.question), ("assistant", turn.reply))
    ]


# What the page is made of -----------------------------------------------------------------------------------------

# Not as `css=`: Gradio puts its root before every selector of that, and in media queries leaves no other form, so that
# nothing that begins with :root or body is found there.
_HEAD = """<link rel="stylesheet" href="/footnote/paper.css"><link rel="stylesheet" href="/footnote/chat.css">
<link rel="icon" href="/footnote/icon.svg"><script defer src="/footnote/chat.js"></script>"""

_HEADER = """<div class="brand"><h1 class="wordmark">Footnote<sup aria-hidden="true">1</sup></h1>
<span class="motto">Answers from your own documents, each sentence footnoted to the exact words it rests on.</span>
</div>"""

_WELCOME = """<h2>Ask your documents</h2>
<p>Every sentence of an answer carries a number. Follow it, and the source opens at the words the sentence rests on.
Where the documents hold no answer, Footnote says so.</p>"""

_SOURCE = """<section id="reader" aria-label="Source" hidden>
<header><p id="reader-label" aria-live="polite"><span id="reader-title"></span><small id="reader-place"></small></p>
<a id="reader-page" href="/" target="_blank" rel="noopener">Open as page</a>
<button id="reader-close" type="button">Close</button></header>
<div id="reader-sheet" tabindex="-1"></div>
</section>"""


def waiting_html(question: str, text: str, number: int) -> str:
    """A turn whose answer is on its way; `text` is what there is of it."""
    shown = _MARKER.sub(r'<span class="marker">\1</span>', escape(_HALF_MARKER.sub("", text)))
    answer = f'<p dir="auto">{shown}</p>' if shown else '<p class="looking">Looking in the documents</p>'
    return turn_html(question, number, "waiting", f'<div class="answer" aria-busy="true">{answer}</div>')


def turn_html(question: str, number: int, state: str, body: str) -> str:
    """A question and what stands below it; `state` is waiting, answered, refused or problem."""
    return (
        f'<article class="turn" data-turn="{number}" data-state="{state}">'
        f'<h2 class="question" dir="auto">{escape(question)}</h2>{body}</article>'
    )


def answer_html(chatbot: Chatbot, answer: Answer, number: int) -> str:
    """A turn that has ended with an answer or a refusal."""
    if answer.answered:
        return turn_html(answer.question, number, "answered", _answer(chatbot, answer))
    return turn_html(answer.question, number, "refused", _refusal(chatbot, answer))


def problem_html(message: str) -> str:
    return f'<p class="problem" role="alert">{escape(message)}</p>'


def count_html(documents: Sequence[DocumentInfo]) -> str:
    """How many documents there are; on a phone the way to their list."""
    label = "1 document" if len(documents) == 1 else f"{len(documents):,} documents"
    return f'<button id="show-listing" type="button">{label}</button>'


def listing_html(documents: Sequence[DocumentInfo]) -> str:
    """The documents, each a link to its page."""
    if not documents:
        body = "<p>There are none yet. Add some with <code>footnote index FOLDER</code>.</p>"
    else:
        items = "".join(
            f'<li><a href="{escape(link(document.id))}"><bdi>{escape(document.title)}</bdi></a>'
            f"<small><bdi>{escape(document.id)}</bdi> · {document.characters:,} characters</small></li>"
            for document in documents[:_LISTED]
        )
        more = len(documents) - _LISTED
        body = f"<ul>{items}</ul>" + (f"<p>And {more:,} more.</p>" if more > 0 else "")
    return (
        '<section aria-label="Documents"><header><h2>In this library</h2>'
        f'<button id="listing-close" type="button">Close</button></header>{body}</section>'
    )


def _answer(chatbot: Chatbot, answer: Answer) -> str:
    citations = {citation.marker: citation for citation in answer.citations}
    places = {marker: _place(chatbot, citation) for marker, citation in citations.items()}
    links = {
        marker: escape(
            link(
                citation.document,
                (citation.start, citation.end),
                [(other.start, other.end) for other in answer.citations if _beside(other, citation)],
            )
        )
        for marker, citation in citations.items()
    }

    def marker_html(match: re.Match[str]) -> str:
        marker = int(match[1])
        citation = citations.get(marker)
        if citation is None:
            return match[0]
        label = f"Source {marker}: {citation.title}, {places[marker]}"
        return (
            f'<a class="marker" href="{links[marker]}" data-marker="{marker}" aria-label="{escape(label)}"'
            f' title="{escape(_cut(citation.quote, _QUOTE_CHARACTERS))}">{marker}</a>'
        )

    paragraphs = "".join(
        f'<p dir="auto">{_MARKER.sub(marker_html, escape(paragraph))}</p>'
        for paragraph in re.split(r"\n{2,}", answer.text.strip())
    )
    notes = "".join(
        f'<li><a class="note" href="{links[marker]}" data-marker="{marker}" data-span="{citation.start}-{citation.end}"'
        f' data-document="{escape(citation.document)}" data-place="{escape(places[marker])}">'
        f'<span class="number">{marker}</span><span class="what"><cite><bdi>{escape(citation.title)}</bdi></cite>'
        f'<span class="place">, {places[marker]}</span>'
        f'<q dir="auto">{escape(_cut(citation.quote, _QUOTE_CHARACTERS))}</q></span></a></li>'
        for marker, citation in citations.items()
    )
    return (
        f'<div class="answer">{_searched(answer)}{paragraphs}</div><ol class="notes" aria-label="Sources">{notes}</ol>'
    )


def _refusal(chatbot: Chatbot, answer: Answer) -> str:
    nearest = "".join(_near(chatbot, passage) for passage in answer.passages[:_NEAREST])
    looked = f'<p class="nearest">The nearest passages, to judge for yourself:</p><ol class="near-list">{nearest}</ol>'
    return (
        f'<div class="refusal">{_searched(answer)}<p class="verdict" dir="auto">{escape(answer.text)}</p>'
        f"{looked if nearest else ''}</div>"
    )


def _near(chatbot: Chatbot, passage: RetrievedPassage) -> str:
    document = chatbot.document(passage.document)
    address = escape(link(passage.document, (passage.start, passage.end)))
    return (
        f'<li><a class="near" href="{address}"><cite><bdi>{escape(document.title)}</bdi></cite>'
        f'<span class="place">, {place(document, passage.start)}</span>'
        f'<span class="snippet" dir="auto">{escape(_cut(passage.text, _SNIPPET_CHARACTERS))}</span></a></li>'
    )


def _searched(answer: Answer) -> str:
    if answer.standalone_question.strip() == answer.question.strip():
        return ""
    return f'<p class="searched">Searched for: <span dir="auto">{escape(answer.standalone_question)}</span></p>'


def _beside(other: Citation, citation: Citation) -> bool:
    return other.document == citation.document and other.marker != citation.marker


def _place(chatbot: Chatbot, citation: Citation) -> str:
    return place(chatbot.document(citation.document), citation.start)


def _cut(text: str, characters: int) -> str:
    """The beginning of a text, up to a whole word; for showing only."""
    if len(text) <= characters:
        return text
    return text[:characters].rsplit(None, 1)[0] + " …"
