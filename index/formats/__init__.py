"""From the bytes of a file, of whichever format, to its text: `extract`.

A format is told by the content first and then by the name, since people rename files. Nothing is ever unpacked to the
disk, no reader touches the network, and all of them are bounded in size and time (`content`).
"""

import io
import zipfile
from pathlib import PurePath

from index.formats.content import MAX_CHARACTERS, Content, Unreadable, tidy

KINDS = {
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".markdown": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".odt": "odt",
    ".epub": "epub",
    ".rtf": "rtf",
    ".csv": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".eml": "eml",
    ".srt": "subtitles",
    ".vtt": "subtitles",
}
"""The kind of file that each ending names."""

MARKDOWN = (".md", ".markdown")

_PACKED = ("pdf", "docx", "odt", "epub", "xlsx", "rtf")
"""Kinds that begin with marks of their own."""


def extract(data: bytes, *, name: str) -> Content:
    """Reads a file called `name`, whose ending is one of `KINDS`. Raises Unreadable, and MissingReader where a
    package is needed that is not installed."""
    suffix = PurePath(name).suffix.lower()
    named = KINDS[suffix]
    kind = _kind_by_content(data) or named
    if kind in _PACKED and kind != named and named not in ("text", *_PACKED):
        raise Unreadable(f"is named {suffix} but holds {kind.upper()}; give it the ending .{kind}.")
    if kind in _PACKED and kind == named and _kind_by_content(data) is None:
        raise Unreadable(f"is named {suffix} but is none, or is damaged; give it the right ending or save it anew.")
    try:
        content = _read(data, kind, suffix)
    except RecursionError:
        raise Unreadable("is nested too deeply to be read; save it in a simpler form.") from None
    if len(content.text) > MAX_CHARACTERS:
        raise Unreadable(f"comes to more than {MAX_CHARACTERS:,} characters of text; split it into smaller files.")
    if content.pages or kind == "text":  # a text stays as it is, so that offsets count as in the file
        return content
    return Content(tidy(content.text), content.title, content.date)


def _read(data: bytes, kind: str, suffix: str) -> Content:
    if kind == "pdf":
        from index.formats.pdf import read_pdf

        return read_pdf(data)
    if kind in ("docx", "odt", "epub"):
        from index.formats import archives

        return {"docx": archives.read_docx, "odt": archives.read_odt, "epub": archives.read_epub}[kind](data)
    if kind == "html":
        from index.formats.html import read_html

        return read_html(data)
    if kind == "xlsx":
        from index.formats.tables import read_xlsx

        return read_xlsx(data)
    if kind == "csv":
        from index.formats.tables import read_csv

        return read_csv(data, tabs=suffix == ".tsv")
    if kind == "json":
        from index.formats.records import read_json

        return read_json(data, lines=suffix != ".json")
    if kind == "eml":
        from index.formats.mail import read_eml

        return read_eml(data)
    if kind == "rtf":
        from index.formats.rtf import read_rtf

        return read_rtf(data)
    if kind == "subtitles":
        from index.formats.subtitles import read_subtitles

        return read_subtitles(data)
    from index.formats.encodings import decode

    text = decode(data)
    if suffix in MARKDOWN:
        from index.formats.markdown import with_headed_rows

        text = with_headed_rows(text)
    return Content(text)


def _kind_by_content(data: bytes) -> str | None:
    """The kind of a file that begins with marks of its own; raises Unreadable for those that are never read."""
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.lstrip(b"\xef\xbb\xbf \r\n\t")[:5] == rb"{\rtf":
        return "rtf"
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Unreadable("is encrypted and opens only with a password; save a copy without one.")
        raise Unreadable("is in an old Office format (.doc, .xls or .ppt); save it as .docx, .xlsx or .pdf.")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_archive(data)
    return None


def _kind_of_archive(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if "word/document.xml" in names:
                return "docx"
            if "xl/workbook.xml" in names:
                return "xlsx"
            if "META-INF/container.xml" in names:
                return "epub"
            if "content.xml" in names and "mimetype" in names:
                kind = archive.open("mimetype").read(200)
                if kind.startswith(b"application/vnd.oasis.opendocument.text"):
                    return "odt"
    except Exception:  # zipfile raises BadZipFile, and much else for what only resembles an archive
        raise Unreadable("is damaged or cut short; open it in the program it was made with and save it anew.") from None
    raise Unreadable("is an archive of a kind that Footnote does not read; unpack it and index what is inside.")
