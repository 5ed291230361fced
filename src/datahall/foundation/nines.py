"""Availability as people read it, never rounded up to what was not promised."""

import math


def availability_text(ratio: float) -> str:
    """At least six digits, and so many that what is lacking to 1 shows two; cut off, not rounded.

    `0.9999869` -> `0.999986`: rounded it would promise an hour more than there is.
    """
    lacking = 1 - ratio
    digits = 6 if lacking <= 0 else min(12, max(6, 1 - math.floor(math.log10(lacking))))
    # A hair is added first: 0.9 is stored as 0.899999…, and would lose its last digit.
    return f"{math.floor(ratio * 10**digits + 1e-4) / 10**digits:.{digits}f}"
