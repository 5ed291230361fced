"""Which part of a run counts: the empty cluster at its beginning and the draining one at its end flatter a schedule."""

from dataclasses import dataclass

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.trace import Trace


@dataclass(frozen=True, slots=True)
class Cut:
    """Jobs that were submitted, and time that passed, in [from, to)."""

    from_ms: int
    to_ms: int

    def __post_init__(self) -> None:
        if self.from_ms >= self.to_ms:
            what = f"nothing lies from {self.from_ms / 1e3:g} s to {self.to_ms / 1e3:g} s"
            raise Refused(Problem("TWIN-072", "cut", what, "let it begin before it ends"))

    @classmethod
    def trimmed(cls, trace: Trace, *, warm_up_ratio: float = 0.05, drain_ratio: float = 0.05) -> "Cut":
        """Without the first and last part of the time over which jobs were submitted. Raises Refused when nothing is left."""
        kept = 1 - warm_up_ratio - drain_ratio
        if not (warm_up_ratio >= 0 and drain_ratio >= 0 and kept > 0) or not len(trace):
            what = f"{warm_up_ratio:g} and {drain_ratio:g} of {len(trace)} jobs leave nothing"
            raise Refused(Problem("TWIN-072", "cut", what, "cut shares of at least 0 that are below 1 together"))
        first, last = int(trace.submit_ms[0]), int(trace.submit_ms[-1])
        span = last - first
        return cls(first + round(warm_up_ratio * span), max(first, last - round(drain_ratio * span)) + 1)
