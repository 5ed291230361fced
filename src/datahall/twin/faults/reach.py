"""What a fault takes with it, over all floors: power, cooling, network, storage, control plane, site."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import groupby

from datahall.foundation.ranges import names_of
from datahall.infrastructure.storage.tier import fragments_of
from datahall.twin.faults.cooling_reach import CoolingLoss, CoolingReach, HeatStop
from datahall.twin.faults.elements import POWER, Element, Elements
from datahall.twin.faults.harm import Harm
from datahall.twin.faults.network_reach import FabricReach, switch_racks
from datahall.twin.faults.power_reach import PowerLoss, PowerReach

OWN = frozenset({"node", "accelerator"})
"""What takes nothing else with it: such faults are counted, never asked for together."""
TOLD = 3


class Reach:
    """One hall. Answers are kept: the same losses are asked for again and again in a rehearsal."""

    def __init__(self, elements: Elements) -> None:
        self.elements = elements
        self._known: dict[frozenset[Element], Harm] = {}

    def of(self, *lost: Element) -> Harm:
        """Harm of all of these together, while all of them last: two of N+1 are more than one and one."""
        shared = frozenset(element for element in lost if element.what not in OWN)
        harm = self._shared(shared) if shared else Harm()
        own = [element for element in lost if element.what in OWN]
        return _with_own(harm, own, self.elements) if own else harm

    def _shared(self, lost: frozenset[Element]) -> Harm:
        if lost not in self._known:
            harm = self._worked_out(lost)
            nothing = f"{', '.join(sorted(f'`{e.name}`' for e in lost)[:TOLD])} lost: what is left carries the load"
            self._known[lost] = harm if harm.why else replace(harm, why=(nothing,))
        return self._known[lost]

    def _worked_out(self, lost: frozenset[Element]) -> Harm:
        site = next((element for element in lost if element.what == "site"), None)
        if site is not None:
            return self._site(site.name)
        names = [element.name for element in lost if element.what in POWER]
        power = self._power.without(names) if names else PowerLoss()
        stops = self._heat(lost, power)
        dark = self._dark(lost, power, power.lost_racks, stops)
        later = (*map(self._stopped, stops), *self._dry(power))
        if not power.held_racks:
            return replace(dark, later=later)
        first = self._dark(lost, power, power.lost_racks - power.held_racks, stops)
        empty = replace(dark, after_s=power.hold_s, side="battery", nodes_interrupted=frozenset(), gap_s=0.0)
        stages = sorted((empty, *later), key=lambda stage: stage.after_s)
        return replace(first, why=dark.why, witness=dark.witness, later=tuple(stages))

    def _dark(self, lost: frozenset[Element], power: PowerLoss, racks: frozenset[str], stops: Collection[HeatStop]) -> Harm:
        """What follows from all that is lost, once these racks are dark."""
        switches = self._switches_in(racks) | {e for e in lost if e.what in {"switch", "leaf", "link"}}
        down, degraded, unstored, network_why = self._network(switches)
        tiers, storage_why = self._storage(lost, racks)
        told = (*power.why, *network_why, *storage_why, *(stop.why for stop in stops))
        control = any(element.what == "control_plane" for element in lost)
        return Harm(
            nodes_down=self._machines_in(racks) | down,
            nodes_degraded=degraded,
            racks=tuple(sorted(racks)),
            nodes_interrupted=self._machines_in(power.interrupted_racks),
            gap_s=power.gap_s,
            storage=tiers,
            nodes_without_storage=unstored,
            no_new_starts=control,
            why=told if not control else (*told, "the control plane is lost: what runs goes on, nothing new starts"),
            witness=power.witness or self._witness(lost, down, degraded, stops),
        )

    def _site(self, name: str) -> Harm:
        machines, loaded = self.elements.machines, self.elements.loaded
        return Harm(
            nodes_down=frozenset(machine.name for machine in machines),
            racks=tuple(rack for block in loaded.estate.blocks for rack in block.names),
            storage=tuple(tier.name for tier in loaded.hall.storage),
            no_new_starts=True,
            why=(f"the site `{name}` is lost, and all that is in it",),
            witness=(name, machines[0].name) if machines else (name,),
        )

    @cached_property
    def _power(self) -> PowerReach:
        return PowerReach(self.elements.loaded)

    @cached_property
    def _cooling(self) -> CoolingReach:
        return CoolingReach(self.elements.loaded, self._power.design)

    @cached_property
    def _fabrics(self) -> tuple[FabricReach, ...]:
        return tuple(FabricReach(self.elements, number) for number in range(len(self.elements.loaded.fabrics)))

    @cached_property
    def _switches_of_rack(self) -> dict[str, set[Element]]:
        found: dict[str, set[Element]] = {}
        racks = switch_racks(self.elements)
        for switch in self.elements.of("switch").values():
            if (rack := racks.get((switch.key[0], switch.key[1]))) is not None:
                found.setdefault(rack, set()).add(switch)
        return found

    @property
    def alike_power(self) -> tuple[tuple[str, ...], ...]:
        """Power elements that no figure and no wire tells apart; empty where none is declared."""
        return self._power.alike if self.elements.graph.elements else ()

    def _switches_in(self, racks: Iterable[str]) -> set[Element]:
        return {switch for rack in racks for switch in self._switches_of_rack.get(rack, ())}

    def _machines_in(self, racks: Iterable[str]) -> frozenset[str]:
        elements = self.elements
        return frozenset(elements.machines[i].name for rack in racks for i in elements.machines_in.get(rack, ()))

    def _network(self, lost: Collection[Element]) -> tuple[frozenset[str], dict[str, float], frozenset[str], list[str]]:
        """Machines that nothing reaches, shares of bandwidth, machines without storage, and in words."""
        down, unstored, why = set[str](), set[str](), list[str]()
        compute = list[dict[int, float]]()
        reaching = list[tuple[FabricReach, dict[int, float]]]()
        for fabric in self._fabrics:
            here = [element for element in lost if element.key[0] == fabric.number]
            kept = fabric.kept(here) if here else {}
            reaching.append((fabric, kept))
            if kept:
                why.append(_network_words(fabric, here, kept))
        names = self.elements.machines
        for purpose, found in (("management", down), ("storage", unstored)):
            every = [kept for fabric, kept in reaching if fabric.purpose == purpose]
            gone = [{machine for machine, ratio in kept.items() if ratio <= 0} for kept in every]
            found |= {names[machine].name for machine in (set.intersection(*gone) if gone else ())}
        compute = [kept for fabric, kept in reaching if fabric.purpose == "compute"]
        worst: dict[int, float] = {}
        for kept in compute:
            for machine, ratio in kept.items():
                worst[machine] = min(ratio, worst.get(machine, 1.0))
        degraded = {names[machine].name: ratio for machine, ratio in worst.items()}
        return frozenset(down), degraded, frozenset(unstored), why

    def _heat(self, lost: Collection[Element], power: PowerLoss) -> tuple[HeatStop, ...]:
        chillers = sum(element.what == "chiller" for element in lost)
        pumps = sum(element.what == "pump" for element in lost)
        loss = CoolingLoss(chillers, pumps, power.plant, power.fans, power.fans_hold_s)
        return self._cooling.stops(loss) if loss != CoolingLoss() else ()

    def _stopped(self, stop: HeatStop) -> Harm:
        loose = frozenset(machine.name for machine in self.elements.machines if machine.rack is None)
        down = self._machines_in(stop.racks) | (loose if stop.loose_machines else frozenset())
        return Harm(nodes_down=down, racks=tuple(sorted(stop.racks)), after_s=stop.after_s, side=stop.side, why=(stop.why,))

    def _dry(self, power: PowerLoss) -> Iterator[Harm]:
        """Racks whose generators run out of fuel."""
        if power.dry_racks:
            down, racks = self._machines_in(power.dry_racks), tuple(sorted(power.dry_racks))
            why = f"tanks are empty: {len(racks):,} racks lose power"
            yield Harm(nodes_down=down, racks=racks, after_s=power.dry_after_s, side="fuel", why=(why,))

    def _storage(self, lost: Collection[Element], dark: Collection[str]) -> tuple[tuple[str, ...], list[str]]:
        """Tiers that do not answer: those lost themselves, and those of which too many servers are dark.

        Which rack holds which tier is not declared: all tiers are taken to be spread over the racks of storage zones.
        """
        hall = self.elements.loaded.hall
        gone = {element.name for element in lost if element.what == "storage"}
        zone = self._storage_racks
        for tier in hall.storage if zone and dark else ():
            fragments, tolerated = fragments_of(tier.redundancy)
            if len(zone & set(dark)) / len(zone) > tolerated / fragments:
                gone.add(tier.name)
        tiers = tuple(tier.name for tier in hall.storage if tier.name in gone)
        return tiers, [f"storage `{tier}` does not answer: what saves or reads there stalls" for tier in tiers]

    @cached_property
    def _storage_racks(self) -> frozenset[str]:
        from_zones = (zone for zone in self.elements.loaded.hall.zones if zone.purpose == "storage")
        return frozenset(rack for zone in from_zones for pattern in zone.racks for rack in names_of(pattern))

    def _witness(
        self, lost: Collection[Element], down: Collection[str], degraded: Collection[str], stops: Collection[HeatStop]
    ) -> tuple[str, ...]:
        first = min(down, default=None) or min(degraded, default=None)
        first = first or next((rack for stop in stops for rack in stop.racks[:1]), None)
        return (*sorted(element.name for element in lost)[:TOLD], first) if first else ()


def _network_words(fabric: FabricReach, lost: Collection[Element], kept: dict[int, float]) -> str:
    parts = []
    if cut := sum(ratio <= 0 for ratio in kept.values()):
        parts.append(f"cuts off {_machines(cut)}")
    if left := [ratio for ratio in kept.values() if ratio > 0]:
        parts.append(f"leaves {_machines(len(left))} with {min(left):.1%} of the bandwidth or more")
    which = f"`{next(iter(lost)).name}`" if len(lost) == 1 else f"{len(lost):,} switches and links"
    return f"the loss of {which} in fabric `{fabric.build.name}` {' and '.join(parts)}"


def _machines(count: int) -> str:
    return f"{count:,} machine{'s' if count != 1 else ''}"


def _with_own(harm: Harm, own: Collection[Element], elements: Elements) -> Harm:
    """Machines and accelerators that fail by themselves."""
    nodes = {element.name for element in own if element.what == "node"}
    lost: dict[str, tuple[int, ...]] = {}
    in_order = sorted({element.key for element in own if element.what == "accelerator"})
    for machine, keys in groupby(in_order, key=lambda key: key[0]):
        name = elements.machines[machine].name
        if name not in nodes:
            lost[name] = tuple(key[1] for key in keys)
    told = [f"`{name}` is lost" for name in sorted(nodes)[:TOLD]]
    told += [f"`{name}` loses {len(gone)} of its accelerators" for name, gone in list(lost.items())[:TOLD]]
    return replace(
        harm,
        nodes_down=harm.nodes_down | nodes,
        accelerators_down={**harm.accelerators_down, **lost},
        why=(*harm.why, *told),
        witness=harm.witness or tuple(sorted(element.name for element in own)[:1]),
    )
