"""What is said where nothing is answered: that the documents don't, and what of the question they speak of."""

from collections.abc import Sequence

from index.library import Found
from index.words import STOPWORDS, content_stems, places, stem
from rag.answer import REFUSAL
from rag.evidence import Question

NEAREST = 3
"""So many of the passages found are looked at."""

_EMPTY = frozenset(
    "many long often far one ones way ways thing things kind sort time times once ever else exactly really actually "
    "right now still yet already even only between besides including counting according both each every same another "
    "others back away together come comes came coming go goes went going gone make makes made making take takes took "
    "taken taking give gives gave given put puts say says said saying think thinks thought know knows knew known want "
    "wants wanted need needs needed use uses used mean means meant happen happens happened mention mentions mentioned "
    "let lets seem seems seemed wonder wondering ask asks asked article articles document documents text information "
    "against across along amid among amongst around at before behind below beneath beside beyond concerning despite "
    "down during except inside near off onto outside per regarding since throughout toward towards versus via within "
    "without better worse rather instead".split()
)
"""What asks for an amount, light verbs, prepositions and the like say nothing of what the documents speak of."""

_SHORTENED = ("'m", "'ve", "'ll", "'re", "'d", "'t")

_NAMED = 3
"""At most so many words or names of each sort are named."""

_CHARACTERS = 60
"""So much of a word or name is shown."""


def refusal(question: Question, passages: Sequence[Found]) -> str:
    """REFUSAL and, where some words of the question stand in the nearest passages and others do not, which."""
    near: set[str] = set().union(*(content_stems(passage.text) for passage in passages[:NEAREST]))
    spans = [
        span
        for span in places(question.text)
        if span[2] not in STOPWORDS and span[2] not in _EMPTY and not span[2].endswith(_SHORTENED)
    ]
    found: list[str] = []
    missing: list[str] = []
    for run in _runs(question.text, spans):
        words = question.text[run[0][0] : run[-1][1]].removesuffix("'s").removesuffix("’s")
        held = [stem(word) in near for _, _, word in run]
        named = found if all(held) else missing
        if words not in named:
            named.append(words)
    if not found or not missing:
        return REFUSAL
    return f"{REFUSAL} They speak of {_listed(found, 'and')}, but not of {_listed(missing, 'or')}."


def _runs(text: str, spans: Sequence[tuple[int, int, str]]) -> list[list[tuple[int, int, str]]]:
    """The words one by one, but capitalised ones and numbers that stand side by side together: a name."""
    runs: list[list[tuple[int, int, str]]] = []
    for span in spans:
        last = runs[-1][-1] if runs else None
        name = text[span[0]].isupper() or text[span[0]].isdigit()
        if last and name and text[last[0]].isupper() and text[last[1] : span[0]] == " ":
            runs[-1].append(span)
        else:
            runs.append([span])
    return runs


def _listed(words: Sequence[str], joined: str) -> str:
    """“a”, “b” and “c”."""
    quoted = [f"“{word[:_CHARACTERS]}…”" if len(word) > _CHARACTERS else f"“{word}”" for word in words[:_NAMED]]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {joined} {quoted[-1]}"
