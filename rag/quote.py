"""Answers by quoting: the fewest sentences that answer, word for word. Needs no language model."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.documents import Document
from index.library import Library
from index.split import OPENERS, Sentence, split_sentences
from index.words import tokens
from rag.answer import Citation, Piece
from rag.evidence import SIGNALS, Candidate, Question, is_heading
from rag.kinds import answers_in, asks_across, asks_several, names, people
from rag.retrieve import Retrieved

SECOND_SHARE = 0.1
"""A second sentence is quoted when it has at least this share of the odds of all candidates: then either of the two may
be it. On development questions, with the coefficients fitted to them, evidence is then quoted for 92 % of the built-in
ones, 89 % of own words, squad2 and clapnq, and 75, 66, 69 and 71 % of the quoted sentences hold some. (Within 1.5
log-odds of the best it is 92, 88, 87, 86 and 78, 67, 72, 71 %.)"""

MEMBER_SHARE = 0.05
"""The same for each sentence of a list, of which one alone answers less well: the reader sets them further apart."""

MEMBER_FOCUS = 0.75
"""A sentence may name a member of a list if it matches the word that says what is listed ("which *banks*") at least
this share as well as the best one does. Of 16 sentences so added to 153 list questions of squad2 and clapnq 7 held
evidence, within 1.5 log-odds of the best and before there was a reader; of 44 within 2 and half of SECOND_SHARE, 10."""

_FOCUS = SIGNALS.index("late_focus")

DOCUMENT_WITHIN = 3.0
"""Asked what several documents say, each is quoted whose best sentence has log-odds within this of the very best: what
is measured for one sentence among many is too strict for the best of a whole document."""

MEMBERS = 6
LIST_WORDS = 150
"""A list takes at most so many sentences and words."""

SAME_MEANING = 0.93
"""Two sentences at this cosine or above say the same; one of them is quoted."""

TOLD = frozenset({"percent", "duration", "money", "count", "date"})
"""Kinds whose answer in a quote is pointed at. Where one place alone of the sentence may be it, that is right for 99 %
of 140 development questions of squad2; people (81 %) and places (56 %) are not told well enough."""

MARKED_ABOVE = 2.0
"""Log-odds against "no answer" from which the words that the reader marks are pointed at, where one sentence is quoted:
where two are, either may be it. Of squad2's best sentences, articles left out, 95 % of the marks overlap a gold answer
if the sentence is right."""

_ONE_ANSWER = 2
"""Possible answers at most so many characters apart are one ("May 2024")."""

_TO = frozenset({"to", "until", "through", "–", "-"})
"""... and so are two dates with one of these between."""

QUOTE_CHARACTERS = 700
"""A quote is not widened beyond this length."""

_LEANS = re.compile(
    r"^[\"“‘'(]*(?:(?:but|and|so|however|moreover|additionally|in addition|meanwhile|also|then|therefore|instead|thus|"
    r"still|yet|furthermore|later|for example|for instance|in response|as a result|at the same time),?\s+)*"
    r"(?:he|she|they|it|his|her|their|its|such|both|the (?:former|latter|two|pair|event)|"
    r"(?:(?:on|in|at|by|since|after|before|during|until) )?(?:this|these|those|that|the same))\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|they|him|her|them|his|their)\b")
_NUMBER_IN_BRACKETS = re.compile(r"\[(\s*\d+\s*)\]")


@dataclass(frozen=True, slots=True)
class Quote:
    """A span of a document, whole sentences, that is one sentence group of the answer. `answer`: the words in it that
    answer, offsets in the document, where they can be told."""

    document: str
    start: int
    end: int
    answer: tuple[int, int] | None = None


def choose(retrieved: Retrieved, library: Library, question: str | None = None) -> list[Quote]:
    """The quotes that answer, grouped by document, in reading order; `question` is what was asked, where that is not
    what was searched for."""
    question = question or retrieved.question.text
    chosen: list[Candidate] = []
    for candidate in quotable_together(retrieved.sentences):
        if not _repeats(candidate, chosen):
            chosen.append(candidate)
    telling = chosen[:1]  # of two of which either may be it, the likelier one
    if asks_across(question):
        telling = chosen = _across(retrieved.sentences, chosen)
    elif chosen and (members := asks_several(question)):
        telling = chosen = gathered(retrieved.sentences, chosen, members)
    quotes = [
        replace(
            widened(library.document(one.document), one.start, one.end),
            answer=answering(retrieved.question, one, alone=len(chosen) == 1) if one in telling else None,
        )
        for one in chosen
    ]
    return merged(quotes, [candidate.document for candidate in chosen])


def quotable_together(ranked: Sequence[tuple[Candidate, float]]) -> list[Candidate]:
    """The best sentence and, where it may as well be the one, the second; `ranked` has their log-odds, best first."""
    if not ranked:
        return []
    least = _least(ranked)
    return [candidate for place, (candidate, score) in enumerate(ranked[:2]) if place == 0 or score >= least]


def _least(ranked: Sequence[tuple[Candidate, float]], share: float = SECOND_SHARE) -> float:
    """The log-odds from which on a sentence may as well be the one as the best."""
    best = ranked[0][1]
    total = sum(math.exp(score - best) for _, score in ranked)
    return best + math.log(share * total)


def gathered(ranked: Sequence[tuple[Candidate, float]], chosen: Sequence[Candidate], kind: str) -> list[Candidate]:
    """The chosen sentences and those that are nearly as likely, speak of the same sort of thing and name one of it that
    no sentence before names; `kind` is that of the members of the list."""
    found = list(chosen)
    listed = [member for one in found for member in _members(kind, one)]
    least = _least(ranked, MEMBER_SHARE)
    for candidate, score in ranked:
        if score < least or len(found) == MEMBERS:
            break
        new = [member for member in _members(kind, candidate) if not _named(member, listed)]
        alike = candidate.signals[_FOCUS] >= MEMBER_FOCUS * ranked[0][0].signals[_FOCUS]
        if not new or not alike or candidate in found:
            continue
        if sum(len(one.text.split()) for one in (*found, candidate)) > LIST_WORDS:
            break
        found.append(candidate)
        listed += new
    return found


def _members(kind: str, candidate: Candidate) -> list[str]:
    """What in a sentence may be a member of the list asked for."""
    if kind == "person":
        return people(candidate.text) or names(candidate.text)
    if kind in TOLD:
        return [candidate.text[start:end] for start, end, _ in answers_in(kind, candidate.text, frozenset())]
    return names(candidate.text)


def _named(member: str, listed: Sequence[str]) -> bool:
    """Whether a member was named before: "Zheng" after "Zheng Qinmo"."""
    words = set(tokens(member))
    return any(words <= before or before <= words for before in (set(tokens(one)) for one in listed))


def _across(ranked: Sequence[tuple[Candidate, float]], chosen: Sequence[Candidate]) -> list[Candidate]:
    """The chosen sentences and the best one of every other document that has one nearly as likely."""
    across = list(chosen)
    for candidate, score in ranked:
        if score < ranked[0][1] - DOCUMENT_WITHIN or len(across) == MEMBERS:
            break
        if candidate.document not in {one.document for one in across}:
            across.append(candidate)
    return across


def cite(quotes: Sequence[Quote], library: Library) -> tuple[list[Piece], list[Citation]]:
    """The answer's sentences, a piece each that ends with its marker, and the citations."""
    pieces, citations = [], []
    for marker, quote in enumerate(quotes, start=1):
        space = " " if marker < len(quotes) else ""
        citations.append(citation(marker, quote, library))
        pieces.append(Piece(f"{shown(citations[-1].quote)} [{marker}]{space}", citations[-1:]))
    return pieces, citations


def quoted(quotes: Sequence[Quote], library: Library) -> str:
    """The words of some quotes."""
    return " ".join(library.document(one.document).text[one.start : one.end] for one in quotes)


def citation(marker: int, quote: Quote, library: Library) -> Citation:
    """A quote as it is cited under a marker."""
    document = library.document(quote.document)
    return Citation(
        marker,
        document.id,
        document.title,
        quote.start,
        quote.end,
        document.text[quote.start : quote.end],
        document.sha256,
        document.page(quote.start),
        *(quote.answer or (None, None)),
    )


def shown(words: str) -> str:
    """Quoted words as they stand in an answer: on one line, bracketed numbers as (12) so that every [n] is a marker."""
    return _NUMBER_IN_BRACKETS.sub(r"(\1)", " ".join(words.split()))


def answering(question: Question, candidate: Candidate, *, alone: bool = True) -> tuple[int, int] | None:
    """The words of a candidate that answer: the one place that holds an answer of the kind asked for or, where there is
    none or several and the candidate is quoted alone, what the reader marks, if it is sure and marks one of these."""
    told = _told(question, candidate) if question.kind in TOLD else []
    if len(told) == 1:
        return told[0]
    if not alone or candidate.span is None or question.kind == "yes-no" or candidate.odds < MARKED_ABOVE:
        return None
    first, last = candidate.span
    return candidate.span if not told or any(start < last and first < end for start, end in told) else None


def _told(question: Question, candidate: Candidate) -> list[tuple[int, int]]:
    """The places in a candidate that may be an answer of the kind asked for, offsets in the document."""
    held = answers_in(question.kind, candidate.text, question.words)
    together: list[tuple[int, int]] = []
    for start, end in sorted(_whole(candidate.text, start, end) for start, end, _ in held):
        between = candidate.text[together[-1][1] : start].strip() if together else ""
        ranges = question.kind == "date" and between in _TO
        if together and (start - together[-1][1] <= _ONE_ANSWER or ranges):
            together[-1] = (together[-1][0], max(end, together[-1][1]))
        else:
            together.append((start, end))
    return [(candidate.start + start, candidate.start + end) for start, end in together]


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """A span widened to whole words and numbers."""
    while end > start and text[end - 1] in ".,;:":
        end -= 1
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "$€£¥."):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] in "%°" or text[end : end + 2].strip(".,:-").isdigit()):
        end += 1
    return start, end


def _repeats(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    return any(float(candidate.meaning @ other.meaning) >= SAME_MEANING for other in chosen)


def widened(document: Document, start: int, end: int) -> Quote:
    """The sentence at `start` to `end`, with what stands before it where it leans on that ("He said ...")."""
    before: list[Sentence] = split_sentences(document.text, _line_start(document.text, start - QUOTE_CHARACTERS), start)
    while before and _leans(document.text[start:end]):
        previous = before.pop()
        words = document.text[previous.start : previous.end]
        if end - previous.start > QUOTE_CHARACTERS or is_heading(words):
            break
        start = previous.start
    return Quote(document.id, start, end)


def _leans(sentence: str) -> bool:
    """Whether a sentence says little without the one before: it opens with "He" or "This", or speaks of him before it
    names anybody ("After taking office, he chose ...")."""
    if _LEANS.match(sentence):
        return True
    person = _PERSON.search(sentence)
    if person is None:
        return False
    words = re.findall(r"[^\W\d_][\w’'-]*", sentence[: person.start()])
    return not any(word[0].isupper() and (place > 0 or word.lower() not in OPENERS) for place, word in enumerate(words))


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, max(0, offset)) + 1


def merged(quotes: Sequence[Quote], order: Sequence[str]) -> list[Quote]:
    """Documents in the order of their best sentence, quotes in reading order, overlapping ones as one."""
    together: list[Quote] = []
    for quote in sorted(quotes, key=lambda quote: (order.index(quote.document), quote.start)):
        last = together[-1] if together else None
        if last and last.document == quote.document and quote.start <= last.end:
            together[-1] = replace(last, end=max(last.end, quote.end), answer=last.answer or quote.answer)
        else:
            together.append(quote)
    return together
