"""The server: the HTTP API, the documents as pages and, last, the browser chat, in one process."""

import asyncio
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from index.documents import MAX_BYTES, Document, parse
from index.errors import BadInput, FootnoteError
from index.library import UPLOAD_ROOT
from rag import Answer, Chatbot
from rag.conversations import Conversations, new_owner
from ui import conversations as kept
from ui import openai
from ui.access import Access, Secrets, owner_cookie, owner_of
from ui.chat import mount
from ui.events import begun, event, response
from ui.guard import Guard
from ui.pages import document_page, reference_page
from ui.problems import error_of, handlers

if TYPE_CHECKING:
    from fastapi import FastAPI, UploadFile

UPLOAD_FILES = 100
"""How many files one upload may hold."""

SEARCH_PASSAGES = 100
"""How many passages a search may ask for."""

FILE_NAME_CHARACTERS = 200
"""The longest name an uploaded file keeps, its ending included."""

UPLOADS_AT_ONCE = 2
"""How many uploads are read at the same time; further ones wait, and questions go on meanwhile."""

UPLOAD_SECONDS = 300
"""How long the reading of one upload may take; then none of its files is added."""

_ASSETS = {
    "paper.css": "text/css",
    "chat.css": "text/css",
    "chat.js": "text/javascript",
    "reader.js": "text/javascript",
    "library.js": "text/javascript",
    "conversations.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
DESCRIPTION = """Ask, search and keep the documents from a program. Bodies are JSON, but for the upload. All offsets are
Unicode code points in the document's text, as GET /v1/documents/{id} gives it.

An error is {"error": {"message", "type"}}: one sentence for a person, and a name for a program. 400 the input cannot be
used; 401 the token is missing or wrong; 403 the page of another site sent the request; 404 there is no such document;
413 the body is too large; 421 the server does not go by the name in the Host header; 429 too many requests, Retry-After
says for how many seconds; 502 the language model fails; 503 the library cannot be read or written.

Where the server was given a token or a password, a request carries it as Authorization: Bearer TOKEN."""


@dataclass
class Turn:
    """An earlier question or answer of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass
class AskRequest:
    question: str
    history: list[Turn] = field(default_factory=list)
    stream: bool = False
    documents: list[str] | None = None
    conversation: str | None = None


@dataclass
class SearchRequest:
    query: str
    k: int = 10
    documents: list[str] | None = None


def create_app(
    chatbot: Chatbot,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    chat: bool = True,
    secrets: Secrets | None = None,
    requests_a_minute: int = 0,
) -> "FastAPI":
    """The whole server as an ASGI application, to be reached at `host` and `port`; the Host header of a request must
    name `host` or this machine. Without `chat` there is the API alone, which starts in a tenth of the time. With
    `secrets` only who knows one is let in, and each address may send so many `requests_a_minute`, 0 for any number."""
    from fastapi import FastAPI, File, UploadFile
    from fastapi.responses import HTMLResponse, JSONResponse, Response
    from starlette.concurrency import run_in_threadpool
    from starlette.convertors import Convertor, register_url_convertor
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.routing import Match

    class DocumentId(Convertor[str]):
        """A path like {id:path}, and any character in it, a line break too."""

        regex = "(?s:.+)"

        def convert(self, value: str) -> str:
            return value

        def to_string(self, value: str) -> str:
            return value

    register_url_convertor("document", DocumentId())

    conversations = Conversations(chatbot.library)
    uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
    app = FastAPI(
        title="Footnote",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        exception_handlers=handlers(),
        responses={"default": {"description": '{"error": {"message", "type"}}'}},
    )
    app.add_middleware(Access, secrets=secrets or Secrets(), requests_a_minute=requests_a_minute)
    app.add_middleware(Guard, host=host)

    @app.get("/healthz")
    def health() -> dict[str, Any]:
        """Whether the server can read its library, and how many documents it holds."""
        return {"status": "ok", "documents": len(chatbot.library.documents())}

    @app.get("/v1/documents")
    def list_documents() -> dict[str, Any]:
        """What is in the library: `documents`, a list of id, title, characters, passages, added."""
        return {"documents": [asdict(document) for document in chatbot.library.documents()]}

    @app.get("/v1/documents/{id:document}")
    def get_document(id: str) -> dict[str, Any]:
        """One document: id, title, `text`, in which the offsets count, sha256 of that text, and `pages`, the offset at
        which each page starts."""
        return asdict(chatbot.document(id))

    @app.post("/v1/documents", status_code=201)
    async def add_documents(file: Annotated[list[UploadFile], File()]) -> dict[str, Any]:
        """Adds one or more files (multipart/form-data), 50 MB in all, and returns `documents` as the list does.

        A file takes the place of an earlier upload of the same name. Where something else has that name as its id, the
        upload is stored as `upload/NAME`. If one file cannot be read, none is added."""

        def add() -> dict[str, Any]:
            stored = set(chatbot.library.add(_uploaded(file), root=UPLOAD_ROOT))
            return {"documents": [asdict(info) for info in chatbot.library.documents() if info.id in stored]}

        async with uploads:
            return await run_in_threadpool(add)

    @app.delete("/v1/documents/{id:document}")
    def remove_document(id: str) -> dict[str, str]:
        """Takes one document out of the library; the file it was made from stays where it is."""
        chatbot.library.remove([id])
        return {"removed": id}

    @app.post("/v1/search")
    def search(body: SearchRequest) -> dict[str, Any]:
        """The `passages` that fit a query best, best first: document, start, end, text, score. With `documents`, ids,
        nothing but these is searched."""
        if not 1 <= body.k <= SEARCH_PASSAGES:
            raise BadInput(f"k is {body.k}; ask for 1 to {SEARCH_PASSAGES} passages.")
        return {
            "passages": [asdict(passage) for passage in chatbot.search(body.query, k=body.k, documents=body.documents)]
        }

    @app.post("/v1/ask", response_model=Answer)
    def ask(body: AskRequest, request: Request) -> Any:
        """One answer with its citations. A refusal is an answer, too: `answered` is false. With `documents`, ids,
        nothing but these is searched.

        With `stream` the answer comes as server-sent events, each a line `data: ` and one JSON object:
        `{"piece": "..."}` as often as need be (empty ones show that a language model is at work), then
        `{"answer": {...}}`, last. The pieces, joined, are the text of the answer. If something fails on the way,
        `{"error": {"message", "type"}}` is the last event instead.

        `conversation` is the id of one of your conversations, whose turns are then the history, or `new`, which begins
        one; the answer has `conversation` and `turn`, its number, besides. The cookie `footnote_owner` tells which are
        yours; beginning one without it sets it."""
        history = [{"role": turn.role, "content": turn.content} for turn in body.history]
        finished: Callable[[Answer], dict[str, Any]] = Answer.to_dict
        headers = {}
        if id := body.conversation:
            if history:
                raise BadInput("A conversation has its own history; leave out one of the two.")
            owner = owner_of(request)
            if id != kept.NEW:
                history = conversations.open(owner or "", id).history()
            elif owner is None:
                headers["set-cookie"] = owner_cookie(owner := new_owner())
            finished = partial(kept.keep, conversations, owner or "", id)
        if not body.stream:
            answer = chatbot.ask(body.question, history=history, documents=body.documents)
            return JSONResponse(finished(answer), headers=headers)
        pieces = begun(chatbot.stream(body.question, history=history, documents=body.documents))
        return response(_events(pieces, finished), headers)

    kept.add_routes(app, conversations)
    openai.add_routes(app, chatbot)

    @app.get("/documents/{id:document}", response_class=HTMLResponse)
    def show_document(
        id: str,
        start: int | None = None,
        end: int | None = None,
        also: str = "",
        words: str = "",
        version: str = "",
        at: int | None = None,
    ) -> str:
        """A document as a page for a person, with the text from `start` to `end` marked and scrolled to: what a
        citation links to. `also` names further spans to mark more lightly, as `12-40,55-80`; `words` a span to
        make bold; `version` is the beginning of the text's sha256: where that has changed, nothing is marked and the
        page says so. `at` picks the part of a long document that is shown."""
        if (start is None) != (end is None):
            raise BadInput("A span needs both start and end.")
        cited = (start, end) if start is not None and end is not None else None
        bold = _spans(words)
        return document_page(
            chatbot.document(id),
            cited=cited,
            others=_spans(also),
            words=bold[0] if bold else None,
            version=version,
            at=at,
        )

    @app.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    def reference() -> str:
        return reference_page(app.openapi())

    @app.get("/footnote/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise HTTPException(404)
        data = (resources.files("ui") / "assets" / name).read_bytes()
        return Response(data, media_type=_ASSETS[name], headers={"cache-control": "no-cache"})

    @app.api_route("/v1/{rest:document}", methods=_METHODS, include_in_schema=False)
    def nothing(request: Request) -> None:
        """Without this the chat, mounted at "/", would answer for it, and to a wrong method with 404."""
        known = any(route.matches(request.scope)[0] is Match.PARTIAL for route in app.router.routes)
        raise HTTPException(405 if known else 404)

    if chat:
        mount(app, chatbot, host=host, port=port, login=bool(secrets), exception_handlers=handlers())
    return app


# Requests ---------------------------------------------------------------------------------------------------------


def _uploaded(files: "Sequence[UploadFile]") -> list[Document]:
    """The files as documents, all or none."""
    if len(files) > UPLOAD_FILES:
        raise BadInput(f"{len(files)} files are too many for one upload; send at most {UPLOAD_FILES} at once.")
    ends = time.monotonic() + UPLOAD_SECONDS
    documents: dict[str, Document] = {}
    for file in files:
        name = _file_name(file.filename or "")
        if name in documents:
            raise BadInput(f"Two of the files are called {name!r}; give each its own name.")
        documents[name] = parse(file.file.read(MAX_BYTES + 1), name=name, id=name)
        if time.monotonic() > ends:
            raise BadInput(f"The files take longer than {UPLOAD_SECONDS} seconds to read; send fewer at once.")
    return list(documents.values())


def _file_name(given: str) -> str:
    """The last part of a file name from a browser, without characters that could mislead; never empty."""
    name = given.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(character for character in name if character.isprintable()).strip()
    if not name.strip("."):
        raise BadInput("A file came without a name; give it one with the ending of its kind, such as .txt or .pdf.")
    ending = PurePosixPath(name).suffix[:20]
    return name[: FILE_NAME_CHARACTERS - len(ending)] + ending if len(name) > FILE_NAME_CHARACTERS else name


def _spans(also: str) -> list[tuple[int, int]]:
    spans = []
    for span in filter(None, also.split(",")):
        start, _, end = span.partition("-")
        if not (start.isdecimal() and end.isdecimal()):
            raise BadInput(f"{span!r} is not a span; write start-end, as in 12-40,55-80.")
        spans.append((int(start), int(end)))
    return spans


def _events(pieces: Generator[str | Answer, None, None], finished: Callable[[Answer], dict[str, Any]]) -> Iterator[str]:
    with closing(pieces):
        try:
            for item in pieces:
                if isinstance(item, Answer):
                    yield event({"answer": finished(item)})
                else:
                    yield event({"piece": item})
        except FootnoteError as problem:
            yield event(error_of(problem))
        except Exception as problem:
            yield event(error_of(problem))
            raise
