"""The routes of kept conversations, for the owner of the cookie alone."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from index.errors import LibraryProblem
from rag.answer import Answer
from rag.conversations import Conversations, Format
from ui.access import owner_of

if TYPE_CHECKING:
    from fastapi import FastAPI

NEW = "new"
"""What a request names instead of a conversation to begin one."""

_TYPES = {"md": "text/markdown", "html": "text/html", "json": "application/json"}


@dataclass
class RenameRequest:
    title: str


@dataclass
class FeedbackRequest:
    verdict: Literal["up", "down"] | None
    comment: str = ""


def add_routes(app: "FastAPI", conversations: Conversations) -> None:
    """Adds /v1/conversations and what is below it."""
    from starlette.requests import Request
    from starlette.responses import Response

    @app.get("/v1/conversations")
    def list_conversations(request: Request) -> dict[str, Any]:
        """Your own `conversations`, the last used first: id, title, created, changed, turns.

        They are those of the cookie `footnote_owner`, which the chat page sets, and POST /v1/ask when it begins a
        conversation. Those of others are not there."""
        owner = owner_of(request)
        return {"conversations": [asdict(info) for info in conversations.list(owner)] if owner else []}

    @app.delete("/v1/conversations")
    def delete_conversations(request: Request) -> dict[str, Any]:
        """Deletes all your own conversations."""
        owner = owner_of(request)
        if owner:
            conversations.delete(owner)
        return {"deleted": "all"}

    @app.get("/v1/conversations/{id}")
    def get_conversation(id: str, request: Request) -> dict[str, Any]:
        """One conversation: id, title, created, changed and `turns`, a list of number, question, answer, asked,
        verdict, comment. Each citation of an answer has a `state`, too: `same`, `changed` or `gone`, for what became of
        the document since. An answer that was stopped in the chat has `stopped`, true, and is what had come by then."""
        return asdict(conversations.open(owner_of(request) or "", id))

    @app.patch("/v1/conversations/{id}")
    def rename_conversation(id: str, body: RenameRequest, request: Request) -> dict[str, str]:
        """Gives a conversation another title."""
        conversations.rename(owner_of(request) or "", id, body.title)
        return {"renamed": id}

    @app.delete("/v1/conversations/{id}")
    def delete_conversation(id: str, request: Request) -> dict[str, str]:
        """Deletes a conversation."""
        conversations.delete(owner_of(request) or "", id)
        return {"deleted": id}

    @app.get("/v1/conversations/{id}/export", response_class=Response)
    def export_conversation(id: str, request: Request, format: Format = "md") -> Response:
        """A conversation as a file, with quotes, offsets and document hashes: `md`, `html` or `json`."""
        text = conversations.export(owner_of(request) or "", id, format)
        headers = {
            "content-disposition": f'attachment; filename="conversation-{id[:8]}.{format}"',
            "cache-control": "no-store",
        }
        return Response(text, media_type=f"{_TYPES[format]}; charset=utf-8", headers=headers)

    @app.post("/v1/conversations/{id}/turns/{number}/feedback")
    def give_feedback(id: str, number: int, body: FeedbackRequest, request: Request) -> dict[str, Any]:
        """Says what you think of an answer: `verdict` is `up`, `down` or null, `comment` is free."""
        conversations.feedback(owner_of(request) or "", id, number, body.verdict, body.comment)
        return {"verdict": body.verdict}


def keep(conversations: Conversations, owner: str, id: str, answer: Answer) -> dict[str, Any]:
    """Adds an answer to the conversation `id`, or begins one where that is NEW. Returns the answer as JSON holds it,
    with `conversation` and `turn` beside; where the library cannot be written, `notes` says so instead."""
    plain = answer.to_dict()
    try:
        info = conversations.append(owner, None if id == NEW else id, answer.question, plain)
    except LibraryProblem as problem:
        return plain | {"notes": [*plain["notes"], str(problem)], "conversation": None, "turn": None}
    return plain | {"conversation": info.id, "turn": info.turns}
