"""How to part sides that meet: which element crosses over, and what to write."""

from collections.abc import Hashable

from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.sides import INTAKE_KINDS


def cause(graph: PowerGraph, rack: int, point: int) -> Hashable:
    """What is alike for racks whose sides all hang on `point` for one and the same reason: one fault, however many racks."""
    if crossing := _crossing(graph, rack, point):
        return crossing
    feeds = [graph.elements[i] for i in graph.racks.feeds[rack]]
    is_own = len({feed.name for feed in feeds}) < len(feeds) or (feeds[0].side and len({feed.side for feed in feeds}) == 1)
    return ("rack", graph.racks.block[rack]) if is_own else ("point", point)


def way_past(graph: PowerGraph, rack: int, point: int) -> str:
    """The way out for a rack whose sides all hang on the element `point`."""
    met = graph.elements[point]
    feeds = [graph.elements[i] for i in graph.racks.feeds[rack]]
    if crossing := _crossing(graph, rack, point):
        child, parent = (graph.elements[i] for i in crossing)
        return (
            f"`{child.name}` of side {child.side} is fed by `{parent.name}` of side {parent.side}: "
            f"name an element of side {child.side} in its fed_by"
        )
    if len({feed.name for feed in feeds}) < len(feeds):
        return f"`{feeds[0].name}` stands more than once in feeds: name an element of another side, or name it once"
    same = f"`{feeds[0].name}` and `{feeds[1].name}`"
    if met.kind in INTAKE_KINDS and (bare := [feed.name for feed in feeds if feed.side is None]):
        write = f"give `{bare[0]}` its `side: A` or `side: B`"
        return f"if both sides share `{met.name}` by intent, {write}; else feed one side from elsewhere"
    if len(sides := {feed.side for feed in feeds}) == 1 and feeds[0].side:
        return f"{same} are both of side {sides.pop()}: name an element of the other side in feeds, or one feed only"
    if met.kind in INTAKE_KINDS:
        return f"if both sides share `{met.name}` by intent, take `side: {met.side}` from it; else feed one side from elsewhere"
    kind = met.kind.replace("_", " ").replace("ups", "UPS").replace("pdu", "PDU")
    return f"feed {same} from a {kind} each, so that `{met.name}` feeds only one of them, or name one feed only"


def _crossing(graph: PowerGraph, rack: int, point: int) -> tuple[int, int] | None:
    """The first element on the way up to `point` that hangs on an element of another side; with that one."""
    waiting, seen = list(graph.racks.feeds[rack]), set[int]()
    for i in waiting:  # grows while it is walked
        if i in seen or i == point:
            continue
        seen.add(i)
        for parent in graph.elements[i].parents:
            sides = {graph.elements[i].side, graph.elements[parent].side}
            if None not in sides and len(sides) > 1:
                return i, parent
        waiting += graph.elements[i].parents
    return None
