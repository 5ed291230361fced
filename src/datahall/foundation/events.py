"""News, as every floor tells it: something happened, when, because of whom. It travels up; nobody below imports who listens."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at `at_s` (seconds since the epoch), because of `actor`. A floor's own events extend it."""

    kind: ClassVar[str] = ""
    """The word under which it is recorded."""
    at_s: float
    actor: str = "platform"
