import numpy as np
import pytest

from eval.logistic import conditional, regression

CHANCE = np.random.default_rng(3)
TABLE = CHANCE.normal(size=(4000, 2)) * (1, 50) + (0, 300)
ODDS = TABLE @ (1.5, -0.04) + 12
RIGHT = CHANCE.random(4000) < 1 / (1 + np.exp(-ODDS))
EVEN = np.full(4000, 1 / 4000)


def test_coefficients_that_made_the_data_are_found() -> None:
    found = regression(TABLE, RIGHT, EVEN, ridge=1e-6)
    assert found.weights == pytest.approx([1.5, -0.04], rel=0.1)
    assert found.intercept == pytest.approx(12, rel=0.1)


def test_a_ridge_draws_columns_to_zero_by_their_own_scale() -> None:
    free, drawn = (regression(TABLE, RIGHT, EVEN, ridge=ridge).weights for ridge in (1e-6, 0.1))
    assert drawn / free == pytest.approx([drawn[0] / free[0]] * 2, rel=0.2)
    assert 0 < drawn[0] / free[0] < 0.7
    unscaled = regression(TABLE, RIGHT, EVEN, ridge=0.1, unscaled=[1]).weights
    assert unscaled[1] == pytest.approx(free[1], rel=0.3)


def test_rows_without_importance_do_not_count() -> None:
    turned = np.concatenate([RIGHT, ~RIGHT])
    half = np.concatenate([EVEN, 0 * EVEN])
    both = regression(np.vstack([TABLE, TABLE]), turned, half, ridge=1e-4)
    assert both.weights == pytest.approx(regression(TABLE, RIGHT, EVEN, ridge=1e-4).weights, rel=1e-2)


def test_a_conditional_logit_finds_what_makes_a_row_the_right_one() -> None:
    tables = [CHANCE.normal(size=(length, 2)) * (1, 50) for length in CHANCE.integers(2, 9, size=3000)]
    odds = [np.exp(table @ (1.5, -0.04)) for table in tables]
    right = [np.arange(len(one)) == CHANCE.choice(len(one), p=one / one.sum()) for one in odds]
    even = np.full(3000, 1 / 3000)
    assert conditional(tables, right, even, ridge=1e-6).weights == pytest.approx([1.5, -0.04], rel=0.1)
    assert abs(conditional(tables, right, even, ridge=100).weights @ (1, 50)) < 0.01
    counted = np.where(np.arange(3000) < 1500, 1 / 1500, 0)
    turned = [*right[:1500], *(~one for one in right[1500:])]
    assert conditional(tables, turned, counted, ridge=1e-6).weights == pytest.approx([1.5, -0.04], rel=0.2)
