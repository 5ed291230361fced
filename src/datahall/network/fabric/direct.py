"""Sizes of fabrics whose switches are joined to each other: dragonfly, dragonfly+ and torus, in closed form."""

from dataclasses import dataclass
from math import ceil, prod


@dataclass(frozen=True, slots=True)
class DragonflySize:
    """Groups of routers; every two groups are joined by the same number of links.

    Source: Kim et al., ISCA 2008, doi:10.1109/ISCA.2008.19; dragonfly+: Shpiner et al., HiPINEB 2017,
    doi:10.1109/HiPINEB.2017.11.
    """

    endpoints_per_router: int
    """p; of a leaf in dragonfly+."""
    routers_per_group: int
    """a; leaves in dragonfly+, which has as many spines."""
    global_per_router: int
    """h; of a spine in dragonfly+."""
    groups: int
    plus: bool

    @property
    def switches_per_group(self) -> int:
        return self.routers_per_group * (2 if self.plus else 1)

    @property
    def local_links(self) -> int:
        """Inside groups: all to all, or every leaf to every spine."""
        a = self.routers_per_group
        return self.groups * (a * a if self.plus else a * (a - 1) // 2)

    @property
    def links_of_pair(self) -> int:
        """Between two groups."""
        ports = self.routers_per_group * self.global_per_router
        return ports // (self.groups - 1) if self.groups > 1 else 0

    @property
    def global_links(self) -> int:
        return self.groups * (self.groups - 1) // 2 * self.links_of_pair

    @property
    def ports_needed(self) -> int:
        """Of the busiest switch."""
        p, a, h = self.endpoints_per_router, self.routers_per_group, self.global_per_router
        return max(a + p, a + h) if self.plus else p + a - 1 + h

    @property
    def largest_groups(self) -> int:
        """Most groups that a link to each of the others can join."""
        return self.routers_per_group * self.global_per_router + 1


def dragonfly_for(endpoints: int, *, p: int, a: int, h: int, plus: bool = False) -> DragonflySize:
    """As many groups as the endpoints fill."""
    return DragonflySize(p, a, h, max(1, ceil(endpoints / (p * a))), plus)


@dataclass(frozen=True, slots=True)
class TorusSize:
    """A grid whose ends meet. Two neighbours are joined once, also where an axis has just two."""

    dimensions: tuple[int, ...]

    @property
    def endpoint_count(self) -> int:
        return prod(self.dimensions)

    @property
    def links(self) -> int:
        return sum(self.links_along(length) for length in self.dimensions)

    @property
    def ports_needed(self) -> int:
        """Of one endpoint."""
        return sum(min(2, length - 1) for length in self.dimensions)

    @property
    def diameter(self) -> int:
        """Links of the longest shortest path."""
        return sum(length // 2 for length in self.dimensions)

    def links_along(self, length: int) -> int:
        """Along one axis of this length."""
        rings = self.endpoint_count // length
        return rings * (0 if length == 1 else 1 if length == 2 else length)
