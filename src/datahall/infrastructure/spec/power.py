"""How power reaches the racks: a graph of elements, each with what feeds it."""

from typing import Literal

from pydantic import Field

from datahall.foundation.ranges import NameRange
from datahall.foundation.spec import Spec
from datahall.foundation.units import Seconds, Watts

PowerKind = Literal["utility", "generator", "transformer", "switchgear", "transfer_switch", "ups", "pdu", "busway", "rectifier"]

Phase = Literal["L1", "L2", "L3", "3"]
"""`3`: all three phases, equally."""


class PowerElement(Spec):
    """One element, or many alike: `ups-a[1-5]`."""

    name: NameRange
    kind: PowerKind
    part: str | None = None
    """Row of the power catalogue: rating, losses, failures. What stands here overrides it."""
    rating_w: Watts | None = Field(default=None, gt=0)
    """Continuous rating at the output, W. A utility feed: what the contract allows."""
    fed_by: tuple[NameRange, ...] = ()
    """Elements upstream. A transfer switch takes the first that is alive; all else shares among those alive, by rating."""
    deal: Literal["blocks", "all"] = "blocks"
    """How many alike meet many upstream, entry by entry of fed_by: `blocks` deals them out in equal consecutive blocks, one
    parent each; `all` feeds each of them from every one named, in parallel."""
    breaker_w: Watts | None = Field(default=None, gt=0)
    """Breaker at the output, W at its rated current; without it, the rating of a PDU, busway or switchgear. Continuous load
    stays within 80 % of it, also after the loss of the other side. What has no breaker stays within its rating."""
    side: Literal["A", "B"] | None = None
    """Which of two independent sides it belongs to: all of a side is lost together in checks. An intake that both sides
    share has none."""
    battery_wh: float | None = Field(default=None, gt=0)
    """UPS: usable battery energy, Wh."""
    transfer_s: Seconds | None = None
    """Transfer switch: time to change over; without it, none is counted."""
    start_s: Seconds | None = None
    """Generator: from the loss of the utility to full power."""
    fuel_h: float | None = Field(default=None, gt=0)
    """Generator: hours at rating from the tank on site."""
    indoors: bool | None = None
    """Whether its losses heat the hall; without it: UPS, PDU, busway and rectifier do, the rest does not."""
    failures_per_year: float | None = Field(default=None, ge=0)
    repair_h: float | None = Field(default=None, gt=0)


class Power(Spec):
    """The graph, what cooling hangs on, and the caps."""

    elements: tuple[PowerElement, ...] = ()
    mechanical_fed_by: tuple[NameRange, ...] = ()
    """Elements that feed chillers, towers, fans and pumps, sharing equally; without it, all utility feeds."""
    critical_mechanical_fed_by: tuple[NameRange, ...] = ()
    """Elements that feed what must not stop, such as fans and pumps on UPS; sharing equally; without it, as the rest."""
    house_load_w: Watts = 0.0
    """Lights, offices and gate houses, W, all year."""
    it_cap_w: Watts | None = Field(default=None, gt=0)
    """Cap on what all IT equipment may draw together, W; the planner clips the load there."""
