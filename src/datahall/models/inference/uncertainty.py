"""How far a predicted throughput may be off, from errors on models that no constant was fitted on."""

import functools
from pathlib import Path

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec

FILE = Path(__file__).parent / "constants" / "uncertainty.yaml"


class Uncertainty(Spec):
    """What benchmarks/models/fit_inference.py wrote."""

    low_ratio: float = Field(gt=0, le=1)
    """Measured over predicted that one row in ten falls below."""
    high_ratio: float = Field(ge=0.5, le=10)
    """Measured over predicted that one row in ten exceeds."""
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}$")


@functools.cache
def uncertainty() -> Uncertainty:
    return load(FILE, Uncertainty)


def interval_of(tokens_per_s: float) -> tuple[float, float]:
    """Between these lie about 80 % of measured throughputs, of engines and accelerators such as were held against ours."""
    ratios = uncertainty()
    return tokens_per_s * ratios.low_ratio, tokens_per_s * ratios.high_ratio
