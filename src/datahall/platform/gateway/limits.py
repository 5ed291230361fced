"""How fast one tenant may send."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate_per_s`; a request takes one."""

    __slots__ = ("_at_s", "_burst", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, *, burst: int, now_s: float) -> None:
        self._rate_per_s, self._burst = rate_per_s, burst
        self._tokens, self._at_s = float(burst), now_s

    def wait_s(self, now_s: float) -> float:
        """0 when a token was taken; otherwise the time until there is one, s, and none is taken."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._rate_per_s)
        self._at_s = now_s
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate_per_s
