"""Every format: real files made by real programs, asked through the command line, and files made to do harm."""

import contextlib
import datetime
import io
import json
import re
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from index.documents import SUFFIXES, Document, parse, read
from index.errors import BadInput
from index.formats.content import MAX_UNPACKED
from index.formats.markdown import MAX_CHARACTERS, with_headed_rows
from index.formats.tables import table_lines
from index.library import Library
from index.split import SENTENCE_CHARACTERS, split
from ui.cli import main

FILES = Path(__file__).parent / "files"

ANY = "20"  # the file was made anew on some day of this century
REAL = {  # file: its title, how its date begins, a question, words of the answer, the page
    "beekeepers.rtf": ("Minutes of the Beekeepers", ANY, "How much is the fee for new members?", "forty crowns", None),
    "budget.xlsx": ("budget", ANY, "How much was spent on the new roof?", "Spent: 57300", None),
    "clockmaker.epub": ("The Clockmaker of Orrin", "1998-06-01", "To whom did he sell the workshop?", "Klara", None),
    "events.jsonl": ("events", None, "When did the pump in Haugen fail?", "2024-03-04", None),
    "ferry.pdf": (
        "Tallis Ferry Company: Report for 2023", ANY, "How many passengers did the ferry Aurelia carry?", "48,200", 2
    ),
    "foundry.pdf": ("The Bell Foundry of Harl", ANY, "Who has led the foundry since 2006?", "Edvard Holm", 3),
    "harbour.txt": ("The Harbour of Stavle", None, "Which tug breaks the ice in the harbour?", "Bjarke", None),
    "instruments.json": ("Instruments of the town band", "2020-09-01", "Who is the owner of the tuba?", "Oberg", None),
    "interview.vtt": ("interview", None, "How deep is the well at Brook Farm?", "sixty metres", None),
    "lighthouse-page.html": (
        "The Lighthouse of Crane Rock", "2021-03-14", "When was the lighthouse at Crane Rock built?", "1861", None
    ),
    "lighthouse.docx": (
        "The Lighthouse of Marrow Point", ANY, "When was the lighthouse at Marrow Point built?", "1874", None
    ),
    "meeting.eml": (
        "Committee meeting moved – Käthe is ill", "2024-04-17", "Where will the committee meet?", "old dairy", None
    ),
    "museum.html": (
        "Opening hours – Stonebridge Museum", "2023-05-02", "Who found the bronze kettle?", "Olaf Tveit", None
    ),
    "orchard-word.docx": (
        "The Orchard Survey", ANY, "How many apple trees were counted in the valley of Hovland?", "1,380", None
    ),
    "orchard.odt": (
        "The Orchard Survey", ANY, "How many apple trees were counted in the valley of Lunde?", "1,380", None
    ),
    "regatta.md": ("The Regatta", "2018-07-21", "Who won the regatta?", "Sea Otter", None),
    "stations.csv": ("stations", None, "Who is the station manager of Norrfall?", "Tove Brandal", None),
    "stations.tsv": ("stations", None, "When was the station Sørfall opened?", "Opened: 1907", None),
    "whale.srt": ("whale", None, "Where did my grandfather catch the whale?", "Cape Lorn", None),
}  # fmt: skip


def sentences(document: Document) -> list[str]:
    return [document.text[one.start : one.end] for passage in split(document.text) for one in passage.sentences]


# Real files -------------------------------------------------------------------------------------------------------


def test_there_is_a_real_file_of_every_kind() -> None:
    same = {".text": ".txt", ".markdown": ".md", ".htm": ".html", ".xhtml": ".html", ".ndjson": ".jsonl"}
    assert {Path(name).suffix for name in REAL} == {same.get(suffix, suffix) for suffix in SUFFIXES}
    assert {path.name for path in FILES.iterdir() if path.suffix != ".py"} == set(REAL)


@pytest.mark.parametrize("name", REAL)
def test_a_file_brings_its_title_and_date(name: str) -> None:
    title, date, *_ = REAL[name]
    document = read(FILES / name)
    assert document.title == title
    assert document.date == date if date is None or len(date) > 2 else (document.date or "").startswith(date)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """All files indexed at once, and each one's question asked, by the commands that people use."""
    folder = tmp_path_factory.mktemp("formats")
    shutil.copytree(FILES, folder / "documents", ignore=shutil.ignore_patterns("*.py"))
    library = ["--library", str(folder / "library")]
    indexed = CliRunner().invoke(main, ["index", str(folder / "documents"), *library])
    assert indexed.exit_code == 0, indexed.output
    asked = {}
    for name, (_, _, question, *_) in REAL.items():
        result = CliRunner().invoke(main, ["ask", question, "--json", *library])
        assert result.exit_code == 0, result.output
        asked[name] = json.loads(result.stdout)
    return folder / "library", asked


@pytest.mark.parametrize("name", REAL)
def test_a_question_to_a_file_is_answered_with_its_words(name: str, answers: tuple[Path, dict[str, Any]]) -> None:
    library, asked = answers
    *_, words, page = REAL[name]
    [citation, *_] = [one for one in asked[name]["citations"] if one["document"] == name]
    assert words in citation["quote"]
    assert citation["page"] == page
    with Library.open(library) as opened:
        assert opened.document(name).text[citation["start"] : citation["end"]] == citation["quote"]


# Files made by hand ---------------------------------------------------------------------------------------------------


def parsed(data: bytes | str, name: str) -> Document:
    return parse(data if isinstance(data, bytes) else data.encode(), name=name, id=name)


def archive(parts: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, part in parts.items():
            writer.writestr(name, part)
    return stream.getvalue()


def changed(name: str, **parts: str | bytes) -> bytes:
    """A real archive with some parts exchanged; "__" stands for "/"."""
    with zipfile.ZipFile(FILES / name) as real:
        held: dict[str, str | bytes] = {one: real.read(one) for one in real.namelist()}
    return archive(held | {key.replace("__", "/"): part for key, part in parts.items()})


def docx(body: str) -> bytes:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return archive({"word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>'})


def odt(**parts: str) -> bytes:
    named = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}
    return archive(named | {name.replace("__", "/").replace("_xml", ".xml"): part for name, part in parts.items()})


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, the first of which is the catalogue."""
    data = b"%PDF-1.7\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(data))
    return data + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def stream(content: bytes, about: bytes = b"") -> bytes:
    packed = zlib.compress(content)
    return b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream" % (len(packed), about, packed)


CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
ONE_PAGE = b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"


def page(content: int) -> bytes:
    resources = b"<< /Font << /F 3 0 R >> /XObject << /X 6 0 R >> >>"
    return b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents %d 0 R /Resources %s >>" % (
        content,
        resources,
    )


def drawn(content: bytes, form: bytes = b"null") -> bytes:
    """A PDF of one page with this content, and one form, /X, that it may draw."""
    return pdf(CATALOGUE, ONE_PAGE, FONT, page(5), stream(content), form)


def pages_of(*pages: list[str]) -> bytes:
    """A PDF of pages of lines."""
    objects = []
    for number, lines in enumerate(pages):
        shown = b"".join(b"(%s) Tj 0 -14 Td\n" % line.encode("cp1252") for line in lines)
        objects += [page(5 + 2 * number), stream(b"BT /F 12 Tf 10 280 Td\n%sET" % shown)]
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    encoded = FONT.replace(b">>", b"/Encoding /WinAnsiEncoding >>")
    return pdf(CATALOGUE, b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)), encoded, *objects)


def locked(algorithm: str, password: str) -> bytes:
    writer = PdfWriter(clone_from=FILES / "ferry.pdf")
    writer.encrypt(password, "the owner's", algorithm=algorithm)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


# Harm -----------------------------------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(9))
SCAN = b"/Type /XObject /Subtype /Image /Width 10 /Height 10 /BitsPerComponent 8 /ColorSpace /DeviceGray"
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> /Font << /F 3 0 R >> >>"
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)
CONTAINER = '<container><rootfiles><rootfile full-path="{}"/></rootfiles></container>'
PACKAGE = """<package><metadata/><manifest><item id="a" href="{}" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="a"/></spine></package>"""

REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {  # file: what its sentence says, and its bytes
    "bomb.docx": ("zip bomb", lambda: docx("<w:p/>" * 1_000_000)),
    "bomb.xlsx": ("zip bomb", lambda: changed("budget.xlsx", **{"xl__sharedStrings.xml": b" " * 5_000_000})),
    "large.odt": ("more than 128 MB, unpacked", lambda: archive({
        "mimetype": "application/vnd.oasis.opendocument.text", "content.xml": bytes(MAX_UNPACKED + 1)})),
    "laughs.docx": ("defines entities", lambda: archive({
        "word/document.xml": f"<!DOCTYPE a [{LAUGHS}]><a>&a8;</a>"})),
    "laughs16.docx": ("is damaged", lambda: archive({
        "word/document.xml": f"<!DOCTYPE a [{LAUGHS}]><a>&a8;</a>".encode("utf-16")})),
    "laughs.xlsx": ("defines entities", lambda: changed("budget.xlsx", **{
        "xl__sharedStrings.xml": f"<!DOCTYPE a [{LAUGHS}]><sst>&a8;</sst>"})),
    "secret.odt": ("defines entities", lambda: odt(
        content_xml='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')),
    "short.docx": ("cut short", lambda: (FILES / "lighthouse.docx").read_bytes()[:5000]),
    "short.epub": ("cut short", lambda: (FILES / "clockmaker.epub").read_bytes()[:3000]),
    "short.pdf": ("is damaged", lambda: (FILES / "ferry.pdf").read_bytes()[:9000]),
    "short.xlsx": ("cut short", lambda: (FILES / "budget.xlsx").read_bytes()[:3000]),
    "no.xlsx": ("is empty", lambda: changed("budget.xlsx", **{"xl__workbook.xml": "<workbook/>"})),
    "page.pdf": ("is named .pdf but is none", lambda: b"<!doctype html><p>A page"),
    "text.docx": ("is named .docx but is none", lambda: b"A text"),
    "book.html": ("is named .html but holds PDF; give it the ending .pdf", lambda: (FILES / "ferry.pdf").read_bytes()),
    "old.docx": ("old Office format", lambda: OLD_OFFICE),
    "locked.docx": ("only with a password", lambda: OLD_OFFICE + "EncryptedPackage".encode("utf-16-le")),
    "locked.odt": ("only with a password", lambda: odt(**{"META-INF__manifest_xml": "<m><encryption-data/></m>"})),
    "locked.pdf": ("only with a password", lambda: locked("RC4-128", "sesame")),
    "aes.pdf": ("only with a password", lambda: locked("AES-256", "sesame")),
    "scan.pdf": ("run text recognition", lambda: drawn(b"q 9 0 0 9 0 0 cm /X Do Q", stream(b"\xff" * 100, SCAN))),
    "loop.pdf": ("is damaged", lambda: pdf(CATALOGUE, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")),
    "fan.pdf": ("too large|is damaged", lambda: pdf(CATALOGUE, *(
        b"<< /Type /Pages /Kids [%d 0 R %d 0 R] /Count 9 >>" % (n, n) for n in range(3, 13)), *(
        b"<< /Type /Pages /Kids [%d 0 R %d 0 R] /Count 9 >>" % (n, n) for n in range(13, 40)), b"null")),
    "stream.pdf": ("no page that is small enough", lambda: drawn(b"q Q " * 9_000_000)),
    "arrays.pdf": ("nested too deeply", lambda: drawn(b"[" * 200_000)),
    "noise.pdf": ("is damaged", lambda: b"%PDF-1.4\n" + bytes(range(256)) * 50),
    "slip.epub": ("is damaged", lambda: archive({
        "../../etc/passwd": "x", "META-INF/container.xml": CONTAINER.format("../../etc/passwd")})),
    "stray.epub": ("is damaged", lambda: archive({
        "META-INF/container.xml": CONTAINER.format("a.opf"), "a.opf": PACKAGE.format("../../../etc/passwd")})),
    "deep.docx": ("nested too deeply", lambda: docx("<w:sdt>" * 900 + "</w:sdt>" * 900)),
    "deep.html": ("nested too deeply", lambda: b"<div>" * 100_000 + b"text"),
    "deep.json": ("nested too deeply", lambda: b"[" * 100_000),
    "deep.rtf": ("nested too deeply", lambda: rb"{\rtf1 " + b"{" * 20_000),
    "deep.eml": ("nested too deeply", lambda: b"From: a\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1200))),
    "parts.eml": ("more than 1,000 parts", lambda: b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n" +
        b"--b\n\nx\n" * 1100),
    "no.eml": ("no e-mail message", lambda: b"A text"),
    "no.json": ("no JSON .* line 2", lambda: b'{"a":\n1,'),
    "digits.json": ("endless number", lambda: b"1" * 10_000),
    "no.srt": ("no subtitles", lambda: b"A text"),
    "no.html": ("is empty", lambda: b"<html></html>"),
    "nul.html": ("holds NUL", lambda: b"<p>a\0b"),
    "picture.txt": ("holds NUL", lambda: b"\x89PNG\r\n\x1a\n" + bytes(50)),
    "noise.txt": ("encoding that can be told", lambda: bytes((n * 7919 + n // 3) % 256 or 1 for n in range(5000))),
    "many.txt": ("archive of a kind", lambda: archive({"a.txt": "A text"})),
    "columns.xlsx": ("more than 5,000,000 cells", lambda: sheet({(row, 16_384): 1 for row in range(1, 320)})),
}  # fmt: skip


def sheet(cells: dict[tuple[int, int], Any]) -> bytes:
    book = openpyxl.Workbook()
    for (row, column), value in cells.items():
        book.active.cell(row, column, value)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_told_in_one_sentence(name: str) -> None:
    expected, made = REFUSED[name]
    data = made()
    started = time.thread_time()
    with pytest.raises(BadInput, match=expected) as raised:
        parsed(data, name)
    assert time.thread_time() - started < 10
    sentence = str(raised.value)
    assert sentence.startswith(f"{name} ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 200


READ: dict[str, tuple[str, Callable[[], bytes]]] = {  # file: what its text is or holds, and its bytes
    "ferry.txt": ("The ferry Aurelia carried 48,200 passengers", lambda: (FILES / "ferry.pdf").read_bytes()),
    "orchard.pdf": ("Professor Hanne Vik led the survey.", lambda: (FILES / "orchard.odt").read_bytes()),
    "free.pdf": ("The ferry Aurelia carried 48,200 passengers", lambda: locked("RC4-128", "")),
    "free-aes.pdf": ("The ferry Aurelia carried 48,200 passengers", lambda: locked("AES-256", "")),
    "itself.pdf": ("Hello", lambda: drawn(b"/X Do", stream(b"/X Do BT /F 12 Tf (Hello) Tj ET", FORM))),
    "surrogate.json": ("text: a \ufffd b", lambda: rb'{"text": "a \ud800 b"}'),
    "paths.json": ("a a a: 1", lambda: b'{"a": {"a": {"a": 1}}}'),
    "cell.csv": ('a,b\n"x,1\ny,2', lambda: b'a,b\n"x,1\n' + b"y,2\n" * 40_000),
    "far.xlsx": ("near", lambda: sheet({(1, 1): "near", (200_000, 9_000): "far"})),
    "secret.html": ("A text", lambda: b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><p>&x; A text'),
    "spans.html": ("abc | ", lambda: b"<table>" + (b"<tr>" + b"<td colspan=9999 rowspan=9999>abc" * 30) * 30),
    "open.html": ("bold\n\nend", lambda: b"<font>bold" * 1000 + b"<p>end"),
    "fields.rtf": ("end", lambda: b"{\\rtf1 " + rb"{\field{\*\fldinst{HYPERLINK x}}}" * 20_000 + b"end}"),
    "emoji.rtf": ("😀 \ufffd été", lambda: rb"{\rtf1\ansicpg99999\u-10179?\u-8704? \u55357? \'e9t\'e9}"),
    "unknown.eml": ("Subject: =?nope?q?x?=\n\nhéllo", lambda: b"From: a\nSubject: =?nope?q?x?=\n"
        b"Content-Type: text/plain; charset=nope\n\nh\xe9llo"),
    "line.txt": ("x" * 1_000_000, lambda: b"x" * 1_000_000),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_only_looks_bad_is_read(name: str) -> None:
    expected, made = READ[name]
    text = parsed(made(), name).text
    assert expected in text
    assert (Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else "root:") not in text


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(REAL)), st.data())
def test_a_real_file_with_bytes_gone_wrong_is_read_or_refused(name: str, data: st.DataObject) -> None:
    held = bytearray((FILES / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(held) - 1))
        held[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    document = None
    with contextlib.suppress(BadInput):
        document = parsed(bytes(held), name)
    if document is not None:
        assert document.text.strip()
        controls = r"[\0\ud800-\udfff]" if name.endswith((".txt", ".md")) else r"[\0-\x08\x0b-\x1f\ud800-\udfff]"
        assert not re.search(controls, document.text)
        assert list(document.pages) == sorted(document.pages)
        assert all(start <= len(document.text) for start in document.pages)
        split(document.text)


def test_aes_without_its_package_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "aes.pdf").write_bytes(locked("AES-256", ""))
    code = (
        "import sys; sys.modules['cryptography'] = sys.modules['Crypto'] = None\n"
        "from pathlib import Path\nfrom index.documents import read\nfrom index.errors import MissingPart\n"
        "try: read(Path(sys.argv[1]))\nexcept MissingPart as problem: print(problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "aes.pdf"], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "aes.pdf is encrypted with AES; `pip install 'footnote-rag[encrypted]'` brings what opens it.\n"
    )


# Each format's own ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Käse für Zoë – naïve, 5 €", "cp1252"),
        ("Zürich", "latin-1"),
        ("Žluťoučký kůň úpěl ďábelské ódy. Příliš mnoho vody v řece Vltavě.", "cp1250"),
        ("Съешь ещё этих мягких французских булок, да выпей же чаю.", "cp1251"),
        ("Съешь ещё этих мягких французских булок, да выпей же чаю.", "koi8_r"),
        ("Η Αθήνα είναι η πρωτεύουσα της Ελλάδας και έχει πολλούς κατοίκους.", "cp1253"),
        ("東京は日本の首都であり、世界最大の都市の一つである。人口は約千四百万人である。", "shift_jis"),
        ("北京是中华人民共和国的首都，人口超过两千万。这座城市有三千多年的历史。", "gb18030"),
        ("The turtle sleeps.", "utf-16-le"),
        ("The turtle sleeps.", "utf-16-be"),
        ("The turtle sleeps.", "utf-32"),
    ],
)
def test_an_encoding_is_told_by_the_bytes(text: str, encoding: str) -> None:
    assert parsed(text.encode(encoding), "a.txt").text == text


def test_one_broken_character_does_not_make_another_encoding() -> None:
    assert parsed("Zürich und Köln. ".encode() * 9 + b"\xe9", "a.txt").text.endswith("Köln. \ufffd")


def test_a_page_says_its_encoding() -> None:
    assert parsed('<meta charset="koi8-r"><p>Чай'.encode("koi8_r"), "a.html").text == "Чай"


def test_a_page_is_read_without_its_menus() -> None:
    text = read(FILES / "museum.html").text
    assert text.startswith("Stonebridge Museum\n\nThe museum is open")
    assert text.endswith("Ticket: Adult | Price: 12 crowns.\nTicket: Child | Price: 5 crowns.")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<div class='sidebar'><a>Home</a></div><p>Kept</p>", "Kept"),
        ("<div class='sidebar'>A text of its own.</div><p>Kept</p>", "A text of its own.\n\nKept"),
        ("<article><header><h1>Title</h1></header>Text</article>", "Title\n\nText"),
        ("<p>One</p>tail<nav>x</nav>behind", "One\n\ntail behind"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n- c"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("Water<sup>2</sup> is noted<sup><a href='#n'>1</a></sup>.", "Water2 is noted."),
        ("<p hidden>no</p><p style='display: none'>no</p><p>yes</p>", "yes"),
        ("<table><tr><th>A<th>B<tr><td rowspan=2>1<td>2<tr><td>3</table>", "A: 1 | B: 2.\nA: 1 | B: 3."),
        ("<table><tr><td>outer<table><tr><td>a<td>b</table></table>", "outer\n\na | b."),
    ],
)
def test_parts_of_a_page(page: str, text: str) -> None:
    assert parsed(page, "a.html").text == text


def test_a_pdf_is_read_without_what_recurs() -> None:
    pages = [["Annual Report", f"Page body number {word} is here.", f"{number} of 4"]
             for number, word in enumerate(["one", "two", "three", "four"], 1)]  # fmt: skip
    document = parsed(pages_of(*pages), "a.pdf")
    assert document.text == "\n\n".join(f"Page body number {word} is here." for word in ["one", "two", "three", "four"])
    assert [document.page(document.text.index(word)) for word in ("one", "two", "three", "four")] == [1, 2, 3, 4]


def test_a_header_of_some_pages_is_known_by_its_page_number() -> None:
    headers = ["Sails 7", "Sails 8", "Sails 9", "Chapter 2", "Masts 11", "Masts 12", "Masts 13", "Chapter 3", "End 4"]
    document = parsed(pages_of(*([header, f"Body text {chr(97 + n)}."] for n, header in enumerate(headers))), "a.pdf")
    assert "Sails" not in document.text
    assert "Masts" not in document.text
    assert all(line in document.text for line in ("Chapter 2", "Chapter 3", "End 4", "Body text a.", "Body text i."))


def test_a_sentence_goes_on_over_lines_and_pages_of_a_pdf() -> None:
    first = [
        "The ferries are well-known in the whole inter-",
        "national harbour, which is a well-",
        "known fact of the",
    ]
    document = parsed(pages_of(first, ["company since long."], [], ["Then it ended."]), "a.pdf")
    assert document.text == (
        "The ferries are well-known in the whole international harbour, which is a well-known fact of the company since"
        " long.\n\nThen it ended."
    )
    assert [document.page(document.text.index(words)) for words in ("ferries", "company", "Then")] == [1, 2, 4]


def test_word_is_read_with_boxes_fields_and_insertions_and_without_deletions() -> None:
    body = (
        "<w:sdt><w:sdtContent>" + paragraph("In a field.") + "</w:sdtContent></w:sdt>"
        "<w:p><w:ins><w:r><w:t>Inserted</w:t></w:r></w:ins><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
        "<w:r><w:tab/><w:t>text</w:t><w:br/><w:t>next</w:t></w:r>"
        f"<w:r><w:pict><w:txbxContent>{paragraph('In a box.')}</w:txbxContent></w:pict></w:r></w:p>"
        "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>An item</w:t></w:r></w:p>"
    )
    assert parsed(docx(body), "a.docx").text == "In a field.\n\nInserted text\nnext\n\nIn a box.\n\n- An item"


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        ("a,b\n1,2\n", ["a: 1 | b: 2."]),
        ("1,2\n3,4\n", ["1 | 2.", "3 | 4."]),
        ("a;b\n1,5;\n;2\n", ["a: 1,5", "b: 2"]),
        ('a,b\n"x\ny","Is it? It is!"\n', ["a: x y | b: Is it? It is!"]),
        ("Sentences\nOne is here. Two is there.\n", ["Sentences", "One is here.", "Two is there."]),
        ("a\tb\tc\n1, 2\t3, 4\t5\n", ["a: 1, 2 | b: 3, 4 | c: 5."]),
    ],
)
def test_a_row_is_a_sentence_with_its_headings(table: str, lines: list[str]) -> None:
    assert sentences(parsed(table, "a.csv")) == lines


MARKDOWN_TABLE = "| Date | Walk |\n|---|:-:|\n| 2 March | Old mines |\n| | Ferry\\|coach |"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            f"# Walks\n\n{MARKDOWN_TABLE}\n\n*Boots!*  \n",
            "# Walks\n\nDate: 2 March | Walk: Old mines.\nWalk: Ferry|coach\n\n*Boots!*  \n",
        ),
        ("Date | Walk\n--- | ---\n2 March | Old mines", "Date: 2 March | Walk: Old mines."),
        ("> | Date | Walk |\n> |--|--|\n> | 2 March | Mines |", "Date: 2 March | Walk: Mines."),
        ("Above it\n| Walk |\n|---|\n| Old mines |", "Above it\nWalk: Old mines"),
        ("| Date | Walk |\n|---|---|", "Date | Walk."),
        ("Date\t|\tWalk\n---\t|\t---\n2 March\t|\tMines", "Date: 2 March | Walk: Mines."),
    ],
)
def test_the_rows_of_a_markdown_table_have_their_headings(text: str, read: str) -> None:
    assert parse(text.encode(), name="walks.md", id="walks.md").text == read


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{MARKDOWN_TABLE}\n```\n",
        "\n".join(f"    {line}" for line in MARKDOWN_TABLE.split("\n")),
        "---\ntitle: a | b\n---\n\nOne | two, and no table.\n",
        "Either | or\n\n|---|\n",
        MARKDOWN_TABLE + "\n" * MAX_CHARACTERS,
        "",
    ],
    ids=["in a fence", "indented", "front matter", "no headings", "too long", "empty"],
)
def test_markdown_without_tables_stays_as_it_is(text: str) -> None:
    assert with_headed_rows(text) == text


def test_a_table_in_a_text_file_stays_as_it_is() -> None:
    assert parse(MARKDOWN_TABLE.encode(), name="walks.txt", id="walks.txt").text == MARKDOWN_TABLE


def test_a_long_row_goes_on_under_its_first_cell() -> None:
    row = ",".join(["Oslo", *(f"a value of some length number {n}" for n in range(40))])
    lines = sentences(parsed(",".join(f"heading {n}" for n in range(41)) + f"\n{row}\n", "a.csv"))
    assert len(lines) > 3
    assert all(line.startswith("heading 0: Oslo | ") and len(line) <= SENTENCE_CHARACTERS for line in lines)


cells = st.text(st.sampled_from("ab1.,; |\n?"), min_size=1, max_size=20).filter(str.strip)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=2, max_size=6), st.booleans())
def test_every_row_of_any_table_is_one_sentence(rows: list[list[str]], headed: bool) -> None:
    lines = table_lines(rows, headed=headed)
    assert len(lines) == len(rows) - headed
    assert sentences(Document("a", "a", "\n".join(lines))) == lines


def test_a_workbook_shows_what_the_program_shows() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Item", "Share", "Day", "Paid"])
    book.active.append(["Roof", 0.045, datetime.date(2024, 2, 1), True])
    book.active["B2"].number_format = "0.0%"
    hidden = book.create_sheet("Hidden")
    hidden.append(["Secret", "words"])
    hidden.sheet_state = "hidden"
    stream = io.BytesIO()
    book.save(stream)
    assert sentences(parsed(stream.getvalue(), "a.xlsx")) == [
        "Sheet",
        "Item: Roof | Share: 4.5% | Day: 2024-02-01 | Paid: yes.",
    ]


def test_a_record_below_another_names_it() -> None:
    data = [{"city": "Oslo", "sights": [{"name": "Opera", "year": 2008}]}, {"city": "Bergen", "note": "long " * 60}]
    assert sentences(parsed(json.dumps(data), "a.json")) == [
        "city: Oslo", "city: Oslo | name: Opera | year: 2008.", "city: Bergen", ("long " * 60).strip()
    ]  # fmt: skip
