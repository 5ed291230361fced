"""Sizes of a folded Clos in closed form: how few switches join so many leaves without blocking.

Source: Clos, Bell Syst. Tech. J. 32(2), 1953; folded and built of one kind of switch: Al-Fares et al., SIGCOMM 2008,
doi:10.1145/1402958.1402967. That every leaf spreads its uplinks evenly over the spines is what the published component
tables of DGX SuperPOD do: 16 spines, not 12, over 24 leaves of 32 uplinks.
"""

from dataclasses import dataclass, replace
from math import ceil


@dataclass(frozen=True, slots=True)
class Clos:
    """Planes of pods of leaves. Every pod of a plane is alike, so a few numbers say all of it."""

    radix: int
    """Ports of one switch at the fabric's line rate."""
    planes: int
    """Networks side by side that nothing joins but the servers."""
    pods: int
    """Of each plane."""
    leaves: int
    """Of each pod."""
    spines: int
    """Of each pod; 0: the leaf stands alone."""
    cores: int
    """Above each set of spine positions of a plane; 0: there is no third tier."""
    down: int
    """Ports of a leaf kept for endpoints."""
    leaf_spine: int
    """Parallel links of a leaf to each spine of its pod."""
    spine_core: int
    """Parallel links of a spine to each core above it."""
    positions: int = 1
    """Spine positions of a pod that share a set of cores."""

    @property
    def leaf_count(self) -> int:
        return self.planes * self.pods * self.leaves

    @property
    def spine_count(self) -> int:
        return self.planes * self.pods * self.spines

    @property
    def core_count(self) -> int:
        return self.planes * self.core_sets * self.cores

    @property
    def core_sets(self) -> int:
        """Of a plane: every spine of a set's positions is on each core of it, and on no other."""
        return self.spines // self.positions

    @property
    def leaf_spine_links(self) -> int:
        return self.leaf_count * self.leaf_up

    @property
    def spine_core_links(self) -> int:
        return self.spine_count * self.spine_up

    @property
    def leaf_up(self) -> int:
        """Uplinks of a leaf."""
        return self.spines * self.leaf_spine

    @property
    def spine_down(self) -> int:
        return self.leaves * self.leaf_spine

    @property
    def spine_up(self) -> int:
        return self.cores * self.spine_core

    @property
    def core_down(self) -> int:
        return self.pods * self.positions * self.spine_core

    @property
    def tiers(self) -> int:
        return 1 if not self.spines else 2 if not self.cores else 3


def fewest_above(below: int, uplinks: int, *, ports: int, most_uplinks: int) -> tuple[int, int] | None:
    """Fewest switches above `below` alike, each with `uplinks`, and the parallel links of a pair; None when none will do.

    Every one below joins every one above by the same number of links: no upper switch uses more than `ports`, no lower
    one more than `most_uplinks`, and none has fewer than `uplinks`.
    """
    for above in range(1, uplinks + 1):
        parallel = ceil(uplinks / above)
        if below * parallel <= ports and above * parallel <= most_uplinks:
            return above, parallel
    return None


def downlinks(radix: int, oversubscription: float) -> int:
    """Ports of a leaf that may face endpoints when they exceed its uplinks by at most this ratio."""
    uplinks = max(1, ceil(radix / (1 + oversubscription) - 1e-9))
    return radix - uplinks


def one_switch(radix: int, *, planes: int = 1) -> Clos:
    """A switch for each plane, all its ports for endpoints."""
    return Clos(radix, planes, 1, 1, 0, 0, radix, 0, 0)


def two_tiers(leaves: int, *, radix: int, down: int, planes: int = 1) -> Clos | None:
    """Every leaf of a plane on every spine of it; None when a spine has too few ports."""
    found = fewest_above(leaves, radix - down, ports=radix, most_uplinks=radix - down)
    if found is None:
        return None
    spines, parallel = found
    return Clos(radix, planes, 1, leaves, spines, 0, down, parallel, 0)


def three_tiers(leaves: int, *, radix: int, down: int, planes: int = 1, groups: int = 1) -> Clos | None:
    """Pods of leaves and spines, joined by cores; None when a core has too few ports.

    leaves: of each group, and no pod mixes groups (a group is a rail). Spines have as many links up as down.
    """
    most_leaves = radix // 2
    if not most_leaves:  # a switch of one port has none to lead on
        return None
    pods = ceil(leaves / most_leaves)
    if groups == 1 and leaves > 1:
        pods = max(2, pods)
    leaves_of_pod = ceil(leaves / pods)
    lower = fewest_above(leaves_of_pod, radix - down, ports=most_leaves, most_uplinks=radix - down)
    if lower is None:
        return None
    spines, leaf_spine = lower
    return _under_cores(Clos(radix, planes, pods * groups, leaves_of_pod, spines, 0, down, leaf_spine, 0))


def _under_cores(pods: Clos) -> Clos | None:
    """The same pods joined by the fewest cores.

    One set of cores for each spine position is the fat tree of Al-Fares. Where the spines of one position do not fill whole
    cores, several positions share a set when that takes fewer: 10 positions of 8 pods with 14 uplinks each take 3 cores a
    position with 5 links a pair, 30 cores and 1,200 cables, but 2 sets of 14 cores with one link a pair, 28 and 1,120 (DGX
    A100 SuperPOD of 140 systems, from memory). Each pod still has as many links to every core as any other, so nothing blocks.
    """
    up, free = pods.spine_down, pods.radix - pods.spine_down
    shares = [n for n in range(1, pods.spines + 1) if pods.spines % n == 0]
    found = [(n, fewest_above(pods.pods * n, up, ports=pods.radix, most_uplinks=free)) for n in shares]
    shapes = [replace(pods, cores=upper[0], spine_core=upper[1], positions=n) for n, upper in found if upper]
    # Of equals the first: with fewer positions a set, losing it takes less along.
    return min(shapes, key=lambda shape: shape.core_count, default=None)
