"""What sites are compared by: name, unit, which way is better, and how good it can get at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from datahall.foundation.readable import significant, with_unit
from datahall.planner.site.spec import MeasureName


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. `{currency}` in a unit stands for the hall's."""

    words: str
    unit: str
    better: Literal["less", "more"]
    floor: float | None
    """No figure is below it; None: there is no such bound, as for prices, which may be negative."""
    needs: str
    """What a candidates file or its hall says for it."""


MEASURES: Mapping[MeasureName, Measure] = MappingProxyType(
    {
        "cost_per_accelerator_h": Measure(
            "cost per useful accelerator-hour", "{currency}/h", "less", None, "a tariff, and prices in the hall's economy"
        ),
        "energy_price_per_kwh": Measure("energy price", "{currency}/kWh", "less", None, "site.tariff"),
        "cue_kgco2e_per_kwh": Measure(
            "carbon", "kgCO2e per kWh of IT", "less", 0.0, "site.grid.carbon_kgco2e_per_kwh, or site.country"
        ),
        "pue": Measure("PUE", "1", "less", 1.0, "site.weather, and cooling in the hall"),
        "wue_l_per_kwh": Measure("water", "L per kWh of IT", "less", 0.0, "site.weather, and cooling in the hall"),
        "rtt_s": Measure("round trip to the users", "s", "less", 0.0, "users, and the site's latitude_deg and longitude_deg"),
        "hazard": Measure("natural hazards", "score 0 to 1", "less", 0.0, "hazards"),
        "build_per_critical_w": Measure("build cost", "{currency} per W of IT", "less", 0.0, "build_per_critical_w"),
        "power_headroom_ratio": Measure("power beyond the peak", "1", "more", -1.0, "power_available_w"),
    }
)


def figure_text(value: float, unit: str) -> str:
    """`0.0688, "s"` -> `68.8 ms`; `1.1776, "1"` -> `1.18`; `1.749, "USD/h"` -> `1.75 USD/h`."""
    return with_unit(value, unit) if unit in ("s", "1") else f"{significant(value)} {unit}"
