"""Time as a port, so that tests and the twin can turn it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch that never run backwards within one process."""

    def now_s(self) -> float: ...


class SystemClock:
    """Wall time at start, carried on by the monotonic clock: setting the machine's clock back cannot reorder events."""

    def __init__(self, *, not_before_s: float = 0.0) -> None:
        """not_before_s: the last instant already on record; an earlier wall clock starts from there."""
        self._base_s = max(time.time(), not_before_s) - time.monotonic()

    def now_s(self) -> float:
        return self._base_s + time.monotonic()


class ManualClock:
    """A clock that a test turns by hand."""

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        return self._now_s

    def advance(self, duration_s: float) -> None:
        """Raises ValueError when turned back."""
        if duration_s < 0:
            raise ValueError(f"ManualClock.advance: {duration_s} s would turn time back")
        self._now_s += duration_s
