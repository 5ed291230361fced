"""Supplies for tests: small ones by hand, random ones, one of any size; and outages worked out the slow way."""

import random
from collections.abc import Iterable

from datahall.infrastructure.reliability.supply import GRID, STANDBY, Load, Supply, Unit


def two_sides(*, ups_w: float = 110e3, racks: int = 2, rack_w: float = 50e3, battery_wh: float = 20e3) -> Supply:
    """Two utilities, a generator, a transfer switch and a UPS on each side; racks on both."""
    units = [
        Unit("utility-a", "utility", 1e6, failures_per_year=2.0, repair_h=1.5),
        Unit("utility-b", "utility", 1e6, failures_per_year=2.0, repair_h=1.5),
        Unit("gen", "generator", 1e6, start_s=15, failures_per_year=0.17, repair_h=25, fail_to_start_ratio=0.0055),
    ]
    for side, utility in enumerate("ab"):
        units.append(
            Unit(f"ats-{utility}", "transfer_switch", 1e6, (side, 2), takes_first=True, failures_per_year=0.01, repair_h=8)
        )
        row = {"battery_wh": battery_wh, "failures_per_year": 0.0128, "repair_h": 24.0}
        units.append(Unit(f"ups-{utility}", "ups", ups_w, (len(units) - 1,), loss_ratios=(0.01, 0.01, 0.015), **row))
    loads = [Load(f"r{i}", rack_w, (4, 6), accelerators=8) for i in range(racks)]
    return Supply(tuple(units), tuple(loads))


def one_side(*, modules: int = 3, module_w: float = 60e3, racks: int = 2, rack_w: float = 50e3) -> Supply:
    """One utility, UPS modules in parallel, one PDU."""
    units = [Unit("utility", "utility", 1e6, failures_per_year=2.0, repair_h=1.5)]
    units += [Unit(f"ups{i}", "ups", module_w, (0,), failures_per_year=0.0128, repair_h=24) for i in range(modules)]
    units.append(Unit("pdu", "pdu", 1e6, tuple(range(1, modules + 1)), failures_per_year=0.0024, repair_h=61))
    return Supply(tuple(units), tuple(Load(f"r{i}", rack_w, (modules + 1,), accelerators=8) for i in range(racks)))


def drawn(seed: int) -> Supply:
    """A random supply of a few levels, with shared and preferred parents, tight ratings and racks of one or two sides."""
    dice = random.Random(seed)
    units: list[Unit] = []
    for i in range(dice.randint(3, 12)):
        kind = "utility" if i == 0 else dice.choice(["utility", "generator", "ups", "ups", "pdu", "pdu", "transfer_switch"])
        source = kind in {"utility", "generator"}
        parents = () if source else tuple(dice.sample(range(i), min(i, dice.randint(1, 3))))
        units.append(
            Unit(
                f"{kind}{i}", kind, dice.choice([60.0, 100.0, 150.0, 300.0]), parents, takes_first=kind == "transfer_switch",
                loss_ratios=dice.choice([(0.0, 0.0, 0.0), (0.01, 0.02, 0.01)]), battery_wh=dice.choice([None, 0.1, 10.0]),
                start_s=dice.choice([None, 10.0]), failures_per_year=dice.choice([0.1, 1.0]), repair_h=dice.choice([2.0, 20.0]),
            )
        )  # fmt: skip
    loads = []
    for i in range(dice.randint(1, 6)):
        feeds = tuple(dice.sample(range(len(units)), min(len(units), dice.randint(1, 3))))
        loads.append(Load(f"r{i}", dice.choice([10.0, 25.0, 40.0]), feeds, sides_needed=dice.randint(1, len(feeds))))
    return Supply(tuple(units), tuple(loads))


def large(*, blocks: int, pdus: int, taps: int, rack_w: float = 40e3) -> Supply:
    """Blocks of two sides with five UPS modules on each, PDUs and taps; a tap on each side of each rack."""
    units: list[Unit] = []
    loads: list[Load] = []

    def add(name: str, kind: str, rating_w: float, *parents: int, **more: object) -> int:
        units.append(Unit(name, kind, rating_w, parents, **more))  # type: ignore[arg-type]
        return len(units) - 1

    block_w, loss = pdus * taps * rack_w, (0.003, 0.0, 0.012)
    utilities = [add(f"utility-{s}", "utility", 1.3 * blocks * block_w, failures_per_year=2.0, repair_h=1.3) for s in "ab"]
    for b in range(blocks):
        start = {"start_s": 10.0, "failures_per_year": 0.17, "repair_h": 25.0, "fail_to_start_ratio": 0.0055}
        gens = [add(f"gen{b}-{i}", "generator", block_w / 3, **start) for i in range(5)]
        bus = add(f"genbus{b}", "switchgear", 2 * block_w, *gens, failures_per_year=0.0027, repair_h=6.0)
        sides = []
        for s, utility in zip("ab", utilities, strict=True):
            top = add(
                f"tr{b}{s}", "transformer", 1.2 * block_w, utility, loss_ratios=loss, failures_per_year=0.0062, repair_h=132.0
            )
            ats = add(
                f"ats{b}{s}",
                "transfer_switch",
                1.2 * block_w,
                top,
                bus,
                takes_first=True,
                failures_per_year=0.0088,
                repair_h=8.0,
            )
            row = {
                "loss_ratios": (0.01, 0.01, 0.015),
                "battery_wh": block_w / 20,
                "failures_per_year": 0.0128,
                "repair_h": 24.0,
            }
            ups = [add(f"ups{b}{s}{i}", "ups", block_w / 4 * 1.15, ats, **row) for i in range(5)]
            more = {"loss_ratios": loss, "failures_per_year": 0.0024, "repair_h": 61.0}
            sides.append([add(f"pdu{b}{s}{i}", "pdu", 1.2 * taps * rack_w, *ups, **more) for i in range(pdus)])
        for i in range(pdus):
            for t in range(taps):
                feeds = tuple(
                    add(f"tap{b}-{i}-{t}{s}", "busway", 1.1 * rack_w, side[i]) for s, side in zip("ab", sides, strict=True)
                )
                loads.append(Load(f"r{b}-{i}-{t}", rack_w, feeds, accelerators=32))
    return Supply(tuple(units), tuple(loads))


def slow_dark(supply: Supply, removed: Iterable[int]) -> tuple[set[int], set[int]]:
    """Lost loads and tripped units, with everything worked out anew in each round: written apart from the code under test."""
    before = _given(supply, set())
    lost, tripped = set(removed), set()
    while True:
        given = _given(supply, lost)
        over = {
            i
            for i, out_w in given.items()
            if i not in lost and out_w > max(supply.units[i].limit_w, before.get(i, 0.0)) * (1 + 1e-7)
        }
        if not over:
            break
        lost |= over
        tripped |= over
    reach = _reach(supply, lost)
    return {i for i, load in enumerate(supply.loads) if sum(reach[f] > 0 for f in load.feeds) < load.sides_needed}, tripped


def _reach(supply: Supply, lost: set[int]) -> list[int]:
    reach: list[int] = []
    for i, unit in enumerate(supply.units):
        own = (STANDBY if unit.kind == "generator" else GRID) if not unit.parents else max(reach[p] for p in unit.parents)
        reach.append(0 if i in lost else own)
    return reach


def _given(supply: Supply, lost: set[int]) -> dict[int, float]:
    reach = _reach(supply, lost)
    given = {i: 0.0 for i, level in enumerate(reach) if level}
    for load in supply.loads:
        living = [f for f in load.feeds if reach[f]]
        for feed in living:
            given[feed] += load.peak_w / len(living)
    for i in sorted(given, reverse=True):
        unit = supply.units[i]
        best = [p for p in unit.parents if reach[p] and reach[p] == max(reach[q] for q in unit.parents)]
        best = best[:1] if unit.takes_first else best
        a, b, c = unit.loss_ratios
        x = given[i] / unit.rating_w
        drawn_w = given[i] + unit.rating_w * (a + b * x + c * x * x)
        if reach[i] == STANDBY and given[i] < 1e-6:
            drawn_w = 0.0
        for p in best:
            given[p] += drawn_w * supply.units[p].rating_w / sum(supply.units[q].rating_w for q in best)
    return given
