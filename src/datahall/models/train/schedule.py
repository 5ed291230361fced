"""The learning rate as a pure function of the update: nothing to save, nothing to restore.

Sources: one cycle: Smith and Topin, arXiv:1708.07120, with the cosine form and the start at 1/25 of PyTorch's OneCycleLR;
cosine: Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983, eq. 5, without restarts.
"""

import math

from datahall.models.train.spec import Schedule

ONE_CYCLE_START_RATIO = 1 / 25
ONE_CYCLE_WARMUP_RATIO = 0.3


def rate_ratio(schedule: Schedule, update: int, *, updates: int, updates_per_epoch: int) -> float:
    """The learning rate at `update` (from 0) over its peak, in a run of `updates`."""
    if schedule.name == "one_cycle":
        return _one_cycle(schedule, update, updates)
    warmup = round((schedule.warmup_ratio or 0.0) * updates)
    if update < warmup:
        return (update + 1) / warmup
    if schedule.name == "cosine":
        return _between(1.0, schedule.final_ratio, (update - warmup) / max(updates - warmup, 1))
    if schedule.name == "step":
        return float(schedule.step_factor ** math.floor(update / updates_per_epoch / schedule.step_epochs))
    return 1.0


def _one_cycle(schedule: Schedule, update: int, updates: int) -> float:
    share = ONE_CYCLE_WARMUP_RATIO if schedule.warmup_ratio is None else schedule.warmup_ratio
    # The peak lies at the last update of the climb, which need not be a whole number.
    peak, last = share * updates - 1, updates - 1
    if update <= peak:
        return _between(ONE_CYCLE_START_RATIO, 1.0, update / peak if peak else 1.0)
    return _between(1.0, schedule.final_ratio, (update - peak) / (last - peak))


def _between(start: float, end: float, progress_ratio: float) -> float:
    """Half a cosine from `start` to `end`."""
    return end + (start - end) * (1 + math.cos(math.pi * min(progress_ratio, 1.0))) / 2
