"""Rules about what the power graph carries: overloads, breakers, sides, phases, batteries, generators, contracts.

They look at IT equipment at full draw and at losses; what cooling adds is known once a plan has the weather. Where the graph
has faults they look at the part that none touches, and an overload is told where it shows nearest to the racks, not upstream.
"""

from collections.abc import Hashable, Iterator, Sequence

from datahall.foundation.errors import Problem
from datahall.foundation.units import seconds_text
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.checks.power_view import View, view_of
from datahall.infrastructure.power.backup import backup_of
from datahall.infrastructure.power.element import CONTINUOUS_RATIO
from datahall.infrastructure.power.faults import Fault
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.overload import Overload
from datahall.infrastructure.power.phases import PHASE_LIMIT_RATIO, unbalanced
from datahall.infrastructure.power.sides import is_declared_intake, meeting_points
from datahall.infrastructure.power.sides_advice import cause, way_past


def overloaded_elements(context: Context) -> Iterator[Problem]:
    """INF-210: with everything in service, no power element gives more than its rating."""
    view = view_of(context)
    for told in view.judgement.in_service if view.judgement else ():
        what = f"{_loads(view, told)}, but {_each(told)} rated {_kw(told.limit_w)}"
        fix = "hang fewer racks on it, or raise rating_w or choose a larger part"
        yield view.told(Fault("INF-210", _entry(view, told), what, fix))


def over_the_contract(context: Context) -> Iterator[Problem]:
    """INF-211: with everything in service, no utility feed gives more than its contract allows."""
    view = view_of(context)
    for told in view.judgement.contracts if view.judgement else ():
        what = f"{_loads(view, told)}, but the contract allows {_kw(told.limit_w)}"
        fix = "set power.it_cap_w, add a feed, or raise rating_w once the utility agrees"
        yield view.told(Fault("INF-211", _entry(view, told), what, fix))


def small_generators(context: Context) -> Iterator[Problem]:
    """INF-212: with every utility gone, no generator gives more than its rating."""
    view = view_of(context)
    for told in view.judgement.generators if view.judgement else ():
        what = f"with the grid gone, {_loads(view, told)}, but {_each(told)} rated {_kw(told.limit_w)}"
        yield view.told(Fault("INF-212", _entry(view, told), what, "add generators, or hang less on them"))


def breakers(context: Context) -> Iterator[Problem]:
    """INF-213: continuous load stays within 80 % of the breaker, also after the loss of one side."""
    view = view_of(context)
    for side, told in view.judgement.breakers if view.judgement else ():
        gone = f"with {side} lost, " if side else ""
        breaker_w = told.limit_w / CONTINUOUS_RATIO
        breaker = f"{CONTINUOUS_RATIO:.0%} of the {_kw(breaker_w)} breaker are {_kw(told.limit_w)}"
        fix = f"hang fewer racks on it, or raise its breaker to {_kw(told.load_w / CONTINUOUS_RATIO)}"
        yield view.told(Fault("INF-213", _entry(view, told), f"{gone}{_loads(view, told)}, but {breaker}", fix))


def survival(context: Context) -> Iterator[Problem]:
    """INF-214: after the loss of all of one side, the other carries the load within its ratings."""
    view = view_of(context)
    for side, told in view.judgement.survival if view.judgement else ():
        what = f"with {side} lost, {_loads(view, told)}, but {_each(told)} rated {_kw(told.limit_w)}"
        fix = "size each side for the whole load, or hang fewer racks on it"
        yield view.told(Fault("INF-214", _entry(view, told), what, fix))


def dependent_sides(context: Context) -> Iterator[Problem]:
    """INF-215: the sides of a rack meet in no element below the utility, unless it is an intake that has no side by intent."""
    view = view_of(context)
    if (graph := view.graph) is None:
        return
    alike: dict[Hashable, dict[int, tuple[int, int]]] = {}
    seen = set[int]()
    for rack, point in meeting_points(graph).items():
        if (block := graph.racks.block[rack]) not in seen and not is_declared_intake(graph, rack, point):
            seen.add(block)
            alike.setdefault(cause(graph, rack, point), {})[block] = (rack, point)
    for blocks in alike.values():
        block, (rack, point) = next(iter(blocks.items()))
        sides, name = len(graph.racks.feeds[rack]), graph.racks.names[rack]
        more = f" and {len(blocks) - 1} more group{'s' if len(blocks) > 2 else ''} of racks" if len(blocks) > 1 else ""
        what = f"all {sides} sides of `{name}`{more} hang on `{graph.elements[point].name}`, so they are lost together"
        path = ("racks", view.estate.blocks[block].index, "feeds")
        yield view.told(Fault("INF-215", path, what, way_past(graph, rack, point)))


def single_cords(context: Context) -> Iterator[Problem]:
    """INF-216: equipment in a rack with several sides keeps the cords it needs when any side is lost."""
    known = context.catalogue.devices
    for i, group in enumerate(context.hall.racks):
        count = len(group.feeds)
        for j, contents in enumerate(group.contents if count > 1 and not context.unread(("racks", i, "feeds")) else ()):
            device = known.get(contents.part)
            cords = contents.cords or (device.cords if device else 0)
            if device is None or contents.count == 0 or cords == 0:
                continue
            left, needed = cords - -(-cords // count), min(device.cords_needed, device.cords)
            if left < needed:
                plugged = f"{cords} cord{'s' if cords > 1 else ''} of `{contents.part}` over {count} sides"
                what = f"{plugged} leave{'s' if cords == 1 else ''} {left} when a side is lost, but it needs {needed}"
                fix = _more_cords(cords, count, needed=needed, most=device.cords)
                yield Problem("INF-216", context.where(("racks", i, "contents", j)), what, fix)


def phases(context: Context) -> Iterator[Problem]:
    """INF-217: where three single-phase racks or more hang on an element, no phase carries over 10 % more than the mean."""
    view = view_of(context)
    if view.graph is None or not view.is_whole or view.estate.unknown_parts:
        return
    for found in unbalanced(view.graph):
        loads = ", ".join(f"{name} {_kw(load_w)}" for name, load_w in zip(("L1", "L2", "L3"), found.phase_w, strict=True))
        what = (
            f"the phases of `{view.graph.elements[found.element].name}` carry {loads}: {found.excess_ratio:.0%} over the mean"
        )
        index = view.estate.blocks[found.block].index
        fix = f"move racks to another phase until none is more than {PHASE_LIMIT_RATIO:.0%} over it"
        yield view.told(Fault("INF-217", ("racks", index, "phase"), what, fix))


def short_batteries(context: Context) -> Iterator[Problem]:
    """INF-218: the battery of a UPS lasts until the generators behind it carry the load."""
    view = view_of(context)
    if view.graph is None or not view.graph.generators:
        return
    for found in backup_of(view.graph, it_ratio=view.it_ratio).batteries:
        if found.needs_s is not None and found.holds_s < found.needs_s:
            name = view.power.elements[found.spec_index].name
            what = f"the battery of `{name}` carries its {_kw(found.load_w)} for {seconds_text(found.holds_s)}"
            what += f", but its generators need {seconds_text(found.needs_s)}"
            path = ("power", "elements", found.spec_index, "battery_wh")
            yield view.told(Fault("INF-218", path, what, "add batteries, or generators that start sooner"))


def cap_below_idle(context: Context) -> Iterator[Problem]:
    """INF-219: the cap on IT power leaves at least what all equipment draws when it has nothing to do."""
    view = view_of(context)
    cap_w, idle_w = view.power.it_cap_w, view.estate.idle_w
    if cap_w is not None and cap_w < idle_w:
        what = f"IT may draw {_kw(cap_w)} together, but draws {_kw(idle_w)} when idle"
        yield view.told(
            Fault("INF-219", ("power", "it_cap_w"), what, f"raise it above {_kw(idle_w)}, or declare less equipment")
        )


CHECKS: tuple[Check, ...] = (
    overloaded_elements,
    over_the_contract,
    small_generators,
    breakers,
    survival,
    dependent_sides,
    single_cords,
    phases,
    short_batteries,
    cap_below_idle,
)


def _entry(view: View, told: Overload) -> tuple[str | int, ...]:
    return ("power", "elements", min(_graph(view).elements[i].spec_index for i in told.elements))


def _loads(view: View, told: Overload) -> str:
    entries = sorted({_graph(view).elements[i].spec_index for i in told.elements})
    names = _joined([f"`{view.power.elements[entry].name}`" for entry in entries])
    if len(told.elements) == 1:
        return f"{names} gives {_kw(told.load_w)} at full load"
    return f"{names} give up to {_kw(told.load_w)} each at full load"


def _more_cords(cords: int, sides: int, *, needed: int, most: int) -> str:
    """What keeps the cords that are needed: those that are not in use yet, where they do; else more sides."""
    if most - -(-most // sides) >= needed:
        return f"plug in all {most} of its cords: `cords: {most}`, or leave cords out"
    enough = next((more for more in range(sides + 1, cords + 1) if cords - -(-cords // more) >= needed), None)
    more = f"feed the rack from {enough} sides, or " if enough else ""
    return f"{more}let one transfer switch, fed by all sides, be its only feed, or choose a part that needs fewer cords"


def _graph(view: View) -> PowerGraph:
    if view.graph is None:
        raise ValueError("a graph with faults carries nothing")
    return view.graph


def _each(told: Overload) -> str:
    return "each is" if len(told.elements) > 1 else "it is"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _kw(power_w: float) -> str:
    return f"{power_w / 1e6:.2f} MW" if power_w >= 1e6 else f"{power_w / 1e3:.1f} kW"
