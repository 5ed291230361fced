"""Faults and repairs as events in time: a machine is up again only when the last fault on it has ended."""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from math import ceil
from typing import Literal

from datahall.twin.faults.draw import MS_PER_S, Occurrence
from datahall.twin.faults.elements import Element
from datahall.twin.faults.events import FaultEvent, Kind, Place, Timeline
from datahall.twin.faults.harm import Harm
from datahall.twin.faults.reach import OWN, Reach
from datahall.twin.order import Order


def timeline(occurrences: Iterable[Occurrence], reach: Reach, *, horizon_s: float) -> Timeline:
    """Plays faults and repairs up to the horizon. Faults that last at once are asked for together."""
    played = Play(reach, round(horizon_s * MS_PER_S))
    for one in occurrences:
        played.add(one)
    return played.run()


@dataclass(slots=True)
class _Heating:
    """One side of the hall on its way to the limit, or what is stored on its way to empty."""

    harm: Harm
    from_ms: int
    warmed: float
    """Share of the way that was done at `from_ms`: cooling that is lost anew does not start from cold."""
    stopped: frozenset[str] = frozenset()
    due: bool = False
    """Whether the limit is reached."""

    def warmed_at(self, now_ms: int) -> float:
        way_ms = self.harm.after_s * MS_PER_S
        return min(1.0, self.warmed + (now_ms - self.from_ms) / way_ms) if way_ms > 0 else 1.0


@dataclass(frozen=True, slots=True)
class _Step:
    """Something to do at a moment."""

    kind: Literal["fault", "repair", "heat", "power_back"]
    fault: Occurrence | None = None
    nodes: frozenset[str] = frozenset()
    heating: _Heating | None = None


@dataclass
class Play:
    """The hall as it stands, step by step."""

    reach: Reach
    horizon_ms: int
    lost: Counter[Element] = field(default_factory=Counter)
    """Elements that take others with them, with how many faults of each last."""
    reasons: Counter[Place] = field(default_factory=Counter)
    """Why a machine or accelerator is down, counted."""
    harm: Harm = field(default_factory=Harm)
    felt: Harm = field(default_factory=Harm)
    """The same once batteries are empty, from then on: what networks and storage show."""
    heating: dict[str, _Heating] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._heap: list[tuple[int, Order, int, _Step]] = []
        self._number = count()
        self._touched: dict[Place, bool] = {}
        self._events: list[FaultEvent] = []
        self._accelerators = {machine.name: machine.accelerators for machine in self.reach.elements.machines}
        self._sums: Counter[str] = Counter()
        self._node_down_ms: Counter[str] = Counter()
        self._storage_down_ms: Counter[str] = Counter()
        self._alone: Counter[str] = Counter()
        self._bandwidth_lost = 0.0

    def add(self, fault: Occurrence) -> None:
        self._at(fault.at_ms, Order.DOWN, _Step("fault", fault))
        if fault.repair_ms is not None:
            self._at(fault.at_ms + fault.repair_ms, Order.UP, _Step("repair", fault))

    def run(self) -> Timeline:
        last_ms = 0
        while self._heap and self._heap[0][0] < self.horizon_ms:
            at_ms, order = self._heap[0][:2]
            self._pass_time(at_ms - last_ms)
            last_ms = at_ms
            self._together(at_ms, order)
        self._pass_time(self.horizon_ms - last_ms)
        return self._result()

    def _at(self, at_ms: int, order: Order, step: _Step) -> None:
        heapq.heappush(self._heap, (at_ms, order, next(self._number), step))

    def _together(self, at_ms: int, order: Order) -> None:
        """All that happens at this moment in this place of the order, as one change."""
        self._touched, shared, causes = {}, False, dict[Place, str]()
        while self._heap and self._heap[0][:2] == (at_ms, order):
            step = heapq.heappop(self._heap)[3]
            if step.fault is not None:
                shared |= self._fault(step.fault, 1 if step.kind == "fault" else -1, causes)
                if step.kind == "fault" and step.fault.interrupts:
                    self._interrupt(at_ms, step.fault)
            elif step.heating is not None:
                self._stop_by_heat(step.heating, causes)
            else:
                self._count(((node, None) for node in step.nodes), -1)
        if shared:
            self._ask_again(at_ms, order, causes)
        self._tell(at_ms, causes)
        self._feel(at_ms)

    def _fault(self, fault: Occurrence, change: int, causes: dict[Place, str]) -> bool:
        """Counts it; says whether others may go with it."""
        element = fault.element
        if element.what not in OWN:
            self.lost[element] += change
            return self.lost[element] == (1 if change > 0 else 0)
        machine = self.reach.elements.machines[element.key[0]].name
        place = (machine, element.key[1] if element.what == "accelerator" else None)
        causes[place] = fault.cause
        self._count([place], change)
        return False

    def _interrupt(self, at_ms: int, fault: Occurrence) -> None:
        """Work that a published count says was stopped, where the machine itself stays up."""
        element = fault.element
        if element.what == "link" and element.key[2] >= 0:
            fabric, server, _ = element.key
            machine = self.reach.elements.machines[int(self.reach.elements.servers[fabric][server])].name
            self._events.append(FaultEvent(at_ms, Order.DOWN, "interrupted", machine, why=fault.cause))

    def _ask_again(self, at_ms: int, order: Order, causes: dict[Place, str]) -> None:
        before, self.harm = self.harm, self.reach.of(*(element for element, faults in self.lost.items() if faults > 0))
        why = "; ".join(self.harm.why)
        gone = self.harm.nodes_down - before.nodes_down
        causes |= {(node, None): why for node in gone}
        self._count(((node, None) for node in gone), 1)
        self._count(((node, None) for node in before.nodes_down - self.harm.nodes_down), -1)
        if order is Order.DOWN and (gaps := self.harm.nodes_interrupted - before.nodes_interrupted):
            causes |= {(node, None): why for node in gaps}
            self._count(((node, None) for node in gaps), 1)
            self._at(at_ms + ceil(self.harm.gap_s * MS_PER_S), Order.UP, _Step("power_back", nodes=gaps))
        self._warm(at_ms, causes)

    def _warm(self, at_ms: int, causes: dict[Place, str]) -> None:
        """Heat goes on from where it was; once cooling is back, all that it stopped comes back."""
        stages = {stage.side or "air": stage for stage in self.harm.later}
        old, self.heating = self.heating, {}
        for side, stage in stages.items():
            was = old.pop(side, None)
            if was is not None and was.harm == stage:
                self.heating[side] = was
                continue
            warming = _Heating(stage, at_ms, was.warmed_at(at_ms) if was else 0.0, was.stopped if was else frozenset())
            self.heating[side] = warming
            left_ms = ceil((1 - warming.warmed) * stage.after_s * MS_PER_S)
            if left_ms <= 0:
                self._stop_by_heat(warming, causes)
            else:
                self._at(at_ms + left_ms, Order.DOWN, _Step("heat", heating=warming))
        for gone in old.values():
            self._count(((node, None) for node in gone.stopped), -1)

    def _stop_by_heat(self, heating: _Heating, causes: dict[Place, str]) -> None:
        if all(heating is not other for other in self.heating.values()):
            return  # cooling changed in the meantime
        now, before = heating.harm.nodes_down, heating.stopped
        causes |= {(node, None): "; ".join(heating.harm.why) for node in now - before}
        self._count(((node, None) for node in now - before), 1)
        self._count(((node, None) for node in before - now), -1)
        heating.stopped, heating.due = now, True

    def _count(self, places: Iterable[Place], change: int) -> None:
        for place in places:
            self._touched.setdefault(place, self.reasons[place] > 0)
            self.reasons[place] += change

    def _tell(self, at_ms: int, causes: Mapping[Place, str]) -> None:
        """Machines and accelerators whose state this change has turned."""
        for place, was_down in self._touched.items():
            is_down = self.reasons[place] > 0
            if not is_down:
                del self.reasons[place]
            if is_down == was_down:
                continue
            node, accelerator = place
            if accelerator is not None:
                self._alone[node] += 1 if is_down else -1
            kind: Kind = ("down" if is_down else "up") if accelerator is None else _ACCELERATOR[is_down]
            order = Order.DOWN if is_down else Order.UP
            self._events.append(FaultEvent(at_ms, order, kind, node, accelerator, why=causes.get(place, "")))

    def _feel(self, at_ms: int) -> None:
        """Tells what networks, storage and the control plane show from now on, where that is something else than before."""
        before, battery = self.felt, self.heating.get("battery")
        self.felt = now = battery.harm if battery is not None and battery.due else self.harm
        if now is before:
            return
        why = "; ".join(now.why)
        for node in sorted({*now.nodes_degraded, *before.nodes_degraded}):
            old, new = before.nodes_degraded.get(node, 1.0), now.nodes_degraded.get(node, 1.0)
            if old != new:
                order = Order.DOWN if new < old else Order.UP
                self._events.append(FaultEvent(at_ms, order, "bandwidth", node, ratio=new, why=why))
        for tier in now.storage:
            if tier not in before.storage:
                self._events.append(FaultEvent(at_ms, Order.DOWN, "storage_down", tier, why=why))
        for tier in before.storage:
            if tier not in now.storage:
                self._events.append(FaultEvent(at_ms, Order.UP, "storage_up", tier))
        if now.no_new_starts != before.no_new_starts:
            kind: Kind = "starts_off" if now.no_new_starts else "starts_on"
            self._events.append(FaultEvent(at_ms, Order.DOWN if now.no_new_starts else Order.UP, kind, why=why))

    def _pass_time(self, span_ms: int) -> None:
        """Adds the state that lasted for so long to what is counted."""
        if span_ms <= 0:
            return
        down = [node for (node, accelerator), faults in self.reasons.items() if accelerator is None and faults > 0]
        for node in down:
            self._node_down_ms[node] += span_ms
        up_alone = sum(lost for node, lost in self._alone.items() if lost and (node, None) not in self.reasons)
        self._sums["accelerators"] += span_ms * (sum(self._accelerators[node] for node in down) + up_alone)
        for node, ratio in self.felt.nodes_degraded.items():
            if (node, None) not in self.reasons:
                self._bandwidth_lost += span_ms * (1 - ratio) * self._accelerators[node]
        for tier in self.felt.storage:
            self._storage_down_ms[tier] += span_ms
        self._sums["starts_off"] += span_ms * self.felt.no_new_starts

    def _result(self) -> Timeline:
        place = {name: number for number, name in enumerate(self._accelerators)}
        return Timeline(
            # Machines that change together are told in the hall's order, so that a run can be repeated to the letter.
            events=tuple(sorted(self._events, key=lambda event: (event.at_ms, event.order, place.get(event.name, -1)))),
            horizon_ms=self.horizon_ms,
            nodes=len(self._accelerators),
            accelerators=sum(self._accelerators.values()),
            node_down_ms=dict(self._node_down_ms),
            accelerator_down_ms=self._sums["accelerators"],
            bandwidth_lost_ms=self._bandwidth_lost,
            storage_down_ms=dict(self._storage_down_ms),
            starts_off_ms=self._sums["starts_off"],
        )


_ACCELERATOR: Mapping[bool, Kind] = {True: "accelerator_down", False: "accelerator_up"}
