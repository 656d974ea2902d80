"""Objections: "all" for "some", and another time: "last year", "until" for "from"."""

import re
from collections.abc import Iterator

from index.words import stem
from rag.facts.lexicon import is_adjective
from rag.facts.words import DAYS, MONTHS, listed
from rag.support.pair import Pair

QUANTIFIERS = {
    "all": listed("all every each always everyone everybody everything entire entirely whole completely"),
    "most": listed("most mostly majority main mainly largely primarily chiefly predominantly"),
    "only": listed("only solely exclusively sole alone just"),
    "many": listed("many numerous often frequently"),
    "some": listed("some several few certain part partly sometimes various"),
    "exactly": listed("exactly precisely"),
    "except": listed("except unless"),
    "first": listed("first"),
}
MEETS = {
    "all": ("all", "none"),
    "most": ("most", "all"),
    "only": ("only", "except"),
    "many": ("many", "most", "all", "some"),
    "exactly": ("exactly",),
}
"""A claim's quantifier holds where the source has one of these."""

TIMES_OF = listed(
    "day week month year hour minute night morning evening summer winter time monday friday sunday august"
)
"""Behind "every" or "each" these say how often."""

RELATIVE = re.compile(
    r"\b(?:(?:last|this|next) (?:year|month|week|night|morning|evening|spring|summer|autumn|fall|winter|century|decade|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday)|today|yesterday|tomorrow|tonight)\b",
    re.IGNORECASE,
)
"""Times that depend on when they were said."""

_SUPERLATIVE = listed("best least greatest highest")
NONE = frozenset({"no", "none", "never", "nobody", "nothing", "neither", "without"})


def quantifiers(pair: Pair) -> Iterator[str]:
    """Quantifiers of the claim that the window doesn't meet."""
    held = {word.word for word in pair.words}
    words = pair.claim.words
    for place, word in enumerate(words):
        following = words[place + 1].word if place + 1 < len(words) else ""
        if word.word == "most" and is_adjective(following) and held & _SUPERLATIVE:
            continue  # "most famous" for "best-known"
        if word.word in ("each", "every") and "per" in held:
            continue
        if word.word in held or (word.word in ("every", "each") and following in TIMES_OF):
            continue
        for name, enough in MEETS.items():
            if word.word in QUANTIFIERS[name] and not any(held & (QUANTIFIERS.get(one) or NONE) for one in enough):
                yield f"The source does not say “{word.word}”"


def exceptions(pair: Pair) -> Iterator[str]:
    """ "Never" or "all" in the claim, where the sentence that says most of it makes an exception."""
    said = {word.word for word in pair.claim.words}
    if not said & _ABSOLUTE or _EXCEPT.search(pair.claim.text):
        return
    counts = [0] * len(pair.window)
    for place in pair.content:
        for number in {pair.sentence[at] for at in pair.at(place)}:
            counts[number] += 1
    sentence = pair.window[counts.index(max(counts))]
    found = _EXCEPT.search(sentence.text)
    if found:
        yield f"The source says “{found.group().lower()}”"


_ABSOLUTE = listed("never always whenever all every everyone anyone any full fully entirely regardless whatever")
"""What leaves no room for an exception."""
_EXCEPT = re.compile(
    r"\b(?:unless|except|excluding|apart from|provided|as long as|on condition|only if|less the|with the exception)\b",
    re.IGNORECASE,
)
"""What makes one."""


def times(pair: Pair) -> Iterator[str]:
    """ "Last year" or "tomorrow" that the window doesn't say."""
    held = {match.group().lower() for sentence in pair.window for match in RELATIVE.finditer(sentence.text)}
    following = " ".join(sentence.text.lower() for sentence in pair.window)
    for match in RELATIVE.finditer(pair.claim.text):
        said = match.group().lower()
        if said not in held and not (said.startswith("next ") and said.replace("next", "following") in following):
            yield f"The source does not say “{match.group()}”"


def opposite_times(pair: Pair) -> Iterator[str]:
    """ "Until Friday", where the window has "from Friday"."""
    for phrase in pair.claim.phrases:
        against = _AGAINST.get(phrase.preposition)
        dated = any(key[0].isdigit() or key in _DATES for key in phrase.keys)
        if not against or not dated:
            continue
        said = {
            one.preposition
            for sentence in pair.window
            for one in sentence.phrases
            if phrase.keys <= one.keys or one.keys <= phrase.keys
        }
        if phrase.preposition not in said and said & against:
            yield f"The source does not say “{phrase.preposition}” of this time"
            return


_AGAINST = {
    "from": frozenset({"until", "before"}),
    "since": frozenset({"until", "before"}),
    "until": frozenset({"from", "since", "after", "on"}),
    "after": frozenset({"until", "before", "by"}),
    "before": frozenset({"from", "since", "after"}),
    "by": frozenset({"from", "since", "after"}),
}
"""Prepositions that say the opposite before a time."""
_DATES = frozenset(map(stem, MONTHS | DAYS))
