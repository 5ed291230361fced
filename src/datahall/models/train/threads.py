"""How many CPU threads a run uses: measured on its own batches, not assumed.

With a busy neighbour two threads made the loop of a small network 26 to 90 times slower, for OpenMP's barriers spin on a
core that was taken away, while one thread lost a tenth. So more than one must pay clearly before it is taken.
"""

import time
from collections.abc import Callable

import torch

ROUNDS = 3
STEPS = 4
BUDGET_S = 4.0
MARGIN_RATIO = 0.67
"""All CPUs are taken when they need less than this share of one thread's time. Two perfect threads need half; small
networks, which a neighbour hurts most, need more than two thirds."""


def fastest_threads(cpus: int, trial: Callable[[], Callable[[], None]]) -> int:
    """1 or `cpus`, whichever trains faster; PyTorch is left set to it.

    trial: makes a fresh copy of the run and gives a function that does one update of it.
    """
    if cpus > 1:
        taken_s = _timed({1: [], cpus: []}, trial)
        cpus = cpus if taken_s[cpus] < MARGIN_RATIO * taken_s[1] else 1
    return use_threads(cpus)


def use_threads(threads: int) -> int:
    """Set PyTorch's threads for all that follows; gives `threads` back."""
    torch.set_num_threads(threads)
    return threads


def _timed(taken_s: dict[int, list[float]], trial: Callable[[], Callable[[], None]]) -> dict[int, float]:
    """Mean seconds of a few updates for each count, in turns. The mean, for a stall of one round is what we fear."""
    end_s = time.perf_counter() + BUDGET_S
    updates: dict[int, Callable[[], None]] = {}
    for threads in taken_s:
        torch.set_num_threads(threads)
        updates[threads] = trial()
        updates[threads]()
    for _ in range(ROUNDS):
        for threads, rounds in taken_s.items():
            torch.set_num_threads(threads)
            start_s = time.perf_counter()
            for _ in range(STEPS):
                updates[threads]()
            rounds.append(time.perf_counter() - start_s)
        if time.perf_counter() > end_s:
            break
    return {threads: sum(rounds) / len(rounds) for threads, rounds in taken_s.items()}
