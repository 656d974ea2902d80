"""The browser chat: a Gradio page with the conversation on the left and the cited document on the right.

Gradio carries questions to the chatbot and what comes of them back, as HTML of our own (ui/turns.py). The scripts in
assets/ do what happens in the page: they show the document of a citation (ui/pages.py) beside the conversation.
"""

import functools
import logging
import os
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from index.documents import SUFFIXES
from index.errors import BadInput, FootnoteError, NotFound
from rag import Answer, Chatbot
from rag.conversations import Conversations
from ui.access import owner_of
from ui.pages import escape
from ui.turns import Kept, answer_html, failed_html, new_key, problem_html, stopped_html, waiting_html

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

LOOKS_EVERY = 0.02
"""Seconds after which Gradio looks again for questions. With its own 0.001 a server that nobody asks takes 6.5 % of a
core, with this 2.4 % (20 s of each, twice)."""

INTERNAL = "Something went wrong inside Footnote; the server's terminal shows what. Please try again."

_FONT = ["ui-sans-serif", "system-ui", "sans-serif"]
_MONO = ["ui-monospace", "monospace"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that has been dealt with: its place in the page, the reply where there was one, and where it is kept
    if it is."""

    question: str
    reply: str | None
    html: str
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    """What the page sends along (assets/chat.js): whether a question takes the last one's place, the documents to ask,
    None for all of them, and the conversation to open."""

    instead: bool = False
    documents: tuple[str, ...] | None = None
    conversation: str = ""

    @classmethod
    def of(cls, sent: object) -> "_Sent":
        """Raises BadInput where `sent` is not what the page sends."""
        known = sent if isinstance(sent, Mapping) else {}
        documents, conversation = known.get("documents") or [], known.get("conversation") or ""
        if not isinstance(documents, list) or not all(isinstance(id, str) for id in documents):
            raise BadInput("The documents to ask are not a list of ids; reload the page.")
        if not isinstance(conversation, str):
            raise BadInput("The conversation is not named by a text; reload the page.")
        return cls(known.get("instead") is True, tuple(documents) or None, conversation)


_STOP = object()
Inbox = SimpleQueue[object]
"""What has come of a question that is being answered; _STOP in it ends the answer."""


def mount(
    app: "FastAPI",
    chatbot: Chatbot,
    *,
    host: str,
    port: int,
    login: bool = False,
    exception_handlers: dict[Any, Any] | None = None,
) -> None:
    """Mounts the chat at "/" of the app. What is added to the app later is hidden behind it. `login` as in `build`."""
    gradio = _gradio()
    gradio.mount_gradio_app(
        app,
        build(chatbot, login=login),
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


def build(chatbot: Chatbot, *, login: bool = False) -> "Blocks":
    """The chat page as Gradio Blocks; with `login` only who has logged in sees it, and may log out."""
    gradio = _gradio()
    conversations = Conversations(chatbot.library)
    answering: dict[str, Inbox] = {}  # by Gradio's name for the open page

    def respond(
        question: str,
        sent: object,
        turns: list[Turn],
        request: gradio.Request,  # type: ignore[name-defined] # what Gradio knows it by
    ) -> Iterator[dict[Any, Any]]:
        if not question.strip():
            yield {box: gradio.skip()}
            return
        key, text = new_key(), ""
        inbox = answering[request.session_hash] = SimpleQueue()
        try:
            asked = _Sent.of(sent)
            if not turns:  # the server may have been started anew under an open page
                with suppress(NotFound):
                    turns = _kept_turns(chatbot, conversations, owner_of(request), asked.conversation)
            earlier = turns[:-1] if asked.instead else turns
            keeper = _Keeper(conversations, owner_of(request), turns, instead=asked.instead)
            yield {
                box: gradio.Textbox(value="", submit_btn=False, stop_btn="Stop"),
                welcome: gradio.Column(visible=False),
                past: "".join(turn.html for turn in earlier),
                current: waiting_html(question, "", key),
            }
            with closing(_outcome(chatbot, question, earlier, key, inbox, keeper, asked.documents)) as outcome:
                for item in outcome:
                    if isinstance(item, Turn):
                        yield {current: item.html, turns_state: [*earlier, item], box: gradio.Textbox(**_ASKING)}
                    else:
                        text += item
                        yield {current: waiting_html(question, text, key)}
        finally:
            inbox.put(_STOP)
            if answering.get(request.session_hash) is inbox:
                del answering[request.session_hash]

    def opened(sent: object, request: gradio.Request) -> dict[Any, Any]:  # type: ignore[name-defined]
        """The conversation that the page's address names, or none."""
        shown = ""
        try:
            turns = _kept_turns(chatbot, conversations, owner_of(request), _Sent.of(sent).conversation)
        except FootnoteError as error:
            turns, shown = [], f'<div class="turn">{problem_html(str(error))}</div>'
        return {
            welcome: gradio.Column(visible=not turns and not shown),
            past: "".join(turn.html for turn in turns[:-1]),
            current: shown or "".join(turn.html for turn in turns[-1:]),
            turns_state: turns,
        }

    def stop(request: gradio.Request) -> None:  # type: ignore[name-defined]
        if inbox := answering.get(request.session_hash):
            inbox.put(_STOP)

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
        sent = gradio.JSON(visible=False)
        opener = gradio.Button("Open", visible="hidden", elem_id="open-conversation")
        with gradio.Row(elem_id="top"):
            html(_HEADER)
            html(_MENU.format(_LOG_OUT if login else ""))
        with gradio.Row(elem_id="desk"):
            with gradio.Column(elem_id="talk"):
                with gradio.Column(elem_id="conversation"):
                    with gradio.Column(elem_id="welcome") as welcome:
                        html(_WELCOME)
                    past = html(elem_id="past")
                    current = html(elem_id="current")
                with gradio.Column(elem_id="composer"):
                    html(_ASKED, elem_id="asked")
                    box = gradio.Textbox(
                        placeholder="Ask your documents",
                        label="Your question",
                        show_label=False,
                        lines=1,
                        max_lines=6,
                        max_length=chatbot.settings.question_characters,
                        container=False,
                        **_ASKING,
                    )
            with gradio.Column(elem_id="source"):
                html(_SOURCE)
        outputs = [box, welcome, past, current, turns_state]
        box.submit(respond, [box, sent, turns_state], outputs, js=_SENDING, trigger_mode="always_last", **private)
        # Requests of their own: two events at once on the stream that brings the answer can cross in Gradio, which then
        # waits at a stream that nothing comes from, and loses the next question or its Stop button.
        box.stop(stop, None, None, queue=False, **private)
        showing = {"inputs": [sent], "outputs": outputs[1:], "js": _OPENING, "queue": False, **private}
        opener.click(opened, **showing)
        blocks.load(opened, **showing)
        gradio.api(ask, api_name="ask")
    blocks.queue(default_concurrency_limit=AT_ONCE, api_open=False)  # no question goes past it
    blocks._queue.sleep_when_free = LOOKS_EVERY
    return cast("Blocks", blocks)


def _gradio() -> Any:
    # Gradio asks a server of its makers for its newest version when imported or started, unless told not to.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio

    return gradio


def _outcome(
    chatbot: Chatbot,
    question: str,
    turns: Sequence[Turn],
    key: str,
    inbox: Inbox,
    keeper: "_Keeper | None" = None,
    documents: Sequence[str] | None = None,
) -> Generator[str | Turn]:
    """The pieces of the answer's text, then the turn they belong to; the turn at once when `inbox` is given _STOP. What
    is closed before, since its page was left, is kept as if it had been stopped."""

    def ended(answer: Answer, *, stopped: bool = False) -> Turn:
        kept, problem = keeper.keep(answer, stopped=stopped) if keeper else (None, "")
        told = replace(answer, notes=(*answer.notes, problem)) if problem else answer
        return _turn(chatbot, told, key, kept, stopped=stopped)

    def so_far() -> Answer:
        return chatbot.stopped(question, pieces, history=earlier)

    earlier, pieces = history(turns), []
    try:
        for item in _until_stopped(chatbot.stream(question, history=earlier, documents=documents), inbox):
            if isinstance(item, Answer):
                yield ended(item)
                return
            pieces.append(item)
            try:
                yield item
            except GeneratorExit:
                if keeper:
                    keeper.keep(so_far(), stopped=True)
                raise
    except FootnoteError as error:
        yield Turn(question, None, failed_html(question, str(error), key))
    except Exception:
        logging.getLogger(__name__).exception("A question could not be answered")
        yield Turn(question, None, failed_html(question, INTERNAL, key))
    else:
        yield ended(so_far(), stopped=True)


def _turn(chatbot: Chatbot, answer: Answer, key: str, kept: Kept | None, *, stopped: bool) -> Turn:
    html = (stopped_html if stopped else answer_html)(chatbot, answer, key, kept)
    return Turn(answer.question, None if stopped and not answer.answered else answer.text, html, kept)


class _Keeper:
    """Keeps an answer in the conversation that the turns before it are in, or in a new one."""

    def __init__(
        self, conversations: Conversations, owner: str | None, turns: Sequence[Turn], *, instead: bool
    ) -> None:
        """`turns` are all that the page shows; with `instead` the last of them gives way."""
        self._conversations, self._owner = conversations, owner
        self._conversation = next((turn.kept.conversation for turn in reversed(turns) if turn.kept), None)
        earlier = turns[:-1] if instead else turns
        kept = [turn.kept for turn in earlier if turn.kept]
        # What is kept but no longer shown gives way. Where all is shown nothing does, since another open page may have
        # asked on meanwhile.
        hidden = self._conversation is not None and (instead or len(kept) < len(earlier))
        self._number = (kept[-1].number if kept else 0) + 1 if hidden else None

    def keep(self, answer: Answer, *, stopped: bool) -> tuple[Kept | None, str]:
        """Where the answer is kept now, or a sentence that says why it is not."""
        if self._owner is None:
            return None, ""
        id, number = self._conversation, self._number
        plain = answer.to_dict() | ({"stopped": True} if stopped else {})
        try:
            try:
                now = self._conversations.append(self._owner, id, answer.question, plain, number=number)
            except NotFound:  # deleted meanwhile
                now = self._conversations.append(self._owner, None, answer.question, plain)
        except FootnoteError as error:
            return None, f"This answer is not kept. {error}"
        return Kept(now.id, now.turns), ""


def _kept_turns(chatbot: Chatbot, conversations: Conversations, owner: str | None, id: str) -> list[Turn]:
    """A conversation as it is kept; without an id, or for nobody, none. Raises NotFound."""
    if not id or owner is None:
        return []
    turns = []
    for kept in conversations.open(owner, id).turns:
        answer, where = Answer.from_dict(kept.answer), Kept(id, kept.number, kept.verdict)
        turns.append(_turn(chatbot, answer, new_key(), where, stopped=kept.answer.get("stopped", False)))
    return turns


def _until_stopped(stream: Iterator[str | Answer], inbox: Inbox) -> Iterator[str | Answer]:
    """What a stream yields, until `inbox` is given _STOP: at once, though the stream may be waiting for its model.
    It is read in a thread of its own, which then closes it as soon as it can."""
    stopped = threading.Event()

    def read() -> None:
        try:
            for item in stream:
                inbox.put(item)
                if stopped.is_set():
                    break
        except Exception as error:
            inbox.put(error)
        finally:
            cast("Any", stream).close()

    threading.Thread(target=read, name="footnote-answer", daemon=True).start()
    try:
        while (item := inbox.get()) is not _STOP:
            if isinstance(item, Exception):
                raise item
            yield cast("str | Answer", item)
    finally:
        stopped.set()


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
<link rel="icon" href="/footnote/icon.svg"><script type="module" src="/footnote/chat.js"></script>"""

_HEADER = """<div class="brand"><h1 class="wordmark">Footnote<sup aria-hidden="true">1</sup></h1>
<span class="motto">Answers from your own documents, each sentence footnoted to the exact words it rests on.</span>
</div>"""

_MENU = """<nav aria-label="Conversations and library"><button id="new-conversation" type="button">New</button>
<button id="show-conversations" type="button">History</button>
<button id="show-library" type="button">Library</button>{}</nav>"""

_LOG_OUT = """
<button id="log-out" type="button">Log out</button>"""

_EXAMPLE = '<li><button type="button" class="example">{}</button></li>'

_WELCOME = f"""<h2>Ask your documents</h2>
<p>Every sentence of an answer carries a number. Follow it, and the source opens at the words the sentence rests on.
Where the documents hold no answer, Footnote says so.</p>
<ul id="examples" data-documents="{" ".join(_EXAMPLE_DOCUMENTS)}" hidden>
{"".join(_EXAMPLE.format(escape(question)) for question in EXAMPLES)}</ul>"""

_ASKED = """<p id="only" hidden>Asking only <span id="only-names"></span>
<button type="button" id="only-clear">Ask all</button></p>
<p id="editing" hidden>Editing your last question
<button type="button" id="editing-cancel">Cancel</button></p>
<p id="unsent" role="alert" hidden></p>"""

_ASKING: dict[str, Any] = {"submit_btn": "Ask", "stop_btn": False}

# What Gradio runs in the page before it sends something: a question goes with what the script knows.
_SENDING = "(question, sent, turns) => [...(window.footnote?.sent(question) ?? [question, {}]), turns]"
_OPENING = "() => [{ conversation: new URLSearchParams(location.hash.slice(1)).get('conversation') }]"

_SOURCE = f"""<section id="reader" aria-label="Source">
<header><p id="reader-label" aria-live="polite"><span id="reader-title"></span><small id="reader-place"></small></p>
<button id="reader-previous" type="button" aria-label="Previous source" aria-keyshortcuts="p ArrowLeft">‹</button>
<button id="reader-next" type="button" aria-label="Next source" aria-keyshortcuts="n ArrowRight">›</button>
<a id="reader-page" href="/" target="_blank" rel="noopener">Open as page</a>
<button class="close" type="button">Close</button></header>
<div id="reader-sheet" tabindex="0" role="region" aria-label="Document"></div>
</section>
<section id="library" aria-label="Library">
<header><h2>Library <small id="library-count"></small></h2><button id="add-files" type="button">Add files</button>
<button class="close" type="button">Close</button></header>
<input id="files" type="file" multiple hidden accept="{",".join(SUFFIXES)}" aria-label="Files to add">
<div class="sheet">
<input id="library-search" type="search" placeholder="Find a title" aria-label="Find a document by its title">
<p id="library-problem" role="alert"></p>
<ul id="uploads" aria-label="Uploads" aria-live="polite"></ul>
<ul id="documents" aria-label="Documents"></ul>
<p id="library-about" role="status"></p>
<p class="hint">Tick documents to ask only these. Drop files here to add them.</p>
</div>
<template id="document-row"><li><input type="checkbox"><div><a href="/"><bdi></bdi></a><small><bdi></bdi></small></div>
<button class="remove" type="button">Remove</button><span class="sure" role="group" aria-label="Remove this document?"
hidden><button class="really" type="button">Yes, remove</button><button class="keep" type="button">Keep</button></span>
</li></template>
</section>
<section id="conversations" aria-label="History">
<header><h2>History</h2><button class="close" type="button">Close</button></header>
<div class="sheet">
<p id="conversations-about" role="status"></p>
<ul id="conversations-list" aria-label="Your conversations"></ul>
<p class="hint">Only this browser opens them.</p>
</div>
<template id="conversation-row"><li><div><button class="open" type="button"><bdi></bdi></button><small></small>
<form hidden><input name="title" maxlength="120" required aria-label="Title"><button>Rename</button></form>
<span class="usual"><button class="rename" type="button">Rename</button>
<button class="remove" type="button">Delete</button>
<span class="exports">Export <a data-format="md" href="/" download>Markdown</a> <a data-format="html" href="/"
download>HTML</a> <a data-format="json" href="/" download>JSON</a></span></span>
<span class="sure" role="group" aria-label="Delete this conversation?" hidden>
<button class="really" type="button">Yes, delete</button><button class="keep" type="button">Keep</button></span>
</div></li></template>
</section>
<template id="broken-off"><p class="problem" role="alert"></p><div class="actions">
<button type="button" data-do="reload">Reload</button></div></template>
<div id="card" role="tooltip" hidden></div>"""
