"""Runs queued jobs through the model: at once in the event loop when it is fast, in a thread when it is slow.

Measured, not declared: below `INLINE_S` a hop to a thread costs more than it saves; above it the loop must stay free to
read requests and to answer health checks.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from datahall.foundation.errors import DatahallError
from datahall.models.serve.batching import BatchQueue, BatchSizer, Job, rows_of
from datahall.models.serve.onnx_model import OnnxModel
from datahall.models.serve.tensors import Array

INLINE_S = 0.002
_WARM_UP_RUNS = 3

Outcome = list[Array] | DatahallError
Deliver = Callable[[list[Job], list[Outcome]], None]


class Engine:
    """One model, one batch at a time."""

    def __init__(self, model: OnnxModel, *, max_batch: int, deliver: Deliver) -> None:
        """deliver: called in the event loop with a batch's jobs and what became of each."""
        self._model, self._deliver = model, deliver
        self._sizer = BatchSizer(max_batch if model.bundle.is_batched else 1)
        self.queue = BatchQueue(self._sizer, is_batched=model.bundle.is_batched)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._is_scheduled = self.is_busy = False

    def warm_up(self) -> None:
        """Run a row of zeros a few times: the first run allocates, the next tell how fast the model is."""
        for _ in range(_WARM_UP_RUNS):
            started_s = time.perf_counter()
            self._model.run(self._model.sample())
            self._sizer.observe(1, time.perf_counter() - started_s, is_hungry=False)

    @property
    def is_idle(self) -> bool:
        return not self.is_busy and not self.queue

    def turn(self) -> None:
        """Run the next batch if the model is free. Call it after queueing all that came together, so that it runs together."""
        if self.is_busy or self._is_scheduled or not self.queue:
            return
        jobs = self.queue.take()
        if self._sizer.expected_s(rows_of(jobs)) <= INLINE_S:
            self._finish(jobs, *self._timed(jobs))
            return
        self.is_busy = True
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._timed, jobs)
        future.add_done_callback(lambda done: self._finish(jobs, *done.result()))

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    def _scheduled_turn(self) -> None:
        self._is_scheduled = False
        self.turn()

    def _finish(self, jobs: list[Job], outcomes: list[Outcome], duration_s: float) -> None:
        self.is_busy = False
        self._sizer.observe(rows_of(jobs), duration_s, is_hungry=bool(self.queue))
        if self.queue:  # not at once: between two batches the sockets are read, and health checks answered
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._scheduled_turn)
        self._deliver(jobs, outcomes)

    def _timed(self, jobs: list[Job]) -> tuple[list[Outcome], float]:
        started_s = time.perf_counter()
        outcomes = self._outcomes(jobs)
        return outcomes, time.perf_counter() - started_s

    def _outcomes(self, jobs: list[Job]) -> list[Outcome]:
        try:
            outputs = self._model.run(_joined([job.question.arrays for job in jobs]))
        except DatahallError as error:
            # One bad request must not spoil its neighbours' answers: each runs alone.
            return [error] if len(jobs) == 1 else [outcome for job in jobs for outcome in self._outcomes([job])]
        return [outputs] if len(jobs) == 1 else _cut(outputs, [job.question.rows for job in jobs])


def _joined(questions: Sequence[tuple[Array, ...]]) -> Sequence[Array]:
    return questions[0] if len(questions) == 1 else [np.concatenate(parts) for parts in zip(*questions, strict=True)]


def _cut(outputs: list[Array], counts: list[int]) -> list[Outcome]:
    parts: list[Outcome] = []
    at = 0
    for count in counts:
        parts.append([output[at : at + count] for output in outputs])
        at += count
    return parts
