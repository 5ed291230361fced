"""How far a predicted throughput may be off, from errors on models and software that no constant was fitted on."""

import functools
from collections.abc import Collection, Mapping
from math import exp, hypot, log
from pathlib import Path

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec

FILE = Path(__file__).parent / "constants" / "uncertainty.yaml"


class Ratios(Spec):
    """Measured over predicted: eight rows in ten lie between."""

    low_ratio: float = Field(gt=0, le=1)
    high_ratio: float = Field(ge=1, le=20)


class Range(Ratios):
    """Of one class of software, and the same without one group of its rows: what that group may be judged by."""

    source: str = Field(min_length=8)
    without: Mapping[str, Ratios] = {}
    """By the group that was left out, an engine or a model as its rows name it."""


class Uncertainty(Spec):
    """What benchmarks/models/fit_inference.py wrote."""

    engines: tuple[str, ...]
    """Whose published rows the constants were fitted on."""
    others: tuple[str, ...]
    """Serving software that is described, and none of whose rows a constant of models without experts saw."""
    devices: tuple[str, ...]
    """Accelerators that rows cover."""
    seen: Range
    """Of the engines that were fitted on."""
    other: Range
    """Of the others, models without experts."""
    other_experts: Range
    """Of the others, models with experts: far less is known of their kernels."""
    unknown: Range
    """Of software that is not named or not described: taken as the default."""
    device: Ratios
    """Of one accelerator beside the others: what comes on top where no row covers it."""
    date: str = Field(pattern=r"^\d{4}-\d{2}$")


@functools.cache
def uncertainty() -> Uncertainty:
    return load(FILE, Uncertainty)


def interval_of(
    tokens_per_s: float, engine: str = "", *, experts: bool = False, device: str = "", left_out: Collection[str] = ()
) -> tuple[float, float]:
    """Between these lie about 80 % of measured throughputs.

    engine: its name; one that is not described is like none. experts: whether the model has any. device: the accelerator; one
    that no row covers widens. left_out: groups of rows that must not have a say, as they are what is judged.
    """
    low, high = 1.0, 1.0
    for found in _classes(engine, experts=experts):
        ratios: Ratios = next((found.without[name] for name in left_out if name in found.without), found)
        low, high = min(low, ratios.low_ratio), max(high, ratios.high_ratio)
    if device not in uncertainty().devices:
        more = uncertainty().device
        low, high = exp(-hypot(log(low), log(more.low_ratio))), exp(hypot(log(high), log(more.high_ratio)))
    return tokens_per_s * low, tokens_per_s * high


def interval_words(engine: str = "", *, experts: bool = False, device: str = "") -> str:
    """What the interval was taken from, and whether the accelerator widens it."""
    found = _classes(engine, experts=experts)
    covered = "" if device in uncertainty().devices else f"; no row is of {device or 'this accelerator'}, which widens it"
    return "; ".join(f"x {one.low_ratio:.2f} to x {one.high_ratio:.2f}: {one.source}" for one in found) + covered


def _classes(engine: str, *, experts: bool) -> list[Range]:
    """The class of the engine; of models with experts also theirs, and the wider counts."""
    found = uncertainty()
    if engine in found.engines:
        return [found.seen]
    if engine in found.others:
        return [found.other_experts if experts else found.other]
    return [found.unknown, found.other_experts] if experts else [found.unknown]
