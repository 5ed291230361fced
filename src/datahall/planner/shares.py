"""What a run or a service pays of the hall's bill: by the meter what it uses, of the rest the share of its accelerators."""

from collections.abc import Mapping

from datahall.planner.training.hall import Home
from datahall.planner.training.used import Used

OF_USE = frozenset({"energy", "water"})
"""Lines of the hall's bill that are paid by the meter."""


def lines_of(
    home: Home, used: Used | None, *, accelerators: int, hours: float, factors: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Money by line of the bill, in the hall's currency; empty where the hall has no prices, or no draw is known.

    hours: that the accelerators are held. factors: on lines that a what-if changes.
    """
    bill = home.plan.cost
    if not bill.lines or used is None:
        return {}
    share = accelerators / home.accelerators * hours / bill.hours
    of_all = (line for line in bill.lines if line.name not in OF_USE)
    found = {line.name: line.per_year * share * (factors or {}).get(line.name, 1.0) for line in of_all}
    if used.energy_cost is not None:
        found["energy"] = used.energy_cost
    water = bill.line("water")
    if water is not None and used.water_m3 and home.plan.year.water_l:
        found["water"] = water.per_year * used.water_m3 / (home.plan.year.water_l / 1e3)
    return found
