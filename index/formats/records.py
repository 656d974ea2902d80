"""JSON: every record becomes a line like the row of a table; long texts in it become paragraphs of their own."""

import json
from collections.abc import Iterator
from typing import Any

from index.formats.content import Block, Content, Unreadable, iso_date, joined, one_line
from index.formats.encodings import decode
from index.formats.tables import table_blocks

_LONG = 200
"""A text longer than this, in characters, or of several lines, is a paragraph, not a cell."""

_NAME_CHARACTERS = 80

_TITLES = ("title", "name", "headline", "subject")
_DATES = ("date", "published", "created", "datePublished", "created_at", "timestamp")


def read_json(data: bytes, *, lines: bool = False) -> Content:
    """A JSON value; with `lines`, one value a line."""
    text = decode(data)
    if lines:
        values = [_value(line, f", line {number}") for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        return Content(joined(_blocks(values)))
    value = _value(text, "")
    title, date = "", None
    if isinstance(value, dict):
        title = next((one_line(value[key]) for key in _TITLES if isinstance(value.get(key), str)), "")
        date = next((iso_date(value[key]) for key in _DATES if isinstance(value.get(key), str)), None)
    return Content(joined(_blocks(value)), title, date)


def _value(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = where or f", line {error.lineno}"
        raise Unreadable(f"is no JSON ({error.msg.lower()}{place}); mend it or name it .txt.") from None
    except ValueError:  # an integer of more digits than Python converts
        raise Unreadable(f"is no JSON that can be read (an endless number{where}); mend it or name it .txt.") from None


Cell = tuple[str, str]
"""A name and its value."""


def _blocks(value: Any, name: str = "", *, above: tuple[Cell, ...] = (), listed: bool = False) -> Iterator[Block]:
    """A list is a record for each object in it, an object is one record with further ones for the lists in it. A record
    below one that is `listed`, one of several, starts with the first cell of that: `above`."""
    if isinstance(value, list):
        plain = [_scalar(item) for item in value if not isinstance(item, dict | list)]
        if short := [text for text in plain if not _is_long(text) and text]:
            yield Block(f"{name}: {', '.join(short)}" if name else "\n".join(short))
        yield from (Block(text) for text in plain if _is_long(text))
        for item in value:
            if isinstance(item, dict | list):
                yield from _blocks(item, name, above=above, listed=True)
    elif isinstance(value, dict):
        yield from _record(value, above, listed)
    else:
        yield Block(_scalar(value))


def _record(record: dict[str, Any], above: tuple[Cell, ...], listed: bool) -> Iterator[Block]:
    cells: list[Cell] = []
    long: list[str] = []
    inner: list[tuple[str, Any]] = []

    def collect(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, below in value.items():
                collect(below, f"{name} {key}".strip()[-_NAME_CHARACTERS:])
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            inner.append((name, value))
        else:
            text = ", ".join(map(_scalar, value)) if isinstance(value, list) else _scalar(value)
            if _is_long(text):
                long.append(text)
            elif text:
                cells.append((name, text))

    collect(record, "")
    if cells:
        shown = [*above, *cells]
        yield from table_blocks([[name for name, _ in shown], [text for _, text in shown]], headed=True)
    yield from (Block(text) for text in long)
    for name, value in inner:
        yield from _blocks(value, name, above=tuple(cells[:1]) if listed else ())


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _is_long(text: str) -> bool:
    return len(text) > _LONG or "\n" in text.strip()
