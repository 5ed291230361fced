"""When to try again after a replica ended, and when to say that it is no use. No clock in here."""

from dataclasses import dataclass

STABLE_S = 5.0
"""A replica that served so long was sound: its end says nothing about the next one."""
LOOP_ENDS = 3
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Ends:
    """Untimely ends of one version's replicas in a row."""

    count: int = 0
    not_before_s: float = 0.0
    """The instant before which none is started."""
    reason: str = ""

    def after(self, reason: str, *, served_s: float, now_s: float) -> "Ends":
        """One more replica ended by itself after serving for `served_s` (0 if it never did)."""
        if served_s >= STABLE_S:
            return Ends(0, now_s, reason)
        count = self.count + 1
        wait_s = 0.0 if count == 1 else min(FIRST_WAIT_S * 2 ** (count - 2), LONGEST_WAIT_S)
        return Ends(count, now_s + wait_s, reason)

    def fault(self, now_s: float) -> str | None:
        """A sentence once replicas end in a loop."""
        if self.count < LOOP_ENDS:
            return None
        wait_s = max(0.0, self.not_before_s - now_s)
        return f"its last {self.count} replicas ended soon after they started; the next try is in {wait_s:.0f} s: {self.reason}"
