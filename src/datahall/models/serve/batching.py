"""Batches that cost nothing when there is nothing to batch: run what is queued as soon as the model is free, never wait.

A batch is only as large as pays: sizes double while a larger batch is faster per row, so that a small network under load
runs 64 rows at once and a transformer, which gains little on a CPU, keeps its answers early.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from datahall.models.serve.questions import Question

_GAIN_RATIO = 0.95
"""A larger batch must take at most this share of the smaller one's time per row."""
_FORGET_BATCHES = 256
"""Larger sizes are tried again after so many batches: neighbours come and go."""


@dataclass(slots=True)
class Job:
    """One question on its way through the model; `reply` takes status, header block and body."""

    request: int
    question: Question
    is_plain: bool
    connection: Any
    signature: Hashable = field(init=False)
    """Only jobs of equal signature fit into one batch."""

    def __post_init__(self) -> None:
        self.signature = tuple([array.shape[1:] for array in self.question.arrays])


class BatchSizer:
    """How many rows to run at once, learned from how long batches took."""

    def __init__(self, max_rows: int) -> None:
        self.max_rows, self.rows = max_rows, 1
        self._row_s: dict[int, float] = {}
        self._batches = 0

    def observe(self, rows: int, duration_s: float, *, is_hungry: bool) -> None:
        """Learn from a batch of `rows`. is_hungry: more rows were waiting than the batch could take."""
        size = min(1 << (rows.bit_length() - 1), self.max_rows)
        self._note(size, duration_s / rows)
        if size != self.rows:
            return
        if size > 1 and not self._pays(size):
            self.rows = size // 2
        elif is_hungry and size * 2 <= self.max_rows and self._pays(size * 2):
            self.rows = size * 2

    def expected_s(self, rows: int) -> float:
        """An upper estimate of the time that a batch of `rows` will take, s."""
        size = min(1 << (rows.bit_length() - 1), self.max_rows)
        while size > 1 and size not in self._row_s:
            size //= 2
        return rows * self._row_s.get(size, 0.0)

    def _note(self, size: int, row_s: float) -> None:
        known = self._row_s.get(size, row_s)
        # Down at once, up slowly: a batch that lost its core to a neighbour says nothing about the model.
        self._row_s[size] = row_s if row_s < known else known + 0.1 * (row_s - known)
        self._batches += 1
        if self._batches % _FORGET_BATCHES == 0:
            self._row_s = {at: value for at, value in self._row_s.items() if at <= self.rows}

    def _pays(self, size: int) -> bool:
        larger, smaller = self._row_s.get(size), self._row_s.get(size // 2)
        return larger is None or smaller is None or larger < _GAIN_RATIO * smaller


class BatchQueue:
    """Jobs in order of arrival."""

    def __init__(self, sizer: BatchSizer, *, is_batched: bool) -> None:
        self.sizer, self._is_batched = sizer, is_batched
        self._jobs: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: Job) -> None:
        self._jobs.append(job)

    def drop(self, unwanted: Callable[[Job], bool]) -> None:
        """Forget the jobs that nobody waits for any more."""
        self._jobs = deque(job for job in self._jobs if not unwanted(job))

    def take(self) -> list[Job]:
        """The next batch: the first job and those behind it that fit, without overtaking."""
        jobs = self._jobs
        first = jobs.popleft()
        batch, rows = [first], first.question.rows
        while self._is_batched and jobs and self._joins(jobs[0], first, rows):
            rows += jobs[0].question.rows
            batch.append(jobs.popleft())
        return batch

    def _joins(self, job: Job, first: Job, rows: int) -> bool:
        return rows + job.question.rows <= self.sizer.rows and job.signature == first.signature


def rows_of(jobs: Iterable[Job]) -> int:
    """Rows in a batch."""
    return sum(job.question.rows for job in jobs)
