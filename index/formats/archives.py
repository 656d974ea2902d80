"""Word, OpenDocument and EPUB: archives of XML, read with zipfile and lxml.

No library of their own: python-docx leaves out text boxes, form fields, footnotes and what was inserted while changes
were tracked, odfpy is not kept up, ebooklib is under the AGPL, and with the
bounds below the rest is a walk over a tree.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from index.formats.content import (
    MAX_RATIO,
    MAX_UNPACKED,
    RATIO_FROM,
    Block,
    Content,
    Unreadable,
    iso_date,
    joined,
    one_line,
)
from index.formats.tables import table_blocks

_DAMAGED = "is damaged or cut short; open it in the program it was made with and save it anew."
_LOCKED = "is encrypted and opens only with a password; save a copy without one."


class Archive:
    """The parts of a zip file in memory, bounded in number, size and ratio. Nothing is written to the disk, so that a
    part's name is only a name."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            raise Unreadable(_DAMAGED) from None
        self._left = MAX_UNPACKED
        self.names = set(self._zip.namelist())

    def read(self, name: str) -> bytes:
        """A part, unpacked. Raises Unreadable where it is missing, damaged, encrypted or too large."""
        try:
            info = self._zip.getinfo(name)
            _check_size(info, self._left)
            if info.flag_bits & 1:
                raise Unreadable(_LOCKED)
            with self._zip.open(info) as part:
                data = part.read(self._left + 1)
        except KeyError:
            raise Unreadable(_DAMAGED) from None
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
            raise Unreadable(_DAMAGED) from None
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(_too_large())
        return data

    def check_all(self) -> None:
        """Reads every part of XML, for a library that will read them again by itself. Raises as `read` does."""
        for name in sorted(self.names):
            if name.endswith((".xml", ".rels", ".vml")):
                _check_entities(self.read(name))

    def tree(self, name: str) -> Any:
        """The root element of an XML part; entities are never expanded, nothing is fetched."""
        from lxml import etree

        data = self.read(name)
        _check_entities(data)
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
            remove_pis=True,
        )  # fmt: skip
        try:
            return etree.fromstring(data, parser)
        except (etree.LxmlError, ValueError) as error:
            if "depth" in str(error):
                raise Unreadable("is nested too deeply to be read; save it in a simpler form.") from None
            raise Unreadable(_DAMAGED) from None


def _check_entities(data: bytes) -> None:
    if b"<!ENTITY" in data:
        raise Unreadable("defines entities, which no honest document of its kind does; save it anew.")


def _check_size(info: zipfile.ZipInfo, left: int) -> None:
    if info.file_size > left:
        raise Unreadable(_too_large())
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise Unreadable("unpacks to far more than it is (like a zip bomb); save it anew.")


def _too_large() -> str:
    return f"holds more than {MAX_UNPACKED // 2**20} MB, unpacked; split it into smaller files."


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _attribute(element: Any, name: str) -> str:
    """An attribute by its name without the namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _first(tree: Any, *names: str) -> str:
    """The text of the first element of one of these names that has any, in the order of the names."""
    for name in names:
        for element in tree.iter("{*}" + name):
            if text := one_line("".join(element.itertext())):
                return text
    return ""


# Word -------------------------------------------------------------------------------------------------------------

_WORD_SKIPPED = frozenset("Fallback del moveFrom instrText pPr rPr sectPr tblPr sdtPr".split())


def read_docx(data: bytes) -> Content:
    """A Word document: its body, text boxes and notes; headers, comments and deleted text are left out."""
    archive = Archive(data)
    blocks = list(_word_blocks(archive.tree("word/document.xml")))
    for name in ("word/footnotes.xml", "word/endnotes.xml"):
        if name in archive.names:
            blocks += _word_blocks(archive.tree(name))
    title, date = "", None
    if "docProps/core.xml" in archive.names:
        about = archive.tree("docProps/core.xml")
        title, date = _first(about, "title"), iso_date(_first(about, "created", "modified"))
    return Content(joined(blocks), title, date)


def _word_blocks(element: Any) -> Iterator[Block]:
    for child in element:
        name = _local(child)
        if name in _WORD_SKIPPED:
            continue
        if name == "p":
            boxed: list[Any] = []
            text = "".join(_word_text(child, boxed))
            properties = child.find("{*}pPr")
            item = properties is not None and properties.find("{*}numPr") is not None
            item = item and not re.search("heading|title", _attribute_of(properties, "pStyle"), re.IGNORECASE)
            lines = "\n".join(filter(None, (one_line(line) for line in text.split("\n"))))
            yield Block(f"- {lines}" if item and lines else lines, close=item)
            for box in boxed:
                yield from _word_blocks(box)
        elif name == "tbl":
            yield from table_blocks(_word_rows(child))
        else:
            yield from _word_blocks(child)


def _word_text(element: Any, boxed: list[Any]) -> Iterator[str]:
    """The text of a paragraph; text boxes that hang on it are added to `boxed`."""
    for child in element:
        name = _local(child)
        if name in _WORD_SKIPPED:
            continue
        if name == "t":
            yield child.text or ""
        elif name in ("br", "cr"):
            yield "\n"
        elif name in ("tab", "ptab"):
            yield " "
        elif name == "noBreakHyphen":
            yield "-"
        elif name == "txbxContent":
            boxed.append(child)
        else:
            yield from _word_text(child, boxed)


def _word_rows(table: Any) -> Iterator[list[str]]:
    """The cells of a table, with merged ones repeated in no column but their first."""
    for row in _within(table, "tr", {"sdt", "sdtContent", "ins", "customXml"}):
        cells = []
        for cell in _within(row, "tc", {"sdt", "sdtContent", "ins", "customXml"}):
            cells.append(" ".join(block.text.removeprefix("- ") for block in _word_blocks(cell)))
            properties = cell.find("{*}tcPr")
            span = _attribute_of(properties, "gridSpan") if properties is not None else ""
            cells += [""] * (min(int(span), 100) - 1 if span.isdecimal() else 0)
        yield cells


def _within(element: Any, name: str, wrappers: set[str]) -> Iterator[Any]:
    for child in element:
        if _local(child) == name:
            yield child
        elif _local(child) in wrappers:
            yield from _within(child, name, wrappers)


def _attribute_of(properties: Any, name: str) -> str:
    found = properties.find("{*}" + name)
    return _attribute(found, "val") if found is not None else ""


# OpenDocument -------------------------------------------------------------------------------------------------------

_OPEN_SKIPPED = frozenset(
    "tracked-changes annotation annotation-end table-of-content alphabetical-index forms sequence-decls "
    "variable-decls ruby-text desc title".split()
)


def read_odt(data: bytes) -> Content:
    """An OpenDocument text, with its notes behind the paragraph they hang on."""
    archive = Archive(data)
    if "META-INF/manifest.xml" in archive.names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise Unreadable(_LOCKED)
    body = archive.tree("content.xml").find("{*}body")
    blocks = list(_open_blocks(body)) if body is not None else []
    title, date = "", None
    if "meta.xml" in archive.names:
        about = archive.tree("meta.xml")
        title, date = _first(about, "title"), iso_date(_first(about, "creation-date", "date"))
    return Content(joined(blocks), title, date)


def _open_blocks(element: Any, *, items: bool = False) -> Iterator[Block]:
    for child in element:
        name = _local(child)
        if name in _OPEN_SKIPPED:
            continue
        if name in ("p", "h"):
            apart: list[Any] = []
            text = "".join(_open_text(child, apart))
            lines = "\n".join(filter(None, (one_line(line) for line in text.split("\n"))))
            yield Block(f"- {lines}" if items and lines else lines, close=items)
            for other in apart:
                yield from _open_blocks(other)
        elif name == "table":
            yield from table_blocks(_open_rows(child))
        else:
            yield from _open_blocks(child, items=items or name == "list-item")


def _open_text(element: Any, apart: list[Any]) -> Iterator[str]:
    """The text of a paragraph; notes and text boxes that hang on it are added to `apart`."""
    yield (element.text or "").replace("\n", " ")
    for child in element:
        name = _local(child)
        if name in ("s", "tab"):
            yield " "
        elif name == "line-break":
            yield "\n"
        elif name == "note":
            apart += [part for part in child if _local(part) == "note-body"]
        elif name == "text-box":
            apart.append(child)
        elif name not in _OPEN_SKIPPED:
            yield from _open_text(child, apart)
        yield (child.tail or "").replace("\n", " ")


def _open_rows(table: Any) -> Iterator[list[str]]:
    wrappers = {"table-header-rows", "table-rows", "table-row-group"}
    for row in _within(table, "table-row", wrappers):
        cells = []
        for cell in row:
            if _local(cell) in ("table-cell", "covered-table-cell"):
                cells.append(" ".join(block.text.removeprefix("- ") for block in _open_blocks(cell)))
                repeated = _attribute(cell, "number-columns-repeated")
                cells += [""] * (min(int(repeated), 100) - 1 if repeated.isdecimal() else 0)
        yield cells


# EPUB -------------------------------------------------------------------------------------------------------------


def read_epub(data: bytes) -> Content:
    """A book: its chapters in reading order."""
    from index.formats.encodings import decode
    from index.formats.html import html_blocks, main_part, parse_html

    archive = Archive(data)
    rootfile = next(archive.tree("META-INF/container.xml").iter("{*}rootfile"), None)
    if rootfile is None:
        raise Unreadable(_DAMAGED)
    package_name = unquote(rootfile.get("full-path") or "")
    package = archive.tree(package_name)
    files = {
        item.get("id"): posixpath.normpath(
            posixpath.join(posixpath.dirname(package_name), unquote(item.get("href") or "").partition("#")[0])
        )
        for item in package.iter("{*}item")
        if "html" in (item.get("media-type") or "") and "nav" not in (item.get("properties") or "").split()
    }
    chapters = [files[item.get("idref")] for item in package.iter("{*}itemref") if item.get("idref") in files]
    locked = _encrypted_parts(archive)
    if locked and locked & set(chapters):
        raise Unreadable("is protected against copying (DRM) and cannot be read.")
    blocks: list[Block] = []
    for name in dict.fromkeys(chapters):
        blocks += html_blocks(main_part(parse_html(decode(archive.read(name)))))
    title, date = _first(package, "title"), iso_date(_first(package, "date"))
    return Content(joined(blocks), title, date)


def _encrypted_parts(archive: Archive) -> set[str]:
    if "META-INF/encryption.xml" not in archive.names:
        return set()
    references = archive.tree("META-INF/encryption.xml").iter("{*}CipherReference")
    return {unquote(reference.get("URI") or "") for reference in references}
