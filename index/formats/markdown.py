"""Markdown: text as it stands, but the rows of its tables with their headings, as those of every other format."""

import re
from itertools import pairwise

from index.formats.tables import table_lines

MAX_CHARACTERS = 1_000_000
"""The tables of a longer text stay as they are: a parser takes some four seconds for this much, and 300 bytes of memory
a character; twice that for a text made to harm."""

_BESIDE_A_BAR = re.compile(r"\|[ \t:]*-|-[ \t:]*\|")
"""What every table has under its headings, and few other texts hold."""


def with_headed_rows(text: str) -> str:
    """The text with each table of GitHub Flavored Markdown row by row: "Date: 2 March | Walk: Harrow Scar."."""
    if len(text) > MAX_CHARACTERS or not _BESIDE_A_BAR.search(text):
        return text
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    tables: list[tuple[int, int, list[list[str]]]] = []
    for token, following in pairwise(parser.parse(text)):
        if token.type == "table_open" and token.map:
            tables.append((token.map[0], token.map[1], []))
        elif token.type == "tr_open":
            tables[-1][2].append([])
        elif token.type in ("th_open", "td_open"):
            tables[-1][2][-1].append(following.content)
    lines = text.split("\n")
    for first, last, rows in reversed(tables):
        lines[first:last] = table_lines(rows, headed=True)
    return "\n".join(lines)
