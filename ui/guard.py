"""What every request passes before a route: whose page sends it, how large it is, what a browser may do with it.

A server on loopback is reachable by every web page that is open in the same browser. Three doors are shut here: a
foreign name that resolves to this machine (the Host header), a foreign page that sends a request (the Origin header),
and a body that never ends. Gradio's routes pass through here like ours; those the chat does not need are not there.
"""

import asyncio
import ipaddress
import json
import re
import time
from typing import TYPE_CHECKING

from index.documents import MAX_BYTES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES = 1024 * 1024
"""The largest request body, in bytes; a question and a long conversation fit well."""

UPLOAD_BYTES = MAX_BYTES + 64 * 1024
"""The largest body of an upload, in bytes: a file of the largest size and what multipart puts around it."""

REQUEST_SECONDS = 300
"""How long a body may take to arrive."""

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Gradio starts from inline script and compiles its HTML templates in the browser, so both have to be allowed on the one
# page that is Gradio's. What the policy still gives there: nothing is loaded from, or sent to, any other server.
_CHAT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'none'; frame-ancestors 'none'"
)

_LOGIN_POLICY = _PAGE_POLICY.replace("form-action 'none'", "form-action 'self'")

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": _PAGE_POLICY,
}
"""Sent with every response; the chat page and the login page have a content security policy of their own."""

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:@/?#\[\]\s]+)(?::\d{1,5})?", re.IGNORECASE)
_OURS = re.compile(r"/(?:v1|documents|footnote)/.+|/(?:healthz|docs|openapi\.json|login|logout)", re.DOTALL)
_GRADIO = re.compile(
    r"/|/(?:assets|static)/.+|/(?:theme\.css|config|favicon\.ico|manifest\.json|robots\.txt)"
    r"|/gradio_api/(?:info|app_id|startup-events|cancel|reset|heartbeat/\w+|queue/(?:join|data)|run/predict"
    r"|call/\w+(?:/\w+)?)/?"
)


class Guard:
    """ASGI middleware; `host` is the name or address that the server was told to listen on."""

    def __init__(self, app: "ASGIApp", *, host: str) -> None:
        self._app = app
        self._host = host.strip("[]").lower()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif refusal := self._refusal(scope):
            await _respond(send, *refusal)
        else:
            await self._app(scope, _bounded(scope, receive), _with_headers(scope, send))

    def _refusal(self, scope: "Scope") -> tuple[int, str, str] | None:
        """Status, error type and sentence; None when the request may go on."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if not self._is_ours(host):
            return (
                421,
                "ForeignHost",
                f"This server does not answer to the name {host!r}; use http://localhost or the --host it was given.",
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return 403, "ForeignOrigin", "A page of another site may not use this server; open Footnote itself."
        if not (_OURS.fullmatch(scope["path"]) or _GRADIO.fullmatch(scope["path"])):
            return 404, "NotFound", "There is nothing at this address; /docs lists what there is."
        limit, what = _limit(scope)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            return 413, "TooLarge", _too_large(limit, what)
        return None

    def _is_ours(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if not match:
            return False
        name = match["name"].strip("[]").rstrip(".").lower()
        if name in ("localhost", self._host):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # Told to listen on every address, the server is reached by addresses that it cannot know. None of them is a
        # name, and only a name can be pointed at this machine by somebody else.
        return address.is_loopback or self._host in ("0.0.0.0", "::")


def _limit(scope: "Scope") -> tuple[int, str]:
    return (UPLOAD_BYTES, "upload") if scope["path"] == "/v1/documents" else (BODY_BYTES, "request")


def _too_large(limit: int, what: str) -> str:
    return f"The {what} is larger than {limit // 2**20} MB; send less at once."


def _bounded(scope: "Scope", receive: "Receive") -> "Receive":
    """Stops a body that grows beyond its limit while it streams, whatever length it claimed, or that never ends."""
    limit, what = _limit(scope)
    received = 0
    ends = time.monotonic() + REQUEST_SECONDS
    complete = False

    async def bounded() -> "Message":
        nonlocal received, complete
        if complete:  # from here on there is nothing but the end of the connection to wait for
            return await receive()
        from fastapi import HTTPException

        try:
            async with asyncio.timeout(ends - time.monotonic()):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "The request took too long to arrive; send less at once.") from None
        complete = not message.get("more_body", False)
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, _too_large(limit, what))
        return message

    return bounded


def _with_headers(scope: "Scope", send: "Send") -> "Send":
    policy = {"/": _CHAT_POLICY, "/login": _LOGIN_POLICY}.get(scope["path"], _PAGE_POLICY)
    ours = {**SECURITY_HEADERS, "content-security-policy": policy}
    if scope["path"] == "/login":  # of a form that tells no referrer browsers tell no Origin either: "null" is foreign
        ours["referrer-policy"] = "same-origin"

    async def sending(message: "Message") -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.decode("latin-1").lower() not in ours]
            message["headers"] = kept + [(name.encode(), value.encode()) for name, value in ours.items()]
        await send(message)

    return sending


async def _respond(send: "Send", status: int, type: str, message: str) -> None:
    body = json.dumps({"error": {"message": message, "type": type}}).encode()
    headers = {**SECURITY_HEADERS, "content-type": "application/json", "content-length": str(len(body))}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
