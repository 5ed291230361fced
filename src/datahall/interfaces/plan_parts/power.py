"""The single-line diagram of a plan's power graph: elements that were declared together are one box."""

from collections.abc import Iterator

from datahall.foundation.readable import with_unit
from datahall.infrastructure.power import PowerFlow, PowerGraph
from datahall.infrastructure.spec import PowerElement
from datahall.interfaces.pictures.single_line import Box, Wire, single_line
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Lines, Picture, Section, Table, few, words_of
from datahall.planner.plan import Plan

NOTE = (
    "Each box is a class of elements declared together, with the load of the hottest of them in its highest hour of the year: "
    "green below 50 %, blue to 80 %, orange to 100 %, red above. Dashed: taken only when the other way is lost."
)


def power_section(plan: Plan, anchors: Anchors) -> Section | None:
    """The diagram, the table of its boxes, and where losses arise; None without power elements."""
    graph, flow, power = plan.year.graph, plan.year.flow, plan.loaded.hall.power
    if not graph.elements or power is None:
        return None
    boxes, wires = diagram_of(plan)
    drawn = single_line(boxes, wires, title="Single-line diagram, from the utility to the racks")
    blocks: list[Block] = [Picture(drawn, note=NOTE)]
    if graph.unfed_racks:
        blocks.append(
            Lines((f"{few(graph.unfed_racks)}: no element feeds them, they draw straight from the site",), warning=True)
        )
    if any(kwh > 0 for kwh in flow.loss_kwh.values()):
        blocks.append(_losses(flow))
    blocks.append(_table(power.elements, graph, flow))
    return Section(anchors.section("power"), "Power", tuple(blocks))


def diagram_of(plan: Plan) -> tuple[list[Box], list[Wire]]:
    """Boxes for classes of elements, for groups of racks and for the cooling plant, and the wires between them."""
    graph, flow = plan.year.graph, plan.year.flow
    power = plan.loaded.hall.power
    members: dict[int, list[int]] = {}
    for i, element in enumerate(graph.elements):
        members.setdefault(element.spec_index, []).append(i)
    number = {spec: n for n, spec in enumerate(members)}
    boxes = [_element_box(power.elements[spec] if power else None, rows, graph, flow) for spec, rows in members.items()]
    wires = list(_element_wires(graph, number))
    for box, feeds in _loads(plan):
        boxes.append(box)
        tops = sorted({number[graph.elements[i].spec_index] for i in feeds})
        wires += [Wire(top, len(boxes) - 1) for top in tops]
    return boxes, wires


def _element_box(spec: PowerElement | None, rows: list[int], graph: PowerGraph, flow: PowerFlow) -> Box:
    element = graph.elements[rows[0]]
    ratio = float(max(flow.peak_load_ratio[rows]))
    about = f"{element.kind.replace('_', ' ')}, {element.part or 'no catalogue row'}; lost in a year {_kwh(flow, rows)}"
    name = spec.name if spec else few([graph.elements[i].name for i in rows])
    rating = f"{len(rows):,} × {with_unit(element.rating_w, 'W')}"
    return Box(name, element.kind, rating, element.side, ratio, about)


def _element_wires(graph: PowerGraph, number: dict[int, int]) -> Iterator[Wire]:
    """One for each pair of classes; standby where no element of the lower class takes that way first."""
    first: dict[tuple[int, int], bool] = {}
    for element in graph.elements:
        for place, parent in enumerate(element.parents):
            pair = (number[graph.elements[parent].spec_index], number[element.spec_index])
            first[pair] = first.get(pair, False) or not element.takes_first or place == 0
    return (Wire(top, bottom, standby=not used) for (top, bottom), used in first.items())


def _loads(plan: Plan) -> Iterator[tuple[Box, tuple[int, ...]]]:
    graph, cooling = plan.year.graph, plan.year.cooling
    for place, block in enumerate(plan.loaded.estate.blocks):
        feeds = {i for r, its in enumerate(graph.racks.feeds) if graph.racks.block[r] == place for i in its}
        if feeds:
            rating = f"{len(block.names):,} × {with_unit(block.peak_w, 'W')}"
            yield Box(block.group.name, "rack", rating, about=f"racks {block.group.name}"), tuple(sorted(feeds))
    if cooling is None:
        return
    rest_w, critical_w = float((cooling.electricity_w - cooling.critical_w).max()), float(cooling.critical_w.max())
    if graph.critical == graph.mechanical:
        rest_w, critical_w = float(cooling.electricity_w.max()), 0.0
    for name, peak_w, feeds_of in (("cooling plant", rest_w, graph.mechanical), ("fans and pumps", critical_w, graph.critical)):
        if peak_w and feeds_of:
            yield Box(name, "cooling", f"up to {with_unit(peak_w, 'W')}"), feeds_of


def _kwh(flow: PowerFlow, rows: list[int]) -> str:
    return with_unit(float(flow.element_loss_kwh[rows].sum()), "kWh")


def _losses(flow: PowerFlow) -> Table:
    found = sorted(((kwh, kind) for kind, kwh in flow.loss_kwh.items() if kwh > 0), reverse=True)
    total = sum(kwh for kwh, _ in found) or 1.0
    rows = tuple((words_of(kind), with_unit(kwh, "kWh"), f"{kwh / total:.1%}") for kwh, kind in found)
    return Table(("Lost in", "In a year", "Share"), rows, title="Losses", numbers=frozenset({1, 2}))


def _table(specs: tuple[PowerElement, ...], graph: PowerGraph, flow: PowerFlow) -> Table:
    members: dict[int, list[int]] = {}
    for i, element in enumerate(graph.elements):
        members.setdefault(element.spec_index, []).append(i)
    rows = []
    for spec, at in members.items():
        element = graph.elements[at[0]]
        breaker = with_unit(element.breaker_w, "W") if element.breaker_w else "–"
        hottest = f"{float(max(flow.peak_load_ratio[at])):.1%}"
        rated = (f"{len(at):,}", with_unit(element.rating_w, "W"), breaker, hottest, _kwh(flow, at))
        rows.append((specs[spec].name, words_of(element.kind), element.side or "–", *rated, element.part or "–"))
    heads = ("Elements", "Kind", "Side", "Count", "Rating", "Breaker", "Hottest", "Lost a year", "Catalogue row")
    return Table(heads, tuple(rows), numbers=frozenset({3, 4, 5, 6, 7}), folded=f"All {len(rows)} classes of elements")
