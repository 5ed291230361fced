"""The possible values nearest to one that is not: what the fix of a refused plan offers."""

from collections.abc import Callable, Sequence


def nearest(value: int, possible: Callable[[int], bool], *, most: int) -> list[int]:
    """The next possible one below and above, from 1 to `most`; each where there is one, the value itself left out."""
    below = next((n for n in range(min(value - 1, most), 0, -1) if possible(n)), None)
    above = next((n for n in range(value + 1, most + 1) if possible(n)), None)
    return [n for n in (below, above) if n is not None]


def divisors_near(value: int, whole: int, *, count: int = 2) -> list[int]:
    """Divisors of `whole`, those nearest to the value, in order; the value itself left out."""
    small = [n for n in range(1, int(whole**0.5) + 1) if whole % n == 0]
    found = {*small, *(whole // n for n in small)} - {value}
    return sorted(sorted(found, key=lambda n: abs(n - value))[:count])


def multiples_near(value: int, step: int) -> list[int]:
    """The multiples of `step` below and above, at least one step."""
    below = value // step * step
    return [n for n in (below, below + step) if n and n != value]


def either(values: Sequence[int]) -> str:
    """`8 or 16`; `1` where there is no other."""
    return " or ".join(f"{n:,}" for n in values) or "1"
