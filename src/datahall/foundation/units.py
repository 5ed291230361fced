"""Quantities as people write them: `4 GiB`, `90 s`, `2 h`. Inside the project they are plain numbers, unit in the name."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

BYTES = {"B": 1} | {f"{p}{s}": b**n for b, s in ((1000, "B"), (1024, "iB")) for n, p in enumerate("KMGTP", 1)}
BYTES["kB"] = 1000
WATTS = {"mW": 1e-3, "W": 1, "kW": 1e3, "MW": 1e6, "GW": 1e9}
BITS_PER_S = {"bit/s": 1, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9, "Tbit/s": 1e12}
BYTES_PER_S = {f"{unit}/s": scale for unit, scale in BYTES.items()}
SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
_QUANTITY = re.compile(r"^\s*([0-9]{1,30}(?:\.[0-9]{1,30})?)\s*([A-Za-z]+(?:/s)?)\s*$", re.ASCII)


def quantity(value: Any, units: Mapping[str, float], *, kind: str) -> Any:
    """A number passes as it is; `"4 GiB"` becomes a number. Raises ValueError naming the allowed units."""
    if isinstance(value, bool):
        raise ValueError(f"a {kind} is a number or a number with one of {', '.join(units)}")  # noqa: TRY004 - pydantic's way
    if not isinstance(value, str):
        return value
    match = _QUANTITY.match(value)
    if match is None or match[2] not in units:
        raise ValueError(f"a {kind} is a number or a number with one of {', '.join(units)}")
    return (float(match[1]) if "." in match[1] else int(match[1])) * units[match[2]]


def _bytes(value: Any) -> Any:
    number = quantity(value, BYTES, kind="size")
    return int(number) if isinstance(value, str) else number


def _seconds(value: Any) -> Any:
    return quantity(value, SECONDS, kind="duration")


def _watts(value: Any) -> Any:
    return quantity(value, WATTS, kind="power")


def _bits_per_s(value: Any) -> Any:
    return quantity(value, BITS_PER_S, kind="line rate")


def _bytes_per_s(value: Any) -> Any:
    return quantity(value, BYTES_PER_S, kind="rate")


Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=0, le=2**60)]
"""A size in bytes; a user may write `512 MiB` or `2 GB`."""

Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=100 * 365 * 86400)]
"""A duration in seconds; a user may write `90 s`, `15 min`, `2 h`, `1 d`."""

Watts = Annotated[float, BeforeValidator(_watts), Field(ge=0, le=1e12)]
"""A power in W; a user may write `10.2 kW` or `20 MW`."""

BitsPerS = Annotated[float, BeforeValidator(_bits_per_s), Field(gt=0, le=1e16)]
"""A line rate in bit/s; a user may write `400 Gbit/s`."""

BytesPerS = Annotated[float, BeforeValidator(_bytes_per_s), Field(gt=0, le=1e16)]
"""A rate in bytes/s; a user may write `7 GB/s`."""


def bytes_text(size_bytes: float) -> str:
    """`1536` -> `1.5 KiB`."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    step = 0
    while abs(size_bytes) >= 1024 and step < len(units) - 1:
        size_bytes, step = size_bytes / 1024, step + 1
    return f"{size_bytes:.{1 if step else 0}f} {units[step]}"


def seconds_text(duration_s: float) -> str:
    """`75.2` -> `1 min 15 s`."""
    if duration_s < 0.9995:
        return f"{duration_s * 1000:.0f} ms"
    if duration_s < 59.95:
        return f"{duration_s:.1f} s"
    minutes, seconds = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
