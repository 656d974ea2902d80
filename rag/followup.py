"""A follow-up question made to stand alone, without a model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.split import split_sentences
from index.words import STOPWORDS, tokens
from rag.answer import NOTHING_ASKED, REFUSAL
from rag.kinds import names, names_at

Turn = Mapping[str, str]

_PRONOUN = re.compile(
    r"\b(he|she|they|him|her|them|his|hers|their|theirs|it|its|this|these|those|there|then|that)\b", re.IGNORECASE
)
_PERSON_PRONOUN = re.compile(r"\b(he|she|him|his|her|hers)\b", re.IGNORECASE)
_THAT_JOINS = re.compile(r"\b(?:\w+)\s+that\b(?=\s+\w)|\b(?:is|are|was|were) there\b", re.IGNORECASE)
_OPENS_ON = re.compile(
    r"^\W*(?:and|but|so|or|also|what about|how about|what else|who else|why not|which ones?)\b", re.IGNORECASE
)
_JOINED = re.compile(
    r"^\W*(?:and|but|so|or|also)\W+(?=(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|has|"
    r"have|had|can|could|will|would|should)\b)",
    re.IGNORECASE,
)
"""Joins a question that may be complete: "And who warned of a new axis?"."""

_MORE = re.compile(
    r"^\W*(?:and |but |so |ok(?:ay)?,? )?(?:why|how come|what for|for what reason)\b|"
    r"\b(?:else|(?:which|what|any|some|the) others?|another|(?:tell|any|any ?thing|some ?thing) (?:(?:me|us) )?more|"
    r"more (?:about|details?|on|of))\b",
    re.IGNORECASE,
)
"""Asks for what wasn't said yet. Who asks why has read that it is so: none of 12 such follow-ups of the development
sets is answered by a sentence that was quoted before, and four not at all."""

_POINTS_BACK = re.compile(
    r"\b(?:you (?:just )?(?:say|said|meant?|mention(?:ed)?)|i (?:just )?meant?|the (?:others|former|latter)|"
    r"the (?:other|last|first|second|third|previous) (?:ones?|option|point|reason|step|part)|"
    r"(?:this|these|those)(?= \w)|"
    r"(?:it|this|that|these|those|them|there)(?=\W*$))\b",
    re.IGNORECASE,
)
"""Speaks of what was said before, whatever names stand in the question."""

_WHO_SAID = re.compile(
    r"^\W*(?:and |but |so )?who (?:said|says|claims?|claimed|states?|stated|wrote|reported|told \w+) "
    r"(?:that|this|it|so)\W*$",
    re.IGNORECASE,
)
"""Asks about the last answer, not about what was asked."""

_DEFINES = re.compile(
    r"^\W*(?:by the way,? |and |so |ok(?:ay)?,? )?what(?:’s|'s| is| are) (?:an? [^?]+|"
    r"(?!the\b|my\b|your\b|our\b|some\b)[\w-]+(?: [\w-]+)?s)\W*$",
    re.IGNORECASE,
)
"""Brings what it is about with it: "What is a worker node?", "What are bonds?"."""

_SAYS_NOTHING = (REFUSAL, NOTHING_ASKED)

_MARKER = re.compile(r"\s*\[\d+\]")

_BEFORE_A_THING = re.compile(r"\b(?:in|at|from|to|near|through|into|the)\s+$", re.IGNORECASE)

_DOCUMENTS = (
    r"(?:(?:any|all|each|either|both)(?: of)? )?(?:(?:the|this|that|these|those|my|your|our) )?(?:two |given )?"
    r"(?:articles?|documents?|texts?|sources)"
)
_OF_THE_DOCUMENTS = (
    (
        re.compile(
            rf"^\W*what (?:do|does|did) {_DOCUMENTS} (?:have to )?(?:say|tell|tell us|tell me|write) (?=about\b)",
            re.IGNORECASE,
        ),
        "What ",
    ),
    (
        re.compile(
            rf"^\W*(?:do|does|did) {_DOCUMENTS} (?:mention|name|discuss|speak of|talk about|"
            r"(?:say|tell us) (?:anything|something) about) ",
            re.IGNORECASE,
        ),
        "What about ",
    ),
    (re.compile(rf"^\W*(?:according to|based on|in|from) {_DOCUMENTS}(?:, *| (?=wh|how))", re.IGNORECASE), ""),
    (re.compile(rf",? (?:according to|based on|in|from|by) {_DOCUMENTS}(?=\W*$)", re.IGNORECASE), ""),
    (re.compile(r" (?:is|are|was|were) (?:named|mentioned|listed)(?=\W*$)", re.IGNORECASE), ""),
    (
        re.compile(r"^\W*what (?:else |exactly )?happened (?=(?:on|in|at|during|before|after)\b)", re.IGNORECASE),
        "What was ",
    ),
)
"""What a question says of the documents themselves, which stands in none of them, or as good as nothing ("happened"),
and what remains in its place."""

_THANKS = (
    r"(?:many |so many )?(?:thank(?:s| you)|thx|cheers)(?: (?:so|very) much| a lot| again)?"
    r"(?: for (?:(?!\b(?:what|when|where|why|how|who|which)\b)[^.!?;,])*)?"
)
_NOD = (
    r"(?:ok(?:ay)?|oh|ah|aha|great|good|nice|cool|perfect|awesome|wow|alright|all right|i see|i understand|understood|"
    r"got it|no problem|never ?mind|sorry|oops|hello|hi|hey|good (?:morning|afternoon|evening|day)|(?:good)?bye|"
    r"(?:that(?:’s|'s| is| was) )?(?:very |really )?(?:helpful|interesting))(?:[\s,]+(?:then|there|all|everyone))?"
)
_COURTESIES = (
    (
        re.compile(
            rf"^\W*(?:{_NOD}|{_THANKS})(?:[.!,;…\s]+(?:{_NOD}|{_THANKS}))*\s*(?:[.!,;:…]+(?:\s+|$)|$)", re.IGNORECASE
        ),
        "",
    ),
    (re.compile(rf"(?:[,.;!]\s*|\s+)(?:but |and )?{_THANKS}(?: in advance)?[\s.!]*(\??)\W*$", re.IGNORECASE), r"\1"),
)
"""What is said for politeness before and behind a question, which no document answers."""

FEW_WORDS = 2
"""A question of at most so many words that say something leans on what was said before ("Why?", "And when?")."""

CONTEXT_CHARACTERS = 1_000
"""So much of the end of an earlier question is read: somebody may have pasted a whole page above it."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question made to stand alone.

    text     what was asked, and before it what that leans on; `text[asked:]` is what was asked now
    context  what the search looks for beside the question by itself: what was asked before, what was answered
    told     the earlier answers, where more than they say is asked for: "Why?", "What else?"
    """

    text: str
    asked: int = 0
    context: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """What to search for; `context` beside it."""
        return self.text[self.asked :] if self.context else self.text


def standalone(question: str, history: Sequence[Turn] = ()) -> Standalone:
    """The question with what it leans on; one that is complete stays as it is, save for courtesies and what it says of
    the documents. Its text is empty where nothing is asked: "Thank you!"."""
    asked = [without_courtesies(turn["content"][-CONTEXT_CHARACTERS:]) for turn in history if turn["role"] == "user"]
    earlier = [text for text in asked if text]
    question = without_documents(without_courtesies(question))
    if not question or not earlier or not leans(question):
        return Standalone(question)
    answers = [_MARKER.sub("", turn["content"]) for turn in history if turn["role"] == "assistant"]
    said = answers if _MORE.search(question) else ()
    told = tuple(answer for answer in said if not answer.startswith(_SAYS_NOTHING))
    # What the conversation is about: the last question that was complete and, where others came after it, the last one;
    # but "And Hikvision?" asks the first again, whatever was asked of others in between.
    subject = next((text for text in reversed(earlier[1:]) if not leans(text)), earlier[0])
    asked_before = [subject] if names(question) else list(dict.fromkeys([subject, earlier[-1]]))
    person = _person(question, " ".join(asked_before), answers[-1] if answers else "")
    if person:
        named = _PERSON_PRONOUN.sub(
            lambda match: f"{person}’s" if match.group().lower() in ("his", "hers") else person, question, count=1
        )
        if not leans(named):
            return Standalone(named, told=told)
    opening = _opening(answers)
    if opening and _WHO_SAID.match(question):
        leading = f"{asked_before[-1].rstrip(' ?.!:')}: {opening[0].rstrip(' .!')}: "
        return Standalone(leading + question, len(leading))
    leading = "".join(f"{text.rstrip(' ?.!:')}: " for text in asked_before)
    return Standalone(leading + question, len(leading), (asked_before[-1], *opening), told)


def asks_of_a_refusal(question: str, history: Sequence[Turn]) -> bool:
    """Whether a question says nothing by itself ("And when?") and all that was said of what it leans on, the last
    complete question and what came after it, is that the documents don't say."""
    answers: list[str] = []
    for turn in history:
        if turn["role"] == "assistant":
            answers.append(turn["content"])
        elif not leans(without_courtesies(turn["content"][-CONTEXT_CHARACTERS:])):
            answers = []
    bare = not _content(question) or _WHO_SAID.match(question)
    return bool(bare and answers) and all(answer.startswith(_SAYS_NOTHING) for answer in answers)


def leans(question: str) -> bool:
    """Whether a question says too little by itself: it is a word or two, opens on "And", speaks of "it" or "the last
    option"."""
    pronoun = _PRONOUN.search(_THAT_JOINS.sub(" ", question))
    if _DEFINES.match(question) and not pronoun:
        return False
    if len(_content(question)) <= FEW_WORDS and not names(question):
        return True
    joined = _JOINED.match(question)
    if joined and len(_content(question)) > FEW_WORDS:
        return leans(question[joined.end() :])
    if _OPENS_ON.match(question) or _POINTS_BACK.search(question):
        return True
    # "What did Putin say about his visit?": the question names whom it means
    return bool(pronoun) and not any(question.find(name) < pronoun.start() for name in names(question) if pronoun)


def without_courtesies(question: str) -> str:
    """A question without "Hello!" and "thank you"; nothing is left of what asks nothing."""
    for pattern, instead in _COURTESIES:
        question = pattern.sub(instead, question)
    return question.strip()


def without_documents(question: str) -> str:
    """A question without "according to the article" and the like, where something is left to search for."""
    for pattern, instead in _OF_THE_DOCUMENTS:
        rest = pattern.sub(instead, question)
        if _content(rest):
            question = rest
    return question


def _opening(answers: Sequence[str]) -> tuple[str, ...]:
    """The first sentence of the last answer, if it said anything."""
    if answers and answers[-1].startswith(_SAYS_NOTHING):
        return ()
    for sentence in split_sentences(answers[-1][:CONTEXT_CHARACTERS]) if answers else ():
        return (answers[-1][sentence.start : sentence.end],)
    return ()


def _content(question: str) -> list[str]:
    return [word for word in tokens(question) if word not in STOPWORDS]


def _person(question: str, before: str, answer: str) -> str | None:
    """Whom "he" or "she" means: the one person that the earlier questions name, else the one that the answer names."""
    if not _PERSON_PRONOUN.search(question):
        return None
    for text in (before, answer):
        people = {
            name.removesuffix("'s").removesuffix("’s")
            for name, start in names_at(f", {text}")
            if _may_be_person(name, f", {text}"[:start])
        }
        if len(people) == 1:
            return people.pop()
    return None


def _may_be_person(name: str, before: str) -> bool:
    """Not an abbreviation, nor what stands behind "in" or "the"."""
    return not name.isupper() and name.lower() not in STOPWORDS and not _BEFORE_A_THING.search(before)
