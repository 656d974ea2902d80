"""What a sentence states, word by word: names, numbers, what is denied, what is only possible, and who says it.

Told by word lists and word order, without a parser: the lists hold what English news, reports and encyclopedias use.
Nothing here compares two texts; rag/support.py does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from index.words import STOPWORDS, places, stem


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names ------------------------------------------------------------------------------------------------------------

_PHRASES = {
    ("united", "states"): "us",
    ("united", "kingdom"): "uk",
    ("great", "britain"): "uk",
    ("european", "union"): "eu",
    ("united", "nations"): "un",
    ("per", "cent"): "percent",
}
_SAME = """
us usa america american americans; uk britain british briton britons; china chinese sino prc; france french
frenchman; germany german germans; netherlands dutch holland; spain spanish spaniard spaniards; poland polish;
greece greek greeks; turkey turkish turks; sweden swedish swedes; denmark danish danes; finland finnish finns;
ireland irish; scotland scottish scots; england english; wales welsh; switzerland swiss; portugal portuguese; norway
norwegian norwegians; taiwan taiwanese; japan japanese; vietnam vietnamese; thailand thai; philippines filipino
filipinos philippine; israel israeli israelis; ukraine ukrainian ukrainians; europe european europeans; russia
russian russians; korea korean koreans; iran iranian iranians; iraq iraqi iraqis; india indian indians; italy
italian italians; syria syrian syrians; cuba cuban cubans; mexico mexican mexicans; canada canadian canadians;
brazil brazilian brazilians; argentina argentine argentinian; chile chilean; colombia colombian colombians;
venezuela venezuelan; peru peruvian; egypt egyptian egyptians; libya libyan; algeria algerian; morocco moroccan;
tunisia tunisian; kenya kenyan; nigeria nigerian nigerians; ethiopia ethiopian; ghana ghanaian; somalia somali;
sudan sudanese; africa african africans; asia asian asians; australia australian australians; austria austrian
austrians; belgium belgian belgians; bulgaria bulgarian; croatia croatian; serbia serbian serbs; hungary hungarian
hungarians; romania romanian; czechia czech czechs; slovakia slovak; slovenia slovenian; estonia estonian; latvia
latvian; lithuania lithuanian; belarus belarusian; moldova moldovan; georgia georgian; armenia armenian; azerbaijan
azerbaijani; kazakhstan kazakh; uzbekistan uzbek; afghanistan afghan afghans; pakistan pakistani pakistanis;
bangladesh bangladeshi; nepal nepali nepalese; indonesia indonesian; malaysia malaysian; singapore singaporean;
mongolia mongolian; arabia saudi arab arabs; lebanon lebanese; jordan jordanian; palestine palestinian palestinians;
yemen yemeni; qatar qatari; kuwait kuwaiti; iceland icelandic; cyprus cypriot; malta maltese; albania albanian;
bosnia bosnian; macedonia macedonian; jamaica jamaican; haiti haitian; panama panamanian; bolivia bolivian; paraguay
paraguayan; uruguay uruguayan; ecuador ecuadorian; tibet tibetan; soviet ussr; antarctica antarctic; arctic; paris
parisian; rome roman romans; california californian; texas texan; chief ceo; saturday sat; january jan; february
feb; april apr; august aug; september sept sep; october oct; november nov; december dec; percent pct percentage
"""
_SAME_NAME = {name: group.split()[0] for group in _SAME.split(";") for name in group.split()}
"""Names that are the same, the adjective of a country among them. A table, not endings: Paulo is not Paula."""

MONTHS = _words("january february march april may june july august september october november december")
DAYS = _words("monday tuesday wednesday thursday friday saturday sunday")

_IRREGULAR_FORMS = """
arise arose arisen; become became; begin began begun; bear born borne; bite bit bitten; blow blew blown; break broke
broken; bring brought; build built; buy bought; catch caught; choose chose chosen; come came; deal dealt; die died
death dead; do did done; draw drew drawn; drink drank drunk; drive drove driven; eat ate eaten; fall fell fallen;
feed fed; feel felt; fight fought; find found; fly flew flown; forbid forbade forbidden; forget forgot forgotten;
freeze froze frozen; get got gotten; give gave given; go went gone; grow grew grown growth; hear heard; hide hid
hidden; hold held; keep kept; know knew known; lead led; leave left; lend lent; lie lay lain; lose lost loss; make
made; mean meant; meet met; pay paid; ride rode ridden; ring rang rung; rise rose risen; run ran; say said; see saw
seen; seek sought; sell sold sale; send sent; shake shook shaken; shrink shrank shrunk; sing sang sung; sink sank
sunk; sleep slept; speak spoke spoken; spend spent; stand stood; steal stole stolen; strike struck; swear swore
sworn; swim swam swum; take took taken; teach taught; tell told; think thought; throw threw thrown; understand
understood; wake woke woken; wear wore worn; win won; withdraw withdrew withdrawn; write wrote written; overthrow
overthrew overthrown; man men; woman women; child children; person people; approve approval; refuse refusal; arrive
arrival; analyse analysis; analyze; defend defence defense; receive receipt; succeed success; choose choice; fly
flight; sign signature; prove proof proven; marry marriage; invade invasion; invest investment; decide decision;
conclude conclusion; discuss discussion; expand expansion; reduce reduction; produce production; destroy
destruction; describe description; explode explosion; erupt eruption; acquire acquisition; collide collision; divide
division; permit permission; admit admission; oppose opposition; propose proposal; renew renewal; cancel
cancellation cancelled canceled; resign resignation; declare declaration; inform information; depart departure; flow
flown
"""
_BASE = {form: group.split()[0] for group in _IRREGULAR_FORMS.split(";") for form in group.split()}
"""The first form of words whose others have another stem."""

# Words ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence, or a phrase that is one name ("United States").

    start, end  offsets in the sentence;  `word`: lower-cased
    key         what it is found by: the stem of its first form, and one key for all the forms of a country's name
    name        capitalised where only names are;  `opens`: capitalised, but so is any word that opens a sentence
    content     says something by itself
    clause      number of the clause it stands in
    """

    start: int
    end: int
    word: str
    key: str
    name: bool
    opens: bool
    content: bool
    clause: int


_BOUNDARY = re.compile(
    r"[;:—]|\s–\s|,\s+(?:and|but|while|although|though|whereas|which|who|so|because|yet|or|for which|if|when)\b|"
    r"\b(?:but|while|although|though|whereas|because|unless)\b|[.!?]\s",
    re.IGNORECASE,
)


def words_of(text: str) -> list[Word]:
    """The words of a sentence in order."""
    borders = [match.start() for match in _BOUNDARY.finditer(text)]
    found: list[Word] = []
    spans = places(text)
    place = clause = 0
    while place < len(spans):
        start, end, word = spans[place]
        used = 1
        following = spans[place + 1][2] if place + 1 < len(spans) else ""
        if (word, following) in _PHRASES and (text[start].isupper() or word == "per"):
            word, end, used = _PHRASES[word, following], spans[place + 1][1], 2
        elif word == "u" and following in ("s", "k") and text[end : end + 1] == ".":
            word, end, used = "us" if following == "s" else "uk", spans[place + 1][1], 2
        while clause < len(borders) and borders[clause] <= start:
            clause += 1
        shown = text[start:end]
        country = word == "us" and len(shown) > 1 and shown[:2] != "us" and shown != "Us"
        content = country or word not in STOPWORDS
        capital = shown[0].isupper() and content
        opens = capital and (place == 0 or text[:start].rstrip(" \"“‘'([")[-1:] in ("", ".", "!", "?", ":", "\n"))
        name = capital and (not opens or country or (len(shown) > 1 and shown.isupper()))
        found.append(Word(start, end, word, _key(word, capital), name, opens and not name, content, clause))
        place += used
    return found


def _key(word: str, capital: bool) -> str:
    if (capital or word == "percent") and word in _SAME_NAME:
        return _SAME_NAME[word]
    base = _BASE.get(word, word)
    return stem(base)


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
_TIMES = {
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
_LIMIT_BEFORE = tuple((name, re.compile(rf"\b(?:{words})\s+(?:an?\s)?$", re.IGNORECASE)) for name, words in _LIMITS)
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
    " don’t doesn’t didn’t isn’t aren’t wasn’t weren’t hasn’t haven’t hadn’t wouldn’t couldn’t shouldn’t yet"
    " impossible"
)
REFUSALS = frozenset(
    map(stem, "refuse decline deny reject fail unable lack stop halt cease refrain avoid unwilling unlikely".split())
)
"""Stems of words that deny what follows them as "not" does."""
ENDINGS = REFUSALS | frozenset(
    map(
        stem,
        "abolish ban forbid forbidden prohibit close cancel end exclude except free overdue withdraw only gone".split(),
    )
)
"""Stems of words that a denial may stand for in a paraphrase."""

_POSSIBLE = _words(
    "may might could possibly potentially perhaps probably maybe likely reportedly allegedly apparently"
    " supposedly seemingly presumably purportedly seems seem seemed appears appear appeared expected expect"
    " expects believed thought rumored rumoured alleged plans plan planned planning hopes hope hoped intends"
    " intend intended wants want wanted aims aim aimed seeks seek seeking threatens threatened if whether unless"
    " suggests suggest suggested accused accuses accuse accusing accusation urged urges urge demanded demands"
    " demand proposed proposes propose asked promised promises vowed pledged concerns fear fears feared risk"
    " proposal possible considering doubt doubts unclear"
)
ABLE = _words("can able allowed permitted possible optional eligible entitled")
_COMING = _words("will shall would going set scheduled due upcoming planned plans expected")
HEDGES = {"possible": _POSSIBLE, "coming": _words("will shall would")}
"""Words that keep what goes with them from being a fact now, by what they make of it."""
KEEPS = {
    "possible": _POSSIBLE | ABLE | _words("when whenever once"),
    "coming": _COMING | _POSSIBLE | ABLE | _words("next tomorrow tonight from"),
}
"""A claim that has one of these has kept a hedge of that sort."""

SAYING = _words(
    "say said says saying state stated states stating claim claimed claims claiming believe believes believed"
    " argue argued argues suggest suggested suggests note noted notes mention mentioned mentions express expressed"
    " expresses emphasize emphasized emphasizes emphasised emphasises stress stressed stresses explain explained"
    " explains added tell told tells describe described describes warn warned warns predict predicted predicts"
    " allege alleged alleges assert asserted asserts insist insisted insists contend contended contends report"
    " reported reports declare declared declares acknowledge acknowledged admit admitted admits hint hinted hints"
    " estimate estimated estimates write wrote writes comment commented remark remarked remarks conclude concluded"
    " concludes analyzed analysed think thinks thought consider considers expect expects refer refers referred"
    " call called calls responded quoted pointed according informed complain complained recalled blame blamed"
    " caution cautions cautioned suspect suspects suspected fear fears doubt doubts"
)
"""Words that make what goes with them somebody's claim."""

_ALSO_OTHERWISE = _words("added tells tell calls call fear fears pointed")
_NOUNS_TOO = _words("state report claim note estimate comment call fear doubt view stress hint")
"""Of these, words that as often say something else: they count before "that" and behind a quotation."""


QUALIFIERS = _words("vice deputy former acting interim ex assistant associate alleged would-be so-called")
"""Before a role or a thing they make it another."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that denies or hedges, its place among the words, and the places of the words it reaches, in order."""

    place: int
    sort: str
    reach: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Saying:
    """Somebody says something.

    verb         the place of the word that says so
    first, last  what is said: the words from `first` up to, not including, `last`
    speaker      keys of the words that name who says it; empty where only a pronoun does
    """

    verb: int
    first: int
    last: int
    speaker: frozenset[str]


def denials(words: Sequence[Word]) -> list[Cue]:
    """What denies something, each with the words behind it in its clause. "Not only" denies nothing; "not" behind "yet
    to" or "if" counts as any other."""
    found = []
    for place, word in enumerate(words):
        following = words[place + 1].word if place + 1 < len(words) else ""
        if word.key not in REFUSALS and word.word not in _NEGATIONS:
            continue
        if word.word == "nor" and any(other.word == "neither" for other in words[:place]):
            continue
        if (word.word == "not" and following in ("only", "just", "merely")) or (
            word.word == "yet" and following != "to"
        ):
            continue
        reached = _reach(words, place)
        if word.word in ("nothing", "none"):  # "costs nothing": what stands before it is denied
            reached = tuple(other for other in range(max(0, place - 3), place) if words[other].content)[-1:]
        found.append(Cue(place, "denial", reached))
    return found


def hedges(words: Sequence[Word]) -> list[Cue]:
    """What says that something is only possible, planned, hearsay or still to come."""
    return [
        Cue(place, sort, _reach(words, place))
        for place, word in enumerate(words)
        for sort, listed in HEDGES.items()
        if word.word in listed and not word.name
    ]


def _reach(words: Sequence[Word], place: int) -> tuple[int, ...]:
    clause = words[place].clause
    reached = []
    for other in range(place + 1, len(words)):
        if words[other].clause != clause or (
            words[other].word == "and" and other + 1 < len(words) and verbal(words, other + 1)
        ):
            break
        if words[other].content:
            reached.append(other)
    return tuple(reached)


def sayings(text: str, words: Sequence[Word]) -> list[Saying]:
    """Who says what in a sentence."""
    found = []
    for place, word in enumerate(words):
        before = words[place - 1].word if place else ""
        if word.word not in SAYING or word.name or text[word.end : word.end + 1] == "-":
            continue
        if word.word in _NOUNS_TOO and not (before.endswith("s") or before in ("they", "we", "i", "to", "people")):
            continue
        if word.word == "according":
            stop = place + 1
            while stop < len(words) and stop < place + 12:
                if stop > place + 1 and re.search(r"[,;.]", text[words[stop - 1].end : words[stop].start]):
                    break
                stop += 1
            found.append(Saying(place, 0 if place else stop, len(words), _speaker(words[place + 1 : stop])))
            continue
        following = words[place + 1].word if place + 1 < len(words) else ""
        if (
            word.word in _ALSO_OTHERWISE
            and following != "that"
            and not re.search(r"[”\"’,]\s*(?:\w+\s+){0,3}$", text[: word.start])
        ):
            continue
        if following == "for" or before in ("the", "a", "an", "this", "of", "its", "their", "these", "no", "any"):
            continue  # "the report", "no comment": nouns
        if before in ("you", "i", "we") or place == 0:
            continue  # advice, not a report
        subject = _subject(text, words, place)
        gap = text[words[place - 1].end : word.start] if place else ""
        if re.search(r"[”\"’],?\s*$|,[”\"’]\s*$", gap):  # “...,” said X
            follows = words[place + 1 : place + 6]
            found.append(Saying(place, 0, place, _speaker(follows)))
        elif place >= len(words) - 3 and "," in text[: word.start]:  # ..., X said
            comma = text.rindex(",", 0, word.start)
            first = next(at for at, other in enumerate(words) if other.start > comma)
            if first <= 3:
                found.append(Saying(place, place + 1, len(words), _speaker(subject)))
            else:
                found.append(Saying(place, 0, first, _speaker(words[first:place])))
        else:
            quoted = re.compile(r"[”\"],?\s+and\b").search(text, word.end)
            last = sum(other.start < quoted.start() for other in words) if quoted else len(words)
            that = next((at for at in range(place + 1, min(last, place + 10)) if words[at].word == "that"), place)
            found.append(Saying(place, that + 1, last, _speaker(subject)))
    return found


def _subject(text: str, words: Sequence[Word], verb: int) -> Sequence[Word]:
    """The words before a verb that may be its subject: back to the last closed quotation, to a "that", or to the start
    of its clause, and behind an opening phrase ("On Friday, ...")."""
    first = verb
    while first > 0 and words[first - 1].clause == words[verb].clause and words[first - 1].word != "that":
        gap = text[words[first - 1].end : words[first].start] if first < verb else ""
        if "”" in gap or '"' in gap:
            break
        first -= 1
    commas = [at for at in range(first + 1, verb) if "," in text[words[at - 1].end : words[at].start]]
    if commas and words[first].word in _OPENING:
        first = commas[0]
    return words[first:verb]


_OPENING = _words(
    "on in at after before during since by for with as when while despite under over until from later last"
)


def _speaker(words: Sequence[Word]) -> frozenset[str]:
    named = frozenset(word.key for word in words if word.name or word.opens)
    return named or frozenset(word.key for word in words if word.content)


LIGHT = SAYING | _words(
    "according use uses used using need needs needed back mean means meant include includes including included"
    " make makes made get gets got give gives gave given take takes took taken way ways time times also despite"
    " whether however become becomes became called named known regarding concerning due towards within across"
    " around approximately roughly nearly almost even still already currently now then there here thing things"
    " kind different same able possible allow allows allowed order part case fact result example instance well"
    " good become go goes went come comes came put puts keep keeps kept let lets set sets see seen show shows"
    " shown find found want wants wanted want try involve involves involved happen happened happens certain"
    " various number amount"
)
"""Words that add so little to a claim that it may use them though its source doesn't."""

# Quantities, directions -------------------------------------------------------------------------------------------

QUANTIFIERS = {
    "all": _words("all every each always everyone everybody everything entire entirely whole completely"),
    "most": _words("most mostly majority mainly largely primarily chiefly predominantly"),
    "only": _words("only solely exclusively sole alone just"),
    "many": _words("many numerous often frequently"),
    "some": _words("some several few certain part partly sometimes various"),
    "exactly": _words("exactly precisely"),
    "first": _words("first"),
}
MEETS = {
    "all": ("all", "none"),
    "most": ("most", "all"),
    "only": ("only",),
    "many": ("many", "most", "all", "some"),
    "exactly": ("exactly",),
}
"""A claim's quantifier holds where the source has one of these."""

TIMES_OF = _words(
    "day week month year hour minute night morning evening summer winter time monday friday sunday august"
)
"""Behind "every" or "each" these say how often."""

_BE = _words("was were is are been being be")

SYMMETRIC = frozenset(
    map(
        stem, "meet meeting talk discuss agree trade cooperate share border marry partner war conflict relation".split()
    )
)
"""Stems of what goes both ways: A met B, B met A."""


def verbal(words: Sequence[Word], place: int) -> bool:
    """Whether a word is likely a verb: by its form or by what stands before it."""
    word = words[place].word
    before = words[place - 1].word if place else ""
    if before in _DETERMINERS or before == "of":
        return False
    if word.endswith("ed") or (word in _BASE and _BASE[word] != word) or before in _AUXILIARIES:
        return True
    after = words[place + 1].word if place + 1 < len(words) else ""
    if not word.endswith("s") or not place or not words[place - 1].content:
        return False
    return after in _DETERMINERS or after[:1].isdigit() or (words[place - 1].name and after in PREPOSITIONS)


_DETERMINERS = _words("the a an its their his her this these no two three four five six seven eight nine ten")
_AUXILIARIES = _words(
    "to will would has have had did does do can could may might must not was were is are been being be"
)


CONVERSE = {"sell": "bui", "bui": "sell", "lend": "borrow", "borrow": "lend"}
"""What A does to B by the first, B does to A, or from A, by the second."""

RELATIVE = re.compile(
    r"\b(?:(?:last|this|next) (?:year|month|week|night|morning|evening|spring|summer|autumn|fall|winter|century|decade|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday)|today|yesterday|tomorrow|tonight)\b",
    re.IGNORECASE,
)
"""Times that depend on when they were said."""


def passive(words: Sequence[Word], place: int) -> bool:
    """Whether a word is a participle behind "was" or the like."""
    word = words[place].word
    if not words[place].content or word.endswith("ing"):
        return False
    before = place - 1
    while before >= 0 and (words[before].word.endswith("ly") or words[before].word in ("not", "also", "never", "long")):
        before -= 1
    return before >= 0 and words[before].word in _BE


def acts(words: Sequence[Word], verb: int, place: int) -> bool:
    """Whether the word at `place` does what the word at `verb` says, rather than having it done: by its side of the
    verb, by the voice, and by the "by", "from", "to" or "on" before it."""
    if place > verb:
        by = preposition(words, place)
        return by == "from" or (by == "by" and passive(words, verb))
    done_to = any(
        words[other].word == "from" and words[other].clause == words[verb].clause
        for other in range(verb + 1, min(len(words), verb + 8))
    )
    return not (passive(words, verb) or done_to)


def preposition(words: Sequence[Word], place: int) -> str:
    """The preposition of the noun phrase that a word stands in; "" where none stands before a mark or a number."""
    for before in range(place - 1, max(-1, place - 5), -1):
        word = words[before]
        if word.end + 1 < words[before + 1].start or word.word[0].isdigit():
            return ""
        if not word.content and word.word not in _ARTICLES:
            return word.word if word.word in PREPOSITIONS else ""
    return ""


PREPOSITIONS = _words("of in at by with for to from on under between about into over against upon through during")
_ARTICLES = _words("the a an its his her their s")


_OPPOSITES = """
increase/decrease,fall,drop,decline,shrink,reduce,diminish,plunge,lower,lessen;
rise/decrease,fall,drop,decline,plunge,sink; grow/decrease,fall,drop,decline,shrink; raise/lower,cut,reduce;
higher/lower; high/low; more/less,fewer; above/below; over/under; before/after; larger/smaller; large/small;
big/small; largest/smallest; biggest/smallest; highest/lowest; most/least; best/worst; better/worse;
improve/worsen,deteriorate,decline; strengthen/weaken; strong/weak; stronger/weaker; support/oppose,hinder;
favor/oppose; accept/reject,refuse,decline; agree/refuse,disagree; approve/reject,veto;
allow/ban,forbid,prohibit,prevent; permit/ban,forbid,prohibit; win/lose; victory/defeat; won/lost;
open/close,shut; start/end,stop,finish; begin/end,stop,finish; began/ended,stopped; first/last; import/export;
importer/exporter; north/south; northern/southern; northwest/southwest,northeast,southeast; east/west;
eastern/western; northeastern/northwestern,southwestern,southeastern; early/late; earlier/later; younger/older;
young/old; succeed/fail; success/failure; gain/loss,lose; join/leave,quit; arrive/leave,depart; maximum/minimum;
positive/negative; agree/disagree; cause/prevent; expand/contract,shrink; praise/criticize,condemn;
friend/enemy; ally/adversary,enemy,rival; hire/fire; domestic/foreign; rich/poor; public/private;
minority/majority; include/exclude; safe/dangerous,unsafe; safer/riskier; legal/illegal; attack/defend;
mother/father; son/daughter; brother/sister; husband/wife; uncle/aunt; male/female; men/women; man/woman;
boy/girl; king/queen; morning/evening,afternoon,night; day/night; summer/winter; spring/autumn,fall; hot/cold;
warm/cool; fast/slow; faster/slower; up/down; left/right; upward/downward; push/pull; lighter/heavier;
create/destroy; advantage/disadvantage; likely/unlikely; able/unable; possible/impossible; willing/unwilling;
favorable/unfavorable; aligned/non-aligned; limited/unlimited,limitless; presence/absence; proven/unproven;
lack/have; confirm/deny; love/hate; hard/easy; long/short; longer/shorter; wide/narrow; heavy/light;
deep/shallow; temporary/permanent; cheap/expensive; cheaper/costlier; calm/turbulent; appoint/dismiss,fire;
employ/dismiss; enter/leave,exit; guilty/innocent; acquit/convict; optional/mandatory,compulsory,required;
voluntary/mandatory,compulsory; free/paid; ancient/modern; urban/rural; wet/dry; inside/outside;
internal/external; offensive/defensive; direct/indirect; gradually/suddenly; slowly/suddenly,quickly;
same/different; similar/different; alive/dead; survive/die; full/empty; tie/win; backed/opposed;
resume/suspend,halt,stop; suspend/resume; exceed/lag; ahead/behind; majority/minority; superior/inferior;
overt/covert; rarely/often,frequently; front/rear,back; cancel/resume; near/far; nearer/farther;
nearest/farthest; greater/smaller,lesser; greatest/smallest; raise/cut; closer/apart,further; few/many;
double/halve; doubled/halved; cut/increase; retreat/advance; ally/opponent; trust/distrust; hope/fear;
asset/liability; supporter/opponent; deficit/surplus; profit/loss; profitable/unprofitable; income/expense;
import/export; winner/loser; teacher/pupil; parent/child; forbidden/allowed; prohibited/allowed; banned/allowed;
confirmed/denied; highs/lows; founded/dissolved; demand/supply; upstream/downstream; inflow/outflow;
immigrant/emigrant; acquit/convict; employer/employee; landlord/tenant; creditor/debtor; wider/narrower;
thick/thin; thicker/thinner; clean/dirty; true/false; rural/urban; odd/even; continue/stop; continued/stopped;
solid/liquid; visible/invisible; legal/unlawful; unprecedented/ordinary
"""


def _opposites() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for entry in _OPPOSITES.split(";"):
        one, _, others = entry.strip().partition("/")
        for other in others.split(","):
            table.setdefault(_key(one, False), set()).add(_key(other.strip(), False))
            table.setdefault(_key(other.strip(), False), set()).add(_key(one, False))
    return {word: frozenset(others - {word}) for word, others in table.items()}


OPPOSITES = _opposites()
"""The keys of words that say the opposite of a key."""
