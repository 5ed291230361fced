"""How often a job of many accelerators is interrupted, from published counts, and what that leaves of its time."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.infrastructure.reliability.checkpoints import (
    daly_interval_s,
    first_order_goodput_ratio,
    goodput_ratio,
    young_interval_s,
)

PUBLISHED = Path(__file__).with_name("job_failures.yaml")
HOURS_PER_YEAR = 8760.0


class Cause(Spec):
    """One reason for interruptions."""

    cause: str
    count: int = Field(ge=0)
    part: Literal["accelerator", "host", "network", "software", "unknown"]


class JobFailures(Spec):
    """Interruptions of one long job that was watched and counted."""

    source: str = Field(min_length=1)
    date: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    checked: Literal["read", "unverified"]
    note: str = ""
    accelerator: str
    accelerators: int = Field(gt=0)
    days: float = Field(gt=0)
    planned_interruptions: int = Field(ge=0)
    causes: tuple[Cause, ...] = Field(min_length=1)

    @property
    def unexpected(self) -> int:
        return sum(cause.count for cause in self.causes)

    @property
    def per_accelerator_year(self) -> float:
        """Unexpected interruptions that one accelerator adds to its job, 1/year."""
        return self.unexpected / self.accelerators / (self.days * 24) * HOURS_PER_YEAR

    @property
    def share_by_part(self) -> Mapping[str, float]:
        """Share of each kind of part in the unexpected ones; they add up to 1."""
        parts = sorted({cause.part for cause in self.causes})
        return {part: sum(c.count for c in self.causes if c.part == part) / self.unexpected for part in parts}

    def mtti_h(self, accelerators: int) -> float:
        """Mean time to an unexpected interruption of a job on so many accelerators, h. Raises ValueError below 1.

        Each adds the same rate, with its share of hosts, network and software: 1/N, as in independent series.
        """
        if accelerators < 1:
            raise ValueError(f"mtti_h: {accelerators} accelerators, but a job needs at least 1")
        return HOURS_PER_YEAR / (self.per_accelerator_year * accelerators)


@functools.cache
def published_failures() -> JobFailures:
    """The counts that come with Datahall. Raises Refused when the file was damaged."""
    return load(PUBLISHED, JobFailures)


@dataclass(frozen=True, slots=True)
class JobReliability:
    """What interruptions cost a job on a given number of accelerators."""

    accelerators: int
    mtti_h: float
    interval_s: float
    """Work between two checkpoints, s (Daly)."""
    first_order_interval_s: float
    """The same to first order, s (Young)."""
    goodput_ratio: float
    """Share of the job's time that ends in kept work."""
    first_order_goodput_ratio: float
    """1 - C/tau - tau/2M - R/M."""
    assumptions: tuple[str, ...]


def job_reliability(
    *, accelerators: int, save_s: float, restart_s: float, failures: JobFailures | None = None
) -> JobReliability:
    """Interruptions and goodput of a job that fills so many accelerators.

    save_s: what a checkpoint keeps the job from computing, s: the whole write, or only the copy when it is written behind.
    restart_s: from the failure until the job computes again, s. Both are facts of the job, and are asked for.
    """
    failures = failures or published_failures()
    mtti_s = failures.mtti_h(accelerators) * 3600
    first = young_interval_s(save_s=save_s, mtti_s=mtti_s)
    watched = f"{failures.days:g} days on {failures.accelerators:,} {failures.accelerator} ({failures.source})"
    return JobReliability(
        accelerators,
        mtti_s / 3600,
        interval_s=daly_interval_s(save_s=save_s, mtti_s=mtti_s),
        first_order_interval_s=first,
        goodput_ratio=goodput_ratio(save_s=save_s, mtti_s=mtti_s, restart_s=restart_s),
        first_order_goodput_ratio=first_order_goodput_ratio(save_s=save_s, mtti_s=mtti_s, restart_s=restart_s),
        assumptions=(
            f"{failures.unexpected} unexpected interruptions in {watched}; other equipment and teams differ",
            "interruptions come at a constant rate and grow with the number of accelerators",
            f"a checkpoint costs {save_s:g} s and a restart {restart_s:g} s, whatever the size of the job",
        ),
    )
