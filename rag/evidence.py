"""What speaks for a sentence being the answer: one row of numbers, the signals, for each candidate sentence.

`SIGNALS` names the columns. All lie in 0..1 or close to it and none depends on the size of the library or on the
embedder, so that the models in ranking.json, which eval/fit.py trains on them, carry over.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.library import Found, Library
from index.reading import Reading
from index.split import CELLS
from index.words import STOPWORDS, content_stems, places, stem, tokens
from rag.facts.opposites import opposites_of
from rag.facts.words import QUALIFIERS
from rag.followup import Standalone
from rag.kinds import COUNT_WORD, VISIBLE, answers_in, asked

SIGNALS = (
    "late",  # late interaction: mean over the question's words of the nearest word in the sentence
    "late_rare",  # ... weighted by the words' rarity
    "late_weakest",  # ... of the word that finds least
    "late_names",  # ... mean over names and numbers only (1 where the question has none)
    "late_others",  # mean over what is no name: in a small library the names stand everywhere
    "late_others_weakest",
    "late_others_passage",
    "late_focus",  # ... of the word that says what is asked for: "which *banks*"
    "late_near",  # mean, as late, in the sentence and its neighbours
    "late_passage",  # mean in the passage
    "late_passage_weakest",
    "late_passage_names",
    "meaning",  # cosine of the mean word vectors of question and sentence
    "passage_score",  # the passage's score divided by the best passage's
    "passage_keywords",  # BM25, divided by the best passage's
    "coverage",  # share of the question's stems, weighted by rarity, that stand in the sentence
    "coverage_near",  # ... in the sentence or its neighbours
    "coverage_passage",  # ... in the passage or the document's title
    "names_covered",  # share of the question's names and numbers near the sentence (1 where it has none)
    "pairs",  # share of the question's neighbouring word pairs that stand close together in the sentence
    "kind_held",  # the asked kind of answer stands in the sentence
    "kind_near",  # ... in a neighbour
    "kind_close",  # ... close to the words that match what is asked for (1 beside them, 1/e at 40 characters)
    "new_words",  # share of the sentence's content words that are not the question's
    "length",  # words / 40, at most 1.5
    "heading",  # a title or heading
    "asks",  # a question itself
    "number_missing",  # the question has a number that its passage has not
    "name_missing",  # ... a name
    "other_year",  # ... a year that its passage has not, and the sentence has another
    "unit_missing",  # "how many owls" is asked, and no number of owls stands in the sentence or beside it
    "denial_missing",  # the question denies something, and neither the sentence nor a neighbour does
    "opposite",  # the sentence has the opposite of a word of the question, and not that word
    "opening",  # in the first passage of its document
    "question_length",  # content words / 12, at most 1
    "leans",  # the question leans on what was asked before it
)

CONTEXT_WEIGHT = 0.5
"""What a word that a follow-up takes over from earlier questions counts against one of its own."""

_NEAR_WORDS = 30
"""How many content words on either side of a sentence count as near it."""

_COUNTED = re.compile(
    r"\bhow many (?:of the )?(?:(?:[\w’'-]+ ){0,2}?(?P<asked>[\w’'-]+)(?= (?:did|do|does|is|are|was|were|has|have|had|"
    r"will|would|can|could|may|might)\b)|(?P<did>[\w’'-]+)(?= \w+ed\b))",
    re.IGNORECASE,
)
"""What is counted: "how many *owls* are", "how many *owls* nested"."""

_YEAR = re.compile(r"1\d{3}|20\d\d")

_DENIES = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|without|except|fail\w*|refus\w*|reject\w*|den(?:y|ies|ied)|"
    r"lack\w*|un(?:able|likely|willing))\b|n[’']t\b",
    re.IGNORECASE,
)

_TURNED = frozenset({"before", "after", "above", "below", "more", "most", "few", "up", "down"})
"""Words that mean little for finding and have an opposite."""

_FOCUS = re.compile(
    r"\b(?:what|which|how|who|whose|when|where|why)\b(?:\s+(?:many|much|long|often|far))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Demands:
    """What must stand where the answer stands: numbers and stems of names of what is asked now; `years`, those of the
    numbers that are years; `unit`, the stem of what "how many" counts, or None; `denial`, whether something is denied;
    and what must not: `opposites`, by the stem of each word that has any. `named`: the stems of the names
    that are all a follow-up says."""

    numbers: frozenset[str]
    years: frozenset[str]
    names: frozenset[str]
    unit: str | None
    denial: bool
    opposites: dict[str, frozenset[str]]
    named: frozenset[str]


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart.

    kind     the kind of answer asked for (rag.kinds)
    stems    of its content words; `weights`: how rare each is in the library
    names    stems of names and numbers;  `words`: all words, lower-cased
    vectors  a row for each content word that was read, shape (rows, 128)
    emphasis 1 for what was asked now, CONTEXT_WEIGHT for what was taken over;  `rarity`, `is_name`: of those rows, too
    focus    the row of the word that says what is asked for
    reading  what was read of it all: its `words` are `vectors`
    demands  what must stand where the answer stands
    told     what was answered before, where more than that is asked for; white space as single spaces
    """

    text: str
    kind: str
    stems: tuple[str, ...]
    weights: dict[str, float]
    names: frozenset[str]
    words: frozenset[str]
    vectors: npt.NDArray[np.float32]
    emphasis: npt.NDArray[np.float64]
    rarity: npt.NDArray[np.float64]
    is_name: npt.NDArray[np.bool_]
    focus: int
    reading: Reading
    demands: Demands
    told: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer. `passage` is its passage’s rank, `meaning` the unit mean of its word vectors, `title`
    that of its document; `beside`: it can't answer, since it has a word of the question only as another thing, "vice
    chairman", nothing near it has the name that a follow-up asks about, "And Hikvision?", or more is asked for than it,
    which was quoted before.

    Once it was read (rag/spans.py), `span` holds the words in it that answer best, offsets in the document, `odds`
    their log-odds against "no answer" and `alone` the same where it was read without its neighbours, too.

    `titled`: the share of the content words of `title` that the question has; 0 where it has none. `lacks`, of the row
    of a table: the share of the question's content words that it does not hold and another row of its document does;
    `lacks_name`: whether a name or number is among them; `surpassed`: another row holds all that it does, and more.
    """

    document: str
    start: int
    end: int
    text: str
    passage: int
    signals: npt.NDArray[np.float64]
    meaning: npt.NDArray[np.float32]
    title: str = ""
    beside: bool = False
    span: tuple[int, int] | None = None
    odds: float = -math.inf
    alone: float = -math.inf
    titled: float = 0.0
    lacks: float = 0.0
    lacks_name: bool = False
    surpassed: bool = False


def take_apart(standalone: Standalone, library: Library) -> Question:
    """Reads a question and weighs its words by how rare they are in the library (idf as in BM25), and those it took
    over from earlier questions less."""
    question, asked_from = standalone.text, standalone.asked
    words = tokens(question)
    stems = tuple(dict.fromkeys(stem(word) for word in words if word not in STOPWORDS))
    if not stems:  # "Who is he?": better all words than none
        stems = tuple(dict.fromkeys(stem(word) for word in words))
    counts = library.passages_with(stems)
    passages = library.passage_count()
    asked_now = {stem(word) for word in tokens(question[asked_from:])}
    weights = {
        one: math.log(1 + (passages - count + 0.5) / (count + 0.5)) * (1.0 if one in asked_now else CONTEXT_WEIGHT)
        for one, count in counts.items()
    }
    reading = library.reader.read(question)
    # A word longer than the model takes at once ("1.1.1...") is read in parts, each of which stands for the word.
    spans = places(question)
    opens = np.array([start for start, _, _ in spans])
    read = [
        (spans[place][2], question[spans[place][0] : spans[place][1]])
        for place in np.searchsorted(opens, reading.starts, side="right") - 1
    ]
    is_name = np.array(
        [_is_name(int(start), shown) for start, (_, shown) in zip(reading.starts, read, strict=True)], bool
    )
    emphasis = np.where(reading.starts >= asked_from, 1.0, CONTEXT_WEIGHT)
    rarity = np.array([weights.get(stem(word), 0.0) for word, _ in read]) + 0.1 * emphasis
    opener = _FOCUS.search(question, asked_from)
    after = np.flatnonzero(reading.starts >= (opener.end() if opener else 0))
    return Question(
        question,
        asked(question[asked_from:]),
        stems,
        weights,
        frozenset(stem(word) for (word, _), name in zip(read, is_name, strict=True) if name),
        frozenset(words),
        reading.words,
        emphasis,
        rarity,
        is_name,
        int(after[0]) if len(after) else 0,
        reading,
        _demands(
            question[asked_from:],
            asked_from > 0,
            {stem(word) for (word, _), name, now in zip(read, is_name, emphasis == 1, strict=True) if name and now},
        ),
        " ".join(" ".join(standalone.told).split()),
    )


def _demands(asked_now: str, follows: bool, names: set[str]) -> Demands:
    numbers = frozenset(word for word in tokens(asked_now) if word[0].isdigit())
    content = frozenset(content_stems(asked_now))
    counted = _COUNTED.search(asked_now)
    words = tokens(counted["asked"] or counted["did"]) if counted else []
    return Demands(
        numbers,
        frozenset(number for number in numbers if _YEAR.fullmatch(number)),
        frozenset(name for name in names if not name[0].isdigit()),
        stem(words[-1]) if words else None,
        bool(_DENIES.search(asked_now)),
        {
            one: opposites
            for one in {stem(word) for word in tokens(asked_now) if word not in STOPWORDS or word in _TURNED}
            if (opposites := opposites_of(one))
        },
        content if follows and content <= names else frozenset(),
    )


def candidates(question: Question, library: Library, passages: Sequence[Found]) -> list[Candidate]:
    """Every sentence of the passages, with its signals, in the order of the passages."""
    best = max((passage.score for passage in passages), default=1.0) or 1.0
    found = [
        candidate
        for rank, passage in enumerate(passages)
        for candidate in _of_passage(question, library, passage, rank, passage.score / best)
    ]
    return _beside_other_rows(question, found)


def _of_passage(question: Question, library: Library, passage: Found, rank: int, score: float) -> list[Candidate]:
    stored = library.stored(passage)
    document = library.document(passage.document)
    texts = [document.text[sentence.start : sentence.end] for sentence in stored.sentences]
    words = [tokens(text) for text in texts]
    stems = [[stem(word) for word in group] for group in words]
    sets = [set(group) for group in stems]
    whole = set().union(*sets, (stem(word) for word in tokens(document.title)))
    answers = [answers_in(question.kind, text, question.words) for text in texts]
    visible = question.kind in VISIBLE
    kinds = [max((worth for _, _, worth in found), default=0.0) if visible else 1.0 for found in answers]
    others = ~question.is_name & (question.emphasis == 1)
    demands = question.demands
    number_missing = not demands.numbers <= whole
    name_missing = not demands.names <= whole
    other_years = [
        demands.years.isdisjoint(whole) and any(_YEAR.fullmatch(word) for word in group) if demands.years else False
        for group in words
    ]
    denies = [not demands.denial or bool(_DENIES.search(text)) for text in texts]
    counts = [demands.unit is None or _counts(demands.unit, group, of) for group, of in zip(words, stems, strict=True)]
    similar = question.vectors @ stored.words.T
    in_passage = _nearest(similar)
    question_meaning = _mean(question.vectors * question.emphasis[:, None].astype(np.float32))
    asked_now = question.emphasis == 1
    title = set(content_stems(document.title))
    titled = len(title.intersection(question.stems)) / max(1, len(title))
    result = []
    for position, sentence in enumerate(stored.sentences):
        first, last = np.searchsorted(stored.word_starts, (sentence.start, sentence.end))
        in_sentence = _nearest(similar[:, first:last])
        near_words = _nearest(similar[:, max(0, first - _NEAR_WORDS) : last + _NEAR_WORDS])
        meaning = _mean(stored.words[first:last])
        around = [other for other in (position - 1, position + 1) if 0 <= other < len(texts)]
        near = sets[position].union(*(sets[other] for other in around))
        content = [one for one in stems[position] if one not in STOPWORDS]
        row = (
            _average(in_sentence, question.emphasis),
            _average(in_sentence, question.rarity),
            float(in_sentence[asked_now].min(initial=1.0)) if len(in_sentence) else 0.0,
            _average(in_sentence[question.is_name]) if question.is_name.any() else 1.0,
            _average(in_sentence[others]) if others.any() else 1.0,
            float(in_sentence[others].min(initial=1.0)),
            _average(in_passage[others]) if others.any() else 1.0,
            float(in_sentence[question.focus]) if len(in_sentence) else 0.0,
            _average(near_words, question.emphasis),
            _average(in_passage, question.emphasis),
            float(in_passage[asked_now].min(initial=1.0)) if len(in_passage) else 0.0,
            _average(in_passage[question.is_name]) if question.is_name.any() else 1.0,
            float(question_meaning @ meaning),
            score,
            passage.keywords,
            _coverage(question, sets[position]),
            _coverage(question, near),
            _coverage(question, whole),
            sum(name in near for name in question.names) / len(question.names) if question.names else 1.0,
            _pairs(question.stems, stems[position]),
            kinds[position],
            max((kinds[other] for other in around), default=0.0),
            _close(answers[position], similar[:, first:last], stored.word_starts[first:last] - sentence.start, others)
            if visible
            else 1.0,
            sum(one not in question.weights for one in content) / max(1, len(content)),
            min(1.5, len(words[position]) / 40),
            float(is_heading(texts[position])),
            float(texts[position].rstrip("\"”’')").endswith("?")),
            float(number_missing),
            float(name_missing),
            float(other_years[position]),
            float(not any(counts[other] for other in (position, *around))),
            float(not any(denies[other] for other in (position, *around))),
            float(any(one not in near and opposites & sets[position] for one, opposites in demands.opposites.items())),
            float(passage.start == 0),
            min(1.0, len(question.stems) / 12),
            float(not asked_now.all()),
        )
        signals = np.array(row, dtype=np.float64)
        result.append(
            Candidate(
                passage.document,
                sentence.start,
                sentence.end,
                texts[position],
                rank,
                signals,
                meaning,
                document.title,
                _qualified(question, words[position], stems[position])
                or (bool(demands.named) and near.isdisjoint(demands.named))
                or (bool(question.told) and " ".join(texts[position].split()) in question.told),
                titled=titled,
            )
        )
    return result


def _beside_other_rows(question: Question, found: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, the rows of tables among them with what other rows of their document hold of the question."""
    asked = frozenset(content_stems(question.text))
    held = {(one.document, one.start): asked & set(content_stems(one.text)) for one in found if is_row(one.text)}
    of_table: dict[str, set[frozenset[str]]] = {}
    for (document, _), words in held.items():
        of_table.setdefault(document, set()).add(words)
    result = []
    for one in found:
        if (own := held.get((one.document, one.start))) is not None:
            others = of_table[one.document]
            lacking = frozenset().union(*others) - own - set(content_stems(one.title))
            one = replace(
                one,
                lacks=len(lacking) / max(1, len(asked)),
                lacks_name=not lacking.isdisjoint(question.names),
                surpassed=any(own < words for words in others),
            )
        result.append(one)
    return result


def _qualified(question: Question, words: Sequence[str], stems: Sequence[str]) -> bool:
    """Whether the sentence has a word of the question only as another thing: "vice chairman" for "chairman"."""
    if QUALIFIERS.isdisjoint(words) or QUALIFIERS & question.words:
        return False
    qualifiers = QUALIFIERS - ({"former", "ex"} if question.words & {"was", "were"} else set())
    held: dict[str, list[bool]] = {}
    for place, one in enumerate(stems):
        if one in question.weights and one not in question.names:
            held.setdefault(one, []).append(place > 0 and words[place - 1] in qualifiers)
    return any(all(there) for there in held.values())


def _counts(unit: str, words: Sequence[str], stems: Sequence[str]) -> bool:
    """Whether a number, other than a year, stands at most four words before the unit."""
    return any(
        (COUNT_WORD.fullmatch(word) or (word[0].isdigit() and not _YEAR.fullmatch(word)))
        and unit in stems[place + 1 : place + 5]
        for place, word in enumerate(words)
    )


def _is_name(start: int, word: str) -> bool:
    """A number, or a capitalised word that does not only open the question."""
    return word[0].isdigit() or (start > 0 and word[0].isupper())


def is_row(text: str) -> bool:
    """Whether a sentence is the row of a table (index/formats/tables.py): its neighbours say nothing of it."""
    return CELLS in text


def is_heading(sentence: str) -> bool:
    """A short line that ends without a mark."""
    return len(sentence) < 150 and sentence[-1] not in ".!?…:;,\"”’')]。！？」』"


def _close(
    answers: Sequence[tuple[int, int, float]],
    similar: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int32],
    others: npt.NDArray[np.bool_],
) -> float:
    """How close a possible answer stands to the words that match the question's words that are no names."""
    if not answers or not others.any() or not similar.shape[1]:
        return 0.0
    matching = starts[similar[others].argmax(axis=1)]
    distances = [max(start - at, at - end, 0) for start, end, _ in answers for at in matching.tolist()]
    return math.exp(-min(distances) / 40)


def _nearest(similar: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """For each word of the question the similarity of the nearest word; 0 where there is none."""
    nearest: npt.NDArray[np.float32] = similar.max(axis=1, initial=0.0)
    return nearest


def _average(values: npt.NDArray[np.float32], weights: npt.NDArray[np.float64] | None = None) -> float:
    if not len(values):
        return 0.0
    return float(values.sum() / len(values) if weights is None else values @ weights / weights.sum())


def _mean(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    total: npt.NDArray[np.float32] = vectors.sum(axis=0)
    return total / max(float(np.linalg.norm(total)), 1e-12)


def _coverage(question: Question, present: set[str]) -> float:
    total = sum(question.weights.values())
    if total == 0:
        return 0.0
    return sum(weight for one, weight in question.weights.items() if one in present) / total


def _pairs(question: Sequence[str], sentence: Sequence[str]) -> float:
    """The share of word pairs of the question that stand within four words of each other in the sentence."""
    if len(question) < 2:
        return 0.0
    at: dict[str, list[int]] = {}
    for place, word in enumerate(sentence):
        at.setdefault(word, []).append(place)
    close = sum(
        any(abs(one - other) <= 4 for one in at.get(left, ()) for other in at.get(right, ()))
        for left, right in pairwise(question)
    )
    return close / (len(question) - 1)
