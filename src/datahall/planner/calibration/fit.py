"""Two ratios of a platform from a few measured steps: least squares of the logarithm, held towards 1 by what is known without.

With one row the correction goes four fifths of the way, with many it follows them: each ratio has a prior whose width is the
spread of our predictions on platforms that were never seen. What a row says of itself is not counted as success: `after`
predicts each row by a correction that was made without it; of a single row, that is no correction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.models.cost.spec import Architecture
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.correction import LEAST_RATIO, MOST_RATIO, Correction, corrected
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import step_of

Floats = NDArray[np.float64]

PRIOR_SPREADS = np.array([0.2, 0.4])
"""Of the logarithms of the ratios of computing and exchanging, before anything was measured: predictions of unseen platforms
lie about a fifth off, and exchange is known half as well (docs/benchmarks.md, step time and collectives)."""
ROW_SPREAD = 0.1
"""Of one row: the same configuration measured again within days (BLOOM's tuning log: median 5 %), and how unevenly our errors
lie on the configurations of one platform (docs/benchmarks.md, step time)."""
PRIOR_ROWS = 4.0
"""Rows that the prior spread of corrected predictions is worth against the rows' own."""
LEAST_GAIN = 0.001
"""Of the mean error: less is rounding."""
ROUNDS = 6
STEP = 0.05
"""Of the numerical slope, in the logarithm of a ratio."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured training step, and all that predicts it."""

    name: str
    architecture: Architecture
    plan: TrainPlan
    cluster: Cluster
    stack: Stack
    seconds: float


@dataclass(frozen=True, slots=True)
class RowResult:
    """A row before and after."""

    name: str
    measured_s: float
    before_s: float
    after_s: float
    """By the correction that was made without this row."""


@dataclass(frozen=True, slots=True)
class Fitted:
    compute_ratio: float
    exchange_ratio: float
    spread: float
    rows: tuple[RowResult, ...]

    @property
    def at_bound(self) -> bool:
        """Whether a ratio would have gone beyond what a platform can be: then something else of the rows is wrong."""
        edges = (LEAST_RATIO, MOST_RATIO)
        return any(np.isclose(ratio, edge) for ratio in (self.compute_ratio, self.exchange_ratio) for edge in edges)

    @property
    def before_ratio(self) -> float:
        return float(np.mean([abs(row.before_s / row.measured_s - 1) for row in self.rows]))

    @property
    def after_ratio(self) -> float:
        return float(np.mean([abs(row.after_s / row.measured_s - 1) for row in self.rows]))

    @property
    def helps(self) -> bool:
        """Whether rows left out are predicted better with it than without; a single row cannot tell, and is believed."""
        if self.at_bound:
            return False
        return len(self.rows) == 1 or self.after_ratio < self.before_ratio - LEAST_GAIN


def fit(rows: Sequence[Measured]) -> Fitted:
    """The ratios of one platform. Raises ValueError without rows, Refused where a row's plan cannot be predicted."""
    if not rows:
        raise ValueError("fit: no rows")
    predicted = _predictor(rows)
    measured = np.log([row.seconds for row in rows])
    before, theta = predicted(np.zeros(2)), np.zeros(2)
    for _ in range(ROUNDS):
        now = predicted(theta)
        slopes = _slopes(predicted, theta, now)
        theta = _bounded(_solve(slopes, measured - now + slopes @ theta)[0])
    now = predicted(theta)
    slopes = _slopes(predicted, theta, now)
    _, hat = _solve(slopes, measured - now + slopes @ theta)
    # What the row would have been off by, had it not been fitted: e / (1 - h), the closed form for linear least squares.
    left_out = (measured - now) / (1 - hat) if len(rows) > 1 else measured - before
    found = [
        RowResult(row.name, row.seconds, float(np.exp(b)), float(row.seconds * np.exp(-e)))
        for row, b, e in zip(rows, before, left_out, strict=True)
    ]
    compute, exchange = np.exp(theta)
    return Fitted(float(compute), float(exchange), _spread(left_out), tuple(found))


def correction_of(fitted: Fitted, *, accelerator: str, stack: str, source: str, date: str) -> Correction:
    """As it is kept."""
    return Correction(
        accelerator=accelerator,
        stack=stack,
        compute_ratio=fitted.compute_ratio,
        exchange_ratio=fitted.exchange_ratio,
        spread=fitted.spread,
        rows=len(fitted.rows),
        before_ratio=fitted.before_ratio,
        after_ratio=fitted.after_ratio,
        source=source,
        date=date,
    )


def _predictor(rows: Sequence[Measured]) -> Callable[[Floats], Floats]:
    """Logarithms of the predicted seconds of all rows, by the logarithms of both ratios."""

    def predicted(theta: Floats) -> Floats:
        compute, exchange = map(float, np.exp(theta))
        tried = Correction(
            accelerator="", stack="", compute_ratio=compute, exchange_ratio=exchange, spread=1, rows=1,
            before_ratio=0, after_ratio=0,
        )  # fmt: skip
        return np.log([step_of(row.architecture, row.plan, corrected(row.cluster, tried), row.stack).seconds for row in rows])

    return predicted


def _slopes(predicted: Callable[[Floats], Floats], theta: Floats, now: Floats) -> Floats:
    """(rows, 2): how the logarithm of each prediction follows those of the ratios; towards 1, so that it stays in bounds."""
    steps = np.where(theta > 0, -STEP, STEP)
    return np.column_stack([(predicted(theta + step * unit) - now) / step for step, unit in zip(steps, np.eye(2), strict=True)])


def _solve(slopes: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """Ridge: the logarithms of the ratios, and the share that each row has in its own prediction."""
    inverse = np.linalg.inv(slopes.T @ slopes / ROW_SPREAD**2 + np.diag(PRIOR_SPREADS**-2.0))
    gain = inverse @ slopes.T / ROW_SPREAD**2
    return gain @ wanted, np.einsum("ij,ji->i", slopes, gain)


def _bounded(theta: Floats) -> Floats:
    return np.clip(theta, np.log(LEAST_RATIO), np.log(MOST_RATIO))


def _spread(errors: Floats) -> float:
    """Of the rows' own errors and of what is known without them, weighed by how many rows there are."""
    own, known = float(np.sum(errors**2)), PRIOR_ROWS * float(PRIOR_SPREADS[0]) ** 2
    return float(np.sqrt((own + known) / (len(errors) + PRIOR_ROWS)))
