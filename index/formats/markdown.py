"""Markdown: text as it stands, but the rows of its tables with their headings, as those of every other format."""

import re

from index.formats.tables import table_lines

_BESIDE_A_BAR = re.compile(r"\|[ :]*-|-[ :]*\|")
"""What every table has under its headings, and few other texts hold."""


def with_headed_rows(text: str) -> str:
    """The text with each table of GitHub Flavored Markdown row by row: "Date: 2 March | Walk: Harrow Scar."."""
    if not _BESIDE_A_BAR.search(text):
        return text
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero").enable(["table", "fence", "code", "html_block", "heading", "list", "blockquote"])
    parser.core.ruler.disable(["inline", "text_join"])
    tables: list[tuple[int, int, list[list[str]]]] = []
    inside = False
    for token in parser.parse(text):
        if token.type == "table_open" and token.map:
            tables.append((token.map[0], token.map[1], []))
        inside = token.type != "table_close" and (inside or token.type == "table_open")
        if token.type == "tr_open":
            tables[-1][2].append([])
        elif inside and token.type == "inline":
            tables[-1][2][-1].append(token.content)
    lines = text.split("\n")
    for first, last, rows in reversed(tables):
        lines[first:last] = table_lines(rows, headed=True)
    return "\n".join(lines)
