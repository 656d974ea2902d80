"""RTF: the text in one pass over its control words.

Not striprtf: its expressions take quadratic time on a file made for that, and it drops the title and the date.
"""

import codecs
import re

from index.formats.content import Content, iso_date, one_line

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\"
)
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet listtable listoverridetable revtbl rsidtbl generator pict object header headerl "
    b"headerr headerf footer footerl footerr footerf filetbl xmlnstbl themedata colorschememapping datastore "
    b"latentstyles mmathPr wgrffmtfilter fldinst bkmkstart bkmkend annotation atnid atnauthor atndate atnref info "
    b"pntext listtext nonshppict tc xe sp".split()
)
_CHARACTERS = {
    b"par": "\n\n", b"sect": "\n\n", b"page": "\n\n", b"line": "\n", b"row": "\n", b"nestrow": "\n", b"cell": "\x1f",
    b"nestcell": "\x1f", b"tab": " ", b"emdash": "—", b"endash": "–", b"emspace": " ", b"enspace": " ", b"qmspace": " ",
    b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”",
}  # fmt: skip
_SYMBOLS = {b"~": "\xa0", b"_": "-", b"-": "", b"\n": "\n\n", b"\r": "\n\n", b"{": "{", b"}": "}", b"\\": "\\"}
_CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
_MAX_DEPTH = 10_000


class _Group:
    """What holds inside a pair of braces."""

    __slots__ = ("codec", "skip_after_unicode", "target")

    def __init__(self, target: list[str] | None, codec: str, skip_after_unicode: int) -> None:
        self.target = target  # where its text goes; None: nowhere
        self.codec = codec
        self.skip_after_unicode = skip_after_unicode


def read_rtf(data: bytes) -> Content:
    """A text in Rich Text Format; headers, footers, pictures and comments are left out."""
    from index.formats.tables import table_blocks

    text, title, date = _walk(data)
    parts: list[str] = []
    rows: list[list[str]] = []

    def end_of_table() -> None:
        parts.extend(block.text + ("\n" if block.close else "\n\n") for block in table_blocks(rows))
        if rows:
            parts.append("\n")
        rows.clear()

    for line in text.split("\n"):
        if "\x1f" in line:
            rows.append([one_line(cell) for cell in line.split("\x1f")[:-1]])
        elif line.strip() or not rows:
            end_of_table()
            parts.append(one_line(line) + "\n")
    end_of_table()
    return Content(re.sub(r"\n{3,}", "\n\n", "".join(parts)).strip(), one_line(title), date)


def _walk(data: bytes) -> tuple[str, str, str | None]:
    body: list[str] = []
    title: list[str] = []
    created: dict[bytes, int] = {}
    fonts: dict[int, str] = {}
    default, font = "cp1252", 0
    group = _Group(body, default, 1)
    stack: list[_Group] = []
    coded = bytearray()  # bytes of one character or more, in the group's code page
    skip = 0  # characters that stand in for a Unicode one
    in_fonts = in_created = False
    opened = False  # whether a group has just begun: then \* or a name says what it is for
    position = 0

    def flush() -> None:
        if coded and group.target is not None:
            group.target.append(coded.decode(group.codec, "replace"))
        coded.clear()

    while found := _TOKEN.match(data, position):
        position = found.end()
        word, number, code, symbol, brace, plain = found.groups()
        if code is None:
            flush()
        if code is not None:
            if skip:
                skip -= 1
            else:
                coded += bytes.fromhex(code.decode())
        elif brace == b"{":
            if len(stack) >= _MAX_DEPTH:
                raise RecursionError
            stack.append(group)
            group = _Group(group.target, group.codec, group.skip_after_unicode)
            opened, skip = True, 0
            continue
        elif brace == b"}":
            skip = 0
            if not stack:
                break
            group = stack.pop()
            if len(stack) <= 1:
                in_fonts = False
            if len(stack) <= 2:
                in_created = False
            if not stack:
                break
        elif word is not None:
            value = int(number) if number else None
            skip = 0
            if word == b"bin":
                position += max(value or 0, 0)
            elif word == b"u" and value is not None:
                if group.target is not None:
                    group.target.append(chr(value % 0x10000))
                skip = group.skip_after_unicode
            elif word == b"uc":
                group.skip_after_unicode = min(max(value or 0, 0), 100)
            elif word == b"ansicpg" and value:
                default = group.codec = _codec(f"cp{value}") or default
            elif word == b"f" and value is not None:
                font = value
                group.codec = group.codec if in_fonts else fonts.get(value, default)
            elif word == b"plain":
                group.codec = default
            elif word == b"fcharset" and in_fonts:
                fonts[font] = _CHARSETS.get(value or 0, default) if value else default
            elif opened and word in _SKIPPED:
                group.target = None
                in_fonts = in_fonts or word == b"fonttbl"
            elif opened and word == b"title" and group.target is None:
                group.target = title
            elif opened and word == b"creatim":
                in_created = True
            elif in_created and word in (b"yr", b"mo", b"dy"):
                created[word] = value or 0
            elif group.target is not None and word in _CHARACTERS:
                group.target.append(_CHARACTERS[word])
        elif symbol is not None:
            if symbol == b"*":
                group.target = None
            elif skip:
                skip -= 1
            elif group.target is not None and symbol in _SYMBOLS:
                group.target.append(_SYMBOLS[symbol])
        elif plain is not None:
            plain, skip = plain[skip:], max(skip - len(plain), 0)
            if group.target is not None and plain:
                group.target.append(plain.decode(group.codec, "replace"))
        opened = opened and symbol == b"*"
    flush()
    numbers = [created.get(name, 0) for name in (b"yr", b"mo", b"dy")]
    return _paired("".join(body)), _paired("".join(title)), iso_date("{:04}-{:02}-{:02}".format(*numbers))


def _paired(text: str) -> str:
    """Characters beyond U+FFFF come as two halves."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _codec(name: str) -> str | None:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None
