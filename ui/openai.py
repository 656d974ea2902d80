"""Chat as OpenAI's clients speak it: POST /v1/chat/completions and GET /v1/models.

What such a client sends beyond the conversation (temperature, tools, system messages) changes nothing: an answer
quotes the documents or is checked against them, whatever it was told. `usage` counts words: no tokenizer is common to
all models.
"""

import re
import secrets
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from index.errors import BadInput, FootnoteError, NotFound
from rag import Answer, Chatbot
from ui.events import begun, event, response
from ui.pages import link
from ui.problems import error_of

if TYPE_CHECKING:
    from fastapi import FastAPI

_MARKER = re.compile(r"\[(\d+)\]")


@dataclass
class Part:
    """A part of a message; `type` must be "text"."""

    type: str
    text: str | None = None


@dataclass
class Message:
    role: str
    content: str | list[Part] | None = None


@dataclass
class StreamOptions:
    include_usage: bool | None = False


@dataclass
class CompletionRequest:
    messages: list[Message]
    model: str | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    documents: list[str] | None = None


def add_routes(app: "FastAPI", chatbot: Chatbot) -> None:
    """Adds /v1/chat/completions and /v1/models."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse, StreamingResponse

    started = int(time.time())

    @app.post("/v1/chat/completions", response_model=None)
    def complete(body: CompletionRequest, request: Request) -> JSONResponse | StreamingResponse:
        """One answer in OpenAI's shape, streaming too. The last message is the question, those before it of `user` and
        `assistant` are its history; `model` may be any name. The message has `annotations` of type url_citation, one
        for each marker of its text, and beside them `citations` as POST /v1/ask gives them. With `documents`, ids,
        nothing but these is searched."""
        if body.n not in (None, 1):
            raise BadInput("There is one answer to a question; leave n out, or make it 1.")
        question, history = _conversation(body.messages)
        base = str(request.base_url).rstrip("/")
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time())}
        if not body.stream:
            answer = chatbot.ask(question, history=history, documents=body.documents)
            return JSONResponse(_completion(head, answer, body.messages, base))
        pieces = begun(chatbot.stream(question, history=history, documents=body.documents))
        usage = bool(body.stream_options and body.stream_options.include_usage)
        return response(_events(head | {"model": chatbot.model}, pieces, body.messages, base, usage))

    @app.get("/v1/models")
    def list_models() -> dict[str, Any]:
        """What answers: `extractive`, which quotes, or the language model's name."""
        return {"object": "list", "data": [_model(chatbot.model, started)]}

    @app.get("/v1/models/{id:document}")
    def get_model(id: str) -> dict[str, Any]:
        """One model of the list."""
        if id != chatbot.model:
            raise NotFound(id, message=f"There is no such model; this server has {chatbot.model!r}.")
        return _model(id, started)


def _conversation(messages: Sequence[Message]) -> tuple[str, list[dict[str, str]]]:
    """The question and what came before it."""
    turns = [
        {"role": message.role, "content": _text(message)}
        for message in messages
        if message.role in ("user", "assistant")
    ]
    if not turns or turns[-1]["role"] != "user":
        raise BadInput("The last message must be a question with the role user.")
    return turns[-1]["content"], turns[:-1]


def _text(message: Message) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    other = next((part.type for part in message.content if part.type != "text"), None)
    if other is not None:
        raise BadInput(f"A message has a part of type {other!r}, and only text can be read.")
    return "\n".join(part.text or "" for part in message.content)


def _completion(head: dict[str, Any], answer: Answer, messages: Sequence[Message], base: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer.text, "refusal": None} | _sources(answer, base)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return head | {
        "object": "chat.completion",
        "model": answer.model,
        "choices": [choice],
        "usage": _usage(messages, answer),
    }


def _events(
    head: dict[str, Any],
    pieces: Generator[str | Answer, None, None],
    messages: Sequence[Message],
    base: str,
    usage: bool,
) -> Iterator[str]:
    head = head | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event(head | {"choices": [choice]} | ({"usage": None} if usage else {}))

    with closing(pieces):
        try:
            yield chunk({"role": "assistant", "content": ""})
            for item in pieces:
                if isinstance(item, Answer):
                    yield chunk(_sources(item, base), "stop")
                    if usage:
                        yield event(head | {"choices": [], "usage": _usage(messages, item)})
                else:
                    yield chunk({"content": item})
            yield "data: [DONE]\n\n"
        except FootnoteError as problem:
            yield event(error_of(problem))
        except Exception as problem:
            yield event(error_of(problem))
            raise


def _sources(answer: Answer, base: str) -> dict[str, Any]:
    """An annotation for each marker of the text, in its order, and the citations."""
    citations = {citation.marker: citation for citation in answer.citations}
    annotations = []
    for found in _MARKER.finditer(answer.text):
        citation = citations[int(found[1])]
        place = {
            "start_index": found.start(),
            "end_index": found.end(),
            "title": citation.title,
            "url": base + link(citation.document, (citation.start, citation.end)),
        }
        annotations.append({"type": "url_citation", "url_citation": place})
    return {"annotations": annotations, "citations": answer.to_dict()["citations"]}


def _usage(messages: Sequence[Message], answer: Answer) -> dict[str, int]:
    asked = sum(len(_text(message).split()) for message in messages if message.role in ("user", "assistant"))
    said = len(answer.text.split())
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "footnote"}
