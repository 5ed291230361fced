"""Which single loss hurts most: accelerators out of service, for as long as repair takes, at what they cost an hour."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from datahall.foundation.money import in_currency
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.cost.annuity import annuity, sinking_fund
from datahall.network.load import Loaded
from datahall.twin.faults.elements import POWER, Element, Elements, What
from datahall.twin.faults.harm import Harm
from datahall.twin.faults.reach import Reach

HOURS_PER_YEAR = 8760.0
ASSUMED_REPAIR_H: Mapping[What, float] = {
    "node": 24.0,
    "accelerator": 24.0,
    "link": 4.0,
    "switch": 4.0,
    "leaf": 4.0,
    "pdu": 8.0,
    "feed": 8.0,
    "ups": 8.0,
    "power": 8.0,
    "chiller": 24.0,
    "pump": 8.0,
    "storage": 4.0,
    "control_plane": 1.0,
    "site": 24.0,
}
"""Where neither the hall nor a catalogue row says how long repair takes: choices, not read anywhere, and told as assumed."""


@dataclass(frozen=True, slots=True)
class SingleRemoval:
    """Elements that are alike, and what the loss of the first of them does."""

    what: What
    names: tuple[str, ...]
    harm: Harm
    accelerators: int
    """Out of service at once, or once heat has built up."""
    degraded: int
    """Accelerators in machines that go on with less bandwidth; those cut off are among them."""
    repair_h: float
    repair_assumed: bool
    accelerator_hours: float
    """Lost by one such loss, until repair; after a ride-through only what is left of the time counts."""
    money: float | None
    """In the hall's currency; None where it has no prices."""

    @property
    def sentence(self) -> str:
        which = f"`{self.names[0]}`" if len(self.names) == 1 else f"One of {len(self.names):,}, such as `{self.names[0]}`"
        return f"{which}: {'; '.join(self.harm.why)}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`; machines are counted, not listed."""
        return {
            "what": self.what,
            "names": list(self.names),
            "accelerators": self.accelerators,
            "degraded_accelerators": self.degraded,
            "machines_down": len(self.harm.nodes_down),
            "repair_h": self.repair_h,
            "repair_assumed": self.repair_assumed,
            "accelerator_hours": self.accelerator_hours,
            "money": self.money,
            "why": list(self.harm.why),
            "witness": list(self.harm.witness),
        }


def single_removals(reach: Reach, *, repair_h: Mapping[What, float] | None = None) -> tuple[SingleRemoval, ...]:
    """Every element of the hall, those alike told once, the most harmful first. repair_h: in place of the assumed ones."""
    elements = reach.elements
    assumed = {**ASSUMED_REPAIR_H, **(repair_h or {})}
    price = accelerator_hour_price(elements.loaded)
    rows = [_row(reach, what, alike, assumed, price) for what, alike in _classes(reach)]
    return tuple(sorted(rows, key=_least_harmful_last))


def _least_harmful_last(row: SingleRemoval) -> tuple[float, ...]:
    harm = row.harm
    down = len(harm.nodes_down) + sum(len(stage.nodes_down) for stage in harm.later)
    return (-row.accelerator_hours, -row.accelerators, -down, -row.degraded, harm.is_none)


def _row(
    reach: Reach, what: What, alike: tuple[Element, ...], assumed: Mapping[What, float], price: float | None
) -> SingleRemoval:
    harm, known_h = reach.of(alike[0]), _repair_h(reach.elements, alike[0])
    hours = known_h if known_h is not None else assumed[what]
    held = {machine.name: machine.accelerators for machine in reach.elements.machines}
    at_once = sum(held[node] for node in harm.nodes_down) + sum(map(len, harm.accelerators_down.values()))
    gap = sum(held[node] for node in harm.nodes_interrupted - harm.nodes_down) * min(harm.gap_s / 3600, hours)
    lost = at_once * hours + gap
    counted, later = set(harm.nodes_down), 0
    for stage in harm.later:
        more = sum(held[node] for node in stage.nodes_down - counted)
        counted |= stage.nodes_down
        left_h = max(0.0, hours - stage.after_s / 3600)
        later, lost = later + (more if left_h else 0), lost + more * left_h
    return SingleRemoval(
        what,
        tuple(element.name for element in alike),
        harm,
        accelerators=at_once + later,
        degraded=sum(held[node] for node in harm.nodes_degraded),
        repair_h=hours,
        repair_assumed=known_h is None,
        accelerator_hours=lost,
        money=None if price is None else lost * price,
    )


def _repair_h(elements: Elements, element: Element) -> float | None:
    """As the hall or the catalogue says; None where neither does."""
    cooling, rows = elements.loaded.hall.cooling, elements.loaded.catalogue.cooling
    if element.what in POWER:
        return elements.graph.elements[element.key[0]].repair_h
    if element.what not in {"chiller", "pump"} or cooling is None:
        return None
    liquid = cooling.liquid.units if cooling.liquid else None
    units = liquid if element.what == "pump" and liquid else cooling.plant.chillers
    row = rows.get(units.part) if units and units.part else None
    return row.repair_h if row else None


def _classes(reach: Reach) -> Iterator[tuple[What, tuple[Element, ...]]]:
    """Elements by kind, those together whose loss does the same."""
    elements = reach.elements
    machines = elements.machines
    yield from _grouped("node", elements.of("node").values(), lambda e: machines[e.key[0]].part)
    yield from _grouped("accelerator", elements.of("accelerator").values(), lambda e: machines[e.key[0]].part)
    for switches in _grouped("switch", elements.of("switch").values(), lambda e: _switch_class(elements, e)):
        is_leaf = switches[1][0].name in elements.of("leaf")
        yield ("leaf" if is_leaf else "switch", switches[1])
    yield from _grouped("link", elements.of("link").values(), lambda e: _link_class(elements, e))
    power = elements.of("power")
    for names in reach.alike_power:
        yield "power", tuple(power[name] for name in names)
    yield from _grouped("chiller", elements.of("chiller").values(), lambda _: None)
    yield from _grouped("pump", elements.of("pump").values(), lambda _: None)
    for what in ("storage", "control_plane", "site"):
        yield from ((what, (element,)) for element in elements.of(what).values())


def _grouped(what: What, of: Iterable[Element], key: Callable[[Element], Any]) -> Iterator[tuple[What, tuple[Element, ...]]]:
    found: dict[Any, list[Element]] = {}
    for element in of:
        found.setdefault(key(element), []).append(element)
    yield from ((what, tuple(members)) for members in found.values())


def _switch_class(elements: Elements, element: Element) -> tuple[int, ...]:
    """Fabric, tier, endpoints on it, and machines cut off with it."""
    fabric, switch = element.key
    graph, servers = elements.graphs[fabric], elements.servers[fabric]
    alone = (graph.leaf == switch).all(axis=1) if graph.endpoints[switch] else np.zeros(len(servers), dtype=np.bool_)
    held = sum(elements.machines[machine].accelerators for machine in servers[alone].tolist())
    return (fabric, _tier_of(elements, fabric, switch), int(graph.endpoints[switch]), held)


def _tier_of(elements: Elements, fabric: int, switch: int) -> int:
    bounds = np.cumsum([count for _, count in elements.graphs[fabric].tiers])
    return int(np.searchsorted(bounds, switch, side="right"))


def _link_class(elements: Elements, element: Element) -> tuple[Any, ...]:
    fabric, place, port = element.key
    if port >= 0:
        return (fabric, "port", elements.machines[int(elements.servers[fabric][place])].part)
    graph = elements.graphs[fabric]
    return (fabric, int(graph.links[place]), int(graph.endpoints[graph.low[place]]))


def accelerator_hour_price(loaded: Loaded) -> float | None:
    """What one accelerator's share of its server costs an hour, used or not, in the hall's currency: the annuity of its price.

    None without accelerators, or where a price or a rate of exchange is missing. Building, power and staff come on top.
    """
    economy, total, accelerators = loaded.hall.economy, 0.0, 0
    for part, number in loaded.estate.servers.values():
        if not part.accelerators:
            continue
        each = _price(loaded, part)
        if each is None:
            return None
        total, accelerators = total + number * each, accelerators + number * part.accelerators
    if not accelerators:
        return None
    rate, years = economy.discount_rate_ratio, economy.server_life_years
    yearly = total * (annuity(rate, years) - economy.residual_ratio * sinking_fund(rate, years))
    return yearly / HOURS_PER_YEAR / accelerators


def _price(loaded: Loaded, part: ServerPart) -> float | None:
    economy = loaded.hall.economy
    amount = economy.server_price.get(part.name, part.price)
    if amount is None or (amount.currency not in {None, economy.currency} and amount.currency not in economy.rates):
        return None
    return in_currency(amount, economy.currency, economy.rates)
