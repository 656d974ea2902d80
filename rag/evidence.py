"""What speaks for a sentence being the answer: one row of numbers, the signals, for each candidate sentence.

All signals lie in 0..1 or close to it. `SIGNALS` names the columns; the fitted models in ranking.json are trained on
them by eval/fit.py.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.library import Found, Library, StoredSentence
from index.words import STOPWORDS, stem, tokens
from rag.kinds import asked, holds

SIGNALS = (
    "sentence_cosine",  # question and sentence
    "neighbour_cosine",  # question and the better of the two sentences around it
    "passage_cosine",
    "passage_keywords",  # BM25 of the passage, divided by the best passage's
    "passage_rank",  # 1 / (1 + rank)
    "coverage",  # share of the question's words, weighted by rarity, that stand in the sentence
    "coverage_near",  # ... in the sentence or its neighbours
    "coverage_passage",  # ... in the passage or the document's title
    "rarest_missing",  # the weight of the rarest word of the question that is not near, among all its words' weights
    "names_covered",  # share of the question's names and numbers near the sentence (1 where it has none)
    "pairs",  # share of the question's neighbouring word pairs that stand close together in the sentence
    "kind_held",  # the asked kind of answer stands in the sentence
    "kind_near",  # ... in a neighbour
    "new_words",  # share of the sentence's words that are not the question's
    "length",  # words / 40, at most 1.5
    "heading",  # a title or heading
    "opening",  # the first sentence of its document's first passage
    "question_length",  # content words / 12, at most 1
)

_NAME_OR_NUMBER = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w’'-]+|\d[\d.,]*\d|\d")


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart: the weight of each content stem is its rarity in the library."""

    text: str
    kind: str
    stems: tuple[str, ...]
    weights: dict[str, float]
    names: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer, with its signals. `passage` is its passage's rank, `position` its place in it."""

    document: str
    start: int
    end: int
    text: str
    passage: int
    position: int
    signals: npt.NDArray[np.float64]
    vector: npt.NDArray[np.float32]


def take_apart(question: str, library: Library) -> Question:
    """Weighs the words of a question by how rare they are in the library (idf as in BM25)."""
    words = tokens(question)
    stems = tuple(dict.fromkeys(stem(word) for word in words if word not in STOPWORDS))
    if not stems:  # "Who is he?": better all words than none
        stems = tuple(dict.fromkeys(stem(word) for word in words))
    counts = library.passages_with(stems)
    passages = library.passage_count()
    weights = {one: math.log(1 + (passages - count + 0.5) / (count + 0.5)) for one, count in counts.items()}
    names = frozenset(stem(part) for found in _NAME_OR_NUMBER.findall(question) for part in tokens(found))
    return Question(question, asked(question), stems, weights, names, frozenset(words))


def candidates(question: Question, library: Library, passages: Sequence[Found]) -> list[Candidate]:
    """Every sentence of the passages, with its signals, in the order of the passages."""
    vector = library.embed_question(question.text)
    found = []
    for rank, (passage, sentences) in enumerate(zip(passages, library.sentences(passages), strict=True)):
        found += _of_passage(question, vector, library, passage, rank, sentences)
    return found


def _of_passage(
    question: Question,
    vector: npt.NDArray[np.float32],
    library: Library,
    passage: Found,
    rank: int,
    sentences: Sequence[StoredSentence],
) -> list[Candidate]:
    document = library.document(passage.document)
    texts = [document.text[sentence.start : sentence.end] for sentence in sentences]
    words = [tokens(text) for text in texts]
    stems = [[stem(word) for word in group] for group in words]
    sets = [set(group) for group in stems]
    whole = set().union(*sets, (stem(word) for word in tokens(document.title)))
    cosines = [float(vector @ sentence.vector) for sentence in sentences]
    kinds = [holds(question.kind, text, question.words) for text in texts]
    all_words = len(question.stems)
    result = []
    for position, sentence in enumerate(sentences):
        around = [other for other in (position - 1, position + 1) if 0 <= other < len(sentences)]
        near = sets[position].union(*(sets[other] for other in around))
        content = [one for one in stems[position] if one not in STOPWORDS]
        row = (
            cosines[position],
            max((cosines[other] for other in around), default=0.0),
            passage.similarity,
            passage.keywords,
            1 / (1 + rank),
            _coverage(question, sets[position]),
            _coverage(question, near),
            _coverage(question, whole),
            _rarest_missing(question, near),
            _share(question.names, near | whole & question.names if position == 0 else near),
            _pairs(question.stems, stems[position]),
            kinds[position],
            max((kinds[other] for other in around), default=0.0),
            sum(one not in question.weights for one in content) / max(1, len(content)),
            min(1.5, len(words[position]) / 40),
            float(texts[position][-1:] not in ".!?…”\"’'。！？)" and len(texts[position]) < 150),
            float(position == 0 and passage.start == 0),
            min(1.0, all_words / 12),
        )
        result.append(
            Candidate(
                passage.document,
                sentence.start,
                sentence.end,
                texts[position],
                rank,
                position,
                np.array(row, dtype=np.float64),
                sentence.vector,
            )
        )
    return result


def _coverage(question: Question, present: set[str]) -> float:
    total = sum(question.weights.values())
    if total == 0:
        return 0.0
    return sum(weight for one, weight in question.weights.items() if one in present) / total


def _rarest_missing(question: Question, present: set[str]) -> float:
    heaviest = max(question.weights.values(), default=0.0)
    missing = max((weight for one, weight in question.weights.items() if one not in present), default=0.0)
    return missing / heaviest if heaviest else 0.0


def _share(wanted: Iterable[str], present: set[str]) -> float:
    names = list(wanted)
    return sum(name in present for name in names) / len(names) if names else 1.0


def _pairs(question: Sequence[str], sentence: Sequence[str]) -> float:
    """The share of word pairs of the question that stand within four words of each other in the sentence."""
    if len(question) < 2:
        return 0.0
    places: dict[str, list[int]] = {}
    for place, word in enumerate(sentence):
        places.setdefault(word, []).append(place)
    close = sum(
        any(abs(one - other) <= 4 for one in places.get(left, ()) for other in places.get(right, ()))
        for left, right in pairwise(question)
    )
    return close / (len(question) - 1)
