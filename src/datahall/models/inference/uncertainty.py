"""How far a predicted throughput may be off, from errors on models that no constant was fitted on."""

import functools
from pathlib import Path

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec

FILE = Path(__file__).parent / "constants" / "uncertainty.yaml"


class Range(Spec):
    """Measured over predicted."""

    low_ratio: float = Field(gt=0, le=1)
    """One row in ten falls below."""
    high_ratio: float = Field(ge=0.5, le=10)
    """One row in ten exceeds it."""
    source: str = Field(min_length=8)


class Uncertainty(Spec):
    """What benchmarks/models/fit_inference.py wrote."""

    engines: tuple[str, ...]
    """Whose published rows the constants were fitted on."""
    seen: Range
    """Of these engines."""
    other: Range
    """Of other software, models without experts."""
    other_experts: Range
    """Of other software, models with experts: far less is known of their kernels."""
    date: str = Field(pattern=r"^\d{4}-\d{2}$")


@functools.cache
def uncertainty() -> Uncertainty:
    return load(FILE, Uncertainty)


def interval_of(tokens_per_s: float, engine: str = "", *, experts: bool = False) -> tuple[float, float]:
    """Between these lie about 80 % of measured throughputs.

    engine: its name; without it, as software that nothing was fitted on. experts: whether the model has any.
    """
    found = uncertainty()
    other = found.other_experts if experts else found.other
    ratios = found.seen if engine in found.engines else other
    return tokens_per_s * ratios.low_ratio, tokens_per_s * ratios.high_ratio
