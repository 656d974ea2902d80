"""Answers as server-sent events."""

import json
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from rag import Answer

if TYPE_CHECKING:
    from starlette.responses import StreamingResponse


def begun(pieces: Iterator[str | Answer]) -> Generator[str | Answer, None, None]:
    """The same pieces. The first is there on return, so that what is wrong with a question shows while a status can
    still be sent; closing what is returned ends the work on the answer."""

    def every() -> Generator[str | Answer, None, None]:
        yield first
        yield from pieces

    first = next(pieces)
    return every()


def event(data: dict[str, Any]) -> str:
    """One event, a line of JSON."""
    return f"data: {json.dumps(data)}\n\n"


def response(events: Iterator[str], headers: dict[str, str] | None = None) -> "StreamingResponse":
    """The events as they come."""
    from starlette.responses import StreamingResponse

    return StreamingResponse(
        events, media_type="text/event-stream", headers={"cache-control": "no-store", **(headers or {})}
    )
