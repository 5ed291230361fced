"""Which switches of a fabric stand in racks of the file, and what one of them draws there: the same, placed or not."""

from collections.abc import Mapping, Sequence

from datahall.infrastructure.estate import Estate
from datahall.network.fabric import FabricBuild


def standing_in(estate: Estate) -> dict[str, int]:
    """Devices in racks, by part."""
    return {name: count for name, (_, count) in estate.devices.items()}


def placed_of(builds: Sequence[FabricBuild], standing: Mapping[str, int]) -> tuple[int, ...]:
    """Switches of each fabric that stand in racks: fabrics take those of their part in the order of the file."""
    left, placed = dict(standing), list[int]()
    for fabric in builds:
        taken = min(left.get(fabric.switch.name, 0), fabric.switches)
        left[fabric.switch.name] = left.get(fabric.switch.name, 0) - taken
        placed.append(taken)
    return tuple(placed)


def draw_of_one_w(fabric: FabricBuild) -> float:
    """A switch of the fabric with its share of the optics in all of them, W at any load."""
    return fabric.power_w / fabric.switches if fabric.switches else 0.0


def draw_of_switches(builds: Sequence[FabricBuild], standing: Mapping[str, int]) -> dict[str, float]:
    """What one switch in racks draws, by part, W: as its fabrics are built; those that no fabric uses, what their row says."""
    total_w, used, rated_w = dict[str, float](), dict[str, int](), dict[str, float]()
    for fabric, placed in zip(builds, placed_of(builds, standing), strict=True):
        name = fabric.switch.name
        total_w[name] = total_w.get(name, 0.0) + placed * draw_of_one_w(fabric)
        used[name] = used.get(name, 0) + placed
        rated_w[name] = fabric.switch.peak_power_w
    spare = {name: standing[name] - count for name, count in used.items() if count}
    return {name: (total_w[name] + count * rated_w[name]) / standing[name] for name, count in spare.items()}
