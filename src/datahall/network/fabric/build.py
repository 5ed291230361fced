"""A fabric as built: switches, links and cables counted in closed form, with their power and price."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import floor

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.money import Amount
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.spec import Fabric
from datahall.network.catalog import CablePart, NetworkCatalogue, SwitchPart
from datahall.network.fabric.cables import Choice, Pieces, choice_of, declared, pieces_of
from datahall.network.fabric.levels import Level, levels_of
from datahall.network.fabric.tiers import Bundle, Tier, bundles_of, tiers_of
from datahall.network.fabric.wiring import Demand, DoesNotFitError, Wiring, wiring_of


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bill: so many of a part. price: of one; None where the catalogue has none."""

    part: str
    what: str
    count: int
    price: Amount | None


@dataclass(frozen=True, slots=True)
class Cabling:
    """Cables of one bundle of links. choice None: no length is declared, or no row reaches."""

    bundle: Bundle
    length_m: float | None
    choice: Choice | None
    pieces: tuple[Pieces, ...]


@dataclass(frozen=True)
class FabricBuild:
    """All that is bought and wired for one declared fabric."""

    fabric: Fabric
    switch: SwitchPart
    radix: int
    """Ports of a switch at the line rate of the fabric."""
    demand: Demand
    wiring: Wiring
    tiers: tuple[Tier, ...]
    """From the servers up."""
    bundles: tuple[Bundle, ...]
    levels: tuple[Level, ...]
    """Who reaches whom, over how many switches, with which share of the line rate."""
    cabling: tuple[Cabling, ...]

    @property
    def name(self) -> str:
        return self.fabric.name

    @property
    def servers(self) -> int:
        return self.demand.servers

    @property
    def endpoints_per_server(self) -> int:
        return self.demand.endpoints_per_server

    @property
    def endpoints(self) -> int:
        return self.demand.endpoints

    @property
    def rails(self) -> int:
        return self.wiring.rails

    @property
    def link_bits_per_s(self) -> float:
        return self.fabric.link_bits_per_s

    @property
    def split(self) -> int:
        """Links that one switch port is split into."""
        return self.radix // self.switch.ports

    @property
    def split_ports(self) -> int:
        """Switch ports that are split, over all switches."""
        return self.switches * self.switch.ports if self.split > 1 else 0

    @cached_property
    def switches(self) -> int:
        """Switches that are bought."""
        return sum(tier.switches for tier in self.tiers if not tier.integrated)

    def switches_of(self, tier: str) -> int:
        """Switches of a tier, such as `leaf`; 0 where there is no such tier."""
        return sum(t.switches for t in self.tiers if t.name == tier)

    def links_of(self, bundle: str) -> int:
        """Links of a bundle, such as `leaf-spine`; 0 where there is none."""
        return sum(b.links for b in self.bundles if b.name == bundle)

    @cached_property
    def links(self) -> int:
        """All links at line rate, those to servers and to fabric managers included."""
        return sum(bundle.links for bundle in self.bundles)

    @cached_property
    def oversubscription(self) -> dict[str, float]:
        """Downlinks over uplinks by tier, as built; tiers without uplinks are left out."""
        return {tier.name: tier.down / tier.up for tier in self.tiers if tier.up}

    @property
    def diameter(self) -> int:
        """Switches on the longest shortest path inside one plane."""
        return max(level.switches for level in self.levels)

    @cached_property
    def pieces(self) -> tuple[Pieces, ...]:
        """Cables and transceivers, bundle by bundle."""
        return tuple(piece for cabling in self.cabling for piece in cabling.pieces)

    @property
    def is_cabled(self) -> bool:
        """Whether every link has its cable."""
        return all(cabling.choice for cabling in self.cabling)

    @cached_property
    def switch_power_w(self) -> float:
        """All switches: without optics where each link has its cable, else with the strongest optics, W."""
        bare_w = self.switch.bare_power_w
        return self.switches * (bare_w if bare_w and self.is_cabled else self.switch.peak_power_w)

    @cached_property
    def optics_power_w(self) -> float:
        """Ends in switches, as far as `switch_power_w` leaves them out, W."""
        if not self.is_cabled or not self.switch.bare_power_w:
            return 0.0
        return sum(_power_w(cabling, in_switches=True) for cabling in self.cabling)

    @cached_property
    def server_optics_power_w(self) -> float:
        """Ends in servers, W: inside the peak power that a server's row states, so not in `power_w`."""
        return sum(_power_w(cabling, in_switches=False) for cabling in self.cabling)

    @property
    def power_w(self) -> float:
        """Switches with the optics in them, W."""
        return self.switch_power_w + self.optics_power_w

    @cached_property
    def bill(self) -> tuple[Line, ...]:
        """What is bought, spares included."""
        lines = [Line(self.switch.name, "switch", self.switches, self.switch.price)] if self.switches else []
        for piece in self.pieces:
            where = "" if piece.where == "both ends" else f", {piece.where}"
            lines.append(Line(piece.part.name, f"{piece.part.kind}{where}", piece.count + piece.spares, piece.part.price))
        return tuple(lines)

    @cached_property
    def price(self) -> Amount | None:
        """Of all lines; None where a price is missing, or where they are in several currencies: see `price_missing`."""
        if self.price_missing:
            return None
        currency = self.bill[0].price.currency if self.bill and self.bill[0].price else None
        return Amount(sum(line.count * line.price.value for line in self.bill if line.price), currency)

    @cached_property
    def price_missing(self) -> tuple[str, ...]:
        """What stands between the bill and one sum."""
        missing = [f"no price of {line.part}" for line in self.bill if line.price is None]
        for cabling in self.cabling:
            if not cabling.choice:
                why = "no length is declared" if cabling.length_m is None else f"no cable reaches {cabling.length_m:g} m"
                missing.append(f"{cabling.bundle.name} links have no cable: {why}")
        currencies = {line.price.currency or "the hall's currency" for line in self.bill if line.price}
        if len(currencies) > 1:
            missing.append(f"prices are in {', '.join(sorted(currencies))}")
        return tuple(dict.fromkeys(missing))


def radix_of(switch: SwitchPart, link_bits_per_s: float) -> int:
    """Links of this rate that one switch can have; 0 where its ports are slower."""
    return switch.ports * min(switch.splits_into, floor(switch.port_bits_per_s / link_bits_per_s + 1e-9))


def build(
    fabric: Fabric, *, servers: int, endpoints_per_server: int, catalogue: NetworkCatalogue, where: str | None = None
) -> FabricBuild:
    """The fabric for so many servers with so many ports each.

    where: what a problem calls the place of the fabric. Raises Missing where the switch or a cable is not in the catalogue,
    Refused where the declaration cannot be met.
    """
    where = where or f"fabrics.{fabric.name}"
    switch = catalogue.switches.get(fabric.switch)
    if switch is None:
        raise Missing(
            Problem("NET-001", where, f"there is no switch `{fabric.switch}`", near(fabric.switch, catalogue.switches))
        )
    for cable in (fabric.cable, fabric.uplink_cable):
        if cable is not None and cable not in catalogue.cables:
            raise Missing(Problem("NET-002", where, f"there is no cable `{cable}`", near(cable, catalogue.cables)))
    if servers < 1 or endpoints_per_server < 1:
        what = f"{servers} servers with {endpoints_per_server} ports each hang on it"
        raise Refused(Problem("NET-019", where, what, "name servers with ports for it, or set `endpoints_per_server`"))
    radix = radix_of(switch, fabric.link_bits_per_s)
    if radix == 0:
        raise Refused(replace(slow_port(fabric, switch), where=where))
    demand = Demand(servers, endpoints_per_server, fabric.manager_links)
    try:
        wiring = wiring_of(fabric, demand, radix=radix)
    except DoesNotFitError as error:
        raise Refused(replace(error.problem, where=where)) from None
    bundles = bundles_of(wiring.shape, demand)
    cabling = tuple(_cabling(fabric, switch, bundle, catalogue) for bundle in bundles if bundle.links)
    tiers = tiers_of(wiring.shape, demand, radix=radix)
    return FabricBuild(fabric, switch, radix, demand, wiring, tiers, bundles, levels_of(wiring), cabling)


def slow_port(fabric: Fabric, switch: SwitchPart) -> Problem:
    """The problem of a link that is faster than the ports of the switch."""
    what = f"links run at {fabric.link_bits_per_s / 1e9:g} Gbit/s, but a port of {switch.name} at "
    what += f"{switch.port_bits_per_s / 1e9:g} Gbit/s"
    fix = "choose a faster switch or lower link_bits_per_s"
    return Problem("NET-003", f"fabrics.{fabric.name}", what, fix)


def cage_links(fabric: Fabric, switch: SwitchPart) -> int:
    """Links that one cage of the switch carries."""
    split = min(switch.splits_into, floor(switch.port_bits_per_s / fabric.link_bits_per_s + 1e-9))
    return switch.ports_per_cage * max(1, split)


def chosen_cable(fabric: Fabric, switch: SwitchPart, catalogue: NetworkCatalogue, *, to_servers: bool) -> Choice | None:
    """The cable of one kind of link: as declared, else by reach; None where no length is declared or no row reaches."""
    name = fabric.cable if to_servers else fabric.uplink_cable
    length_m = fabric.cable_length_m if to_servers else fabric.uplink_length_m
    cage = cage_links(fabric, switch)
    lower = 1 if to_servers else cage
    if name is not None and (part := catalogue.cables.get(name)):
        return declared(part, catalogue.cables.values(), upper_links=cage, lower_links=lower)
    if length_m is None or name is not None:
        return None
    rows, rate = catalogue.cables, fabric.link_bits_per_s
    return choice_of(rows, bits_per_s=rate, length_m=length_m, upper_links=cage, lower_links=lower)


def _cabling(fabric: Fabric, switch: SwitchPart, bundle: Bundle, catalogue: NetworkCatalogue) -> Cabling:
    to_servers = bundle.to_servers
    length_m = fabric.cable_length_m if to_servers else fabric.uplink_length_m
    choice = chosen_cable(fabric, switch, catalogue, to_servers=to_servers)
    spare = fabric.spare_ratio
    pieces = pieces_of(choice, bundle.links, spare_ratio=spare, length_m=length_m, to_servers=to_servers) if choice else []
    return Cabling(bundle, length_m, choice, tuple(pieces))


def _power_w(cabling: Cabling, *, in_switches: bool) -> float:
    """Of the ends in switches, or of those in servers, W."""
    choice, bundle = cabling.choice, cabling.bundle
    if choice is None:
        return 0.0
    upper_w, lower_w = (_end_w(part, bundle.links) for part in (choice.upper, choice.lower))
    if bundle.switch_ends == 2:
        return upper_w + lower_w if in_switches else 0.0
    if bundle.switch_ends == 0:
        return 0.0 if in_switches else upper_w + lower_w
    return upper_w if in_switches else lower_w


def _end_w(part: CablePart, links: int) -> float:
    return -(-links // part.links) * part.power_w
