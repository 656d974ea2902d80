"""PDF: the text of each page in the order in which it is drawn, without headers and footers that recur.

Read with pypdf: it is pure Python, so that a hostile file can at worst fail, and has bounds of its own; it is slower
than the readers written in C.
"""

import io
import logging
import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from index.formats.content import (
    MAX_CHARACTERS,
    MAX_PAGES,
    Content,
    Deadline,
    MissingReader,
    Unreadable,
    iso_date,
    one_line,
    tidy,
)

if TYPE_CHECKING:
    from pypdf import PdfReader

_STREAM_BYTES = 32 * 1024 * 1024
"""What one stream of a page may come to, unpacked."""

_STREAM_PARTS = 500_000
"""How many operators and operands the drawing of a page may have; a plot of many thousand points has more."""

_PAGE_SECONDS = 15
"""How long one page may take, in processor time."""

_FORMS_A_PAGE = 1_000

_NARROW = 30
"""Lines shorter than this, in characters, are no running text."""

_EDGE_LINES = 2
"""How many lines at the top and at the foot of a page can belong to a header or footer."""


_NO_TITLE = re.compile(
    r"untitled|microsoft word - .*|.*\.(?:docx?|odt|rtf|txt|tex|dvi|html?|pptx?|xlsx?|indd|qxd|pdf)|\W*", re.IGNORECASE
)
"""What programs write as the title where the author gave none."""


def read_pdf(data: bytes) -> Content:
    """The text with its pages. Raises Unreadable for a scan, a locked or a damaged file."""
    import pypdf
    from pypdf import Configuration, apply_configuration
    from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it mends by itself is no news to the reader
    deadline = Deadline()
    limits = Configuration(
        zlib_maximum_output_length=_STREAM_BYTES,
        lzw_maximum_output_length=_STREAM_BYTES,
        run_length_maximum_output_length=_STREAM_BYTES,
        array_based_stream_maximum_output_length=_STREAM_BYTES,
        stream_parsing_work_maximum_count=_STREAM_PARTS,
        xform_maximum_invocations_per_extraction=_FORMS_A_PAGE,
    )
    try:
        with apply_configuration(limits):
            reader = pypdf.PdfReader(io.BytesIO(data))
            if reader.is_encrypted and not reader.decrypt(""):
                raise FileNotDecryptedError
            pages, left_out = _pages(reader, deadline)
            title, date = _about(reader)
    except (Unreadable, RecursionError):
        raise
    except DependencyError:
        raise MissingReader(
            "is encrypted with AES; `pip install 'footnote-rag[encrypted]'` brings what opens it."
        ) from None
    except FileNotDecryptedError:
        raise Unreadable("is encrypted and opens only with a password; save a copy without one.") from None
    except LimitReachedError:
        raise Unreadable("has a part that is too large to be read; print it to a new PDF.") from None
    except Exception:  # of a damaged file pypdf raises nearly everything there is
        raise Unreadable("is damaged; open it in a PDF viewer and print it to a new PDF.") from None
    if not any(pages) and left_out:
        raise Unreadable("has no page that is small enough to be read; print it to a new PDF.")
    if not any(pages):
        raise Unreadable(
            "has no text: its pages are pictures (a scan) or empty; run text recognition over it first, with ocrmypdf"
            " for example."
        )
    text, starts = _run_on(_without_margins(pages))
    return Content(text, title, date, starts)


class _PageTooLarge(Exception):
    """A page takes longer to read than `_PAGE_SECONDS`."""


def _pages(reader: "PdfReader", deadline: Deadline) -> tuple[list[list[str]], bool]:
    """The lines of each page, and whether there are pages too large to be read: those have none. One drawing of a
    million points is no reason to lose the rest of a paper."""
    from pypdf.errors import LimitReachedError

    count = len(reader.pages)
    if count > MAX_PAGES:
        raise Unreadable(f"has {count:,} pages, more than the {MAX_PAGES:,} that are read; split it.")
    pages: list[list[str]] = []
    left_out = False
    length = 0
    for page in reader.pages:
        deadline.check()
        end = time.thread_time() + _PAGE_SECONDS

        def at_every_operator(*_: Any, end: float = end) -> None:
            if time.thread_time() > end:
                raise _PageTooLarge

        try:
            text = tidy(page.extract_text(visitor_operand_before=at_every_operator))
        except (LimitReachedError, _PageTooLarge):
            left_out, text = True, ""
        pages.append([line for line in map(one_line, text.split("\n")) if line])
        if (length := length + len(text)) > MAX_CHARACTERS:
            raise Unreadable(f"comes to more than {MAX_CHARACTERS:,} characters of text; split it.")
    return pages, left_out


def _about(reader: "PdfReader") -> tuple[str, str | None]:
    about = reader.metadata
    if about is None:
        return "", None
    title = about.title
    title = one_line(tidy(title)) if isinstance(title, str) else ""
    if _NO_TITLE.fullmatch(title):
        title = ""
    date = about.get("/CreationDate")
    found = re.match(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?", str(date or ""), re.ASCII)
    return title, iso_date("-".join(filter(None, found.groups()))) if found else None


# Lines that recur -------------------------------------------------------------------------------------------------


def _without_margins(pages: list[list[str]]) -> list[list[str]]:
    """The pages without page numbers and without headers and footers: lines that stand at the edge of most pages, or
    that count along with the pages on three of them or more ("Chapter 2: Sails 17")."""
    counts: Counter[str | tuple[str, int]] = Counter()
    for number, page in enumerate(pages):
        edges = page[:_EDGE_LINES] + page[-_EDGE_LINES:]
        counts.update({key for line in edges for key in _keys(line, number)})
    recurring = {
        key for key, count in counts.items() if count >= 3 and (isinstance(key, tuple) or count > len(pages) / 2)
    }
    return [_trimmed(page, number, recurring) if len(pages) > 1 else page for number, page in enumerate(pages)]


def _keys(line: str, page: int) -> set[str | tuple[str, int]]:
    """A line without its numbers; and that with how far its last number, or its first, is ahead of the page's."""
    bare = re.sub(r"\d+", "0", line)
    numbers = re.findall(r"\d{1,5}", line, re.ASCII)
    return {bare} | {(bare, int(number) - page) for number in numbers[:1] + numbers[-1:]}


def _trimmed(page: list[str], number: int, recurring: set[str | tuple[str, int]]) -> list[str]:
    start, end = 0, len(page)
    while start < min(_EDGE_LINES, end) and _is_margin(page[start], number, recurring):
        start += 1
    while end > max(start, len(page) - _EDGE_LINES) and _is_margin(page[end - 1], number, recurring):
        end -= 1
    return page[start:end]


def _is_margin(line: str, page: int, recurring: set[str | tuple[str, int]]) -> bool:
    numbers = re.fullmatch(r"(?:page\s*)?[\W_]*(?:\d{1,4}|[ivxl]{1,6})[\W_]*(?:(?:/|of)\s*\d{1,4})?", line, re.I)
    return bool(numbers) or not recurring.isdisjoint(_keys(line, page))


# One text ---------------------------------------------------------------------------------------------------------


def _run_on(pages: Sequence[Sequence[str]]) -> tuple[str, tuple[int, ...]]:
    """The pages as one text, and where each starts. A sentence that goes on over a page goes on in the text; a word
    broken at the end of a line is whole again."""
    words = Counter(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", " ".join(line for page in pages for line in page).lower()))
    parts: list[str] = []
    length = 0
    starts = []
    last = ""  # the line before
    for page in pages:
        separator = "\n\n"
        width = _width(page)
        for position, line in enumerate(page):
            goes_on = line[0].islower() and last != "" and last[-1] not in ".!?:"
            if position or goes_on:
                full = position > 0 and len(last) > 0.8 * width and (last[-1].isalpha() or last[-1] == ",")
                separator = " " if goes_on or full else "\n"
            whole = _hyphen_dropped(last, line, words) if separator != "\n\n" else None
            if whole is not None:
                parts[-1] = parts[-1][: len(parts[-1]) - whole]
                length -= whole
                separator = ""
            if not parts:
                separator = ""
            parts += [separator, line]
            length += len(separator)
            if not position:
                starts.append(length)
            length += len(line)
            last = line
        if not page:
            starts.append(length)
    return "".join(parts), tuple(starts)


def _width(page: Sequence[str]) -> int:
    """How long a full line of the page is; with too few or too short lines to tell, longer than any."""
    lengths = sorted(map(len, page))
    usual = lengths[len(lengths) * 9 // 10] if len(lengths) > 5 else 0
    return usual if usual >= _NARROW else 1_000_000


def _hyphen_dropped(line: str, following: str, words: Counter[str]) -> int | None:
    """How many characters of the line's end go when its last word runs on in the following line: the hyphen where the
    word is one, none where it is a compound. None where nothing runs on."""
    if line.endswith("\xad"):
        return 1
    end = re.search(r"([^\W\d_]+)-$", line[-60:])
    start = re.match(r"[^\W\d_]+", following)
    if not end or not start or not start.group()[0].islower():
        return None
    first, second = end.group(1).lower(), start.group().lower()
    return 0 if words[f"{first}-{second}"] > words[first + second] else 1
