"""How much heat the equipment of a hall gives to air, and how much to liquid."""

from dataclasses import dataclass

from datahall.infrastructure.estate import Estate, RackBlock
from datahall.infrastructure.spec import Cooling


@dataclass(frozen=True, slots=True)
class Heat:
    """Heat of all equipment at full load, W; losses of power elements are not in it."""

    air_w: float
    liquid_w: float
    """By cold plates and rear doors."""
    rear_door_w: float
    """The part of liquid_w that rear doors take out of the air."""

    @property
    def liquid_ratio(self) -> float:
        """Share of the heat that leaves by liquid, 0..1."""
        total_w = self.air_w + self.liquid_w
        return self.liquid_w / total_w if total_w else 0.0


def heat_of(estate: Estate, cooling: Cooling) -> Heat:
    """Heat at full load by the way that it leaves. Machines outside of racks are cooled by air."""
    in_racks_w = sum(len(block.names) * block.peak_w for block in estate.blocks)
    plates_w = sum(len(block.names) * block.peak_w * block.liquid_ratio for block in estate.blocks)
    doors_w = sum(len(block.names) * rear_door_w(block, cooling) for block in estate.blocks)
    air_w = in_racks_w - plates_w - doors_w + (estate.peak_w - in_racks_w)
    return Heat(air_w=max(air_w, 0.0), liquid_w=plates_w + doors_w, rear_door_w=doors_w)


def rear_door_w(block: RackBlock, cooling: Cooling) -> float:
    """What the rear door of one rack takes at full load, W; 0 without one."""
    if not block.group.rear_door:
        return 0.0
    return block.peak_w * (1 - block.liquid_ratio) * cooling.rear_door_capture_ratio
