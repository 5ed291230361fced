"""How many CPU threads a run uses: measured on its own batches, not assumed.

With a busy neighbour two threads made the loop of a small network 26 to 90 times slower, for OpenMP's barriers spin on a
core that was taken away, while one thread lost a tenth. So more than one must pay clearly before it is taken.
"""

import time
from collections.abc import Callable

import torch

ROUNDS = 4
ROUND_S = 0.025
"""A round lasts at least this long: a few updates of a tenth of a millisecond each would measure only noise."""
MARGIN_RATIO = 0.67
"""All CPUs are taken when every round of theirs needs less than this share of one thread's time. Two perfect threads need
half; small networks, which a neighbour hurts most, need more than two thirds."""

Update = Callable[[], None]


def fastest_threads(cpus: int, trial: Callable[[], Update]) -> int:
    """1 or `cpus`, whichever trains faster; PyTorch is left set to it.

    trial: makes a copy of the run and gives a function that does one update of it.
    """
    return use_threads(cpus if cpus > 1 and _pays(cpus, trial) else 1)


def use_threads(threads: int) -> int:
    """Set PyTorch's threads for all that follows; gives `threads` back."""
    torch.set_num_threads(threads)
    return threads


def _pays(cpus: int, trial: Callable[[], Update]) -> bool:
    """Whether all CPUs win every round by the margin. The first round lost settles it, so a small network waits little."""
    use_threads(1)
    update = trial()
    update()  # the first one allocates
    for _ in range(ROUNDS):
        one_s, all_s = (_update_s(threads, update) for threads in (1, cpus))
        if all_s >= MARGIN_RATIO * one_s:
            return False
    return True


def _update_s(threads: int, update: Update) -> float:
    """Mean seconds of an update with `threads`, over one round."""
    use_threads(threads)
    start_s, updates = time.perf_counter(), 0
    while (taken_s := time.perf_counter() - start_s) < ROUND_S:
        update()
        updates += 1
    return taken_s / updates
