"""Cables of a fabric: those declared, or the ones of least power that reach; counted piece by piece."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from datahall.network.catalog.specs import CablePart


@dataclass(frozen=True, slots=True)
class Pieces:
    """Cables or transceivers of one type."""

    part: CablePart
    count: int
    """In use."""
    spares: int
    where: str
    """`both ends`, `switch end`, `server end`."""
    length_m: float | None
    """Of the link that they are for."""

    @property
    def power_w(self) -> float:
        """Of the pieces in use: both ends of a cable, the one end of a transceiver."""
        return self.count * self.part.power_w * (1 if self.part.is_pluggable else 2)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a link is made of: one part at both ends, or a transceiver for each."""

    upper: CablePart
    """At the end of the switch, or of the upper switch."""
    lower: CablePart

    @property
    def power_w(self) -> float:
        """Of one link, W."""
        return self.upper.power_w / self.upper.links + self.lower.power_w / self.lower.links


def choice_of(
    cables: Mapping[str, CablePart], *, bits_per_s: float, length_m: float, upper_links: int, lower_links: int
) -> Choice | None:
    """The pair of ends of least power that reaches so far; None when no row does.

    upper_links, lower_links: links that one cage carries at that end. Where no row is made for as many, a single link's
    is taken.
    """
    rows = [row for row in cables.values() if row.bits_per_s == bits_per_s]
    reaching = [row for row in rows if row.reach_m >= length_m]
    # A cable for one link wastes half of a twin-port cage, and with it half of the radix.
    fixed_links = upper_links if any(row.links == upper_links for row in rows) else 1
    choices = [Choice(row, row) for row in reaching if not row.is_pluggable and row.links == fixed_links]
    for medium in ("multimode", "singlemode"):
        optics = [row for row in reaching if row.is_pluggable and row.medium == medium]
        upper, lower = _least(optics, upper_links), _least(optics, lower_links)
        if upper and lower:
            choices.append(Choice(upper, lower))
    return min(choices, key=lambda choice: choice.power_w, default=None)


def _least(rows: list[CablePart], links: int) -> CablePart | None:
    """Of least power; a row for as many links as the cage carries comes before one for a single link."""
    for wanted in dict.fromkeys((links, 1)):
        if fitting := [row for row in rows if row.links == wanted]:
            return min(fitting, key=lambda row: row.power_w)
    return None


def declared(part: CablePart, cables: Iterable[CablePart], *, upper_links: int, lower_links: int) -> Choice:
    """The declared row at both ends; where it is a transceiver, each end takes the row of its kind for its cage."""
    if not part.is_pluggable:
        return Choice(part, part)
    alike = [row for row in cables if row.is_pluggable and row.medium == part.medium and row.bits_per_s == part.bits_per_s]
    alike = [row for row in alike if row.reach_m >= part.reach_m]
    ends = [part if links == part.links else _least(alike, links) or part for links in (upper_links, lower_links)]
    return Choice(ends[0], ends[1])


def pieces_of(choice: Choice, links: int, *, spare_ratio: float, length_m: float | None, to_servers: bool) -> list[Pieces]:
    """How many of each part so many links take, with spares rounded up."""

    def counted(part: CablePart, count: int, where: str) -> Pieces:
        return Pieces(part, count, ceil(count * spare_ratio - 1e-9), where, length_m)

    upper, lower = ceil(links / choice.upper.links), ceil(links / choice.lower.links)
    if not choice.upper.is_pluggable:
        return [counted(choice.upper, upper, "both ends")]
    if choice.upper == choice.lower:
        return [counted(choice.upper, upper + lower, "both ends")]
    far = "server end" if to_servers else "lower switch"
    return [counted(choice.upper, upper, "switch end"), counted(choice.lower, lower, far)]
