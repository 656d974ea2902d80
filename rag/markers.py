"""What a language model writes, as it comes in pieces: sentences, and the numbers of the sources each points at.

Models mark sources in many shapes: [1], [1][2], [1, 3], [S4], 【1】, (1), ¹, "Source 1", before or behind the full
stop, in front of the sentence. All of them leave the text. How the text is cut into pieces changes nothing.
"""

import re
from dataclasses import dataclass

from index.split import split_sentences

_LOOK = 60
"""So many characters ahead decide whether something is a marker."""

_LONG = 720
"""A sentence that runs on for so long is cut by index.split, which by then has seen all it needs."""

_ITEM = r"(?:(?:see )?(?:sources?|sentences?|passages?|citations?|refs?\.?|s)?\s?[:#^]?\s?\d{1,3}(?!\d)(?:†\w{0,10})?)"
_INSIDE = rf"[\[\s^]{{0,3}}{_ITEM}(?:\s?(?:[,;&–-]|and|\]\s?,?\s?\[)\s?{_ITEM}){{0,9}}[\]\s]{{0,3}}"
_SQUARE = re.compile(rf"[\[【［]({_INSIDE})[\]】］]", re.IGNORECASE)
_ROUND = re.compile(rf"[(（]({_INSIDE})[)）]", re.IGNORECASE)
_LINK = re.compile(r"\((?:#|https?://)[^)\s]{0,50}\)")
_TAG = re.compile(r"<\|[^|<>]{0,40}\|>|</?(?:answer|think|thinking|thought|reasoning|s)>", re.IGNORECASE)
_THINKING = re.compile(r"<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_LEADS = (
    "source",
    "sentence",
    "according to s",
    "based on s",
    "as stated in s",
    "as per s",
    "per s",
    "see s",
    "from s",
)
_PHRASE = re.compile(
    r"(?:(?:according to|based on|as stated in|as per|per|see|from) )?(?:sources?|sentences?) ?:? ?"
    r"(?P<numbers>\[?\d{1,3}\]?(?!\d)(?:(?:, ?| and | ?& ?)\[?\d{1,3}\]?(?!\d)){0,5})"
    r"(?: (?:states?|says?|mentions?|reports?|indicates?|notes?)(?: that)?\b|[,:])?",
    re.IGNORECASE,
)
_SUPERSCRIPT = {character: str(value) for value, character in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_POWERS = re.compile(r"(?:\d|(?<![^\W\d_])(?:k|c|m|d)?m|(?<![^\W\d_])(?:ft|mi|in|yd|s|x|n|r))$", re.IGNORECASE)
"""A superscript behind one of these is a power: km², 10³."""

_BULLET = re.compile(r"^\s*(?:[-*+•–>]+|#{1,6}|\(?\d{1,2}[.)])\s+")
_LABEL = re.compile(r"^\s*(?:final )?answer\s*:\s*", re.IGNORECASE)
_EMPHASIS = re.compile(r"\*\*|__|`")


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence, and what it points at.

    text        without markers, on one line
    numbers     of the sources it names, each once, in order; only those that were given
    opens_line  it begins a line
    whole       it ends as a sentence does, or another one or a line break follows
    """

    text: str
    numbers: tuple[int, ...]
    opens_line: bool
    whole: bool


class MarkerParser:
    """Turns pieces of text into sentences: `feed` returns those that are complete, `close` what is left."""

    def __init__(self, sources: int) -> None:
        """`sources`: how many there are; they are numbered from 1."""
        self.pointed: list[int] = []
        """The sources named on lines without words, in order: some small models answer with numbers alone."""
        self._sources = sources
        self._raw = ""  # not yet looked at
        self._line = ""  # looked at, without markers, not yet returned
        self._markers: list[tuple[int, tuple[int, ...]]] = []  # offset in _line, numbers
        self._gap = False  # white space stood before the last marker
        self._behind_marker = False
        self._in_front: bool | None = None  # this line's markers stand in front of their sentences
        self._opens_line = True
        self._thinking = False
        self._found: list[Written] = []

    def feed(self, piece: str) -> list[Written]:
        """The sentences that the piece completes."""
        self._raw += piece.replace("\r", "")
        self._read(final=False)
        self._split(final=False)
        return self._take()

    def close(self) -> list[Written]:
        """What is left at the end of the text. Nothing may be fed any more."""
        self._read(final=True)
        self._split(final=True)
        return self._take()

    def _take(self) -> list[Written]:
        found, self._found = self._found, []
        return found

    def _read(self, *, final: bool) -> None:
        """Moves what is decided from _raw to _line and _markers."""
        place = 0
        while place < len(self._raw):
            used = self._token(place, final)
            if used == 0:
                break
            place += used
        self._raw = self._raw[place:]

    def _token(self, place: int, final: bool) -> int:
        """Reads what stands at `place` and returns its length; 0 where more has to come first."""
        raw = self._raw
        rest = raw[place : place + _LOOK]
        known = final or len(rest) == _LOOK or "\n" in rest
        rest = rest.partition("\n")[0] or rest  # no marker goes beyond its line
        if self._thinking:
            return self._thought(place, final)
        first = rest[0]
        if first == "\n":
            self._split(final=True, line_break=True)
            return 1
        if first == "<":
            if tag := _TAG.match(rest):
                self._thinking = bool(_THINKING.match(tag.group()))
                return tag.end()
            return self._literal(first) if known or ">" in rest else 0
        if first in "[【［(（":
            pattern = _SQUARE if first in "[【［" else _ROUND
            if self._behind_marker and (link := _LINK.match(rest)):
                return link.end()
            if (marker := pattern.match(rest)) and (known or marker.end() < len(rest)):
                numbers = _numbers(marker[1])
                if pattern is _SQUARE or all(number <= self._sources for number in numbers):
                    return self._marker(numbers, marker.end())
                return self._literal(first)
            return self._literal(first) if known else 0
        if first in _SUPERSCRIPT:
            run = re.match(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+(?:[,⁻][⁰¹²³⁴⁵⁶⁷⁸⁹]+)*", rest)
            assert run
            if run.end() + 1 >= len(rest) and not known:
                return 0
            numbers = [int("".join(map(_SUPERSCRIPT.__getitem__, part))) for part in re.split(r"[,⁻]", run.group())]
            if _POWERS.search(self._line[-12:]) or any(number > self._sources for number in numbers):
                return self._literal(run.group())
            return self._marker(numbers, run.end())
        if first.isalpha() and not self._line[-1:].isalnum():
            lower = rest.lower()
            if any(lower.startswith(lead) or (not known and lead.startswith(lower)) for lead in _LEADS):
                if not known:
                    return 0
                phrase = _PHRASE.match(rest)
                if phrase and all(0 < number <= self._sources for number in _numbers(phrase["numbers"])):
                    return self._marker(_numbers(phrase["numbers"]), phrase.end())
        return self._literal(first)

    def _thought(self, place: int, final: bool) -> int:
        end = _THOUGHT.search(self._raw, place)
        if end:
            self._thinking = False
            return end.end() - place
        return len(self._raw) - place if final else max(0, len(self._raw) - place - 12)

    def _literal(self, text: str) -> int:
        if self._gap and not text.isspace() and text not in ".,;:!?…。，；：！？)”’":
            self._line += " "
        if not text.isspace() or not self._gap:
            self._gap = False
            self._line += text
        self._behind_marker = False
        return len(text)

    def _marker(self, numbers: list[int], length: int) -> int:
        kept = self._line.rstrip()
        self._gap = self._gap or len(kept) < len(self._line)
        self._line = kept
        if self._in_front is None and not kept:
            self._in_front = True
        self._markers.append((len(kept), tuple(number for number in numbers if 0 < number <= self._sources)))
        self._behind_marker = True
        return length

    def _split(self, *, final: bool, line_break: bool = False) -> None:
        """Returns the sentences of _line whose end is certain; with `final` all."""
        while self._line.strip():
            sentences = split_sentences(self._line)
            end = sentences[0].end
            last = len(sentences) == 1
            if not final and not self._certain(sentences[0].start, end):
                return
            self._sentence(end, last=last and final, whole=not last or line_break or _ends(self._line[:end]))
        if final:
            self.pointed += [number for _, numbers in self._markers for number in numbers]
            self._line, self._markers, self._gap = "", [], False
            self._opens_line, self._in_front, self._behind_marker = True, None, False

    def _certain(self, start: int, end: int) -> bool:
        """Whether nothing that may follow moves the end: a whole word stands behind it."""
        if not _ends(self._line[:end]):
            return len(self._line) - start > _LONG
        return bool(re.match(r"\W*\w+\W", self._line[end:])) or len(self._line) - end > _LOOK

    def _sentence(self, end: int, *, last: bool, whole: bool) -> None:
        in_front = self._in_front and not last
        mine = [mark for mark in self._markers if mark[0] < end or (mark[0] == end and not in_front)]
        text = self._line[:end]
        behind = self._line[end:]
        stripped = behind.lstrip()
        cut = end + len(behind) - len(stripped)
        self._line = stripped
        self._markers = [(max(0, at - cut), numbers) for at, numbers in self._markers[len(mine) :]]
        numbers = tuple(dict.fromkeys(number for _, group in mine for number in group))
        cleaned = _cleaned(text)
        if any(character.isalnum() for character in cleaned):
            self._found.append(Written(cleaned, numbers, self._opens_line, whole))
            self._opens_line = False


def _cleaned(text: str) -> str:
    text = _LABEL.sub("", _EMPHASIS.sub("", _BULLET.sub("", text, count=1)), count=1)
    text = " ".join(text.split()).lstrip(",;: ")
    return text[:1].upper() + text[1:]


def _ends(text: str) -> bool:
    return bool(re.search(r"[.!?…。！？｡][\"'”’»›)\]}」』）》*_]*$", text))


def _numbers(inside: str) -> list[int]:
    """The numbers of a marker; 1-3 and 1–3 are ranges."""
    numbers: list[int] = []
    for match in re.finditer(r"(\d{1,3})(?:†\w*)?(?:\s?[–-]\s?\D{0,10}?(\d{1,3}))?", inside):
        first, last = int(match[1]), int(match[2] or match[1])
        numbers += range(first, last + 1) if first <= last <= first + 10 else [first, last]
    return numbers
