"""From bytes to text, whatever the encoding."""

import codecs
import re

from index.formats.content import Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEGACY = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8_r iso8859_2 iso8859_5 iso8859_7 shift_jis euc_jp "
    "iso2022_jp gb18030 big5 euc_kr"
).split()
_SAMPLE = 200_000


def decode(data: bytes, *, declared: str | None = None) -> str:
    """The text in the bytes: by its mark, else UTF-8, else as `declared`, else by what its bytes look like. Line
    endings are folded, nothing else is changed. Raises Unreadable for what is no text."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _checked(_decoded(data, encoding))
    if unmarked := _unmarked_utf16(data):
        return _checked(_decoded(data, unmarked))
    if b"\0" in data:
        raise Unreadable("is not text (it holds NUL characters); save it as UTF-8 text.")
    try:
        return _checked(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    if mended := _nearly_utf8(data):
        return _checked(mended)
    if declared:
        try:
            return _checked(data.decode(codecs.lookup(declared).name))
        except (LookupError, ValueError):  # unknown, or wrong
            pass
    return _checked(_decoded(data, _likely(data)))


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"is not text in {encoding.removesuffix('-sig').upper()}; save it as UTF-8 text.") from None


def _checked(text: str) -> str:
    if "\0" in text:
        raise Unreadable("is not text (it holds NUL characters); save it as UTF-8 text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _nearly_utf8(data: bytes) -> str | None:
    """UTF-8 with a few broken characters, as where a file was cut or two were put together."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(character > "\x7f" for character in text) - broken
    return text if whole >= 10 * broken else None


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 of mostly Latin text: every other byte is NUL, and none of the rest."""
    sample = data[: _SAMPLE // 2 * 2]
    if len(data) % 2 or len(data) < 4:
        return None
    even, odd = sample[::2], sample[1::2]
    if odd.count(0) > 0.7 * len(odd) and 0 not in even:
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and 0 not in odd:
        return "utf-16-be"
    return None


def _likely(data: bytes) -> str:
    """The encoding that charset-normalizer finds most likely. In few letters it finds anything: a text in which most
    letters are ASCII and the others what Western languages use is taken for Windows-1252."""
    sample = data[:_SAMPLE]
    if len(data) > _SAMPLE and b"\n" in sample:
        sample = sample[: sample.rindex(b"\n")]  # not in the middle of a character
    if (western := _as_western(sample)) is not None:
        others = [character for character in western if character > "\x7f"]
        share = sum(map(str.isalpha, others)) / max(sum(map(str.isalpha, western)), 1)
        if all(character in _WESTERN for character in others) and share < 0.35 and not _IN_MIDDLE.search(western):
            return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_LEGACY, preemptive_behaviour=False).best()
    if best is None:
        raise Unreadable("is not text in an encoding that can be told; save it as UTF-8 text.")
    return best.encoding


def _as_western(sample: bytes) -> str | None:
    try:
        return sample.decode("cp1252")
    except UnicodeDecodeError:
        return None


_WESTERN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüœŒŸÿ€£§°·«»¿¡“”‘’„‚–—…©®™•½¼¾²³ªº\xa0")
_IN_MIDDLE = re.compile(r"[a-zß-ÿ][À-Þ][a-zß-ÿ]|[°²³½¼¾¿¡©®§£][a-zà-ÿ]")
"""What stands inside words only where another encoding was meant."""
