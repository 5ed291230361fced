"""How likely a tier loses data in a year, by the Markov chain of devices that fail and are rebuilt."""

import math
from dataclasses import dataclass

from datahall.infrastructure.storage.tier import Tier

HOURS_PER_YEAR = 8766.0

ASSUMPTIONS = (
    "devices fail independently of each other, at a constant rate",
    "each lost device is rebuilt at once, on spare space, in parallel with others",
    "no unreadable sectors are found while rebuilding",
    "no server, rack, fire, fault of firmware or of people takes several devices together",
)


@dataclass(frozen=True, slots=True)
class Durability:
    """Chance of losing data, with what it rests on."""

    mttdl_h: float
    """Mean time to data loss of the whole tier, h."""
    loss_per_year_ratio: float
    """Chance that a year ends with some data lost."""
    device_failures_per_year: float
    rebuild_h: float
    assumptions: tuple[str, ...]

    @property
    def nines(self) -> float:
        """-log10 of the chance of loss: 11 is eleven nines. Never show it without the assumptions."""
        return -math.log10(self.loss_per_year_ratio) if self.loss_per_year_ratio > 0 else math.inf


def durability_of(tier: Tier) -> Durability | None:
    """The tier's durability; None while the devices' failure ratio or the rebuild rate is not known.

    Fixed groups: the tier is devices / fragments groups, each lost by itself. Declustered: any tolerated + 1 devices
    that are out together lose something, which is so once fragments are spread over more sets than there are such choices.
    """
    if tier.annual_failure_ratio is None or tier.rebuild_bytes_per_s is None:
        return None
    rate_per_h = -math.log1p(-tier.annual_failure_ratio) / HOURS_PER_YEAR
    # A group rebuilds its device from end to end, as RAID does; declustered tiers know which fragments were lost.
    lost_bytes = tier.device_bytes * (tier.fill_ratio if tier.declustered else 1.0)
    rebuild_h = lost_bytes / tier.rebuild_bytes_per_s / 3600
    if tier.declustered:
        tier_mttdl_h = mttdl_h(tier.devices, tolerated=tier.tolerated, failures_per_h=rate_per_h, rebuild_h=rebuild_h)
        placed = "fragments lie anywhere: any set of devices that is one too many holds some data together"
    else:
        groups = tier.devices / tier.fragments
        one_h = mttdl_h(tier.fragments, tolerated=tier.tolerated, failures_per_h=rate_per_h, rebuild_h=rebuild_h)
        tier_mttdl_h, placed = one_h / groups, f"fixed groups of {tier.fragments} devices"
    return Durability(
        mttdl_h=tier_mttdl_h,
        loss_per_year_ratio=-math.expm1(-HOURS_PER_YEAR / tier_mttdl_h),
        device_failures_per_year=tier.devices * rate_per_h * HOURS_PER_YEAR,
        rebuild_h=rebuild_h,
        assumptions=(placed, *ASSUMPTIONS),
    )


def mttdl_h(devices: int, *, tolerated: int, failures_per_h: float, rebuild_h: float) -> float:
    """Mean time until tolerated + 1 of these devices are out at once, h, starting with all of them whole.

    A birth-death chain: with i out, the next fails at (devices - i) x failures_per_h, and one of them is back at
    i / rebuild_h. The time from i to i + 1 out is h_i = 1/fail_i + back_i/fail_i x h_(i-1); the answer is their sum,
    exact, with no difference of nearly equal numbers in it. For rebuilds that are short it nears
    1 / (n (n-1) … (n-m) failures^(m+1) rebuild^m / m!).
    Raises ValueError when more devices may be lost than there are.
    Source: Angus, IEEE Trans. Reliability 37(1), 1988 (k-of-n with repair); for one parity, Patterson, Gibson and Katz,
    SIGMOD 1988, section 7. Both as compared by Resch and Volvovski, arXiv:1310.4702.
    """
    if not 0 <= tolerated < devices:
        raise ValueError(f"mttdl_h: {tolerated} of {devices} devices may be lost, but at least one must be left")
    total_h = step_h = 0.0
    for out in range(tolerated + 1):
        fail_per_h = (devices - out) * failures_per_h
        step_h = (1 + out / rebuild_h * step_h) / fail_per_h
        total_h += step_h
    return total_h
