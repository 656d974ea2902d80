"""From a file to a Document: one text in which every offset counts."""

import hashlib
import re
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from index.errors import BadInput, MissingPart
from index.formats import KINDS, MARKDOWN, extract
from index.formats.content import MissingReader, Unreadable, iso_date, one_line

SUFFIXES = tuple(KINDS)
"""The file names that are read when a folder is indexed, by their ending."""

MAX_BYTES = 50 * 1024 * 1024
"""The largest file that is read, in bytes."""

_TITLE_CHARACTERS = 200
_HEADING = re.compile(r"^#{1,6}[ \t]++(\S.*)", re.MULTILINE)
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.{0,5000}?)\n---[ \t]*\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document:
    """A text with an id and a title.

    id      what citations name: the path below the folder it was indexed from, with "/"
    text    the only string in which offsets count (Unicode code points); never changed afterwards
    pages   the offset at which each page starts, empty where the format has no pages
    date    what the file says it was written on, ISO 8601, as exact as it has it: 2024, 2024-10 or 2024-10-23
    sha256  of the text in UTF-8, in hexadecimal digits
    """

    id: str
    title: str
    text: str
    pages: tuple[int, ...] = ()
    date: str | None = None
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()
        object.__setattr__(self, "sha256", digest)

    def page(self, offset: int) -> int | None:
        """The number, from 1, of the page that holds `offset`; None where there are no pages."""
        if not self.pages:
            return None
        return sum(start <= offset for start in self.pages) or 1


def read(path: Path, *, id: str | None = None) -> Document:
    """Reads one file. Raises BadInput when it is no readable text; the sentence names the file and what to do."""
    shown = printable(path)
    try:
        if path.is_symlink() and not path.exists():
            raise BadInput(f"{shown} is a link to nothing; mend or delete the link.")
        if not path.is_file():
            raise BadInput(f"{shown} is not a file; name a text file or a folder.")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except PermissionError:
        raise BadInput(f"{shown} cannot be read; give yourself permission to read it.") from None
    except OSError as error:
        raise BadInput(f"{shown} cannot be read ({error.strerror or error}).") from None
    return parse(data, name=path.name, id=id if id is not None else decodable(path.name))


def parse(data: bytes, *, name: str, id: str) -> Document:
    """Makes a document of the bytes of a file called `name`. Raises BadInput as `read` does, and MissingPart where a
    package is needed that is not installed."""
    shown = printable(Path(name))
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(
            f"{shown} is of a kind that Footnote does not read; it reads {', '.join(SUFFIXES)}: save it as one."
        )
    if len(data) > MAX_BYTES:
        raise BadInput(f"{shown} is larger than {MAX_BYTES // 2**20} MB; split it into smaller files.")
    try:
        content = extract(data, name=name)
    except MissingReader as error:
        raise MissingPart(f"{shown} {error}") from None
    except Unreadable as error:
        raise BadInput(f"{shown} {error}") from None
    if not content.text.strip():
        raise BadInput(f"{shown} is empty; there is nothing in it to index.")
    title, date = content.title, content.date
    if suffix in MARKDOWN and (front := _FRONT_MATTER.match(content.text)):
        title, date = _field(front.group(1), "title"), iso_date(_field(front.group(1), "date"))
    title = printable(one_line(title))[:_TITLE_CHARACTERS] or _title(content.text, name, suffix)
    return Document(id=id, title=title, text=content.text, pages=content.pages, date=date)


def builtin() -> list[Document]:
    """The articles that are shipped with Footnote."""
    folder = resources.files("index") / "articles"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".txt")), key=lambda file: file.name)
    return [parse(file.read_bytes(), name=file.name, id=file.name) for file in files]


def decodable(name: str) -> str:
    """A file name as text that can be stored: bytes of it that are no UTF-8 appear as \\x escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printable(path: Path | str) -> str:
    """A path or name for one line of a terminal: control characters escaped, too."""
    text = decodable(str(path))
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _field(front_matter: str, name: str) -> str:
    """A plain value of the YAML at the head of a Markdown file."""
    found = re.search(rf"^{name}:[ \t]*(.*)$", front_matter, re.MULTILINE)
    return found.group(1).strip().strip("\"'") if found else ""


def _title(text: str, name: str, suffix: str) -> str:
    """A Markdown heading, else a first line that stands alone like a title, else the file's name."""
    if suffix in MARKDOWN and (heading := _HEADING.search(text)):
        line = heading.group(1).rstrip()
        bare = line.rstrip("#")  # "## Title ##" closes with marks, "## In C#" does not
        if line := bare.rstrip() if not bare or bare[-1].isspace() else line:
            return line[:_TITLE_CHARACTERS]
    first, _, rest = text.strip().partition("\n")
    stands_alone = rest.startswith("\n") or not rest
    if stands_alone and rest and len(first) <= _TITLE_CHARACTERS and not first.rstrip().endswith((".", ",", ";", ":")):
        return first.strip()
    return printable(Path(Path(name).stem))
