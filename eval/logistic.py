"""Logistic regression, ridge-regularised and with a weight for each row."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rag.ranking import Logistic

Matrix = npt.NDArray[np.float64]


def importance(sets: Sequence[str], shares: Mapping[str, float]) -> Matrix:
    """What each row counts: the share of its set, divided evenly among the rows of that."""
    counts = {name: sum(one == name for one in sets) for name in shares}
    return np.array([shares[one] / counts[one] for one in sets])


def regression(
    table: Matrix,
    right: npt.NDArray[np.bool_],
    importance: Matrix,
    *,
    ridge: float,
    unscaled: Sequence[int] = (),
) -> Logistic:
    """The coefficients that minimise the log loss of `right`, one for each row of `table` and weighed by `importance`,
    plus `ridge` times the sum of their squares in units of the columns' standard deviation; the columns in `unscaled`
    keep their own unit."""
    from scipy.optimize import minimize

    mean, scale = table.mean(axis=0), table.std(axis=0) + 1e-9
    scale[list(unscaled)] = 1.0
    scaled = (table - mean) / scale

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        weights, intercept = parameters[:-1], parameters[-1]
        odds = scaled @ weights + intercept
        total = importance @ np.logaddexp(0, np.where(right, -odds, odds)) + ridge * weights @ weights
        slope = importance * (1 / (1 + np.exp(-np.clip(odds, -50, 50))) - right)
        return float(total), np.append(slope @ scaled + 2 * ridge * weights, slope.sum())

    found = minimize(loss, np.zeros(table.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    weights = found[:-1] / scale
    return Logistic(weights, float(found[-1] - weights @ mean))


def conditional(
    tables: Sequence[Matrix], right: Sequence[npt.NDArray[np.bool_]], importance: Matrix, *, ridge: float
) -> Logistic:
    """The conditional logit (McFadden 1974) of which row of a table is right: coefficients that minimise the negative
    log of the share of the odds that the right rows of each table have, weighed by `importance`, plus `ridge` times the
    sum of their squares in units of the columns' standard deviation. Each table holds a right row and another."""
    from scipy.optimize import minimize

    rows = np.vstack(tables)
    holds = np.concatenate(right)
    scale = rows.std(axis=0) + 1e-9
    scaled = rows / scale
    lengths = np.array([len(table) for table in tables])
    starts = np.append(0, lengths.cumsum()[:-1])

    def loss(weights: Matrix) -> tuple[float, Matrix]:
        score = scaled @ weights
        odds = np.exp(score - np.repeat(np.maximum.reduceat(score, starts), lengths))
        every = np.add.reduceat(odds, starts)
        good = np.maximum(np.add.reduceat(odds * holds, starts), 1e-300)
        share = odds * holds / np.repeat(good, lengths) - odds / np.repeat(every, lengths)
        gradient = 2 * ridge * weights - (np.repeat(importance, lengths) * share) @ scaled
        return float(importance @ np.log(every / good) + ridge * weights @ weights), gradient

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return Logistic(found / scale, 0.0)
