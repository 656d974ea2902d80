"""Who may use the server, how often, and whose conversations are whose.

A person logs in with the password on a page, and a cookie remembers the login until they log out or the server stops. A
program sends the token in each request, as `Authorization: Bearer TOKEN`. Where only one of the two was set it serves
both. Another cookie, which only the server reads and which outlives the login, holds the random key under which a
person's conversations are kept.
"""

import hashlib
import hmac
import ipaddress
import json
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from index.errors import BadInput
from rag.conversations import new_owner
from ui.pages import login_page

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWNER = "footnote_owner"
SESSION = "footnote_session"
COOKIE_SECONDS = 365 * 24 * 60 * 60
SESSION_SECONDS = 30 * 24 * 60 * 60

SESSIONS = 1000
"""How many logins are remembered; with one more, the oldest ends."""

CLIENTS = 10_000
"""How many clients are counted at once; with one more, the one that was quiet longest is forgotten."""

REQUESTS_A_MINUTE = 600
"""What the server takes from one address unless told otherwise; pages, styles and scripts are not counted."""

GUESSES_A_MINUTE = 10
"""How many wrong passwords or tokens one address may send."""

_LOGIN_BYTES = 4096
_KEY = re.compile(r"[0-9a-f]{32}")
_COUNTED = re.compile(r"/v1/.+|/documents/.+|/gradio_api/(?:queue/join|run/.+|call/.+)", re.DOTALL)
_NEXT = re.compile(r"/(?:docs|documents/[^\s\\]*)?")


@dataclass(frozen=True, slots=True)
class Secrets:
    """The password and the token that the server asks for; None where it asks for none."""

    password: str | None = None
    token: str | None = None

    def __bool__(self) -> bool:
        return bool(self.password or self.token)

    def holds(self, given: str) -> bool:
        """Whether `given` is one of them; takes as long for a near miss as for a far one."""
        digest = _digest(given)
        return any(hmac.compare_digest(digest, _digest(known)) for known in (self.password, self.token) if known)


def check_exposed(address: str, asked: Secrets, *, open_to_everyone: bool) -> None:
    """Raises BadInput when a server on this IP address could be used by anybody on the network and nobody said so."""
    if not (asked or open_to_everyone or ipaddress.ip_address(address.split("%")[0]).is_loopback):
        raise BadInput(
            "Beyond this machine anybody could read, change and ask the library; set FOOTNOTE_PASSWORD or"
            " FOOTNOTE_TOKEN (or --password, --token), or say --open-to-everyone."
        )


def owner_of(request: "HTTPConnection") -> str | None:
    """The key of the person whose browser sent the request (Gradio's kind will do, too); None where it has none yet."""
    key = request.cookies.get(OWNER, "")
    return key if _KEY.fullmatch(key) else None


def owner_cookie(owner: str) -> str:
    """The Set-Cookie header that makes a browser keep the key: no script reads it, no other site sends it along."""
    return f"{OWNER}={owner}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Strict"


class Access:
    """ASGI middleware: lets in who may come in, as often as they may, and gives browsers the key of an owner.

    `requests_a_minute` is for each address; 0 sets no limit.
    """

    def __init__(self, app: "ASGIApp", *, secrets: Secrets, requests_a_minute: int = 0) -> None:
        self._app = app
        self._secrets = secrets
        self._sessions: OrderedDict[str, float] = OrderedDict()  # digest of the cookie to when it ends
        self._requests = Allowance(requests_a_minute)
        self._guesses = Allowance(GUESSES_A_MINUTE)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = _client(scope)
        path, method = scope["path"], scope["method"]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        cookies = _cookies(headers.get("cookie", ""))
        if path in ("/login", "/logout"):
            await self._door(scope, receive, send, client, cookies)
        elif _COUNTED.fullmatch(path) and (wait := self._requests.take(client)):
            await _refuse(send, 429, "TooMany", f"That was too much at once; try again in {wait} seconds.", wait)
        elif self._secrets and not path.startswith("/footnote/") and not self._known(headers, cookies):
            given = headers.get("authorization", "")
            wait = self._guesses.take(client) if given else 0
            if wait:
                await _refuse(send, 429, "TooMany", f"Too many wrong tokens; try again in {wait} seconds.", wait)
            elif method == "GET" and "text/html" in headers.get("accept", "") and _NEXT.fullmatch(path):
                query = scope.get("query_string", b"").decode("latin-1")
                there = quote(path, safe="/") + (f"?{query}" if query else "")
                await _answer(send, 303, b"", [("location", f"/login?next={quote(there, safe='')}")])
            else:
                message = "The token is not the right one." if given else "This server asks for a token or a login."
                await _refuse(send, 401, "Unauthorized", f"{message[:-1]}; send it as Authorization: Bearer TOKEN.")
        elif self._may_give_key(path, headers) and not _KEY.fullmatch(cookies.get(OWNER, "")):
            await self._app(scope, receive, _with_cookie(send, owner_cookie(new_owner())))
        else:
            await self._app(scope, receive, send)

    def _known(self, headers: dict[str, str], cookies: dict[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._secrets.holds(given.strip()):
            return True
        session = cookies.get(SESSION, "")
        return bool(_KEY.fullmatch(session)) and self._sessions.get(_digest(session).hex(), 0) > time.time()

    def _may_give_key(self, path: str, headers: dict[str, str]) -> bool:
        """Whether a browser that sends no key has none. One that follows a link from another site keeps its key back
        for the page, but not for the script that the page loads."""
        site = headers.get("sec-fetch-site", "none")
        return path in ("/", "/footnote/chat.js") and site != "cross-site"

    async def _door(
        self, scope: "Scope", receive: "Receive", send: "Send", client: str, cookies: dict[str, str]
    ) -> None:
        """The pages for coming in and going out."""
        if not self._secrets:
            await _refuse(send, 404, "NotFound", "There is nothing at this address; /docs lists what there is.")
        elif scope["path"] == "/logout" and scope["method"] == "POST":
            self._sessions.pop(_digest(cookies.get(SESSION, "")).hex(), None)
            gone = f"{SESSION}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
            await _answer(send, 303, b"", [("location", "/login"), ("set-cookie", gone)])
        elif scope["path"] == "/login" and scope["method"] in ("GET", "HEAD"):
            fields = parse_qs(scope.get("query_string", b"").decode("latin-1"))
            await _page(send, 200, login_page(_next(fields)))
        elif scope["path"] == "/login" and scope["method"] == "POST":
            fields = parse_qs(await _body(receive), max_num_fields=10)
            if wait := self._guesses.wait(client):
                message = f"Too many wrong passwords came from here; try again in {wait} seconds."
                await _page(send, 429, login_page(_next(fields), message), [("retry-after", str(wait))])
            elif not self._secrets.holds(fields.get("password", [""])[0]):
                self._guesses.take(client)
                await _page(send, 403, login_page(_next(fields), "That is not the password; try again."))
            else:
                session = secrets.token_hex(16)
                self._sessions[_digest(session).hex()] = time.time() + SESSION_SECONDS
                while len(self._sessions) > SESSIONS:
                    self._sessions.popitem(last=False)
                # Lax, not Strict: the link to a document that somebody sent has to open for who is logged in.
                cookie = f"{SESSION}={session}; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Lax"
                await _answer(send, 303, b"", [("location", _next(fields)), ("set-cookie", cookie)])
        else:
            await _refuse(send, 405, "MethodNotAllowed", f"This address does not take {scope['method']}.")


class Allowance:
    """So many a minute for each client, all at once if they like; 0 is no limit."""

    def __init__(self, a_minute: int) -> None:
        self._most = a_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client to what is left, and since when

    def take(self, client: str) -> int:
        """Takes one, and returns 0; where none is left, the seconds until there is one again."""
        if not self._most:
            return 0
        left = self._now_left(client)
        if left < 1:
            return self._seconds(left)
        self._left[client] = (left - 1, time.monotonic())
        self._left.move_to_end(client)
        if len(self._left) > CLIENTS:
            self._left.popitem(last=False)
        return 0

    def wait(self, client: str) -> int:
        """The seconds until there is one left, without taking it."""
        left = self._now_left(client)
        return 0 if not self._most or left >= 1 else self._seconds(left)

    def _now_left(self, client: str) -> float:
        left, since = self._left.get(client, (float(self._most), 0.0))
        return min(self._most, left + (time.monotonic() - since) * self._most / 60)

    def _seconds(self, left: float) -> int:
        return 1 + int((1 - left) * 60 / self._most)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _client(scope: "Scope") -> str:
    """The address that counts for the limits; of IPv6 the network, since everybody there has many addresses."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def _cookies(header: str) -> dict[str, str]:
    """Leniently: what another program on this machine has set is sent here, too, whatever its form."""
    pairs = (pair.partition("=") for pair in header.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _next(fields: dict[str, list[str]]) -> str:
    """Where to go after the login: a page of ours, whatever the address says."""
    there = fields.get("next", ["/"])[0]
    path, _, query = there.partition("?")
    good = _NEXT.fullmatch(path) and there.isascii() and there.isprintable() and "\\" not in query
    return there if good else "/"


async def _body(receive: "Receive") -> str:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LOGIN_BYTES or message["type"] != "http.request":
            return ""
        if not message.get("more_body"):
            return str(body, "utf-8", "replace")


def _with_cookie(send: "Send", cookie: str) -> "Send":
    async def sending(message: "Message") -> None:
        if message["type"] == "http.response.start":
            private = [pair for pair in message["headers"] if pair[0].lower() != b"cache-control"]
            message["headers"] = [*private, (b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]
        await send(message)

    return sending


async def _refuse(send: "Send", status: int, type: str, message: str, wait: int = 0) -> None:
    more = [("www-authenticate", "Bearer")] if status == 401 else [("retry-after", str(wait))] if wait else []
    body = json.dumps({"error": {"message": message, "type": type}}).encode()
    await _answer(send, status, body, [("content-type", "application/json"), *more])


async def _page(send: "Send", status: int, page: str, more: list[tuple[str, str]] | None = None) -> None:
    await _answer(send, status, page.encode(), [("content-type", "text/html; charset=utf-8"), *(more or [])])


async def _answer(send: "Send", status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
    every = [*headers, ("content-length", str(len(body))), ("cache-control", "no-store")]
    pairs = [(name.encode(), value.encode()) for name, value in every]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
