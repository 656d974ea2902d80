"""What a sentence states, word by word: names, numbers, what is denied, what is only possible, and who says it.

Told by word lists and word order, without a parser: the lists hold what English news, reports and encyclopedias use.
Nothing here compares two texts; rag/support.py does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from index.words import STOPWORDS, places, stem


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names ------------------------------------------------------------------------------------------------------------

_PHRASES = {
    ("united", "states"): "america",
    ("united", "kingdom"): "britain",
    ("great", "britain"): "britain",
    ("european", "union"): "eu",
    ("united", "nations"): "un",
}
_SAME_NAME = {
    name: group.split()[0]
    for group in (
        "america us u.s usa u.s.a american americans",
        "britain uk u.k british briton britons",
        "eu e.u",
        "un u.n",
        "china chinese sino prc",
        "france french frenchman",
        "germany german germans",
        "netherlands dutch holland",
        "spain spanish spaniard spaniards",
        "poland polish pole poles",
        "greece greek greeks",
        "turkey turkish turk turks",
        "sweden swedish swede swedes",
        "denmark danish dane danes",
        "finland finnish finn finns",
        "ireland irish",
        "scotland scottish scots",
        "england english",
        "wales welsh",
        "switzerland swiss",
        "portugal portuguese",
        "norway norwegian norwegians",
        "taiwan taiwanese",
        "japan japanese",
        "vietnam vietnamese",
        "thailand thai",
        "philippines filipino filipinos philippine",
        "ukraine ukrainian ukrainians",
        "europe european europeans",
        "israel israeli israelis",
        "peru peruvian peruvians",
        "paris parisian parisians",
        "london londoner londoners",
        "christmas xmas",
        "saturday sat",
        "january jan",
        "february feb",
        "april apr",
        "august aug",
        "september sept sep",
        "october oct",
        "november nov",
        "december dec",
    )
    for name in group.split()
}
_DEMONYM = re.compile(r"(?<=[a-z]{3})(?:ians?|ia|eans?|ans?|y|o|a|i|is)$")

MONTHS = _words("january february march april may june july august september october november december")
DAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
_SPEAKS = _words("he she they it his her their its him them we i this that these those there here who")


@lru_cache(maxsize=65_536)
def name_key(word: str) -> str:
    """What is the same for a name and its forms: "russia" of "Russia" and "Russians", "america" of "US"."""
    if word in _SAME_NAME:
        return _SAME_NAME[word]
    if word in MONTHS:
        return word
    bare = _DEMONYM.sub("", word.removesuffix("s") if len(word) > 4 else word)
    return bare if len(bare) > 3 else stem(word)


# Words ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence, or a phrase that is one name ("United States").

    start, end  offsets in the sentence;  `word`: lower-cased;  `stem`: of it
    key         what it is found by: the stem, or for a capitalised word `name_key`
    name        capitalised where only names are
    content     says something by itself
    clause      number of the clause it stands in
    """

    start: int
    end: int
    word: str
    stem: str
    key: str
    name: bool
    opens: bool
    content: bool
    clause: int


_BOUNDARY = re.compile(
    r"[;:—]|\s–\s|,\s+(?:and|but|while|although|though|whereas|which|who|so|because|yet|or)\b|"
    r"\b(?:but|while|although|though|whereas|because|unless)\b|[.!?]\s",
    re.IGNORECASE,
)


def words_of(text: str) -> list[Word]:
    """The words of a sentence in order."""
    borders = [match.start() for match in _BOUNDARY.finditer(text)]
    found: list[Word] = []
    spans = places(text)
    place = 0
    while place < len(spans):
        start, end, word = spans[place]
        used = 1
        following = spans[place + 1][2] if place + 1 < len(spans) else ""
        if (word, following) in _PHRASES and text[start].isupper():
            word, end, used = _PHRASES[word, following], spans[place + 1][1], 2
        elif word == "u" and following in ("s", "k") and text[end : end + 1] == ".":
            word, end, used = "us" if following == "s" else "uk", spans[place + 1][1], 2
        shown = text[start:end]
        capital = shown[0].isupper() and not (word == "i" or (word == "us" and shown == "Us"))
        opens = place == 0 or text[:start].rstrip(" \"“‘'([")[-1:] in ("", ".", "!", "?", ":", "\n")
        if word == "us" and shown.isupper():
            content = name = True
        else:
            content = word not in STOPWORDS
            name = capital and content and (not opens or (len(shown) > 1 and shown.isupper()))
        key = name_key(word) if capital and content else _SAME_NAME.get(word, stem(word)) if content else stem(word)
        clause = sum(border <= start for border in borders)
        found.append(Word(start, end, word, stem(word), key, name, opens and capital, content, clause))
        place += used
    return found


# Numbers ----------------------------------------------------------------------------------------------------------

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
_WHOLE = {"half": Decimal("0.5"), "dozen": Decimal(12), "twice": Decimal(2), "thrice": Decimal(3)}
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_NUMBER = re.compile(
    r"(?P<currency>[$€£¥₽]\s?)?"
    r"(?P<digits>\d{1,3}(?:[,\u00a0\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<ordinal>st|nd|rd|th)?(?P<decade>s\b)?"
    r"(?:[\s-]?(?P<scale>hundred|thousand|million|billion|trillion|bn|mn|tn|k|m)\b)?",
    re.IGNORECASE,
)
_SPELT = re.compile(
    r"\b(?:"
    + "|".join([*_UNITS, *_ORDINALS, *_SCALES, *_WHOLE])
    + r")(?:(?:[\s-]|\sand\s)(?:"
    + "|".join([*_UNITS, *_ORDINALS, "hundred", "thousand", "million", "billion", "trillion"])
    + r"))*\b",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\s?(?:%|percent\b|per\s?cent\b|percentage\b|pct\b)", re.IGNORECASE)
_MONEY = re.compile(
    r"\s?(?P<unit>dollars?|usd|euros?|eur|pounds?|gbp|yuan|rmb|rubles?|roubles?|yen|cents?|rupees?|francs?)\b",
    re.IGNORECASE,
)
_CURRENCIES = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yuan", "₽": "ruble"}
_SAME_CURRENCY = {"usd": "dollar", "eur": "euro", "gbp": "pound", "rmb": "yuan", "rouble": "ruble"}
_LIMITS = (
    ("less", r"less than|fewer than|under|below|at most|up to|no more than|not more than|maximum of|almost|nearly"),
    ("more", r"more than|over|above|at least|exceed(?:s|ed|ing)?|upwards of|no fewer than|no less than|minimum of"),
)
_LIMIT_BEFORE = tuple(
    (name, re.compile(rf"\b(?:{words})\s+(?:an?\s|the\s)?$", re.IGNORECASE)) for name, words in _LIMITS
)
_LIMIT_AFTER = re.compile(r"^(?:-?\w+)?[\s-](?:plus|or more)\b|^\+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a sentence.

    kind    "percent", "money dollar", "ordinal", "decade" or "plain"
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
        if match["scale"]:
            value *= _SCALES[match["scale"].lower()]
        if not match["scale"] and not match["ordinal"] and text[end : end + 1].isalpha() and not match["decade"]:
            pass  # "18km", "5G": the number counts
        kind = "decade" if match["decade"] else "ordinal" if match["ordinal"] else "plain"
        yield _number(text, start, end, value, kind, (match["currency"] or "").strip())


def _in_words(text: str) -> Iterator[Number]:
    for match in _SPELT.finditer(text):
        start, end = match.span()
        parts = [part for part in re.split(r"[\s-]+", match.group().lower()) if part != "and"]
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
            kind = "ordinal"
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


# Denied, possible, said -------------------------------------------------------------------------------------------

_NEGATIONS = _words(
    "not no never nor neither none nobody nothing nowhere without cannot can't won't don't doesn't didn't isn't"
    " aren't wasn't weren't hasn't haven't hadn't wouldn't couldn't shouldn't hardly barely scarcely can’t won’t"
    " don’t doesn’t didn’t isn’t aren’t wasn’t weren’t hasn’t haven’t hadn’t wouldn’t couldn’t shouldn’t"
)
REFUSALS = _words("refus declin deni deny reject fail unabl lack stop halt ceas refrain avoid prevent unwil unlik")
"""Stems of words that deny what follows them as "not" does."""

_POSSIBLE = _words("may might could would possibly potentially perhaps probably maybe can")
_LIKELY = _words(
    "likely reportedly allegedly apparently supposedly seemingly presumably purportedly seems seem seemed appears"
    " appear appeared expected believed thought considered rumored rumoured alleged plans plan planned hopes hope"
    " hoped intends intend intended wants want wanted aims aim aimed seeks seek seeking proposed proposes"
    " threatens threatened if whether unless suggests should"
)
_COMING = _words("will shall tomorrow tonight upcoming set scheduled about")
_HEDGES = _POSSIBLE | _LIKELY | {"will"}

SAYING = _words(
    "say said says saying state stated states stating claim claimed claims claiming believe believes believed"
    " argue argued argues suggest suggested suggests note noted notes mention mentioned mentions express expressed"
    " expresses emphasize emphasized emphasizes emphasised emphasises stress stressed stresses explain explained"
    " explains add added adds tell told tells describe described describes warn warned warns predict predicted"
    " predicts allege alleged alleges assert asserted asserts insist insisted insists contend contended contends"
    " report reported reports declare declared declares acknowledge acknowledged admit admitted admits hint hinted"
    " hints estimate estimated estimates write wrote writes comment commented remark remarked remarks conclude"
    " concluded concludes analyzed analysed think thinks thought consider considers considered expect expects"
    " expected refer refers referred call called calls respond responded quote quoted point pointed according view"
    " views viewed inform informed complain complained hopes recall recalled"
)
"""Words that make what goes with them somebody's claim."""

_PRONOUN_SPEAKERS = _words("he she they it who")


@dataclass(frozen=True, slots=True)
class Saying:
    """Somebody says something: the words `first` up to, not including, `last` are claimed by `speaker` (keys of names;
    empty where only a pronoun or a common noun stands there)."""

    verb: int
    first: int
    last: int
    speaker: frozenset[str]


def negated(words: Sequence[Word], *, reach: int = 3) -> dict[int, int]:
    """For each denied word (its place in `words`) the place of what denies it: the first `reach` words that say
    something behind it, in its clause. "Not only" denies nothing."""
    denied: dict[int, int] = {}
    for place, word in enumerate(words):
        refusal = word.stem in REFUSALS
        if not refusal and word.word not in _NEGATIONS:
            continue
        if word.word == "not" and place + 1 < len(words) and words[place + 1].word == "only":
            continue
        left = reach
        for other in range(place + 1, len(words)):
            if words[other].clause != word.clause or left == 0:
                break
            if words[other].content:
                denied.setdefault(other, place)
                left -= 1
    return denied


def hedged(words: Sequence[Word], *, reach: int = 3) -> dict[int, int]:
    """For each word that is only possible, planned or hearsay, the place of what says so."""
    possible: dict[int, int] = {}
    for place, word in enumerate(words):
        if word.word not in _HEDGES or (word.word == "may" and word.name) or word.name:
            continue
        if word.word == "can" or word.word == "considered":
            continue
        left = reach
        for other in range(place + 1, len(words)):
            if words[other].clause != word.clause or left == 0:
                break
            if words[other].content and words[other].word not in _HEDGES:
                possible.setdefault(other, place)
                left -= 1
    return possible


def sayings(text: str, words: Sequence[Word]) -> list[Saying]:
    """Who says what in a sentence."""
    found = []
    for place, word in enumerate(words):
        if word.word not in SAYING or word.name:
            continue
        before = words[place - 1].word if place else ""
        if word.word == "according":
            after = place + 2
            stop = next(
                (at for at in range(after, len(words)) if "," in text[words[at - 1].end : words[at].start]), after + 6
            )
            speaker = _names(words[after : min(stop, len(words))])
            found.append(Saying(place, 0, len(words), speaker))
            continue
        if before in ("the", "a", "an", "this", "of", "its", "their"):
            continue  # "the report", "the claim": nouns
        subject = _subject(text, words, place)
        inverted = text[: word.start].rstrip()[-1:] in '”"’,' and place + 1 < len(words)
        last_in_text = place >= len(words) - 3
        if inverted or last_in_text:
            speaker = _names(words[place + 1 : place + 5]) if inverted and not subject else _names(subject)
            found.append(Saying(place, 0, len(words), speaker))
        else:
            found.append(Saying(place, place + 1, len(words), _names(subject)))
    return found


def _subject(text: str, words: Sequence[Word], verb: int) -> Sequence[Word]:
    """The words before a verb that may be its subject: back to the last closed quotation or the start of its clause."""
    first = verb
    while first > 0 and words[first - 1].clause == words[verb].clause:
        gap = text[words[first - 1].end : words[first].start]
        if any(mark in gap for mark in '”"') and first < verb:
            break
        first -= 1
    return words[first:verb]


def _names(words: Sequence[Word]) -> frozenset[str]:
    return frozenset(word.key for word in words if word.content and (word.name or word.opens))


# Quantities, directions -------------------------------------------------------------------------------------------

QUANTIFIERS = {
    "all": _words("all every each always everyone everybody everything entire entirely whole completely any both"),
    "most": _words("most mostly majority"),
    "only": _words("only solely exclusively sole"),
    "none": _words("no none never nobody nothing neither without"),
    "some": _words("some several few certain part partly sometimes various"),
    "many": _words("many numerous often frequently"),
}
MEETS = {
    "all": ("all",),
    "most": ("most", "all"),
    "only": ("only",),
    "many": ("many", "most", "all", "several"),
}
"""A claim's quantifier holds where the source has one of these."""

_OPPOSITES = """
increase/decrease,fall,drop,decline,shrink,reduce,diminish,plunge,lower,lessen;
rise/decrease,fall,drop,decline,plunge,sink; grow/decrease,fall,drop,decline,shrink; raise/lower,cut,reduce;
higher/lower; high/low; more/less,fewer; above/below; over/under; before/after; larger/smaller; large/small;
big/small; largest/smallest; biggest/smallest; highest/lowest; most/least; best/worst; better/worse;
improve/worsen,deteriorate,decline; strengthen/weaken; strong/weak; stronger/weaker; support/oppose,hinder;
favor/oppose; accept/reject,refuse,decline; agree/refuse,disagree; approve/reject,veto;
allow/ban,forbid,prohibit,prevent; permit/ban,forbid,prohibit; win/lose; victory/defeat; won/lost; open/close,shut;
start/end,stop,finish; begin/end,stop,finish; began/ended,stopped; first/last,second; buy/sell; bought/sold;
import/export; importer/exporter; north/south; northern/southern; northwest/southwest,northeast,southeast;
east/west; eastern/western; northeastern/northwestern,southwestern,southeastern; early/late; earlier/later;
younger/older; young/old; succeed/fail; success/failure; gain/loss,lose; join/leave,quit; arrive/leave,depart;
maximum/minimum; positive/negative; agree/disagree; cause/prevent; expand/contract,shrink; praise/criticize,condemn;
friend/enemy; ally/adversary,enemy,rival; hire/fire; domestic/foreign; rich/poor; public/private; minority/majority;
include/exclude; safe/dangerous,unsafe; safer/riskier; legal/illegal; attack/defend; mother/father; son/daughter;
brother/sister; husband/wife; uncle/aunt; male/female; men/women; man/woman; boy/girl; king/queen;
morning/evening,afternoon,night; day/night; summer/winter; spring/autumn,fall; hot/cold; warm/cool; fast/slow;
faster/slower; up/down; left/right; upward/downward; push/pull; borrow/lend; create/destroy; advantage/disadvantage;
likely/unlikely; able/unable; possible/impossible; willing/unwilling; favorable/unfavorable; aligned/non-aligned;
limited/unlimited,limitless; presence/absence; proven/unproven; lack/have; confirm/deny; love/hate; hard/easy;
long/short; longer/shorter; wide/narrow; heavy/light; deep/shallow; temporary/permanent; cheap/expensive;
cheaper/costlier; calm/turbulent; appoint/dismiss,fire; employ/dismiss; enter/leave,exit; guilty/innocent;
acquit/convict; optional/mandatory,compulsory,required; voluntary/mandatory,compulsory; free/paid; ancient/modern;
urban/rural; wet/dry; inside/outside; internal/external; offensive/defensive; direct/indirect; gradually/suddenly;
slowly/suddenly,quickly; same/different; similar/different; alive/dead; survive/die; full/empty; tie/win;
backed/opposed; resume/suspend,halt,stop; suspend/resume; exceed/lag; ahead/behind; majority/minority;
superior/inferior; overt/covert; rarely/often,frequently
"""


def _opposites() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for entry in _OPPOSITES.replace("\n", " ").split(";"):
        one, _, others = entry.strip().partition("/")
        for other in others.split(","):
            table.setdefault(stem(one), set()).add(stem(other.strip()))
            table.setdefault(stem(other.strip()), set()).add(stem(one))
    for forms in (
        "rise rose risen",
        "fall fell fallen",
        "grow grew grown growth",
        "sell sold sale",
        "buy bought",
        "win won",
        "lose lost loss",
        "leave left",
        "begin began begun",
        "die died death",
    ):
        first, *rest = [stem(form) for form in forms.split()]
        for form in rest:
            table.setdefault(form, set()).update(table.get(first, ()))
        for words in list(table.values()):
            if first in words:
                words.update(rest)
    return {word: frozenset(others - {word}) for word, others in table.items()}


OPPOSITES = _opposites()
"""The stems that say the opposite of a stem."""
