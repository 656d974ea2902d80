"""The server: the HTTP API, the documents as pages and, last, the browser chat, in one process."""

import errno
import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from index.documents import MAX_BYTES, parse
from index.errors import BadInput, FootnoteError, LibraryProblem, MissingPart, NotFound
from index.library import UPLOAD_ROOT
from rag import Answer, Chatbot
from ui.chat import INTERNAL, mount
from ui.guard import SECURITY_HEADERS, Guard
from ui.pages import document_page, problem_page, reference_page

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

UPLOAD_FILES = 100
"""How many files one upload may hold."""

SEARCH_PASSAGES = 100
"""How many passages a search may ask for."""

FILE_NAME_CHARACTERS = 200
"""The longest name an uploaded file keeps, its ending included."""

SHUTDOWN_SECONDS = 2
"""How long open requests may go on after Ctrl-C. A chat page in a browser holds one that never ends by itself."""

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
_STATUS: dict[type[FootnoteError], int] = {BadInput: 400, NotFound: 404, LibraryProblem: 503, MissingPart: 503}
_NAMES = {404: "NotFound", 405: "MethodNotAllowed", 413: "TooLarge", 415: "UnsupportedMediaType"}

DESCRIPTION = """Ask, search and keep the documents from a program. Bodies are JSON, but for the upload. All offsets are
Unicode code points in the document's text, as GET /v1/documents/{id} gives it.

An error is {"error": {"message", "type"}}: one sentence for a person, and a name for a program. 400 the input cannot be
used; 403 the page of another site sent the request; 404 there is no such document; 413 the body is too large; 421 the
server does not go by the name in the Host header; 503 the library cannot be read or written."""


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


@dataclass
class SearchRequest:
    query: str
    k: int = 10


def create_app(chatbot: Chatbot, *, host: str = "127.0.0.1", port: int = 7860, chat: bool = True) -> "FastAPI":
    """The whole server as an ASGI application, to be reached at `host` and `port`; the Host header of a request must
    name `host` or this machine. Without `chat` there is the API alone, which starts in a tenth of the time."""
    from fastapi import FastAPI, File, UploadFile
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
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

    handlers: dict[Any, Any] = {
        FootnoteError: _footnote_error,
        HTTPException: _http_error,
        RequestValidationError: _validation_error,
        Exception: _unexpected_error,
    }
    app = FastAPI(
        title="Footnote",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        exception_handlers=handlers,
        responses={"default": {"description": '{"error": {"message", "type"}}'}},
    )
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
    def add_documents(file: Annotated[list[UploadFile], File()]) -> dict[str, Any]:
        """Adds one or more files (multipart/form-data), 50 MB in all, and returns `documents` as the list does.

        A file takes the place of an earlier upload of the same name. Where something else has that name as its id, the
        upload is stored as `upload/NAME`. If one file cannot be read, none is added."""
        if len(file) > UPLOAD_FILES:
            raise BadInput(f"{len(file)} files are too many for one upload; send at most {UPLOAD_FILES} at once.")
        documents = []
        for item in file:
            name = _file_name(item.filename or "")
            documents.append(parse(item.file.read(MAX_BYTES + 1), name=name, id=name))
        names = [document.id for document in documents]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise BadInput(f"Two of the files are called {twice!r}; give each its own name.")
        stored = set(chatbot.library.add(documents, root=UPLOAD_ROOT))
        return {"documents": [asdict(document) for document in chatbot.library.documents() if document.id in stored]}

    @app.delete("/v1/documents/{id:document}")
    def remove_document(id: str) -> dict[str, str]:
        """Takes one document out of the library; the file it was made from stays where it is."""
        chatbot.library.remove([id])
        return {"removed": id}

    @app.post("/v1/search")
    def search(body: SearchRequest) -> dict[str, Any]:
        """The `passages` that fit a query best, best first: document, start, end, text, score."""
        if not 1 <= body.k <= SEARCH_PASSAGES:
            raise BadInput(f"k is {body.k}; ask for 1 to {SEARCH_PASSAGES} passages.")
        return {"passages": [asdict(passage) for passage in chatbot.search(body.query, k=body.k)]}

    @app.post("/v1/ask", response_model=Answer)
    def ask(body: AskRequest) -> Any:
        """One answer with its citations. A refusal is an answer, too: `answered` is false.

        With `stream` the answer comes as server-sent events, each a line `data: ` and one JSON object:
        `{"piece": "..."}` as often as need be, then `{"answer": {...}}`, last. The pieces, joined, are the text of
        the answer. If something fails on the way, `{"error": {"message", "type"}}` is the last event instead."""
        history = [{"role": turn.role, "content": turn.content} for turn in body.history]
        if not body.stream:
            return JSONResponse(chatbot.ask(body.question, history=history).to_dict())
        pieces = chatbot.stream(body.question, history=history)
        first = next(pieces)  # what is wrong with the question shows here, while a status can still be sent
        return StreamingResponse(
            _events(first, pieces), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

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
        mount(app, chatbot, host=host, port=port, exception_handlers=handlers)
    return app


def serve(chatbot: Chatbot, *, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Serves until Ctrl-C or SIGTERM and returns then. Prints the address once it answers there. Port 0: a free one.

    Raises BadInput when the address cannot be listened on.
    """
    with closing(_listen(host, port)) as listener:
        import uvicorn

        port = listener.getsockname()[1]
        app = create_app(chatbot, host=host, port=port)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if self.started:
                    print(f"Footnote is at {_address(host, port)} (Ctrl-C stops it).", flush=True)

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                # The connections of open chat pages are cut now, on purpose; each would be reported as a failure.
                log.disabled = True
                await super().shutdown(sockets)

            @contextmanager
            def capture_signals(self) -> Iterator[None]:
                # uvicorn would send itself the signal again after the shutdown, and so die of it.
                with _handling(self.handle_exit):
                    yield

        log = logging.getLogger("uvicorn.error")
        try:
            Server(config).run(sockets=[listener])
        finally:
            log.disabled = False


# Listening --------------------------------------------------------------------------------------------------------


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise BadInput(f"There is no address {host!r} on this machine; --host 127.0.0.1 is the usual one.") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let two servers share one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            raise BadInput(f"You may not listen on port {port}; choose one above 1023 with --port.") from None
        if error.errno == errno.EADDRINUSE:
            raise BadInput(
                f"Port {port} is in use, perhaps by another Footnote; choose another with --port {port % 65535 + 1}."
            ) from None
        raise BadInput(f"Footnote cannot listen on {host}, port {port}: {error.strerror or error}.") from None
    return listener


def _address(host: str, port: int) -> str:
    """What to type into a browser."""
    name = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host.strip("[]"), host)
    return (
        f"http://[{name}]:{port}" if ":" in name.strip("[]") and not name.startswith("[") else f"http://{name}:{port}"
    )


@contextmanager
def _handling(handler: Any) -> Iterator[None]:
    """Ctrl-C and SIGTERM go to `handler`; in a thread, where no signals come, nothing happens."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


# Requests ---------------------------------------------------------------------------------------------------------


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


def _events(first: str | Answer, rest: Iterator[str | Answer]) -> Iterator[str]:
    try:
        yield _event(first)
        for item in rest:
            yield _event(item)
    except FootnoteError as error:
        yield f"data: {json.dumps(_error(type(error).__name__, str(error)))}\n\n"
    except Exception:
        yield f"data: {json.dumps(_error('Internal', INTERNAL))}\n\n"
        raise


def _event(item: str | Answer) -> str:
    data = {"answer": item.to_dict()} if isinstance(item, Answer) else {"piece": item}
    return f"data: {json.dumps(data)}\n\n"


# Errors -----------------------------------------------------------------------------------------------------------


def _error(type: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": type}}


def _problem(request: "Request", status: int, type: str, message: str) -> "Response":
    """The error as JSON; to a person who opened a document's page, as a page."""
    from starlette.responses import HTMLResponse, JSONResponse

    if request.url.path.startswith("/documents/") and "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(problem_page(message), status, headers=SECURITY_HEADERS)
    return JSONResponse(_error(type, message), status, headers=SECURITY_HEADERS)


def _footnote_error(request: "Request", error: FootnoteError) -> "Response":
    return _problem(request, _STATUS.get(type(error), 500), type(error).__name__, str(error))


def _http_error(request: "Request", error: "HTTPException") -> "Response":
    sentences = {
        404: "There is nothing at this address; /docs lists what there is.",
        405: f"This address does not take {request.method}; /docs lists what it takes.",
    }
    message = sentences.get(error.status_code, f"{str(error.detail).rstrip('.')}.")
    return _problem(request, error.status_code, _NAMES.get(error.status_code, "BadInput"), message)


def _validation_error(request: "Request", error: "RequestValidationError") -> "Response":
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "json_invalid":
        message = "The body is not valid JSON."
    elif first["type"] == "missing":
        message = f"{where or 'The body'} is missing; /docs lists what this address takes."
    else:
        message = f"{where or 'The body'} cannot be used: {first['msg'][:1].lower()}{first['msg'][1:]}."
    return _problem(request, 400, "BadInput", message)


def _unexpected_error(request: "Request", _: Exception) -> "Response":
    return _problem(request, 500, "Internal", INTERNAL)
