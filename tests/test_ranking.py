import json
import re
from dataclasses import replace
from datetime import date
from importlib import resources

import numpy as np
import pytest

from rag.evidence import SIGNALS, Candidate
from rag.kinds import KINDS
from rag.ranking import ALL_SIGNALS, ANSWER_SIGNALS, answer_signals, fitted, judge, quotable, rank

NAMES = {"sentence": SIGNALS, "read_sentence": ALL_SIGNALS, "answerable": ANSWER_SIGNALS, "right": ANSWER_SIGNALS}

STORED = json.loads((resources.files("rag") / "ranking.json").read_text(encoding="utf-8"))


def candidate(start: int = 0, passage: int = 0, **signals: float) -> Candidate:
    row = np.array([signals.get(name, 0.0) for name in ALL_SIGNALS])
    return Candidate("a.txt", start, start + 5, "Words", passage, row, np.zeros(128, dtype=np.float32))


@pytest.mark.parametrize("model", NAMES)
def test_every_signal_has_a_coefficient_and_every_coefficient_a_signal(model: str) -> None:
    assert set(STORED[model]) == {*NAMES[model], "intercept"}
    assert all(np.isfinite(list(STORED[model].values())))


@pytest.mark.parametrize("names", [ALL_SIGNALS, ANSWER_SIGNALS], ids=["sentence", "answer"])
def test_no_signal_is_named_twice(names: tuple[str, ...]) -> None:
    assert len(set(names)) == len(names)


def test_the_coefficients_say_where_they_come_from() -> None:
    assert (resources.files("rag") / ".." / STORED["made_by"]).is_file()
    assert date.fromisoformat(STORED["made_on"]) <= date.today()
    assert re.search(r"development", STORED["data"])
    for figures in STORED["cross_validated"].values():
        assert figures["questions"] > 0
        assert all(0 <= value <= 1 for name, value in figures.items() if name != "questions")


def test_the_threshold_is_a_probability() -> None:
    assert 0 < fitted().refuse_below < 1


def test_candidates_come_likeliest_first() -> None:
    given = [
        candidate(start=place * 10, late=place / 5, late_rare=place / 5, coverage=1 - place / 5) for place in range(6)
    ]
    ranked = rank(given, fitted().read_sentence)
    scores = [score for _, score in ranked]
    assert scores == sorted(scores, reverse=True)
    assert {one.start for one, _ in ranked} == {one.start for one in given}


def test_equal_candidates_stay_in_order() -> None:
    assert [
        one.start
        for one, _ in rank([candidate(start=10), candidate(start=0), candidate(start=5)], fitted().read_sentence)
    ] == [10, 0, 5]


def test_no_candidates_answer_nothing() -> None:
    assert rank([], fitted().read_sentence) == []
    assert judge("thing", []) == (0.0, 0.0)


def test_what_is_another_thing_is_quoted_only_where_there_is_nothing_else() -> None:
    vice, statement = replace(candidate(), beside=True), candidate()
    assert quotable([vice, statement]) == [statement]
    assert quotable([vice]) == [vice]


def test_headings_and_questions_are_quoted_only_where_there_is_nothing_else() -> None:
    heading, asking, statement = candidate(heading=1.0), candidate(asks=1.0), candidate()
    assert quotable([heading, asking, statement]) == [statement]
    assert quotable([heading, asking]) == [heading, asking]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_answers_are_judged_with_probabilities(kind: str, count: int) -> None:
    given = [candidate(start=place, passage=place, late=1 / (place + 1)) for place in range(count)]
    ranked = rank(given, fitted().read_sentence)
    signals = answer_signals(kind, ranked)
    assert signals.shape == (len(ANSWER_SIGNALS),)
    assert np.isfinite(signals).all()
    assert all(0 <= probability <= 1 for probability in judge(kind, ranked))


@pytest.mark.parametrize(
    ("best", "other", "signals"), [(1.0, 0.5, [1, 1, 0]), (0.5, 1.0, [0.5, 0, 0.5]), (0.0, 0.0, [0, 0, 0])]
)
def test_what_the_question_names_of_titles_is_told(best: float, other: float, signals: list[float]) -> None:
    ranked = [(replace(candidate(), titled=best), 1.0), (replace(candidate(start=10), titled=other), 0.0)]
    named = dict(zip(ANSWER_SIGNALS, answer_signals("thing", ranked), strict=True))
    assert [named[name] for name in ("titled", "titled_wholly", "titled_other")] == signals


def test_wild_signals_do_not_overflow() -> None:
    wild = Candidate("a.txt", 0, 5, "Words", 0, np.full(len(ALL_SIGNALS), 1e6), np.zeros(128, dtype=np.float32))
    assert all(0 <= probability <= 1 for probability in judge("thing", rank([wild], fitted().read_sentence)))
