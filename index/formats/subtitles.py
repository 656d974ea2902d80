"""Subtitles, SubRip and WebVTT: what is said, without times; a paragraph for each stretch without a pause."""

import html
import re

from index.formats.content import Content, Unreadable, one_line
from index.formats.encodings import decode

PAUSE = 3.0
"""Seconds of silence that end a paragraph."""

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}", re.ASCII)
_TAG = re.compile(r"<[^<>\n]{0,200}>|\{\\[^{}\n]{0,200}\}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{1,40})?\s+([^<>\n]{1,100})>")


def read_subtitles(data: bytes) -> Content:
    """What is said. A voice that WebVTT names stands before its words: "Anna: ..."."""
    paragraphs: list[str] = []
    ended, speaker = -PAUSE, ""
    cues = re.split(r"\n(?:[^\S\n]*\n)+", decode(data).strip())
    for cue in cues:
        lines = cue.split("\n")
        at = next((number for number, line in enumerate(lines[:3]) if "-->" in line), None)
        times = _TIMES.match(lines[at]) if at is not None else None
        if at is None or times is None:
            continue  # a header, a note or a style
        began, until = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        for line in lines[at + 1 :]:
            voice = _VOICE.search(line)
            said = one_line(html.unescape(_TAG.sub("", line)))
            if not said:
                continue
            changed = bool(voice) and voice.group(1) != speaker if voice else said.startswith(("- ", "– "))
            if voice:
                speaker = voice.group(1)
                said = f"{one_line(speaker)}: {said}" if changed else said
            if changed or began - ended >= PAUSE or not paragraphs:
                paragraphs.append(said)
            else:
                paragraphs[-1] += f" {said}"
            ended = until
    if not paragraphs:
        raise Unreadable("holds no subtitles that can be read; save it anew or name it .txt.")
    return Content("\n\n".join(paragraphs))


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (int(part or 0) for part in (*parts[:3], (parts[3] or "").ljust(3, "0")))
    return hours * 3600 + minutes * 60 + seconds + fraction / 1000
