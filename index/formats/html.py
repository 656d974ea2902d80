"""HTML: the main text, without menus.

What surely is no text of the page is left out: menus, forms, scripts, what is hidden. Beyond that all of it is kept: in
a person's own files a sentence lost without a word is worse than a stray menu entry. (trafilatura decides more boldly,
and brings a dozen packages.)
"""

import re
from collections.abc import Iterator
from typing import Any

from index.formats.content import Block, Content, Deadline, Unreadable, iso_date, joined, one_line, tidy
from index.formats.encodings import decode
from index.formats.tables import table_blocks

_NEVER = frozenset(
    "script style noscript template svg math canvas iframe object embed head nav aside form button select option input"
    " textarea dialog audio video map".split()
)
_ROLES = frozenset(
    "navigation banner contentinfo search complementary menu menubar dialog alert toolbar doc-noteref doc-backlink "
    "doc-toc".split()
)
_MENU_NAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|cookies?|consent|footer|masthead|skip|share|"
    r"sharing|social|related|newsletter|pagination|pager|toc)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLOCKS = frozenset(
    "address article blockquote body caption center dd details div dl dt fieldset figcaption figure footer h1 h2 h3 h4 "
    "h5 h6 header hgroup hr html legend li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w:.-]{2,40})|encoding=["']([\w:.-]{2,40})""", re.I
)
_SPAN = 50
"""The largest colspan or rowspan that is followed."""

_REPEATED_CHARACTERS = 100
_REPEATED = 10_000
"""How many cells of a table may be there because of a span."""


def read_html(data: bytes) -> Content:
    """The main text of a page."""
    declared = _DECLARED.search(data[:4096])
    named = (declared.group(1) or declared.group(2)).decode("ascii", "replace") if declared else None
    tree = parse_html(decode(data, declared=named))
    title, date = _about(tree)
    return Content(joined(html_blocks(main_part(tree))), title, date)


def parse_html(text: str) -> Any:
    """The tree of an HTML text; raises Unreadable where there is none. Up to 2,048 elements may nest, as in old pages
    that never close a tag: what walks over the tree does so without recursion."""
    from lxml import etree

    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True, recover=True
    )
    try:
        tree = etree.fromstring(tidy(text).encode(), parser)
    except (etree.LxmlError, ValueError):
        tree = None
    if any("xcessive depth" in error.message for error in parser.error_log):
        raise Unreadable("is nested too deeply to be read; save it in a simpler form.")
    if tree is None:
        raise Unreadable("holds no HTML that can be read; save the page anew.")
    return tree


def main_part(tree: Any) -> Any:
    """The element that holds the text of a page; what is no text is taken out of the tree."""
    body = tree.find("body")
    body = tree if body is None else body
    for element in _no_text(body):
        _drop(element)
    everything = _length(body)
    for path in (".//main", ".//*[@role='main']", ".//article"):
        found = body.findall(path)
        if len(found) == 1 and _length(found[0]) > 0.4 * everything:
            return found[0]
    return body


def html_blocks(root: Any) -> list[Block]:
    """The text below an element as blocks, in reading order."""
    from lxml import etree

    blocks: list[Block] = []
    pieces: list[str] = []
    items = 0  # how many list items are open
    preformatted = 0

    def flush() -> None:
        text = "".join(pieces)
        pieces.clear()
        lines = [one_line(line) for line in text.split("\x0b")]
        if line := "\n".join(filter(None, lines)):
            blocks.append(Block(f"- {line}" if items else line, close=bool(items)))

    deadline = Deadline()
    for event, element in etree.iterwalk(root, events=("start", "end")):
        deadline.check()
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if tag in _BLOCKS:
                flush()
            items += tag == "li"
            preformatted += tag == "pre"
            if tag == "br":
                pieces.append("\x0b")
            if tag == "table" and (rows := _data_table(element)) is not None:
                caption = element.find("caption")
                if caption is not None:
                    blocks.append(Block(one_line("".join(caption.itertext()))))
                blocks += table_blocks(rows, headed=_has_headings(element))
                for child in list(element):
                    element.remove(child)
                continue
            text = element.text or ""
        else:
            if tag in _BLOCKS:
                flush()
            items -= tag == "li"
            preformatted -= tag == "pre"
            text = (element.tail or "") if element is not root else ""
        pieces.append(text.replace("\n", "\x0b") if preformatted else text)
    flush()
    return blocks


def _no_text(body: Any) -> list[Any]:
    """The outermost elements that hold no text of the page."""
    from lxml import etree

    sizes = _sizes(body)
    found = []
    walk = etree.iterwalk(body, events=("start",))
    for _, element in walk:
        if element is not body and isinstance(element.tag, str) and _is_no_text(element, sizes):
            found.append(element)
            walk.skip_subtree()
    return found


def _sizes(body: Any) -> dict[Any, tuple[int, int]]:
    """For each element how many characters it holds, and how many of them in links."""
    from lxml import etree

    sizes: dict[Any, tuple[int, int]] = {}
    for _, element in etree.iterwalk(body, events=("end",)):
        own = len((element.text or "").strip()) + sum(len((child.tail or "").strip()) for child in element)
        inner = [sizes.get(child, (0, 0)) for child in element]
        whole = own + sum(size for size, _ in inner)
        sizes[element] = whole, whole if element.tag == "a" else sum(linked for _, linked in inner)
    return sizes


def _is_no_text(element: Any, sizes: dict[Any, tuple[int, int]]) -> bool:
    tag = element.tag
    if tag in _NEVER or element.get("role") in _ROLES or element.get("hidden") is not None:
        return True
    if element.get("aria-hidden") == "true" or _HIDDEN.search(element.get("style") or ""):
        return True
    if tag == "sup" and element.find(".//a") is not None:
        return True  # the mark of a note
    if tag in ("header", "footer"):
        return not any(ancestor.tag in ("article", "main", "section") for ancestor in element.iterancestors())
    if tag in ("main", "article", "p", "h1", "a"):
        return False
    named = _MENU_NAME.search(f"{element.get('class') or ''} {element.get('id') or ''}")
    whole, linked = sizes[element]
    return bool(named) and linked >= 0.3 * whole


def _length(element: Any) -> int:
    return sum(len(text.strip()) for text in element.itertext())


def _drop(element: Any) -> None:
    """Takes an element out of the tree, not the text behind it."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    behind = ("" if element.tag in ("a", "sup") else " ") + (element.tail or "")
    if before is None:
        parent.text = (parent.text or "") + behind
    else:
        before.tail = (before.tail or "") + behind
    parent.remove(element)


# Tables -----------------------------------------------------------------------------------------------------------


def _data_table(table: Any) -> list[list[str]] | None:
    """The cells of a table row by row; None for one that only arranges the page."""
    if next(table.iterdescendants("table"), None) is not None:
        return None  # before the rows: those of nested tables would be counted once for every table around them
    rows = list(table.iter("tr"))
    if not rows:
        return None
    if table.get("role") in ("presentation", "none"):
        return None
    if any(len(cell.findall(".//p")) > 2 or cell.find(".//h2") is not None for cell in table.iter("td")):
        return None
    return list(_grid(rows))


def _grid(rows: list[Any]) -> Iterator[list[str]]:
    """The cells in their columns: one that spans columns leaves those behind it empty, one that spans rows stands in
    the first column it has in each."""
    hanging: dict[int, tuple[int, str]] = {}  # column: rows to go, text
    repeated = 0
    for row in rows:
        line: list[str] = []

        def fill(line: list[str] = line) -> None:
            while len(line) in hanging:
                left, text = hanging.pop(len(line))
                if left > 1:
                    hanging[len(line)] = (left - 1, text)
                line.append(text)

        for cell in row.iterchildren("td", "th"):
            fill()
            text = one_line(" ".join(cell.itertext()))
            width, height = _span(cell, "colspan"), _span(cell, "rowspan")
            if (repeated := repeated + width * height - 1) > _REPEATED:
                width = height = 1
            if height > 1:
                hanging[len(line)] = (height - 1, text[:_REPEATED_CHARACTERS])
            line += [text, *[""] * (width - 1)]
        fill()
        yield line


def _span(cell: Any, name: str) -> int:
    value = cell.get(name) or "1"
    return min(max(int(value), 1), _SPAN) if re.fullmatch(r"[0-9]{1,4}", value) else 1


def _has_headings(table: Any) -> bool | None:
    """Whether the first row holds headings; None where the page does not say so."""
    if table.find("thead") is not None:
        return True
    first = next(table.iter("tr"))
    cells = list(first.iterchildren("td", "th"))
    if cells and all(cell.tag == "th" for cell in cells):
        return True
    if any(True for _ in table.iter("th")):
        return False  # headings stand at the left
    return None


# What a page says of itself -----------------------------------------------------------------------------------------

_DATES = ("article:published_time", "dcterms.date", "dc.date", "dcterms.created", "date", "datepublished", "pubdate")


def _about(tree: Any) -> tuple[str, str | None]:
    title = tree.find(".//title")
    dates: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").lower()
        if name in _DATES:
            dates.setdefault(name, meta.get("content") or "")
    found = (iso_date(dates.get(name)) for name in _DATES)
    return one_line("".join(title.itertext())) if title is not None else "", next(filter(None, found), None)
