"""Where load can be: every rack and every machine outside of racks, with what it draws idle and full."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from datahall.foundation.errors import Missing, Problem
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.cooling.heat import rear_door_w
from datahall.infrastructure.estate import IDLE_RATIO, Estate, RackBlock, node_peak_w
from datahall.infrastructure.power.columns import Floats
from datahall.infrastructure.spec import Cooling, Node

Unit = Literal["accelerator", "thread"]


@dataclass(frozen=True, eq=False)
class Places:
    """P places: racks in the order of the power graph, then machines. Arrays are (P,)."""

    names: tuple[str, ...]
    racks: int
    """How many of them are racks; they come first."""
    unit: Unit
    """What jobs hold: accelerators, or threads of processors where the hall has no accelerator."""
    units: Floats
    """Of each place; 0 where nothing can be held, such as in a rack of switches."""
    idle_w: Floats
    peak_w: Floats
    liquid_ratio: Floats
    """Share of its heat that leaves by liquid, at cold plates or a rear door."""
    plate_ratio: Floats
    """Share of its heat that leaves at cold plates, which nothing else cools."""
    background_ratio: float
    """Load of the places without units, all the time, 0..1."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Place by name."""
        return {name: i for i, name in enumerate(self.names)}

    def at(self, name: str) -> int:
        """Raises Missing, with near names, for a place that is not in the hall."""
        if name not in self.index:
            fix = near(name, self.names, otherwise="add it to the hall")
            raise Missing(Problem("TWIN-050", name, "the hall has no rack or machine of this name", fix))
        return self.index[name]

    @cached_property
    def base_w(self) -> Floats:
        """What each draws while nothing that jobs hold is busy, W."""
        load_ratio = np.where(self.units > 0, 0.0, self.background_ratio)
        return self.idle_w + (self.peak_w - self.idle_w) * load_ratio

    @cached_property
    def unit_w(self) -> Floats:
        """What a unit that is busy adds, W; 0 where there are none."""
        return np.divide(self.peak_w - self.idle_w, self.units, out=np.zeros_like(self.units), where=self.units > 0)

    @cached_property
    def unit_idle_w(self) -> Floats:
        """The share of the base draw that each unit stands for, W; 0 where there are none."""
        return np.divide(self.base_w, self.units, out=np.zeros_like(self.units), where=self.units > 0)

    def added_w(self, place: int, units: float, busy_ratio: float) -> float:
        """What so many units draw above idle while they are so busy, W: what a job that starts takes of the headroom."""
        return float(self.unit_w[place]) * units * busy_ratio


def places_of(estate: Estate, cooling: Cooling | None, *, background_ratio: float) -> Places:
    """The places of an estate. background_ratio: load of what no job can hold, as the hall's operation has it."""
    unit: Unit = "accelerator" if estate.accelerators else "thread"
    liquid = cooling is not None and cooling.liquid is not None
    every: list[tuple[str, float, float, float, float, float]] = []
    for block in estate.blocks:
        ratios = (_liquid_ratio(block, cooling), block.liquid_ratio) if liquid and cooling else (0.0, 0.0)
        every += [(name, float(_units(block, unit)), block.idle_w, block.peak_w, *ratios) for name in block.names]
    every += [_machine(node, unit) for node in estate.nodes]
    figures = np.array([row[1:] for row in every], dtype=np.float64).reshape(-1, 5).T
    units, idle_w, peak_w, liquid_ratio, plate_ratio = figures
    names = tuple(row[0] for row in every)
    return Places(names, estate.racks, unit, units, idle_w, peak_w, liquid_ratio, plate_ratio, background_ratio)


def _machine(node: Node, unit: Unit) -> tuple[str, float, float, float, float, float]:
    """A machine outside of racks is cooled by air."""
    peak_w = node_peak_w(node) or 0.0
    units = len(node.accelerators) if unit == "accelerator" else node.cpu.threads
    return node.name, float(units), IDLE_RATIO * peak_w, peak_w, 0.0, 0.0


def _units(block: RackBlock, unit: Unit) -> int:
    """In one rack."""
    if unit == "accelerator":
        return block.accelerators
    return sum(c.count * c.device.threads for c in block.contents if isinstance(c.device, ServerPart))


def _liquid_ratio(block: RackBlock, cooling: Cooling) -> float:
    """Cold plates and the rear door, of a rack's heat at full load."""
    return block.liquid_ratio + (rear_door_w(block, cooling) / block.peak_w if block.peak_w else 0.0)
