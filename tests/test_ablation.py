from datetime import date

import numpy as np
import pytest

from eval.ablation import FIGURES, PARTS, Row, measure, without
from eval.fit import FOLDS, SHARES
from eval.report import ablation
from rag.evidence import Candidate
from rag.ranking import ALL_SIGNALS
from rag.spans import UNREAD

CHANCE = np.random.default_rng(5)
SPAN, COVERAGE = ALL_SIGNALS.index("span"), ALL_SIGNALS.index("coverage")


def candidate(place: int, **signals: float) -> Candidate:
    row = np.array([signals.get(name, 0.5) for name in ALL_SIGNALS])
    return Candidate("a.txt", 10 * place, 10 * place + 5, "Words", 0, row, np.zeros(128, np.float32), odds=3, alone=2)


def rows() -> list[Row]:
    """Of each set 40 questions, half of them answered, by the one sentence that the reader is sure of; words in common
    say nothing."""
    made = []
    for number in range(40 * len(SHARES)):
        answerable = number // len(SHARES) % 2 == 0
        right = int(CHANCE.integers(4)) if answerable else -1
        found = tuple(
            candidate(place, span=0.9 if place == right else -0.5, coverage=CHANCE.random()) for place in range(4)
        )
        name = list(SHARES)[number % len(SHARES)]
        made.append(Row(name, "thing", answerable, found, np.arange(4) == right, number // len(SHARES) % FOLDS))
    return made


def test_a_part_that_is_left_out_says_nothing() -> None:
    (row,) = [Row("built-in", "thing", True, (candidate(0),), np.array([True]), 0)]
    (read,) = without(row, PARTS["the reader"]).candidates
    assert read.signals[-3:].tolist() == list(UNREAD)
    assert read.alone == -np.inf
    assert (np.delete(read.signals, np.s_[-3:]) == 0.5).all()
    (worded,) = without(row, PARTS["words in common"]).candidates
    assert worded.signals[COVERAGE] == 0
    assert worded.signals[SPAN] == 0.5
    assert worded.alone == 2
    assert row.candidates[0].signals[COVERAGE] == 0.5


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_signals(part: str) -> None:
    assert PARTS[part]
    assert set(PARTS[part]) <= set(ALL_SIGNALS)


def test_what_tells_is_missed_when_it_is_left_out_and_what_does_not_is_not() -> None:
    made = rows()
    for name, whole in measure(made).items():
        assert name in SHARES
        assert whole["questions"] == 40
        assert min(whole[figure] for figure in FIGURES) > 0.9
    blind = measure([without(row, PARTS["the reader"]) for row in made])
    assert np.mean([figures["first"] for figures in blind.values()]) < 0.5
    assert np.mean([figures["answerable"] for figures in blind.values()]) < 0.65
    as_before = measure([without(row, PARTS["words in common"]) for row in made])
    assert min(figures["first"] for figures in as_before.values()) > 0.9


def test_what_is_stored_is_of_today_s_parts() -> None:
    found = ablation()
    assert list(found["without"]) == ["nothing", *PARTS]
    assert all(set(sets) == set(SHARES) for sets in found["without"].values())
    assert date.fromisoformat(found["made_on"]) <= date.today()
