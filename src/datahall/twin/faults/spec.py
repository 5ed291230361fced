"""A fault file: what fails when and for how long, planned or drawn."""

from typing import Literal

from pydantic import Field

from datahall.foundation.ranges import NameRange
from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Seconds
from datahall.twin.faults.elements import What


class PlannedFault(Spec):
    """One fault, or the same of many: `{what: feed, name: utility-a, at: 2 h, for: 4 h}`."""

    what: What
    """`node` takes racks too: all machines in it. `pdu` takes busways too, `ups` rectifiers, `feed`
    is a utility, `power` any power element. `leaf` is a switch that
    servers hang on, `link` one to a server (`r01-n2-compute-p0`) or between switches (`compute-leaf-3-spine-0`)."""
    name: NameRange | None = None
    """Names as in the hall, such as `r[001-008]-n1`, `r01-n2-a7`, `ups-a[1-2]`, `compute-leaf-0`, `chiller-1`. The control
    plane and the site need none."""
    side: Literal["A", "B"] | None = None
    """In place of a name: all power elements of this kind on that side."""
    first: int | None = Field(default=None, ge=1)
    """In place of a name: the first so many of this kind, in the hall's own order."""
    at_s: Seconds = Field(alias="at")
    """From the start of the rehearsal; a user may write `2 h` or `3 d`."""
    for_s: Seconds | None = Field(default=None, alias="for")
    """Until it is repaired; without it, never."""
    note: str | None = Field(default=None, max_length=500)


class Repair(Spec):
    """How long repairs take."""

    kind: Literal["fixed", "exponential", "lognormal"] = "exponential"
    mean_s: Seconds = Field(alias="mean")
    sigma: float = Field(default=1.0, gt=0, le=5)
    """Lognormal: standard deviation of the logarithm; 1 means that a tenth takes more than 3.6 times the median."""


class DrawnFaults(Spec):
    """Faults that come at a constant rate, each element's the same, all drawn from a dice stream of the process's name."""

    process: Name
    """Names the dice stream: two processes draw apart, and adding one leaves the other as it was."""
    counts: Literal["llama3"] | None = None
    """Published counts, split by cause and scaled to the hall's accelerators; in place of `what` and a rate."""
    what: What | None = None
    """Kind of what fails."""
    name: NameRange | None = None
    """Which of that kind; without it, all."""
    per_year: float | None = Field(default=None, gt=0, le=1e6)
    """Faults of one element in a year of operation."""
    repair: Repair | None = None
    """Without it, what fails stays down. With counts: of hardware; after software, work may start again at once."""


class FaultFile(Spec):
    """All of it."""

    note: str | None = Field(default=None, max_length=2000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Of all dice streams; a command may set another."""
    faults: tuple[PlannedFault, ...] = Field(default=(), max_length=100_000)
    drawn: tuple[DrawnFaults, ...] = Field(default=(), max_length=100)
