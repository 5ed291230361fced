"""What holds for every fabric that can be built: closed forms are the graph's, links end twice, nothing is over its ports."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from datahall.foundation.errors import Refused
from datahall.infrastructure.spec import Dragonfly, FatTree, LeafSpine, RailOnly, RailOptimised, Torus
from datahall.network.catalog import NetworkCatalogue, NetworkPartsFile, SwitchPart
from datahall.network.fabric import FabricBuild, build
from datahall.network.fabric.bisection import bisection_of, clos_bisection, max_flow, side_of
from datahall.network.fabric.clos import Clos, fewest_above
from datahall.network.fabric.graph import graph_of
from datahall.network.fabric.paths import busiest_path_flows, shortest_paths
from datahall.network.fabric.survival import mixed_leaves, single_points, survival_of

COMMON = {"name": "f", "protocol": "tcp", "switch": "s", "link_bits_per_s": 1e9}
FILTERED = [HealthCheck.filter_too_much]  # most random declarations cannot be built, and are not meant to be
RATIOS = st.sampled_from([1.0, 1.5, 2.0, 3.0, 7.0])


def catalogue(radix: int) -> NetworkCatalogue:
    row = SwitchPart(
        name="sw", unit="W", source="made for a test", date="2026-11", units=1, peak_power_w=100,
        ports=radix, port_bits_per_s=1e9, protocols=("tcp",),
    )  # fmt: skip
    return NetworkCatalogue(NetworkPartsFile(switches=(row.model_copy(update={"name": "s"}),)))


@st.composite
def clos_builds(draw) -> FabricBuild:
    kind = draw(st.sampled_from(["leaf_spine", "fat_tree", "rail_optimised", "rail_only"]))
    ports = draw(st.sampled_from([1, 2, 4]))
    unit = draw(st.sampled_from([None, None, 3, 8]))
    if kind == "leaf_spine":
        fabric = LeafSpine(topology=kind, oversubscription=draw(RATIOS), servers_per_unit=unit, **COMMON)
    elif kind == "fat_tree":
        tiers = draw(st.sampled_from([None, 2, 3]))
        fabric = FatTree(topology=kind, oversubscription=draw(RATIOS), tiers=tiers, servers_per_unit=unit, **COMMON)
    elif kind == "rail_optimised":
        join = draw(st.sampled_from(["auto", "spine", "planes", "core"]))
        fabric = RailOptimised(
            topology=kind, rails=ports, join=join, oversubscription=draw(RATIOS), servers_per_unit=unit, **COMMON
        )
    else:
        fabric = RailOnly(topology=kind, rails=ports, **COMMON)
    return _built(fabric, draw(st.integers(1, 90)), ports, draw(st.integers(4, 12)))


@st.composite
def direct_builds(draw) -> FabricBuild:
    if draw(st.booleans()):
        sides = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
        servers = int(np.prod(sides))
        return _built(Torus(topology="torus", dimensions=sides, **COMMON), servers, 1, 8)
    p, a, h = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    kind = draw(st.sampled_from(["dragonfly", "dragonfly_plus"]))
    fabric = Dragonfly(topology=kind, endpoints_per_router=p, routers_per_group=a, global_links_per_router=h, **COMMON)
    return _built(fabric, draw(st.integers(1, p * a * (a * h + 1))), 1, 16)


def _built(fabric, servers: int, ports: int, radix: int) -> FabricBuild:
    try:
        return build(fabric, servers=servers, endpoints_per_server=ports, catalogue=catalogue(radix))
    except Refused:
        assume(False)
        raise


@given(st.one_of(clos_builds(), direct_builds()))
@settings(max_examples=300, deadline=None, suppress_health_check=FILTERED)
def test_the_graph_is_what_was_counted(made):
    """Given any build, its graph has as many switches and links as its counts, and no switch more ports than it has."""
    graph = graph_of(made)
    assert graph.nodes == sum(tier.switches for tier in made.tiers) or made.fabric.topology == "torus"
    upward = sum(bundle.links for bundle in made.bundles if bundle.lower not in ("server", "manager"))
    assert graph.link_count == upward
    assert graph.endpoints.sum() == made.endpoints
    if made.fabric.topology != "torus":
        assert graph.ports.max() <= made.radix


@given(st.one_of(clos_builds(), direct_builds()))
@settings(max_examples=200, deadline=None, suppress_health_check=FILTERED)
def test_links_end_at_both_sides(made):
    """Given any build, the links of a tier are the same number counted from below and from above."""
    graph = graph_of(made)
    ends = np.bincount(graph.low, graph.links, graph.nodes) + np.bincount(graph.high, graph.links, graph.nodes)
    first = np.cumsum([0, *(count for _, count in graph.tiers)])
    assert ends.sum() == 2 * graph.link_count
    if isinstance(shape := made.wiring.shape, Clos):
        for index, tier in enumerate(made.tiers):
            of_tier = ends[first[index] : first[index + 1]]
            assert (of_tier == (tier.up if tier.name == "leaf" else tier.up + tier.down)).all()
        assert shape.leaf_count * shape.down >= made.endpoints


@given(clos_builds())
@settings(max_examples=200, deadline=None, suppress_health_check=FILTERED)
def test_the_closed_form_of_the_bisection_is_the_max_flow(made):
    """Given any folded Clos, counting from the leaves up finds what a max-flow finds."""
    assert clos_bisection(made) == max_flow(graph_of(made), side_of(made))


@given(clos_builds())
@settings(max_examples=150, deadline=None, suppress_health_check=FILTERED)
def test_a_fabric_without_oversubscription_has_full_bisection(made):
    """Given no oversubscription, one half of the servers can send all it has to the other."""
    assume(getattr(made.fabric, "oversubscription", 1.0) == 1.0 and made.servers > 1)
    assert bisection_of(made).ratio == 1.0
    assert all(level.rate_ratio == 1.0 for level in made.levels)


@given(clos_builds())
@settings(max_examples=150, deadline=None, suppress_health_check=FILTERED)
def test_single_points_of_failure_are_those_of_the_graph(made):
    """Given any folded Clos, what its closed form says of the loss of a link or a spine, the graph says too."""
    graph, survival = graph_of(made), survival_of(made)
    assume(made.wiring.shape.pods * made.wiring.shape.leaves > 1)
    switches, links = single_points(graph)
    leaves = graph.tiers[0][1]
    assert survival.any_upper_switch == (not [node for node in switches if node >= leaves])
    assert survival.any_link == (not links)


@given(clos_builds())
@settings(max_examples=100, deadline=None, suppress_health_check=FILTERED)
def test_paths_and_distances_are_those_of_the_levels(made):
    """Given any folded Clos, a breadth-first search finds the distances and the number of paths that its levels state."""
    graph = graph_of(made)
    distance, paths = shortest_paths(graph, 0)
    leaves = graph.tiers[0][1]
    met = {(int(d), int(n)) for d, n in zip(distance[1:leaves], paths[1:leaves], strict=True) if d > 0}
    assert met <= {(level.switches - 1, level.paths) for level in made.levels}


@pytest.mark.parametrize(("radix", "servers", "positions"), [(16, 40, 2), (20, 90, 2), (40, 140, 5)])
def test_spines_that_share_cores_block_nothing(radix, servers, positions):
    """Given spines whose uplinks fill no whole cores of their own, shared ones are fewer, and the bisection stays full."""
    made = _built(RailOptimised(topology="rail_optimised", rails=8, join="core", **COMMON), servers, 8, radix)
    shape, graph = made.wiring.shape, graph_of(made)
    alone = fewest_above(shape.pods, shape.spine_up, ports=radix, most_uplinks=radix - shape.spine_down)
    assert shape.positions == positions
    assert alone is None or shape.core_count < shape.spines * alone[0]
    assert clos_bisection(made) == max_flow(graph, side_of(made))
    assert graph.ports.max() <= radix
    distance, paths = shortest_paths(graph, 0)
    level = made.levels[-1]
    assert {int(n) for d, n in zip(distance, paths, strict=True) if d == level.switches - 1} == {level.paths}


@given(clos_builds())
@settings(max_examples=100, deadline=None, suppress_health_check=FILTERED)
def test_rails_stay_apart(made):
    """Given a fabric with rails, no leaf sees ports of more rails than share it."""
    assume(made.rails > 1)
    assert mixed_leaves(made) == 0


@given(below=st.integers(1, 200), uplinks=st.integers(1, 72), ports=st.sampled_from([8, 40, 64, 144]))
def test_upper_switches_are_the_fewest_that_divide_the_uplinks(below, uplinks, ports):
    """Given leaves and their uplinks, the number is the smallest divisor of the uplinks that the ports of a spine allow."""
    divisors = [s for s in range(1, uplinks + 1) if uplinks % s == 0 and below * uplinks <= s * ports]
    found = fewest_above(below, uplinks, ports=ports, most_uplinks=uplinks)
    assert (found and found[0]) == min(divisors, default=None)


@given(servers=st.integers(1, 400), radix=st.sampled_from([8, 16, 32]), join=st.sampled_from(["spine", "planes"]))
@settings(deadline=None, suppress_health_check=FILTERED)
def test_more_servers_never_take_fewer_switches(servers, radix, join):
    """Given one more server, no fewer switches are bought; of two tiers, none shrinks (cores may come to be shared better)."""
    fabric = RailOptimised(topology="rail_optimised", rails=4, join=join, **COMMON)
    less, more = (_built(fabric, n, 4, radix) for n in (servers, servers + 1))
    assume(less.diameter == more.diameter)
    assert more.links > less.links
    assert less.switches <= more.switches
    if len(less.tiers) == 2:
        assert all(a.switches <= b.switches for a, b in zip(less.tiers, more.tiers, strict=True))


@pytest.mark.parametrize(("flows", "paths"), [(1, 1), (8, 4), (64, 8), (40, 100)])
def test_hashing_meets_a_simulation(flows, paths):
    """Given flows that each pick a path at random, the busiest path carries on average what the formula says."""
    picks = np.random.default_rng(7).integers(0, paths, (4000, flows))
    simulated = np.mean([np.bincount(pick, minlength=paths).max() for pick in picks])
    assert busiest_path_flows(flows, paths) == pytest.approx(simulated, rel=0.02)
