"""From a text to passages and sentences: spans only, `text[start:end]` is the passage or the sentence.

The sentence is the unit of citation, the passage the unit of retrieval. Every character of a text that is not white
space lies in exactly one sentence, and every sentence in exactly one passage.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PASSAGE_WORDS = 200
"""Paragraphs are joined into one passage up to this many words; measured in docs/quality.md."""

SECTION_WORDS = 120
"""A heading opens a new passage once the one before has this many words: one of a line or two can hardly be found by
what it says. Measured in docs/quality.md."""

HEADING_WORDS = 20
"""Headings at the end of a passage, up to so many words, go with what they stand above, into the next."""

PARAGRAPH_WORDS = 200
"""A paragraph is cut, between sentences, beyond this many words: what fits into the embedder's 256 word pieces."""

SENTENCE_CHARACTERS = 600
"""A sentence is cut, at a comma or a space where it has one, beyond this length: a longer quote shows nothing."""

CELLS = " | "
"""Stands between the cells of a row of a table, which is one sentence."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A span of the text, in Unicode code points, without white space around it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Consecutive sentences; the span from the start of the first to the end of the last."""

    start: int
    end: int
    sentences: tuple[Sentence, ...]


def split(text: str) -> list[Passage]:
    """Cuts a text into passages of whole sentences, in reading order. An empty or blank text has none."""
    passages: list[Passage] = []
    group: list[_Piece] = []
    for paragraph in _paragraphs(text):
        for piece in _pieces(text, paragraph):
            words = sum(one.words for one in group)
            if words + piece.words > PASSAGE_WORDS or (piece.heading and words >= SECTION_WORDS):
                above = _headings_above(group)
                if above < len(group):
                    passages.append(_passage(group[: len(group) - above]))
                    group = group[len(group) - above :]
            group.append(piece)
    if group:
        passages.append(_passage(group))
    return passages


def split_sentences(text: str, start: int = 0, end: int | None = None) -> list[Sentence]:
    """The sentences of `text[start:end]` in reading order, as spans into `text`."""
    stop = len(text) if end is None else end
    return [sentence for block in _blocks(text, start, stop) for sentence in _sentences_of_block(text, *block)]


# Passages ---------------------------------------------------------------------------------------------------------


def _paragraphs(text: str) -> Iterator[list[Sentence]]:
    start = 0
    for blank in re.finditer(r"\n[^\S\n]*\n\s*|\Z", text):
        sentences = split_sentences(text, start, blank.start())
        if sentences:
            yield sentences
        start = blank.end()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A paragraph or a part of one: it is not cut any further."""

    sentences: tuple[Sentence, ...]
    words: int
    heading: bool = False


def _pieces(text: str, paragraph: list[Sentence]) -> Iterator[_Piece]:
    """The paragraph itself, or parts of about equal size where it is too long for one passage."""
    sizes = [_count_words(text[sentence.start : sentence.end]) for sentence in paragraph]
    total = sum(sizes)
    if total <= PARAGRAPH_WORDS:
        yield _Piece(tuple(paragraph), total, _is_heading(text, paragraph))
        return
    target = total / -(-total // PASSAGE_WORDS)
    piece: list[Sentence] = []
    words = 0
    for sentence, size in zip(paragraph, sizes, strict=True):
        if piece and words + size / 2 > target:
            yield _Piece(tuple(piece), words)
            piece, words = [], 0
        piece.append(sentence)
        words += size
    yield _Piece(tuple(piece), words)


def _headings_above(group: list[_Piece]) -> int:
    """How many pieces at the end are headings of what follows."""
    above = words = 0
    for piece in reversed(group):
        words += piece.words
        if not piece.heading or words > HEADING_WORDS:
            break
        above += 1
    return above


def _is_heading(text: str, sentences: list[Sentence]) -> bool:
    """A line that stands alone, is short and ends without a full stop: what follows belongs to it."""
    if len(sentences) != 1:
        return False
    line = text[sentences[0].start : sentences[0].end]
    return len(line) <= 120 and "\n" not in line and line[-1] not in ".,;!。！”\"'"


def _passage(pieces: list[_Piece]) -> Passage:
    sentences = tuple(sentence for piece in pieces for sentence in piece.sentences)
    return Passage(sentences[0].start, sentences[-1].end, sentences)


_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_]+")


def _count_words(text: str) -> int:
    """Words; in Chinese, Japanese and Korean, where words are not set apart, characters. A run without words has a
    size, too: one word for every twelve characters at least."""
    return max(sum(1 for _ in _WORD.finditer(text)), len(text) // 12, 1)


# Blocks: lines that belong together ---------------------------------------------------------------------------------

_LIST_ITEM = re.compile(r"[^\S\n]*(?:[-*+•–·▪]|\(?\d{1,3}[.)]|\(?[a-z][.)])[^\S\n]+")
_MARKDOWN_LINE = re.compile(r"[^\S\n]*(?:#{1,6}[^\S\n]|\||>|```|---)")
_ENDS_OPEN = re.compile(r"[,;:(\-–—/]$")
_SHORT_LINE = 45


def _blocks(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Runs of lines that flow on; a heading, a list item, a table row or a short line is a block of its own."""
    block_start = start
    position = start
    while position < end:
        line_end = _line_end(text, position, end)
        next_start = line_end + 1
        line = text[position:line_end].strip()
        if next_start < end:
            following = text[next_start : min(next_start + 80, end)]
            if (
                not line
                or not following.strip(" \t")
                or _starts_block(following)
                or _ends_block(line, following)
                or _is_row(text, position, line_end)
                or _is_row(text, next_start, _line_end(text, next_start, end))
            ):
                yield block_start, line_end
                block_start = next_start
        position = next_start
    if block_start < end:
        yield block_start, end


def _line_end(text: str, start: int, end: int) -> int:
    newline = text.find("\n", start, end)
    return end if newline < 0 else newline


def _is_row(text: str, start: int, end: int) -> bool:
    """Whether this line is the row of a table, in which bars stand between the cells."""
    return text.find(CELLS, start, end) >= 0 or text.startswith("|", start, end)


def _starts_block(following: str) -> bool:
    return bool(_LIST_ITEM.match(following) or _MARKDOWN_LINE.match(following) or following.startswith("\n"))


def _ends_block(line: str, following: str) -> bool:
    if line.startswith(("#", "|")):
        return True
    opens_upper = following.lstrip()[:1].isupper() or following.lstrip()[:1].isdigit()
    return len(line) < _SHORT_LINE and opens_upper and not _ENDS_OPEN.search(line)


# Sentences ----------------------------------------------------------------------------------------------------------

_END = re.compile(
    r"""(?<![.!?…])(?P<stop>[.!?…]++|[。！？｡]++)   # the mark itself
        (?P<after>(?:\[\d{1,3}\])*+[\"'”’»›)\]}」』）》]*+(?:\[\d{1,3}\])*+)   # what closes with it, note numbers too
        (?P<gap>\s+|$|(?<=[。！？｡」』）》”’]))""",
    re.VERBOSE,
)
_OPENING = "\"'“‘«‹([{「『（《¿¡*_"
_TITLES = frozenset(
    "mr mrs ms mx dr prof rev fr sr jr st mt gen col lt maj capt cmdr adm sgt cpl pvt sen rep gov pres hon messrs mme "
    "mlle amb insp supt atty hr dir asst assoc dept univ inc ltd co corp bros vs v ca cf al ed eds vol vols no nos fig "
    "figs eq eqs ch sec pp p para art approx est ave blvd rd jan feb mar apr jun jul aug sep sept oct nov dec mon tue "
    "tues wed thu thur thurs fri sat sun e.g i.e etc viz incl excl resp tel ext op cit ibid".split()
)
_ENDS_TOO = frozenset("etc inc ltd co corp al jr sr st ave blvd rd dept univ no".split())
"""Abbreviations that may also close a sentence: a common opening word behind them then starts a new one."""
_MONTHS_AND_NUMBERS = frozenset(
    "no nos fig figs p pp vol vols ch sec art eq mar may sat sun est jan feb apr jun jul aug".split()
)
"""Abbreviations that are words, too, or need a number behind them."""
OPENERS = frozenset(
    "the a an this that these those it its he she they we you i his her their our my there here in on at by for from "
    "with as if when while after before since during although though because but and or so yet however moreover "
    "meanwhile also then thus therefore what who why how where which not no all some many most both each other another "
    "according under over between among despite unlike until once".split()
)
"""Words with which a sentence opens that are no names, capitalised though they are then."""


def _sentences_of_block(text: str, start: int, end: int) -> Iterator[Sentence]:
    if _is_row(text, start, end):
        yield from _trimmed(text, start, end)  # a cell alone says nothing: the row is the sentence
    else:
        yield from _sentences(text, start, end)


def _sentences(text: str, start: int, end: int) -> Iterator[Sentence]:
    position = start
    for match in _END.finditer(text, start, end):
        if match.start() >= position and _is_boundary(text, position, match, end):
            yield from _trimmed(text, position, match.end("after"))
            position = match.end("after")
    yield from _trimmed(text, position, end)


def _is_boundary(text: str, start: int, match: re.Match[str], end: int) -> bool:
    """Whether the sentence that began at `start` ends with this mark."""
    rest = text[match.end() : min(match.end() + 40, end)]
    if not rest:
        return True
    stop = match["stop"]
    if stop[0] in "。！？｡":
        return True
    if not match["gap"]:
        return False
    opening = rest.lstrip(_OPENING)
    following = opening[:1]
    if following.islower():
        return False
    if stop[-1] in "!?" or len(stop) > 1 or match["after"]:
        return bool(following) or not rest.strip()
    before = text[max(start, match.start() - 80) : match.start()]
    word = re.search(r"[^\s\"'“”‘’«»()\[\]{}/—–]*$", before)
    last = word.group() if word else ""
    if not before.strip() or (last.isdigit() and len(last) <= 3 and before.strip() == last):
        return False  # the number of a list item
    opener = re.match(r"[^\W\d_]+", opening)
    starts_anew = bool(opener) and opener.group().lower() in OPENERS if opener else False
    lower = last.lower()
    if lower in _TITLES:
        if lower in _MONTHS_AND_NUMBERS and not following.isdigit():
            return True
        return lower in _ENDS_TOO and starts_anew
    if len(last) == 1 and last.isalpha() and last.isupper():
        return starts_anew  # an initial: "J. Smith"; "World War I. The ..."
    if re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", last):
        return starts_anew  # "U.S. officials"; "in the U.S. The officials"; "at 5 p.m. He"
    return True


def _trimmed(text: str, start: int, end: int) -> Iterable[Sentence]:
    """The span without white space around it, cut where it is too long; nothing where it is blank."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip())
    while end - start > SENTENCE_CHARACTERS:
        cut = _cut(text, start)
        yield from _trimmed(text, start, cut)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield Sentence(start, end)


def _cut(text: str, start: int) -> int:
    """Where to cut an overlong sentence: behind the last cell or clause mark, else the last space, else anywhere."""
    window = text[start : start + SENTENCE_CHARACTERS]
    for pattern in (r"\s\|\s", r"[;:]\s", r",\s|[、，；]", r"\s"):
        ends = [match.end() for match in re.finditer(pattern, window) if match.end() > SENTENCE_CHARACTERS // 3]
        if ends:
            return start + ends[-1]
    return start + SENTENCE_CHARACTERS
