"""E-mail: who wrote when to whom of what, then the message."""

import email
import email.utils
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message

from index.formats.content import Content, Unreadable, iso_date, joined, one_line
from index.formats.encodings import decode
from index.formats.html import html_blocks, main_part, parse_html

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_HEADER_CHARACTERS = 5_000
_MAX_PARTS = 1_000


def read_eml(data: bytes) -> Content:
    """A message as mail programs save it. Attachments are named, not read."""
    message = email.message_from_bytes(data)
    headers = [(name, _header(message, name)) for name in _HEADERS]
    if not any(value for _, value in headers):
        raise Unreadable("is no e-mail message (it has neither sender nor subject); save the message anew.")
    head = "\n".join(f"{name}: {value}" for name, value in headers if value)
    texts, attached = [], []
    for number, part in enumerate(_parts(message)):
        if number == _MAX_PARTS:
            raise Unreadable(f"has more than {_MAX_PARTS:,} parts; save its attachments and index those.")
        name = _file_name(part)
        if name or part.get_content_maintype() != "text":
            attached += [name] if name else []
        elif text := _text(part):
            texts.append(text)
    if attached:
        texts.append(f"Attachments: {', '.join(attached)}")
    return Content("\n\n".join([head, *texts]), _header(message, "Subject"), _date(message))


def _parts(message: Message) -> Iterator[Message]:
    """The parts to read, of several alternatives the plain one. No recursion: messages nest as deep as one likes."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        payload = part.get_payload()
        if not part.is_multipart() or not isinstance(payload, list):
            yield part
            continue
        inner = [one for one in payload if isinstance(one, Message)]
        if part.get_content_subtype() == "alternative":
            plain = [one for one in inner if one.get_content_type() == "text/plain"]
            inner = plain[:1] or inner[-1:]
        waiting += reversed(inner)


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    text = decode(payload, declared=part.get_content_charset())
    if part.get_content_subtype() == "html":
        return joined(html_blocks(main_part(parse_html(text)))) if text.strip() else ""
    return text.strip()


def _header(message: Message, name: str) -> str:
    return _decoded(str(message.get(name) or ""))


def _file_name(part: Message) -> str:
    return _decoded(part.get_filename() or "")


def _decoded(value: str) -> str:
    value = value[:_HEADER_CHARACTERS]
    try:
        return one_line(str(make_header(decode_header(value))))
    except (LookupError, ValueError):  # an unknown encoding, or a wrong one
        return one_line(value)


def _date(message: Message) -> str | None:
    try:
        return iso_date(email.utils.parsedate_to_datetime(_header(message, "Date")).isoformat())
    except (ValueError, TypeError, OverflowError):
        return None
