"""Tables: every row becomes a line that can be understood, and quoted, alone.

"Country: Norway | Capital: Oslo | Population: 5.6 million.": each cell with its heading, where the table has headings.
`index.split` keeps a line with " | " as one sentence; without the full stop it would count as a heading, not as
something said.
"""

import csv
import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from index.formats.content import MAX_CHARACTERS, Block, Content, Deadline, Unreadable, iso_date, joined, one_line
from index.split import CELLS

ROW_CHARACTERS = 500
"""A row longer than this goes on in further lines, each with the row's first cell in front of it."""

MAX_CELLS = 5_000_000
"""How many cells a workbook may have."""

_HEADING_CHARACTERS = 80
_NUMBER = re.compile(r"[-+(]?[\d.,:/%$€£\s()-]+")


def table_lines(rows: Iterable[Sequence[str]], *, headed: bool | None = None) -> list[str]:
    """The lines of a table, given its cells row by row. `headed` says whether the first row holds the headings; None:
    it does if it looks like it."""
    filled = [cells for row in rows if any(cells := [one_line(cell) for cell in row])]
    if not filled:
        return []
    if headed is None:
        headed = _looks_like_headings(filled)
    headings, body = (filled[0], filled[1:]) if headed and len(filled) > 1 else ([], filled)
    headings = [heading[:_HEADING_CHARACTERS].rstrip(": ") for heading in headings]
    lines: list[str] = []
    length = 0
    for cells in body:
        for line in _row_lines(cells, headings):
            lines.append(line)
            if (length := length + len(line)) > MAX_CHARACTERS:
                raise Unreadable(f"comes to more than {MAX_CHARACTERS:,} characters of text; split it.")
    return lines


def table_blocks(rows: Iterable[Sequence[str]], *, headed: bool | None = None) -> list[Block]:
    """The lines of a table as blocks; those of a single column are paragraphs, as they may hold whole sentences."""
    return [Block(line, close=CELLS in line) for line in table_lines(rows, headed=headed)]


def _row_lines(cells: Sequence[str], headings: Sequence[str]) -> Iterator[str]:
    fields = []
    for position, cell in enumerate(cells):
        heading = headings[position] if position < len(headings) else ""
        if cell:
            fields.append(f"{heading}: {cell}" if heading and heading != cell else cell)
    line = fields[0] if fields else ""
    for field in fields[1:]:
        if len(line) + len(field) > ROW_CHARACTERS and line != fields[0]:
            yield f"{line}."
            line = fields[0][: ROW_CHARACTERS // 4]
        line += f"{CELLS}{field}"
    yield f"{line}." if CELLS in line and line[-1] not in ".!?" else line


def _looks_like_headings(rows: Sequence[Sequence[str]]) -> bool:
    """Names, all different, over every column that is used, and none of them a number."""
    first = rows[0]
    width = max(len(row) - next((i for i, cell in enumerate(reversed(row)) if cell), len(row)) for row in rows[:50])
    return (
        len(rows) > 1
        and width > 1
        and len(first) >= width
        and all(first[:width])
        and len(set(first[:width])) == width
        and all(len(cell) <= _HEADING_CHARACTERS and not _NUMBER.fullmatch(cell) for cell in first[:width])
    )


# CSV --------------------------------------------------------------------------------------------------------------


def read_csv(data: bytes, *, tabs: bool = False) -> Content:
    """A table in text form. What csv cannot take apart stays the text it is."""
    from index.formats.encodings import decode

    text = decode(data)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter="\t" if tabs else _delimiter(text)))
    except csv.Error:  # a cell of more than 128 KB: a quotation mark that is never closed
        return Content(text)
    return Content(joined(table_blocks(rows)))


def _delimiter(text: str) -> str:
    """The one of the usual four that cuts the first lines into most columns, in the same number most often."""
    lines = [line for line in text[:20_000].split("\n")[:30] if line.strip()]

    def evenness(delimiter: str) -> float:
        counts = [line.count(delimiter) for line in lines]
        usual = max(set(counts), key=counts.count, default=0)
        return counts.count(usual) / len(counts) + min(usual, 20) / 100 if usual else 0.0

    return max(",;\t|", key=evenness)


# Workbooks --------------------------------------------------------------------------------------------------------


def read_xlsx(data: bytes) -> Content:
    """The visible sheets of a workbook, each with its name above; formulas as the values last computed."""
    import openpyxl

    from index.formats.archives import Archive

    deadline = Deadline()
    Archive(data).check_all()
    blocks: list[Block] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a workbook holds beyond cells
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            cells = 0
            for sheet in book.worksheets:
                if sheet.sheet_state != "visible":
                    continue
                sheet.reset_dimensions()  # what the file says of them may be wrong
                rows = []
                for row in sheet.iter_rows():
                    deadline.check()
                    if (cells := cells + len(row) + 1) > MAX_CELLS:
                        raise Unreadable(f"has more than {MAX_CELLS:,} cells; split it into smaller files.")
                    if any(shown := [_shown(cell) for cell in row]):
                        rows.append(shown)
                if rows:
                    blocks += [Block(one_line(sheet.title)), *_sheet_blocks(rows)]
            about = book.properties
    except (Unreadable, RecursionError):
        raise
    except (zipfile.BadZipFile, Exception):  # of a damaged workbook openpyxl raises nearly everything there is
        raise Unreadable("is damaged; open it in a spreadsheet program and save it anew.") from None
    date = about.created.isoformat() if about.created else None
    return Content(joined(blocks), one_line(about.title or ""), iso_date(date))


def _sheet_blocks(rows: list[list[str]]) -> list[Block]:
    """The lines above the table, then the table."""
    top = 0
    while top < min(len(rows) - 1, 10) and sum(map(bool, rows[top])) < 2:
        top += 1
    left = min(next(i for i, cell in enumerate(row) if cell) for row in rows[top:])
    above = [Block(" ".join(filter(None, row))) for row in rows[:top]]
    return above + table_blocks([row[left:] for row in rows[top:]])


def _shown(cell: Any) -> str:
    """A value as the spreadsheet shows it, near enough: dates in ISO 8601, shares in per cent."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
    if isinstance(value, int | float):
        if "%" in (cell.number_format or ""):
            return f"{value * 100:.10g}%"
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    return one_line(str(value))
