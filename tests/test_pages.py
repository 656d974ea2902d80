"""A document as a page: its text and nothing else, with the cited words marked."""

import re

import pytest
from harmless import HOSTILE, Elements, assert_harmless

from index.documents import Document
from ui.pages import document_page, emphasised, link, place


def test_a_documents_page_holds_its_text_and_nothing_else() -> None:
    document = Document(id='a "><script>.md', title='<b>T</b> & "Co"', text=HOSTILE)
    start = document.text.index("The keeper")
    others = [(start + 20, start + 60), (0, 5)]
    page = document_page(document, cited=(start, start + 40), others=others, words=(start + 4, start + 24))
    assert_harmless(page)
    shown = re.sub(r"\s+", "", Elements(page.split('<article class="paper"')[1].partition(">")[2]).text)
    assert shown == re.sub(r"\s+", "", document.title + document.text)


def test_marks_follow_code_points_across_paragraphs() -> None:
    document = Document(id="a.txt", title="T", text="🎈 one\n\ntwo 🎈 three\n\nfour")
    page = document_page(document, cited=(2, 10))
    assert re.findall(r"<mark[^>]*>([^<]*)</mark>", page) == ["one", "two"]
    assert page.count('id="cited"') == 1
    assert place(document, 7) == "paragraph 2"


def test_the_words_that_answer_are_bold_within_the_mark() -> None:
    document = Document(id="a.txt", title="T", text="The heron & the owl eat fish.")
    page = document_page(document, cited=(4, 19), words=(10, 19))
    assert "".join(re.findall(r"<mark[^>]*>(.*?)</mark>", page)) == "heron <b>&amp; the owl</b>"
    assert page.count('id="cited"') == 1
    assert emphasised("a <b> c", (2, 5)) == "a <b>&lt;b&gt;</b> c"


def test_a_citation_of_another_version_is_not_marked_and_the_page_says_so() -> None:
    document = Document(id="a.txt", title="T", text="The heron eats fish.")
    address = link("a.txt", (4, 9), version=document.sha256)
    version = re.search(r"version=(\w+)", address)
    assert version
    assert "<mark" in document_page(document, cited=(4, 9), version=version[1])
    changed = document_page(Document(id="a.txt", title="T", text="An owl eats mice."), cited=(4, 9), version=version[1])
    assert "<mark" not in changed
    assert "has changed since" in changed


def test_the_pages_of_a_paged_document_are_numbered() -> None:
    text = "One.\n\nTwo.\n\nStill two.\n\nFour."
    document = Document(id="a.pdf", title="T", text=text, pages=(0, 6, 24, 24))
    page = document_page(document, cited=(6, 10))
    paragraphs = re.findall(r"<p [^>]*>(.*?)</p>", page.split("</h1>")[1])
    assert re.sub("<[^>]+>", "", "|".join(paragraphs)) == "Page 1|One.|Page 2|Two.|Still two.|Page 4|Four."


@pytest.mark.parametrize("cited", [(5, 500), (9, 3), (-1, 4)])
def test_a_span_that_is_not_there_is_not_marked(cited: tuple[int, int]) -> None:
    page = document_page(Document(id="a.txt", title="T", text="The heron eats fish."), cited=cited)
    assert "<mark" not in page
    assert "not in the document" in page


def test_a_long_document_is_shown_in_parts_that_lead_to_each_other() -> None:
    text = "\n\n".join(f"Paragraph {number} of a long text." for number in range(30_000))
    document = Document(id="long.txt", title="Long", text=text)
    start = text.index("Paragraph 15000 ")
    page = document_page(document, cited=(start, start + 15))
    assert len(page) < 200_000
    assert ">Paragraph 15000</mark>" in page
    at, seen = 0, set(re.findall(r"Paragraph \d+", document_page(document, at=0)))
    while later := re.search(r"at=(\d+)\">Later text", document_page(document, at=at)):
        at = int(later[1])
        seen |= set(re.findall(r"Paragraph \d+", document_page(document, at=at)))
    assert len(seen) == 30_000


def test_one_endless_line_is_shown_in_parts_too() -> None:
    page = document_page(Document(id="line.txt", title="Line", text="word " * 200_000), cited=(500_000, 500_004))
    assert len(page) < 200_000
    assert ">word</mark>" in page
