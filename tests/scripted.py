"""A scripted OpenAI-compatible server on loopback: real HTTP, and every fault that a language model's server has."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

Script = Callable[["Handler"], None]


@dataclass
class ScriptedServer:
    """`script` answers each request for a completion; `asked` holds their bodies, `headers` their headers."""

    script: Script
    models: list[str] = field(default_factory=lambda: ["tiny"])
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    address: str = ""
    open: int = 0
    """How many completions are being written."""
    opinion: tuple[str, Mapping[str, float]] = ("Yes", MappingProxyType({"Yes": -0.1, "No": -3.0}))
    """What is said where a yes or a no is asked for, and the logarithms of the likeliest tokens' shares."""
    tells_odds: bool = True
    asked_yes_or_no: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.address}/v1"


class Handler(BaseHTTPRequestHandler):
    scripted: ScriptedServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.scripted.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.json(200, {"data": [{"id": name} for name in self.scripted.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        if body.get("max_tokens") == 1:
            self.scripted.asked_yes_or_no.append(body)
            if body.get("logprobs") and not self.scripted.tells_odds:
                self.json(400, {"error": {"message": "Unsupported parameter: 'logprobs'."}})
            else:
                self.yes_or_no(odds=bool(body.get("logprobs")))
            self.close_connection = True
            return
        self.scripted.asked.append(body)
        self.scripted.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.scripted.open += 1
        try:
            self.scripted.script(self)
        except OSError:  # the client hung up
            pass
        finally:
            self.scripted.open -= 1
            self.close_connection = True

    def yes_or_no(self, *, odds: bool) -> None:
        said, shares = self.scripted.opinion
        told = [{"token": token, "logprob": share} for token, share in shares.items()]
        choice: dict[str, Any] = {"delta": {"content": said}}
        if odds:
            choice["logprobs"] = {"content": [{"token": said, "top_logprobs": told}]}
        self.begin()
        self.wfile.write(f"data: {json.dumps({'choices': [choice | {'finish_reason': 'length'}]})}\n\n".encode())
        self.done()

    def json(self, status: int, value: object, **headers: str) -> None:
        self.raw(status, json.dumps(value).encode(), "application/json", **headers)

    def raw(self, status: int, body: bytes, kind: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def piece(self, text: str | None, finish: str | None = None) -> None:
        event = {"choices": [{"delta": {"content": text} if text is not None else {}, "finish_reason": finish}]}
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()

    def done(self) -> None:
        self.wfile.write(b"data: [DONE]\n\n")


def saying(text: str, *, size: int = 7) -> Script:
    """Streams a text in pieces of `size` characters."""

    def script(handler: Handler) -> None:
        handler.begin()
        for start in range(0, len(text), size):
            handler.piece(text[start : start + size])
        handler.piece(None, "stop")
        handler.done()

    return script


def failing(status: int, message: str = "", **headers: str) -> Script:
    return lambda handler: handler.json(status, {"error": {"message": message}}, **headers)


def then(*scripts: Script) -> Script:
    """One script after the other, the last one for good."""
    left = list(scripts)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def cut(text: str) -> Script:
    """Streams a text and hangs up without an end."""

    def script(handler: Handler) -> None:
        handler.begin()
        handler.piece(text)

    return script


def slow(text: str, *, pause: float, begin: float = 0.0) -> Script:
    """Streams a text a character at a time."""

    def script(handler: Handler) -> None:
        time.sleep(begin)
        handler.begin()
        for character in text:
            handler.piece(character)
            time.sleep(pause)
        handler.done()

    return script


def endless(text: str) -> Script:
    """Says the same without end."""

    def script(handler: Handler) -> None:
        handler.begin()
        while True:
            handler.piece(text)
            time.sleep(0.001)

    return script


@contextmanager
def serving(script: Script) -> Iterator[ScriptedServer]:
    """A server on a free port of loopback."""
    scripted = ScriptedServer(script)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Scripted", (Handler,), {"scripted": scripted}))
    server.daemon_threads = True
    scripted.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()
