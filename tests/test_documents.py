"""From the bytes of a file to a text with a title, or to a sentence that says why not."""

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import documents
from index.documents import Document, builtin, decodable, parse, printable, read
from index.errors import BadInput


def parsed(text: str | bytes, name: str = "note.txt") -> Document:
    return parse(text if isinstance(text, bytes) else text.encode(), name=name, id=name)


def test_the_articles_are_those_shipped_byte_for_byte() -> None:
    folder = Path(documents.__file__).parent / "articles"
    assert [(one.id, one.text.encode()) for one in builtin()] == [
        (name, (folder / name).read_bytes()) for name in ("china-russia-axis.txt", "xi-visits-kazan.txt")
    ]


def test_the_articles_have_their_headlines_as_titles() -> None:
    assert [one.title for one in builtin()] == [one.text.partition("\n")[0] for one in builtin()]


def test_the_hash_is_that_of_the_text() -> None:
    assert parsed("Zürich").sha256 == hashlib.sha256("Zürich".encode()).hexdigest()


@pytest.mark.parametrize(
    "data",
    [
        b"Z\xc3\xbcrich\nlake",
        b"\xef\xbb\xbfZ\xc3\xbcrich\nlake",
        b"Z\xc3\xbcrich\r\nlake",
        b"Z\xc3\xbcrich\rlake",
        "Zürich\nlake".encode("utf-16"),
        b"\xfe\xff" + "Zürich\r\nlake".encode("utf-16-be"),
    ],
)
def test_text_is_the_same_in_every_encoding_and_with_every_line_ending(data: bytes) -> None:
    assert parsed(data).text == "Zürich\nlake"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"\xff\xfe", "is empty"),
        (b"a\0b", "NUL"),
        (b"\xff\xfea", "save it as UTF-8"),
        (b"\xff\xfe\x00\xd8", "save it as UTF-8"),
        (b"x" * (documents.MAX_BYTES + 1), "larger than 50 MB; split it"),
    ],
)
def test_what_is_no_text_is_refused_by_name(data: bytes, problem: str) -> None:
    with pytest.raises(BadInput, match=rf"^note\.txt .*{problem}"):
        parsed(data)


@pytest.mark.parametrize("name", ["photo.jpg", "noending", "note.txt.exe", ".txt"])
def test_a_file_of_another_kind_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"reads \.txt, \.text, \.md, .*\.vtt: save it as one"):
        parsed("text", name)


@pytest.mark.parametrize("name", ["a.TXT", "a.text", "a.Md", "a.markdown"])
def test_these_endings_are_read(name: str) -> None:
    assert parsed("text", name).id == name


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_refused(data: bytes) -> None:
    document = None
    with contextlib.suppress(BadInput):
        document = parsed(data)
    assert document is None or (document.text.strip() and document.title and "\r" not in document.text)


# Titles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "title"),
    [
        ("A headline\n\nThe text.", "n.txt", "A headline"),
        ("\n\n  A headline \n\nThe text.", "n.txt", "A headline"),
        ("A sentence, not a headline.\n\nThe text.", "n.txt", "n"),
        ("A first line\nthat goes on", "my notes.txt", "my notes"),
        ("Only one line", "n.txt", "n"),
        ("x" * 201 + "\n\nText.", "n.txt", "n"),
        ("Intro\n\n## The heading ##\n", "n.md", "The heading"),
        ("# In C#\n", "n.md", "In C#"),
        ("# #1 in the list\n", "n.md", "#1 in the list"),
        ("# ###\n", "n.md", "n"),
        ("#nospace\nmore", "n.md", "n"),
        ("# " + "y" * 300, "n.md", "y" * 200),
        ("# A heading\n\nText.", "n.txt", "# A heading"),
        ("text\nmore", "two\nlines.txt", "two\\nlines"),
    ],
)
def test_the_title(text: str, name: str, title: str) -> None:
    assert parsed(text, name).title == title


@pytest.mark.parametrize("unit", [" #", "# ", "\t", "#", "a #"])
def test_a_title_is_found_in_linear_time(unit: str) -> None:
    started = time.perf_counter()
    parsed("# a" + unit * 200_000 + "x\n", "n.md")
    assert time.perf_counter() - started < 2


# Pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset", "page"), [(0, 1), (9, 1), (10, 2), (19, 2), (20, 3), (99, 3)])
def test_the_page_of_an_offset(offset: int, page: int) -> None:
    assert Document("b", "B", "x" * 100, pages=(0, 10, 20)).page(offset) == page


def test_a_text_without_pages_has_no_page() -> None:
    assert Document("b", "B", "text").page(2) is None


# Files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_read_under_its_name_or_the_id_given(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("Text.")
    assert (read(file).id, read(file, id="other/id").id) == ("note.txt", "other/id")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.txt").symlink_to("nothing")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    (tmp_path / "folder.txt").mkdir()
    expected = {
        "broken.txt": "link to nothing",
        "loop.txt": "link to nothing",
        "folder.txt": "not a file",
        "no.txt": "not a file",
    }
    for name, problem in expected.items():
        with pytest.raises(BadInput, match=problem):
            read(tmp_path / name)


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("Text.")
    file.chmod(0)
    with unprivileged(), pytest.raises(BadInput, match=r"secret\.txt cannot be read; give yourself permission"):
        read(file)


def test_a_name_too_long_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot be read \(File name too long\)"):
        read(tmp_path / ("x" * 300 + ".txt"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_name_that_is_no_text_is_shown_with_escapes() -> None:
    name = os.fsdecode(b"caf\xe9\n.txt")
    assert (decodable(name), printable(name)) == ("caf\\xe9\n.txt", "caf\\xe9\\n.txt")


@pytest.mark.parametrize("name", ["emoji 🎉.txt", "ünïcode", "日本語", "a'b\"c"])
def test_a_name_that_prints_is_shown_as_it_is(name: str) -> None:
    assert (decodable(name), printable(name)) == (name, name)


def test_a_text_keeps_every_character_but_its_line_endings() -> None:
    text = "One\x0ctwo\x85three\x97four \rfive\u2028six\x01seven\r\neight"
    assert parse(text.encode(), name="a.txt", id="a.txt").text == text.replace("\r\n", "\n").replace("\r", "\n")
