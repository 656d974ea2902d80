"""What is taken out of a file of any format, and the bounds within which that happens."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

SECONDS = 300
"""How long reading one file may take, in processor time; a PDF of a thousand pages takes a minute or two."""

MAX_PAGES = 10_000
"""How many pages a PDF may have."""

MAX_UNPACKED = 128 * 1024 * 1024
"""What the parts of a file that is an archive may come to in all, unpacked, in bytes."""

MAX_CHARACTERS = 50_000_000
"""How long the text taken out of a file may be: tables grow when each cell gets its heading."""

MAX_RATIO = 200
"""How often a part larger than `RATIO_FROM` may be its packed size; sheets of like rows come to 50, a bomb to 1,000."""

RATIO_FROM = 4 * 1024 * 1024
"""The unpacked size, in bytes, from which the ratio counts."""


class Unreadable(Exception):
    """Why a file cannot be read: the rest of a sentence that begins with its name."""


class MissingReader(Unreadable):
    """The same for a file that a package would read that is not installed; the sentence names the command."""


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a file, and what the file says of itself.

    title  empty where the file names none
    date   ISO 8601, as exact as the file has it: 2024, 2024-10 or 2024-10-23
    pages  the offset in `text` at which each page starts, where the format has pages
    """

    text: str
    title: str = ""
    date: str | None = None
    pages: tuple[int, ...] = ()


class Deadline:
    """Raises Unreadable when `check` is called later than `SECONDS` after this was made."""

    def __init__(self) -> None:
        self._end = time.thread_time() + SECONDS

    def check(self) -> None:
        if time.thread_time() > self._end:
            raise Unreadable(f"takes more than {SECONDS} seconds to read; split it into smaller files.")


# C0 and C1 controls but tab and line feed, and what no database takes: halves of a surrogate pair.
_CONTROLS = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x84\x86-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def tidy(text: str) -> str:
    """The text with line feeds for every line ending, without control characters; a lone surrogate becomes U+FFFD."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def one_line(text: str) -> str:
    """The text with every run of white space as one space, none around it."""
    return " ".join(text.split())


def iso_date(text: str | None) -> str | None:
    """The date at the start of a text in ISO 8601, without its time; None where there is none."""
    found = re.match(r"\s*(\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?)(?!\d)", text or "", re.ASCII)
    return found.group(1) if found else None


# Blocks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item or table row; `close` ones stand on the next line, others behind a blank one."""

    text: str
    close: bool = False


def joined(blocks: Iterable[Block]) -> str:
    """The blocks as one text. List items and table rows that follow one another stay together."""
    parts: list[str] = []
    before_close = False
    for block in blocks:
        if text := block.text.strip():
            if parts:
                parts.append("\n" if before_close and block.close else "\n\n")
            parts.append(text)
            before_close = block.close
    return "".join(parts)
