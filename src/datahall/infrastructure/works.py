"""The hour that a hall is built for: all IT at full draw, or at its cap, in the worst weather of the year."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from datahall.foundation.hourly import Series
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.cooling import CoolingYear, cool, heat_of
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.power import PowerFlow, PowerGraph
from datahall.infrastructure.spec import Cooling
from datahall.infrastructure.weather import WeatherYear

TOLERANCE_RATIO = 1e-12
MAX_ROUNDS = 50


class Warms(Protocol):
    """A solved power graph, as far as cooling is concerned."""

    @property
    def indoor_loss_w(self) -> Series: ...


F = TypeVar("F", bound=Warms)


@dataclass(frozen=True)
class Works:
    """Power and cooling of a hall at a place: what turns IT load into what the meter sees."""

    graph: PowerGraph
    spec: Cooling | None
    weather: WeatherYear | None
    catalogue: Catalogue
    liquid_ratio: float
    """Share of the IT heat that goes to the liquid side."""


@dataclass(frozen=True)
class DesignHour:
    """What stands in no relation to how busy the hall is. W unless named otherwise."""

    it_ratio: float
    """Draw of the IT equipment over its peak: below 1 where a cap holds it back."""
    it_w: float
    air_heat_w: float
    """Heat of equipment and of losses to the air, in the worst hour."""
    liquid_heat_w: float
    mechanical_w: float
    """What cooling draws apart from what is critical."""
    critical_mechanical_w: float
    """Fans and pumps, which must not stop."""
    outdoor_c: float | None
    """Outside air in that hour; None without weather: then cooling draws nothing here."""
    flow: PowerFlow
    """Of that one hour."""

    @property
    def load(self) -> dict[str, float]:
        """As the power graph takes it."""
        return {
            "it_ratio": self.it_ratio,
            "mechanical_w": self.mechanical_w,
            "critical_mechanical_w": self.critical_mechanical_w,
        }

    @property
    def facility_w(self) -> float:
        return float(self.flow.facility_w[0])


def design_hour(works: Works, it_w: float) -> DesignHour:
    """IT at it_w all year, with losses and cooling until they agree; of its hours, that with the most power at the meter."""
    graph, weather = works.graph, works.weather
    ratio = it_w / graph.it_peak_w if graph.it_peak_w > 0 else 0.0
    hours = weather.hours if weather is not None and works.spec is not None else 1
    whole, cooling = until_they_agree(works, np.full(hours, ratio), np.full(hours, it_w))
    hour = int(np.argmax(whole.facility_w))
    critical_w = float(cooling.critical_w[hour]) if cooling else 0.0
    rest_w = float(cooling.electricity_w[hour]) - critical_w if cooling else 0.0
    return DesignHour(
        it_ratio=ratio,
        it_w=it_w,
        air_heat_w=it_w * (1 - works.liquid_ratio) + float(np.max(whole.indoor_loss_w)),
        liquid_heat_w=it_w * works.liquid_ratio,
        mechanical_w=rest_w,
        critical_mechanical_w=critical_w,
        outdoor_c=float(weather.dry_bulb_c[hour]) if cooling and weather else None,
        flow=graph.solve(ratio, mechanical_w=rest_w, critical_mechanical_w=critical_w),
    )


def until_they_agree(
    works: Works, ratio: Series, it_w: Series, *, design_air_w: float = 0.0, design_liquid_w: float = 0.0
) -> tuple[PowerFlow, CoolingYear | None]:
    """Cooling takes power, whose losses indoors are heat to be cooled: turn by turn until nothing moves.

    ratio: IT draw over its peak, [hours]; it_w: the same in W. design_air_w, design_liquid_w: as `cool` takes them.
    """
    graph, spec, weather, nothing = works.graph, works.spec, works.weather, np.zeros_like(it_w)

    def powered(rest_w: Series, critical_w: Series) -> PowerFlow:
        return graph.solve(ratio, mechanical_w=rest_w, critical_mechanical_w=critical_w)

    if spec is None or weather is None:
        return powered(nothing, nothing), None

    def cooled(indoor_loss_w: Series) -> CoolingYear:
        return cool(
            spec,
            weather,
            air_heat_w=it_w * (1 - works.liquid_ratio),
            liquid_heat_w=it_w * works.liquid_ratio,
            indoor_loss_w=indoor_loss_w,
            design_air_w=design_air_w,
            design_liquid_w=design_liquid_w,
            catalogue=works.catalogue,
        )

    return agreed(powered, cooled, it_w)


def agreed(
    powered: Callable[[Series, Series], F], cooled: Callable[[Series], CoolingYear], it_w: Series
) -> tuple[F, CoolingYear]:
    """Power and cooling once neither moves the other.

    powered: the flow for what cooling draws, that which may stop and that which must not, W. cooled: cooling for losses
    indoors, W. it_w: what movement is measured against.
    """
    flow = powered(np.zeros_like(it_w), np.zeros_like(it_w))
    electricity_w = np.zeros_like(it_w)
    for _ in range(MAX_ROUNDS):
        cooling = cooled(flow.indoor_loss_w)
        flow = powered(cooling.electricity_w - cooling.critical_w, cooling.critical_w)
        moved_w = float(np.max(np.abs(cooling.electricity_w - electricity_w), initial=0.0))
        if moved_w <= TOLERANCE_RATIO * float(np.max(it_w, initial=1.0)):
            break
        electricity_w = cooling.electricity_w
    return flow, cooling


def it_design_w(peak_w: float, cap_w: float | None, *, more_it_w: float = 0.0) -> float:
    """IT power that the hall is built for, W: its peak, or the cap where that is lower; more_it_w knows no cap."""
    return peak_w if cap_w is None else min(peak_w, max(cap_w, more_it_w))


def liquid_ratio_of(estate: Estate, cooling: Cooling | None) -> float:
    """Share of the IT heat at full load that leaves by liquid; 0 without a liquid side."""
    return heat_of(estate, cooling).liquid_ratio if cooling is not None and cooling.liquid is not None else 0.0
