"""How heat leaves the hall: an air side, a liquid side, the plant behind them and its set points."""

from typing import Literal

from pydantic import Field

from datahall.foundation.spec import Spec
from datahall.foundation.units import Watts


class Units(Spec):
    """Machines of one kind, some of which may be spare."""

    count: int = Field(ge=1, le=100_000)
    capacity_w: Watts = Field(gt=0)
    """Heat that one of them moves at the set points, W."""
    spare: int = Field(default=0, ge=0)
    """How many may be out of service: N+1 is spare: 1."""
    part: str | None = None
    """Row of the cooling catalogue: curves, failures."""


class AirSide(Spec):
    """What takes the heat of air-cooled equipment."""

    kind: Literal["air_economiser", "chilled_water", "dx", "none"]
    """`air_economiser`: outside air, with trim when it is too warm. `chilled_water`: room air handlers on chilled water.
    `dx`: direct expansion units. `none`: a room without a plant of its own, such as an office."""
    supply_c: float = Field(default=24.0, ge=10, le=40)
    """Air at the inlets of the equipment."""
    rise_k: float = Field(default=12.0, gt=2, le=40)
    """Warming of the air through the equipment."""
    fan_w_per_m3_per_s: float = Field(default=600.0, gt=0)
    """Specific fan power at design flow, W per m3/s."""
    fan_exponent: float = Field(default=2.7, ge=1, le=3)
    min_flow_ratio: float = Field(default=0.4, gt=0, le=1)
    evaporative: bool = False
    """Direct evaporative cooling of outside air (adiabatic)."""
    evaporative_effectiveness: float = Field(default=0.85, gt=0, le=1)
    dew_point_max_c: float = Field(default=17.0, ge=5, le=25)
    """Outside air moister than this is not let in. 17 C is ASHRAE A1's limit, 15 C that of GB 50174."""
    trim: Literal["dx", "chilled_water", "none"] = "dx"
    """What helps an economiser when outside air is too warm."""
    units: Units | None = None


class LiquidSide(Spec):
    """What takes the heat of liquid-cooled equipment and of rear doors."""

    supply_c: float = Field(ge=10, le=60)
    """Facility water at the entry of the coolant distribution units: 17, 27, 32, 40, 45 for ASHRAE's W classes."""
    rise_k: float = Field(default=10.0, gt=1, le=30)
    rejection: Literal["dry_cooler", "adiabatic_cooler", "tower", "chilled_water"]
    approach_k: float = Field(default=8.0, gt=0, le=25)
    """Dry cooler: water leaving it, above the air."""
    trim: Literal["chilled_water", "none"] = "chilled_water"
    pump_w_per_l_per_s: float = Field(default=250.0, gt=0)
    """Specific pump power at design flow, both loops, W per L/s."""
    pump_exponent: float = Field(default=2.7, ge=1, le=3)
    min_flow_ratio: float = Field(default=0.4, gt=0, le=1)
    max_flow_l_per_s: float | None = Field(default=None, gt=0)
    """What the loop's pipes carry."""
    units: Units | None = None
    """Coolant distribution units."""
    loop_water_kg: float | None = Field(default=None, gt=0)
    """Water in the loop: it carries the heat while pumps turn and heat rejection is gone."""


class Plant(Spec):
    """Chillers and towers behind the sides."""

    chiller: Literal["centrifugal", "screw", "air_cooled"] = "centrifugal"
    carnot_ratio: float | None = Field(default=None, gt=0, le=0.9)
    """Share of the ideal COP; without it, the catalogue's for the kind of chiller."""
    chilled_water_c: float = Field(default=18.0, ge=4, le=30)
    range_k: float = Field(default=6.0, gt=1, le=20)
    condenser: Literal["tower", "dry"] = "tower"
    water_economiser: bool = True
    """A heat exchanger past the chillers, when the tower or dry cooler is cold enough."""
    tower_approach_k: float = Field(default=4.0, gt=0, le=15)
    tower_range_k: float = Field(default=5.0, gt=1, le=15)
    dry_approach_k: float = Field(default=8.0, gt=0, le=25)
    """With a dry condenser: economiser water above the air."""
    cycles_of_concentration: float = Field(default=4.0, gt=1, le=20)
    drift_ratio: float = Field(default=0.0002, ge=0, le=0.01)
    tower_fan_w_per_w: float = Field(default=0.012, ge=0, le=0.2)
    """Fan power of towers or dry coolers at design, W per W of heat."""
    pump_w_per_w: float = Field(default=0.02, ge=0, le=0.2)
    """Chilled-water and condenser pumps at design, W per W of heat."""
    chillers: Units | None = None
    heat_reuse_ratio: float = Field(default=0.0, ge=0, le=1)
    """Share of the rejected heat that is given to others."""


class RideThrough(Spec):
    """What holds the temperature for a while once cooling is lost."""

    limit_c: float = Field(default=32.0, ge=20, le=60)
    """Inlet air at which equipment throttles or stops; 32 C is the end of ASHRAE A1's allowable range."""
    tank_water_kg: float = Field(default=0.0, ge=0)
    """Chilled water kept in tanks."""
    rack_kj_per_kg_k: float = Field(default=0.5, gt=0)
    """Specific heat of racks and what is in them."""
    rack_coupling_ratio: float = Field(default=0.3, gt=0, le=1)
    """Share of the racks' mass that follows the air within minutes."""
    wall_w_per_k: float = Field(default=0.0, ge=0)
    """Heat through walls, floor and roof, W/K."""
    loop_rise_limit_k: float = Field(default=10.0, gt=0, le=40)
    """Warming of the liquid loop above its set point that liquid-cooled equipment bears."""


class Cooling(Spec):
    """The whole of it."""

    air: AirSide | None = None
    liquid: LiquidSide | None = None
    plant: Plant = Plant()
    ride_through: RideThrough = RideThrough()
    rear_door_capture_ratio: float = Field(default=0.8, gt=0, le=1)
    """Share of a rack's air heat that a rear-door heat exchanger takes."""
