"""Figures as people read them: three significant digits, and a prefix where the number is large or small."""

import math

_PREFIXED = {"W": "W", "Wh": "Wh", "flop/s": "FLOP/s", "bytes/s": "B/s", "bit/s": "bit/s", "B": "B"}
_PREFIXES = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_MONEY = {0: "", 3: "k", 6: " M", 9: " bn"}


def significant(value: float, digits: int = 3) -> str:
    """`1234.5` -> `1,230`; `0.012345` -> `0.0123`; whole numbers below a million keep all their digits."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e6:
        return f"{value:,.0f}"
    exponent = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - exponent)
    return f"{rounded:,.{max(0, digits - 1 - exponent)}f}"


def with_unit(value: float, unit: str) -> str:
    """`4_070_000, "W"` -> `4.07 MW`; `3.2e7, "kWh"` -> `32.0 GWh`; `0.85, "1"` -> `0.85`; money in thousands and millions."""
    if unit == "kWh":
        return with_unit(value * 1e3, "Wh")
    if unit == "L/kWh":
        return f"{value:.3f} L/kWh"
    if unit in _PREFIXED:
        return _prefixed(value, _PREFIXED[unit])
    if unit == "s":
        return _duration(value)
    if unit == "kgCO2e":
        return f"{significant(value / 1e3)} tCO2e" if abs(value) >= 1e3 else f"{significant(value)} kgCO2e"
    if len(unit) == 3 and unit.isupper():
        return _money(value, unit)
    return significant(value) if unit == "1" else f"{significant(value)} {unit}"


def _prefixed(value: float, unit: str) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    # Rounded first, so that 999.9 kW is 1.00 MW and not 1,000 kW.
    rounded = float(f"{value:.3g}")
    step = min(18, max(-9, 3 * math.floor(math.log10(abs(rounded)) / 3)))
    return f"{_three(rounded / 10.0**step)} {_PREFIXES[step]}{unit}"


def _three(value: float) -> str:
    whole = len(f"{abs(value):.0f}") if abs(value) >= 1 else 1
    return f"{value:.{max(0, 3 - whole)}f}"


def _money(value: float, currency: str) -> str:
    if abs(value) < 1e4 or not math.isfinite(value):
        return f"{value:,.2f} {currency}"
    rounded = float(f"{value:.3g}")
    step = min(9, 3 * math.floor(math.log10(abs(rounded)) / 3))
    return f"{_three(rounded / 10.0**step)}{_MONEY[step]} {currency}"


def _duration(value: float) -> str:
    if not math.isfinite(value):
        return "without end" if value > 0 else str(value)
    if value < 1:
        return _prefixed(value, "s")
    if value < 120:
        return f"{significant(value)} s"
    return f"{significant(value / 60)} min" if value < 7200 else f"{significant(value / 3600)} h"
