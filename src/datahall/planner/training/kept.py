"""What failures, and saving against them, leave of a run."""

import math
from dataclasses import dataclass

from datahall.infrastructure.reliability.checkpoints import daly_interval_s, goodput_ratio

LOW_RATE, HIGH_RATE = 0.62, 1.72
"""80 % interval of the rate of interruptions, as a factor: the published fleets around Llama 3's 0.173 a year for each
accelerator. RSC-2 has 2.34 failures in 1,000 days of a node of eight (0.107), RSC-1 6.50 (0.297): Kokolis et al.,
arXiv:2410.21680, section 3. Two fleets are no sample: the interval is a range of what was seen."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What a checkpoint takes, s."""

    stall_s: float
    """Keeps the run from computing."""
    write_s: float
    """Until it is safe on storage."""
    restart_s: float
    """From a failure until the run computes again."""

    @property
    def behind_s(self) -> float:
        """For which the newest safe checkpoint lags: work of a failed run that is done again on top."""
        return self.write_s - self.stall_s


@dataclass(frozen=True, slots=True)
class Kept:
    """Shares of a run's time; they add up to 1."""

    goodput_ratio: float
    saving_ratio: float
    redone_ratio: float
    restarting_ratio: float
    outage_ratio: float
    """In which the hall itself is down."""
    every_s: float
    """Work between two checkpoints."""

    @property
    def lost(self) -> dict[str, float]:
        lost = {"saving": self.saving_ratio, "redone": self.redone_ratio, "restarting": self.restarting_ratio}
        return lost | ({"outages": self.outage_ratio} if self.outage_ratio else {})

    @property
    def working_ratio(self) -> float:
        """Share in which accelerators compute, be it kept or not."""
        return self.goodput_ratio + self.redone_ratio


def kept_of(saving: Saving, *, mtti_s: float, every_s: float | None = None, availability: float = 1.0) -> Kept:
    """Goodput by Daly's complete cost function. A checkpoint that is written behind makes a failure cost that much more.

    mtti_s: mean time to an interruption of this run. every_s: work between two checkpoints; without it, Daly's, but not
    shorter than writing one takes. availability: share of the time in which the hall feeds and cools the run.
    """
    interval_s = every_s or max(daly_interval_s(save_s=saving.stall_s, mtti_s=mtti_s), saving.write_s)
    restart_s = saving.restart_s + saving.behind_s
    goodput = goodput_ratio(save_s=saving.stall_s, mtti_s=mtti_s, restart_s=restart_s, interval_s=interval_s)
    saved = goodput * saving.stall_s / interval_s
    rest = max(0.0, 1 - goodput - saved)
    restarting = min(rest, saving.restart_s / mtti_s)
    up = availability
    return Kept(up * goodput, up * saved, up * (rest - restarting), up * restarting, 1 - up, interval_s)


def days_interval(
    days: float, *, step: tuple[float, float, float], goodputs: tuple[float, float, float] | None
) -> tuple[float, float]:
    """80 % interval of the days: that of a step and that of goodput, as independent logarithmic errors.

    step: low, predicted, high, s. goodputs: at the low, the assumed and the high rate of interruptions; None: not known.
    """
    low, mid, high = step
    at_low, at_mid, at_high = goodputs or (1.0, 1.0, 1.0)
    shorter = math.hypot(max(0.0, math.log(mid / low)), math.log(max(at_low, at_mid) / at_mid))
    longer = math.hypot(max(0.0, math.log(high / mid)), math.log(at_mid / at_high) if at_high > 0 else math.inf)
    return days * math.exp(-shorter), days * math.exp(longer)
