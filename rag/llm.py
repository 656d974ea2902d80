"""A language model that writes: any OpenAI-compatible address, or any llama-index `LLM` object.

Whatever goes wrong with it ends in a ModelProblem, within the time limit; what it sends is read up to a bound. Nothing
is contacted before a question is asked, and only what was named.
"""

import asyncio
import contextlib
import email.utils
import ipaddress
import json
import math
import os
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from index.documents import printable
from index.errors import BadInput, ModelProblem

if TYPE_CHECKING:
    import httpx
    from llama_index.core.llms import LLM

Message = Mapping[str, str]
"""{"role": "system", "user" or "assistant", "content": str}"""

READ_BYTES = 1_000_000
"""No more of a reply is read."""

PIECE_CHARACTERS = 20_000
"""No more of one piece of a reply is taken."""

ATTEMPTS = 3
"""How often a request is sent whose answer says that it may succeed later (429, 5xx)."""

LONGEST_WAIT = 20.0
"""A server that asks to come back later than this, in seconds, is not waited for."""

_HEARTBEAT = 0.25
"""How often a wait for the model lets the caller stop it, in seconds."""

_ALTERNATIVES = 10
"""So many of the likeliest first tokens of a reply are asked for; some servers tell no more than 20, or 5."""

_LEAST = 1e-6
"""The share of a token that is not among them."""

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 529})

Put = Callable[[str], None]


class Model(Protocol):
    """What writes. `name` is what an answer says it was written by; a `small` one is given little to read."""

    @property
    def name(self) -> str: ...

    @property
    def small(self) -> bool: ...

    def write(self, messages: Sequence[Message], *, tokens: int, seconds: float) -> Iterator[str]:
        """The pieces of a reply of at most so many tokens, and "" now and then while none comes. Raises ModelProblem,
        after so many seconds at the latest. Closing the iterator frees the model."""
        ...

    def yes_or_no(self, messages: Sequence[Message], *, seconds: float) -> Iterator[str]:
        """As `write`, for a reply of a word: a number, the log-odds of "yes" against "no", where they are told, else
        how the reply begins."""
        ...


class RemoteModel:
    """A model behind an OpenAI-compatible address. Safe to use from several threads."""

    def __init__(self, url: str, name: str | None = None, *, key: str | None = None) -> None:
        """`url` as in http://127.0.0.1:11434/v1, where "/v1" may be left out; without `name` the one model that the
        address lists. Raises BadInput for an address that is none."""
        self._base = _base(url)
        self._name = name
        self._key = key
        self._host = urlsplit(self._base).hostname or ""
        self._secure: Any = False  # the certificates, read once
        self.small = is_near(self._host)

    @property
    def name(self) -> str:
        return self._name or self._host

    @property
    def place(self) -> str:
        """The address as people are shown it, without a name or password in it."""
        parts = urlsplit(self._base)
        return printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")

    def write(self, messages: Sequence[Message], *, tokens: int, seconds: float) -> Iterator[str]:
        return self._asked(messages, tokens, seconds)

    def yes_or_no(self, messages: Sequence[Message], *, seconds: float) -> Iterator[str]:
        return self._asked(messages, 1, seconds, odds=True)

    def _asked(self, messages: Sequence[Message], tokens: int, seconds: float, *, odds: bool = False) -> Iterator[str]:
        async def run(put: Put) -> None:
            async with self._client() as client:
                if not self._name:
                    self._name = await self._only_model(client)
                await self._complete(client, messages, tokens, seconds, put, odds=odds)

        return _pumped(_Cancellable(run), seconds, self.place)

    def models(self, *, seconds: float = 10.0) -> list[str]:
        """The names of the models that the address lists. Raises ModelProblem."""

        async def run(put: Put) -> None:
            async with self._client() as client:
                for name in await self._listed(client):
                    put(name)

        return [name for name in _pumped(_Cancellable(run), seconds, self.place) if name]

    def _client(self) -> "httpx.AsyncClient":
        import httpx

        if self._secure is False and self._base.startswith("https:"):
            self._secure = httpx.create_ssl_context()
        headers = {"accept-encoding": "identity", "user-agent": "footnote"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        # A proxy of the environment is not meant for what is near; redirects are not followed: they would take the
        # key and the question elsewhere. The time limit is that of `_pumped`. A connection kept from an attempt that
        # failed may be closed by the time of the next.
        once = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(
            headers=headers, verify=self._secure, timeout=None, limits=once, trust_env=not self.small
        )

    async def _only_model(self, client: "httpx.AsyncClient") -> str:
        names = await self._listed(client)
        if len(names) != 1:
            listed = f"lists {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" if names else "lists no models"
            raise ModelProblem(f"{self.place} {listed}; name the one to use with --llm-model.")
        return names[0]

    async def _listed(self, client: "httpx.AsyncClient") -> list[str]:
        async with self._answering(), client.stream("GET", f"{self._base}/models") as response:
            body = await _whole(response)
        if response.status_code != 200:
            raise self._refused(response.status_code, body)
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            return [printable(str(model["id"]))[:200] for model in json.loads(body)["data"]]
        raise ModelProblem(f"{self.place} does not list its models as OpenAI does; name one with --llm-model.")

    async def _complete(
        self,
        client: "httpx.AsyncClient",
        messages: Sequence[Message],
        tokens: int,
        seconds: float,
        put: Put,
        *,
        odds: bool,
    ) -> None:
        """Asks for a reply and puts its pieces; with `odds` what `yes_or_no` gives."""
        started = time.monotonic()
        body: dict[str, Any] = {
            "model": self._name,
            "messages": [dict(message) for message in messages],
            "stream": True,
            "temperature": 0,
            "max_tokens": tokens,
        }
        if odds:
            body |= {"logprobs": True, "top_logprobs": _ALTERNATIVES}
        for attempt in range(1, ATTEMPTS + 3):
            async with (
                self._answering(),
                client.stream("POST", f"{self._base}/chat/completions", json=body) as response,
            ):
                if response.status_code == 200:
                    await self._read(response, put, odds=odds)
                    return
                said = await _whole(response)
            if response.status_code == 400 and _adapted(body, said):
                continue  # newer models want other parameters than older ones, and say so
            if response.status_code not in _BUSY or attempt >= ATTEMPTS:
                raise self._refused(response.status_code, said)
            wait = _retry_after(response.headers.get("retry-after", ""), attempt)
            if wait > min(LONGEST_WAIT, seconds - (time.monotonic() - started)):
                raise ModelProblem(f"The language model at {self.place} is busy and asks to wait {wait:.0f} seconds.")
            await asyncio.sleep(wait)
        raise ModelProblem(f"The language model at {self.place} does not take the request.")

    async def _read(self, response: "httpx.Response", put: Put, *, odds: bool) -> None:
        """Server-sent events, or one JSON object from a server that does not stream."""
        finished = False
        seen = b""
        async for line in _lines(response):
            if not line.startswith(b"data:"):
                seen += line[: 100_000 - len(seen)]
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                finished = True
                break
            piece, ended = self._piece(data, odds=odds)
            finished = finished or ended
            put(piece)
        if not finished and seen.lstrip().startswith(b"{"):
            piece, finished = self._piece(seen, odds=odds)
            put(piece)
        if not finished:
            raise ModelProblem(f"The language model at {self.place} broke off in the middle.")

    def _piece(self, data: bytes, *, odds: bool) -> tuple[str, bool]:
        """The text of an event, or with `odds` the log-odds in it, if any; and whether it is the last."""
        try:
            event = json.loads(data)
            if event.get("error"):
                said = event["error"]
                said = said.get("message", "") if isinstance(said, dict) else said
                raise ModelProblem(f"The language model at {self.place} reports a problem: {_short(str(said))}.")
            choices = event.get("choices") or [{}]
            message = choices[0].get("delta") or choices[0].get("message") or {}
            content = message.get("content")
            text = content if isinstance(content, str) else ""
            text = (odds and _odds(choices[0])) or text
            return text[:PIECE_CHARACTERS], bool(choices[0].get("finish_reason"))
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
            raise ModelProblem(f"{self.place} does not answer as OpenAI's interface does; check --llm-url.") from None

    @contextlib.asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        """Failures of the connection in a sentence."""
        import httpx

        try:
            yield
        except httpx.ConnectError:
            raise ModelProblem(
                f"No language model answers at {self.place}; start its server or check --llm-url."
            ) from None
        except (httpx.RemoteProtocolError, httpx.ReadError):
            raise ModelProblem(f"The language model at {self.place} broke off in the middle.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = _short(str(error)) or type(error).__name__
            raise ModelProblem(f"The language model at {self.place} cannot be reached: {reason}.") from None

    def _refused(self, status: int, body: bytes) -> ModelProblem:
        said = _said(body)
        if status in (401, 403):
            have = "refuses the key" if self._key else "wants a key"
            return ModelProblem(f"{self.place} {have} ({status}); set FOOTNOTE_LLM_KEY.")
        if status == 404:
            return ModelProblem(
                f"{self.place} has no such address or model (404{said}); check --llm-url and --llm-model."
            )
        if 300 <= status < 400:
            return ModelProblem(f"{self.place} points to another address ({status}); give that one with --llm-url.")
        if status == 429:
            return ModelProblem(f"The language model at {self.place} takes no more questions for now (429{said}).")
        return ModelProblem(f"The language model at {self.place} fails ({status}{said}).")


class WrappedModel:
    """A llama-index `LLM` object."""

    def __init__(self, llm: "LLM") -> None:
        self._llm = llm
        self.name = str(llm.metadata.model_name) or type(llm).__name__
        self.small = llm.metadata.context_window <= 4096

    def write(self, messages: Sequence[Message], *, tokens: int, seconds: float) -> Iterator[str]:
        from llama_index.core.llms import ChatMessage

        stopped = threading.Event()
        chat = [ChatMessage(role=message["role"], content=message["content"]) for message in messages]

        def run(put: Put) -> None:
            characters = 0
            for response in self._llm.stream_chat(chat):
                piece = (response.delta or "")[:PIECE_CHARACTERS]
                characters += len(piece)
                put(piece)
                if stopped.is_set() or characters > 12 * tokens:  # the object's own limit need not be ours
                    return

        return _pumped(_Stoppable(run, stopped.set), seconds, self.name)

    def yes_or_no(self, messages: Sequence[Message], *, seconds: float) -> Iterator[str]:
        return self.write(messages, tokens=1, seconds=seconds)


def load_model(
    llm: "LLM | None" = None, *, url: str | None = None, name: str | None = None, environment: Mapping[str, str] = {}
) -> Model | None:
    """The model that is configured: a llama-index `LLM`, or an address, `url` or FOOTNOTE_LLM_URL with `name` or
    FOOTNOTE_LLM_MODEL; None where there is neither. Raises BadInput for what is none."""
    if llm is not None:
        if not hasattr(llm, "stream_chat") or not hasattr(llm, "metadata"):
            raise BadInput(f"llm is a {type(llm).__name__}; give a llama-index LLM object, or the address as llm_url.")
        return WrappedModel(llm)
    environment = environment or os.environ
    url = url or environment.get("FOOTNOTE_LLM_URL")
    if not url:
        return None
    return RemoteModel(url, name or environment.get("FOOTNOTE_LLM_MODEL") or None, key=_key(url, environment))


def examined(model: Model | None) -> Iterator[tuple[bool, str]]:
    """Tries a model: whether each finding is as it should be, and the finding in a sentence."""
    if model is None:
        yield (
            True,
            "No language model is configured: answers are quoted. FOOTNOTE_LLM_URL or --llm-url names one.",
        )
        return
    if isinstance(model, RemoteModel):
        try:
            names = model.models()
            yield True, f"{model.place} answers and lists {_counted(names)}."
        except ModelProblem:
            pass  # not every address lists its models; whether it writes is what counts
    started = time.monotonic()
    try:
        said = "".join(model.write([{"role": "user", "content": "Write the word yes."}], tokens=16, seconds=60.0))
    except ModelProblem as problem:
        yield False, str(problem)
        return
    took = time.monotonic() - started
    if said.strip():
        yield True, f"The language model {printable(model.name)} wrote a word in {took:.1f} seconds."
    else:
        yield False, f"The language model {printable(model.name)} wrote nothing; choose another with --llm-model."


def _counted(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return f"{len(names)} model{'' if len(names) == 1 else 's'}{f': {shown}' if names else ''}"


def _key(url: str, environment: Mapping[str, str]) -> str | None:
    """FOOTNOTE_LLM_KEY; else OPENAI_API_KEY, which is OpenAI's and goes nowhere else but to this machine."""
    key = environment.get("FOOTNOTE_LLM_KEY")
    host = urlsplit(_base(url)).hostname or ""
    if not key and (host.endswith(".openai.com") or host in ("localhost", "127.0.0.1", "::1")):
        key = environment.get("OPENAI_API_KEY")
    key = (key or "").strip()
    if not key.isascii() or not key.isprintable():
        raise BadInput("The language model's key holds characters that no key has; set FOOTNOTE_LLM_KEY anew.")
    return key or None


def is_near(host: str) -> bool:
    """Whether a host is this machine or one of the same network, by its name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost", ".lan", ".internal", ".home.arpa"))
    return address.is_loopback or address.is_private or address.is_link_local


def _base(url: str) -> str:
    advice = "give one as http://127.0.0.1:11434/v1"
    shown = printable(url)[:200]
    try:
        parts = urlsplit(url.strip())
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise BadInput(f"The language model's address {shown!r} is none; {advice}.") from None
    if parts.scheme not in ("http", "https") or not named or not url.strip().isprintable() or " " in url.strip():
        raise BadInput(f"The language model's address {shown!r} is none; {advice}.")
    path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


# Running ----------------------------------------------------------------------------------------------------------


class _Cancellable:
    """A coroutine to run in a thread, which `stop` cancels at whatever it is waiting for."""

    def __init__(self, run: Callable[[Put], Any]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def __call__(self, put: Put) -> None:
        async def cancellable() -> None:
            with self._lock:
                if self._stopped:
                    return
                self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            try:
                await self._run(put)
            finally:
                with self._lock:
                    self._task = None

        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(cancellable())

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._loop and self._task:
                self._loop.call_soon_threadsafe(self._task.cancel)


class _Stoppable:
    """A function to run in a thread, which looks by itself whether `stop` was called."""

    def __init__(self, run: Callable[[Put], None], stop: Callable[[], None]) -> None:
        self._run = run
        self.stop = stop

    def __call__(self, put: Put) -> None:
        self._run(put)


def _pumped(work: "_Cancellable | _Stoppable", seconds: float, place: str) -> Iterator[str]:
    """What the work puts, run in a thread of its own, so that waiting for it can be ended at any moment."""
    pieces: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            work(pieces.put)
            pieces.put(None)
        except BaseException as error:
            pieces.put(error)

    deadline = time.monotonic() + seconds
    threading.Thread(target=run, name="footnote-llm", daemon=True).start()
    try:
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise ModelProblem(f"The language model at {place} took longer than {seconds:.3g} seconds.")
            try:
                piece = pieces.get(timeout=min(_HEARTBEAT, remaining))
            except queue.Empty:
                yield ""
                continue
            if piece is None:
                return
            if isinstance(piece, ModelProblem):
                raise piece
            if isinstance(piece, BaseException):
                reason = _short(str(piece)) or type(piece).__name__
                raise ModelProblem(f"The language model at {place} fails: {reason}.") from piece
            yield piece
    finally:
        work.stop()


# Reading ----------------------------------------------------------------------------------------------------------


async def _lines(response: "httpx.Response") -> AsyncIterator[bytes]:
    """The lines of a reply; what goes beyond READ_BYTES is left."""
    rest, total = b"", 0
    async for chunk in response.aiter_raw():
        total += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if total > READ_BYTES:
            return
    yield rest


async def _whole(response: "httpx.Response") -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > READ_BYTES:
            break
    return body[:READ_BYTES]


def _said(body: bytes) -> str:
    """What an error's body says, to stand behind its number."""
    with contextlib.suppress(ValueError, AttributeError, RecursionError):
        error = json.loads(body).get("error", "")
        message = error.get("message", "") if isinstance(error, dict) else error
        if isinstance(message, str) and message.strip():
            return f": {_short(message)}"
    return ""


def _short(text: str) -> str:
    return printable(" ".join(text.split()))[:200].rstrip(". ")


def _adapted(body: dict[str, Any], said: bytes) -> bool:
    """Whether the request could be changed to what the server asks for."""
    if b"max_completion_tokens" in said and "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
        return True
    if b"logprobs" in said and body.pop("logprobs", None):
        body.pop("top_logprobs")
        return True
    return b"temperature" in said and body.pop("temperature", None) is not None


def _odds(choice: Mapping[str, Any]) -> str:
    """The log-odds of "yes" against "no" as the first token of a reply, where its alternatives are told; else ""."""
    tokens = (choice.get("logprobs") or {}).get("content") or [{}]
    shares = {"yes": 0.0, "no": 0.0}
    for one in tokens[0].get("top_logprobs") or []:
        word = str(one["token"]).strip().lower()
        if word in shares:
            shares[word] += math.exp(min(0.0, float(one["logprob"])))
    return f"{math.log((shares['yes'] + _LEAST) / (shares['no'] + _LEAST)):.4f}" if any(shares.values()) else ""


def _retry_after(header: str, attempt: int) -> float:
    """Seconds to wait: what the header says, a number or a date, else half a second, doubled each time."""
    header = header.strip()
    try:
        wait = float(header)
    except ValueError:
        try:
            wait = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError):
            wait = 0.25 * 2**attempt
    return max(0.0, wait) if wait == wait else 1.0
