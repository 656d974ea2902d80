"""The numbers of a sentence, in digits or words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from index.words import places, stem

_UNITS = {
    name: value
    for value, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen eighteen nineteen".split()
    )
} | {
    name: 10 * value
    for value, name in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_ORDINALS = {
    name: value
    for value, name in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
        " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        start=1,
    )
} | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50, "hundredth": 100}
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "k": 1_000,
    "million": 10**6,
    "mn": 10**6,
    "m": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
    "tn": 10**12,
}
_WHOLE = {"half": Decimal("0.5"), "dozen": Decimal(12)}
_TIMES = {
    "twice": Decimal(2),
    "thrice": Decimal(3),
    "doubl": Decimal(2),
    "tripl": Decimal(3),
    "trebl": Decimal(3),
    "quadrupl": Decimal(4),
    "halv": Decimal("0.5"),
}
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_NUMBER = re.compile(
    r"(?P<currency>[$€£¥₽]\s?)?"
    r"(?P<digits>\d{1,3}(?:[,\u00a0\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<ordinal>st|nd|rd|th)?(?P<decade>s\b)?"
    r"(?:[\s-]?(?P<scale>hundred|thousand|million|billion|trillion|bn|mn|tn|k|m)\b)?",
    re.IGNORECASE,
)
_THEN = r"(?:[\s-]|\sand\s)"
_SPELT = re.compile(
    rf"\b(?:(?:{'|'.join(_ORDINALS)})|"
    rf"(?:{'|'.join([*_UNITS, *_SCALES, *_WHOLE])})"
    rf"(?:{_THEN}(?:{'|'.join([*_UNITS, 'hundred', 'thousand', 'million', 'billion', 'trillion'])}))*"
    rf"(?:{_THEN}(?:{'|'.join(_ORDINALS)}))?)\b",
    re.IGNORECASE,
)
"""An ordinal ends a number: "the first three" are two."""
_PERCENT = re.compile(r"\s?(?:%|percent\b|per\s?cent\b|percentage\b|pct\b)", re.IGNORECASE)
_MONEY = re.compile(
    r"\s?(?P<unit>dollars?|usd|euros?|eur|pounds?|gbp|yuan|rmb|rubles?|roubles?|yen|cents?|rupees?|francs?)\b",
    re.IGNORECASE,
)
_CURRENCIES = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yuan", "₽": "ruble"}
_SAME_CURRENCY = {"usd": "dollar", "eur": "euro", "gbp": "pound", "rmb": "yuan", "rouble": "ruble"}
_LIMITS = (
    (
        "less",
        r"(?:less|fewer|shorter|smaller|lower|younger|lighter|cheaper|(?:no|not) more) than|under(?: the age of)?|"
        r"below|at most|up to|as (?:much|many|long) as|capped at|maximum of|almost|nearly",
    ),
    (
        "more",
        r"(?:more|longer|older|higher|greater|larger|bigger|heavier|hotter|taller|wider|faster|no fewer|no less) than|"
        r"over(?: the age of)?|above|beyond|at least|exceed(?:s|ed|ing)?|upwards of|minimum of",
    ),
)
_LIMIT_BEFORE = tuple((name, re.compile(rf"\b(?:{words})\s+(?:an?\s)?$", re.IGNORECASE)) for name, words in _LIMITS)
_LIMIT_AFTER = re.compile(r"^(?:-?\w+)?[\s-](?:plus|or more)\b|^\+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a sentence.

    kind    "percent", "money dollar", "ordinal" ("7th"), "rank" ("seventh"), "decade", "times" or "plain"
    limit   "more" ("more than 20"), "less" or ""
    """

    start: int
    end: int
    value: Decimal
    kind: str
    limit: str


def numbers_of(text: str) -> list[Number]:
    """The numbers of a sentence, in digits or words, in order. "One" alone is no number: it is mostly a pronoun."""
    found = [*_in_digits(text), *_in_words(text)]
    for start, end, word in places(text):
        if stem(word) in _TIMES:
            found.append(Number(start, end, _TIMES[stem(word)], "times", ""))
    return sorted(found, key=lambda number: number.start)


def _in_digits(text: str) -> Iterator[Number]:
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        before = text[start - 1 : start]
        if (before.isalpha() and not match["currency"]) or len(match["digits"]) > 30:
            continue  # "G7", "B2": part of a name; names_of takes care of those
        try:
            value = Decimal(re.sub(r"[,\u00a0\u202f]", "", match["digits"]))
        except InvalidOperation:  # digits of other scripts may hold none
            continue
        if re.search(r"(?:^|[\s(])[-−]$", text[max(0, start - 2) : start]):
            value = -value
        scale = (match["scale"] or "").lower()
        if scale in ("k", "m") and not match["currency"]:  # 5 m are metres
            end = match.start("scale")
        elif scale:
            value *= _SCALES[scale]
        kind = "decade" if match["decade"] else "ordinal" if match["ordinal"] else "plain"
        yield _number(text, start, end, value, kind, (match["currency"] or "").strip())


def _in_words(text: str) -> Iterator[Number]:
    for match in _SPELT.finditer(text):
        start, end = match.span()
        parts = [part for part in re.split(r"[\s-]+", match.group().lower()) if part != "and"]
        if len(parts) == 2 and parts[0] == "one" and parts[1] in _ORDINALS:
            parts = parts[1:]  # "one third" is "a third"
        if parts in (["one"], ["m"], ["k"], ["second"]) or text[max(0, start - 8) : start].rstrip()[-1:].isdigit():
            continue
        value, kind = _value(parts)
        yield _number(text, start, end, value, kind, "")


def _value(parts: Sequence[str]) -> tuple[Decimal, str]:
    total = current = Decimal(0)
    kind = "plain"
    for part in parts:
        if part in _WHOLE:
            current += _WHOLE[part]
        elif part in _UNITS:
            current += _UNITS[part]
        elif part in _ORDINALS:
            current += _ORDINALS[part]
            kind = "rank"
        elif part == "hundred":
            current = (current or Decimal(1)) * 100
        else:
            total += (current or Decimal(1)) * _SCALES[part]
            current = Decimal(0)
    return total + current, kind


def _number(text: str, start: int, end: int, value: Decimal, kind: str, sign: str) -> Number:
    percent = _PERCENT.match(text, end)
    money = _MONEY.match(text, end)
    if percent:
        kind, end = "percent", percent.end()
    elif sign:
        kind = f"money {_CURRENCIES[sign]}"
    elif money:
        unit = money["unit"].lower()
        unit = unit if unit in _SAME_CURRENCY else unit.removesuffix("s")
        kind, end = f"money {_SAME_CURRENCY.get(unit, unit)}", money.end()
    ahead = text[max(0, start - 24) : start]
    limit = next((name for name, pattern in _LIMIT_BEFORE if pattern.search(ahead)), "")
    if _LIMIT_AFTER.match(text[end : end + 24]):
        limit = "more"
    return Number(start, end, value, kind, limit)
