"""Batches: what is queued, never more waiting, only as large as pays."""

import numpy as np

from datahall.models.serve.batching import BatchQueue, BatchSizer, Job, rows_of
from datahall.models.serve.questions import Question


def job(number, rows=1, width=3):
    return Job(number, Question((np.zeros((rows, width), np.float32),), rows), is_plain=False, connection=None)


def grown(sizer, row_s, batches=40):
    """Feed the sizer full batches whose rows take `row_s(size)`."""
    for _ in range(batches):
        sizer.observe(sizer.rows, sizer.rows * row_s(sizer.rows), is_hungry=True)
    return sizer


def test_a_small_network_gets_large_batches():
    """Given 24 us a run plus 2 us a row, the size grows to the limit under load."""
    assert grown(BatchSizer(64), lambda size: 24e-6 / size + 2e-6).rows == 64


def test_a_transformer_keeps_its_answers_early():
    """Given rows that get only 10 % cheaper at 4 and dearer beyond, the size stays at 4."""
    assert grown(BatchSizer(64), lambda size: {1: 8.0e-3, 2: 7.5e-3, 4: 7.0e-3}.get(size, 7.2e-3)).rows == 4


def test_a_model_that_gains_nothing_is_not_batched():
    """Given rows that cost the same in any batch, each runs alone."""
    assert grown(BatchSizer(64), lambda _: 8e-3).rows == 1


def test_without_load_nothing_is_tried():
    """Given one client, the size stays at one row: there is nothing to wait for."""
    sizer = BatchSizer(64)
    for _ in range(100):
        sizer.observe(1, 24e-6, is_hungry=False)
    assert sizer.rows == 1


def test_a_slow_batch_is_foreseen():
    """Given 8 ms a row, a batch of four is expected to take at most 32 ms, so that it goes to a thread."""
    sizer = BatchSizer(64)
    sizer.observe(1, 8e-3, is_hungry=False)
    assert sizer.expected_s(4) == 32e-3


def test_a_batch_takes_what_fits_in_order():
    """Given a limit of four rows, the queue gives one and two, not the three that would be too many, and then the three."""
    sizer = BatchSizer(64)
    sizer.rows = 4
    queue = BatchQueue(sizer, is_batched=True)
    for number, rows in ((1, 1), (2, 2), (3, 3)):
        queue.put(job(number, rows))
    assert [one.request for one in queue.take()] == [1, 2]
    assert [one.request for one in queue.take()] == [3]


def test_different_shapes_do_not_mix():
    """Given rows of width 3 and of width 5, they run apart."""
    sizer = BatchSizer(64)
    sizer.rows = 8
    queue = BatchQueue(sizer, is_batched=True)
    for number, width in ((1, 3), (2, 5), (3, 3)):
        queue.put(job(number, width=width))
    assert [[one.request for one in queue.take()] for _ in range(3)] == [[1], [2], [3]]


def test_a_request_larger_than_the_limit_runs_alone():
    """Given a request of 100 rows and a limit of 64, it is one batch."""
    queue = BatchQueue(BatchSizer(64), is_batched=True)
    queue.put(job(1, rows=100))
    queue.put(job(2))
    assert rows_of(queue.take()) == 100


def test_what_nobody_waits_for_is_dropped():
    """Given three jobs and one cancelled, two are left."""
    queue = BatchQueue(BatchSizer(64), is_batched=True)
    for number in (1, 2, 3):
        queue.put(job(number))
    queue.drop(lambda one: one.request == 2)
    assert len(queue) == 2
