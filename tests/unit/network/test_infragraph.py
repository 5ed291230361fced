"""InfraGraph: what is written is read again, and what others wrote is read too."""

import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.spec import FatTree, RailOptimised, Torus
from datahall.network.catalog import NetworkCatalogue
from datahall.network.fabric import build
from datahall.network.infragraph import from_infragraph, to_infragraph

COMMON = {"name": "compute", "protocol": "infiniband", "switch": "QM9700", "link_bits_per_s": 400e9}


@pytest.mark.parametrize("encoding", ["yaml", "json"])
def test_a_fabric_survives_the_round_trip(encoding):
    """Given 32 servers on eight rails, the file has the same servers, switches and links, at the same rate."""
    fabric = RailOptimised(topology="rail_optimised", **COMMON)
    made = build(fabric, servers=32, endpoints_per_server=8, catalogue=NetworkCatalogue())
    back = from_infragraph(to_infragraph(made, encoding=encoding))
    assert (back.name, back.servers, back.endpoints_per_server, back.endpoints) == ("compute", 32, 8, 256)
    assert back.switches == {1: made.switches_of("leaf"), 2: made.switches_of("spine")}
    assert back.links == {(0, 1): 256, (1, 2): made.links_of("leaf-spine")}
    assert (back.radix, back.link_bits_per_s) == (64, {"line": 400e9})


def test_three_tiers_and_a_grid():
    """Given a three-tier tree and a torus, cores are three steps from the servers, and a grid has no switches."""
    tree = FatTree(topology="fat_tree", tiers=3, **COMMON)
    made = build(tree, servers=16, endpoints_per_server=8, catalogue=NetworkCatalogue())
    back = from_infragraph(to_infragraph(made))
    assert back.switches == {n: tier.switches for n, tier in enumerate(made.tiers, 1)}
    torus = Torus(topology="torus", dimensions=(3, 3, 2), **COMMON)
    grid = from_infragraph(to_infragraph(build(torus, servers=18, endpoints_per_server=1, catalogue=NetworkCatalogue())))
    assert (grid.servers, grid.switches, grid.links) == (18, {}, {(0, 0): 45})


def test_a_blueprint_of_the_library_is_read():
    """Given the library's own single-tier fabric of 4 servers with two NICs, all hang on one switch."""
    from infragraph import Infrastructure
    from infragraph.blueprints.devices.generic.server import Server
    from infragraph.blueprints.fabrics.single_tier_fabric import SingleTierFabric

    back = from_infragraph(SingleTierFabric(Server(), 4).serialize(encoding=Infrastructure.YAML))
    assert (back.servers, back.endpoints_per_server, back.switches, back.links) == (4, 2, {1: 1}, {(0, 1): 8})


@pytest.mark.parametrize("text", ["a: [", "hello: 3", "", "name: x"])
def test_what_is_no_infragraph_is_refused(text):
    """Given another text, one problem says that it is no InfraGraph."""
    with pytest.raises(Refused, match="NET-021"):
        from_infragraph(text)


def test_a_fabric_that_is_too_large_is_refused():
    """Given 32,768 endpoints, the library would take minutes, so the way out is named."""
    fabric = RailOptimised(topology="rail_optimised", **COMMON)
    made = build(fabric, servers=4096, endpoints_per_server=8, catalogue=NetworkCatalogue())
    with pytest.raises(Refused, match="NET-020 32,768 endpoints"):
        to_infragraph(made)
