import warnings

import pytest
import torch
from torch.optim import lr_scheduler

from datahall.models.train.schedule import rate_ratio
from datahall.models.train.spec import Schedule

UPDATES, PER_EPOCH = 40, 8


def ours(**fields):
    schedule = Schedule(**fields)
    return [rate_ratio(schedule, update, updates=UPDATES, updates_per_epoch=PER_EPOCH) for update in range(UPDATES)]


def theirs(make):
    """The rates of a torch scheduler from a peak of 1."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch wants optimiser.step() first; there is nothing to step here
        scheduler = make(optimiser)
        rates = []
        for _ in range(UPDATES):
            rates.append(optimiser.param_groups[0]["lr"])
            scheduler.step()
    return rates


def warmed(optimiser, then):
    climb = lr_scheduler.LinearLR(optimiser, start_factor=1 / 10, total_iters=9)
    return lr_scheduler.SequentialLR(optimiser, [climb, then], milestones=[10])


def one_cycle(optimiser):
    # Its last rate is peak / div_factor / final_div_factor: 1/25/20 = 0.002. One spare step, for `theirs` steps once more.
    scheduler = lr_scheduler.OneCycleLR(optimiser, 1.0, total_steps=UPDATES, pct_start=0.3, final_div_factor=20)
    step = scheduler.step
    scheduler.step = lambda: step() if scheduler.last_epoch < UPDATES - 1 else None
    return scheduler


CASES = {
    "one cycle": ({"name": "one_cycle", "final_ratio": 0.002}, one_cycle),
    "cosine": (
        {"name": "cosine", "final_ratio": 0.1},
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=UPDATES, eta_min=0.1),
    ),
    "step": (
        {"name": "step", "step_epochs": 2, "step_factor": 0.5},
        lambda o: lr_scheduler.StepLR(o, step_size=2 * PER_EPOCH, gamma=0.5),
    ),
    "constant after a climb": (
        {"name": "constant", "warmup_ratio": 0.25},
        lambda o: lr_scheduler.LinearLR(o, start_factor=1 / 10, total_iters=9),
    ),
    "cosine after a climb": (
        {"name": "cosine", "warmup_ratio": 0.25, "final_ratio": 0.1},
        lambda o: warmed(o, lr_scheduler.CosineAnnealingLR(o, T_max=30, eta_min=0.1)),
    ),
}


@pytest.mark.parametrize(("fields", "make"), CASES.values(), ids=CASES.keys())
def test_the_rates_are_those_of_torch(fields, make):
    """Given the same shape, every update has the rate that torch.optim.lr_scheduler gives it."""
    assert ours(**fields) == pytest.approx(theirs(make), abs=1e-9)


def test_one_cycle_climbs_then_falls():
    """Given 40 updates, the rate starts at 1/25 of the peak, reaches it at update 12 and ends at the final ratio."""
    rates = ours(name="one_cycle", final_ratio=0.0)
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[11] == pytest.approx(1)
    assert rates[-1] == pytest.approx(0)
