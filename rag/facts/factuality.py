"""What keeps the words of a sentence from being plain facts: what is denied, what is only possible, and who says it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.words import stem
from rag.facts.verbs import BE, verbal
from rag.facts.words import Word, listed

_NEGATIONS = listed(
    "not no never nor neither none nobody nothing nowhere without cannot can't won't don't doesn't didn't isn't"
    " aren't wasn't weren't hasn't haven't hadn't wouldn't couldn't shouldn't hardly barely scarcely can’t won’t"
    " don’t doesn’t didn’t isn’t aren’t wasn’t weren’t hasn’t haven’t hadn’t wouldn’t couldn’t shouldn’t yet"
    " impossible"
)
REFUSALS = frozenset(
    map(stem, "refuse decline deny reject fail unable lack stop halt cease refrain avoid unwilling unlikely".split())
)
"""Stems of words that deny what follows them as "not" does."""
_BARS = {
    "embargo": ("on",),
    "ban": ("on",),
    "moratorium": ("on",),
    "halt": ("to",),
    "boycott": ("of",),
    "rather": ("than",),
    "instead": ("of",),
    **dict.fromkeys(("rule", "rules", "ruled"), ("out",)),
}
"""Words that deny what follows them behind one of these: "an embargo on all trade"."""
_WARNING = frozenset(map(stem, "warn caution advise advice decide decision argue".split()))
"""Behind these "against" denies what follows it: "warned against expecting much"."""
_INTRANSITIVE = listed("stop stops stopped stopping halt halts halted cease ceases ceased")
_WHEN = listed("when at in on after if for until once as by during")
"""Before one of these they deny nothing behind them: "the process stops when ..."."""
_HOLLOW = listed("sign signs evidence indication indications hint trace proof")
"""Behind "no" these deny what follows them: "no sign of a war"."""
BARRING = frozenset(
    map(stem, "ban bar block boycott cut embargo end forbid forbidden halt moratorium prohibit stop suspend".split())
)
"""Stems of words that say the same of it."""
ENDINGS = REFUSALS | frozenset(
    map(
        stem,
        "abolish ban forbid forbidden prohibit close cancel end exclude except free overdue withdraw only gone waive"
        " cap".split(),
    )
)
"""Stems of words that a denial may stand for in a paraphrase."""

_POSSIBLE = listed(
    "may might could possibly potentially perhaps probably maybe likely reportedly allegedly apparently"
    " supposedly seemingly presumably purportedly seems seem seemed appears appear appeared expected expect"
    " expects believed thought rumored rumoured alleged plans plan planned planning hopes hope hoped intends"
    " intend intended wants want wanted aims aim aimed seeks seek seeking threatens threatened if whether unless"
    " suggests suggest suggested accused accuses accuse accusing accusation urged urges urge demanded demands"
    " demand proposed proposes propose asked promised promises vowed pledged concerns fear fears feared risk"
    " proposal possible considering doubt doubts unclear request requests requested intention intended meant"
)
_QUESTIONS = listed("why whether how what about where when who if")
"""Before one of these "asked" hedges nothing: "asked why she had left"."""
OF_OTHERS = frozenset(map(stem, "accuse urge demand ask request suspect".split()))
"""Of these, stems of what is done to somebody who is named before what is only possible."""
ABLE = listed("can able allowed permitted possible optional eligible entitled")
_REQUIRED = listed("must required obliged entitled have has")
"""A contract says "shall" and "will" of what must be."""
_COMING = listed("will shall would going set scheduled due upcoming planned plans expected")
HEDGES = {"possible": _POSSIBLE, "coming": listed("will shall would")}
"""Words that keep what goes with them from being a fact now, by what they make of it."""
KEEPS = {
    "possible": _POSSIBLE | ABLE | listed("when whenever once scheduled due forecast"),
    "coming": _COMING | _POSSIBLE | ABLE | _REQUIRED | listed("next tomorrow tonight from"),
}
"""A claim that has one of these has kept a hedge of that sort."""

SAYING = listed(
    "say said says saying state stated states stating claim claimed claims claiming believe believes believed"
    " argue argued argues suggest suggested suggests note noted notes mention mentioned mentions express expressed"
    " expresses emphasize emphasized emphasizes emphasised emphasises stress stressed stresses explain explained"
    " explains added tell told tells describe described describes warn warned warns predict predicted predicts"
    " allege alleged alleges assert asserted asserts insist insisted insists contend contended contends report"
    " reported reports declare declared declares acknowledge acknowledged admit admitted admits hint hinted hints"
    " estimate estimated estimates write wrote writes comment commented remark remarked remarks conclude concluded"
    " concludes analyzed analysed think thinks thought consider considers expect expects refer refers referred"
    " call called calls responded quoted pointed according informed complain complained recalled blame blamed"
    " caution cautions cautioned suspect suspects suspected fear fears doubt doubts remembered remembers maintain"
    " maintains maintained joked jokes worried worries recommend recommends recommended advise advises advised"
)
"""Words that make what goes with them somebody's claim."""

_ADVICE = listed("consider note think suspect mention remember")
"""Behind a comma these tell the reader to."""

_ALSO_OTHERWISE = listed("added tells tell calls call fear fears pointed")
_NOUNS_TOO = listed("state report claim note estimate comment call fear doubt view stress hint")
"""Of these, words that as often say something else: they count before "that" and behind a quotation."""


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
        barred = following in _BARS.get(word.word, ())
        warned = word.word == "against" and any(one.key in _WARNING for one in words[max(0, place - 3) : place])
        if word.key not in REFUSALS and word.word not in _NEGATIONS and not (barred or warned):
            continue
        if word.word == "nor" and any(other.word == "neither" for other in words[:place]):
            continue
        if word.word in _INTRANSITIVE and following in _WHEN:
            continue
        if word.word == "no" and following in ("later", "earlier", "sooner", "more", "less", "fewer"):
            continue  # "no later than Friday"
        if (word.word == "not" and following in ("only", "just", "merely")) or (
            word.word == "yet" and following != "to"
        ):
            continue
        reached = _reach(words, place)
        while word.word == "no" and len(reached) > 1 and words[reached[0]].word in _HOLLOW:
            reached = reached[1:]
        if (word.word, following) != ("none", "of") and word.word in ("nothing", "none"):
            # "costs nothing": what stands before it is denied
            reached = tuple(other for other in range(max(0, place - 3), place) if words[other].content)[-1:]
        found.append(Cue(place, "denial", reached))
    return found


def hedges(words: Sequence[Word]) -> list[Cue]:
    """What says that something is only possible, planned, hearsay or still to come."""
    return [
        Cue(place, sort, _reach(words, place))
        for place, word in enumerate(words)
        for sort, among in HEDGES.items()
        if word.word in among
        and not word.name
        and not (word.word == "asked" and place + 1 < len(words) and words[place + 1].word in _QUESTIONS)
        and not (word.word.startswith("appear") and (place + 1 == len(words) or words[place + 1].word != "to"))
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
        if {before, words[place - 2].word if place > 1 else ""} & BE and following not in ("that", "to"):
            continue  # "had been warned about it": somebody else speaks
        if word.word in _ADVICE and text[: word.start].rstrip().endswith(","):
            continue  # "However, consider ..."
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
            ended = _WRITER_AGAIN.search(text, word.end)
            last = sum(other.start < ended.start() for other in words) if ended else len(words)
            that = next((at for at in range(place + 1, min(last, place + 10)) if words[at].word == "that"), place)
            found.append(Saying(place, that + 1, last, _speaker(subject)))
    return found


_WRITER_AGAIN = re.compile(r"[”\"],?\s+(?-i:and)\b|[,;] but (?!that\b|to\b)", re.IGNORECASE)
"""Behind what somebody says."""


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


_OPENING = listed(
    "on in at after before during since by for with as when while despite under over until from later last"
)


def _speaker(words: Sequence[Word]) -> frozenset[str]:
    named = frozenset(word.key for word in words if word.name or word.opens)
    return named or frozenset(word.key for word in words if word.content)


JOINTS = listed(
    "because since although though unless until while whereas except despite instead rather against behind off down yet"
    " away back together out over without thanks later earlier first ever both each"
)
"""Words that join others or belong to their verbs: "hand in", "get back". What they say depends on these."""

LIGHT = SAYING | listed(
    "according use uses used using need needs needed back mean means meant include includes including included"
    " make makes made get gets got give gives gave given take takes took taken way ways time times also despite"
    " whether however become becomes became called named known regarding concerning due towards within across"
    " around approximately roughly nearly almost even still already currently now then there here thing things"
    " kind different same able possible allow allows allowed order part case fact result example instance well"
    " good become go goes going went come comes came put puts keep keeps kept let lets set sets see seen show shows"
    " shown find found want wants wanted want try involve involves involved happen happened happens certain"
    " various number amount"
)
"""Words that add so little to a claim that it may use them though its source doesn't."""
