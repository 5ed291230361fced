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


@pytest.mark.parametrize("text", ["hello: 3", "", "name: x", "- 1", "3"])
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


SMALL = """\
name: x
devices:
  - name: s
    components: [{name: nic, count: 4, choice: nic}, {name: cpu, count: 1, choice: cpu}]
    links: [{name: l}]
    edges: [{scheme: many2many, link: l, ep1: {component: cpu}, ep2: {component: nic}}]
  - name: w
    components: [{name: port, count: 8, choice: port}, {name: asic, count: 1, choice: cpu}]
    links: [{name: l}]
    edges: [{scheme: many2many, link: l, ep1: {component: asic}, ep2: {component: port}}]
instances: [{name: s, device: s, count: 2}, {name: w, device: w, count: 1}]
links: [{name: l}]
edges: [{scheme: one2one, link: l, ep1: {instance: "s", component: "nic"}, ep2: {instance: "w[0]", component: "port[0:8]"}}]
"""


def test_a_small_document_is_counted():
    """Given two servers of four NICs on one switch by one edge, it has eight links."""
    back = from_infragraph(SMALL)
    assert (back.servers, back.endpoints_per_server, back.links) == (2, 4, {(0, 1): 8})


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("count: 4", "count: 2000000000", "it has 4,000,000,011 parts of machines, but at most 500,000 are read"),
        ("device: s, count: 2", "device: s, count: 2000000000", "it has 10,000,000,009 parts of machines"),
        ("cpu, count: 1", "cpu, count: 90000", "it has 720,016 links, but at most 500,000 are read"),
        ("{name: cpu, count: 1, choice: cpu}", "{name: s, count: 1, choice: device}", "more than 8 deep, as `s` does"),
    ],
)
def test_counts_that_unfold_without_end_are_refused(old: str, new: str, told: str):
    """Given a count beyond all memory, too many links, or a device that holds itself, one problem says so at once."""
    assert old in SMALL
    with pytest.raises(Refused, match=rf"infragraph: NET-022 .*{told}"):
        from_infragraph(SMALL.replace(old, new))


@pytest.mark.parametrize(
    ("instance", "component", "parts"),
    [("s", "nic", 8), ("s[1]", "nic[0:2]", 2), ("s[:]", "nic[-1]", 2), ("s[0:2]", "nic[::2]", 4)],
)
def test_slices_take_what_the_library_takes(instance: str, component: str, parts: int):
    """Given ends with and without slices, all to all eight ports of a switch, the links are those of the library."""
    text = SMALL.replace("one2one", "many2many").replace('"s", component: "nic"', f'"{instance}", component: "{component}"')
    assert sum(from_infragraph(text).links.values()) == 8 * parts


def test_links_are_counted_before_they_are_made():
    """Given all ports of 9,000 servers to all ports of one switch, the count is told, of links inside machines too."""
    text = SMALL.replace("one2one", "many2many").replace("device: s, count: 2", "device: s, count: 9000")
    with pytest.raises(Refused, match="NET-022 it has 612,016 links, but"):
        from_infragraph(text.replace("count: 8", "count: 16").replace("port[0:8]", "port"))


@pytest.mark.parametrize(
    ("text", "code"),
    [("[" * 5000, "DOC-006"), ("a: &a [*a]", "DOC-006"), ("a: [", "DOC-005"), ("a: 1\na: 2", "DOC-007")],
)
def test_text_that_is_no_bounded_yaml_is_told_with_its_line(text: str, code: str):
    """Given nesting without end, an alias inside itself, or broken YAML, the reader's own problem names the line."""
    with pytest.raises(Refused, match=rf"infragraph:\d+.*{code}"):
        from_infragraph(text)


def test_devices_within_devices_are_measured_once():
    """Given seven devices, each with a hundred of the next by as many names, the sum of 10^14 parts is told at once."""
    inside = "links: [{name: l}], edges: [{scheme: one2one, link: l, ep1: {component: cpu}, ep2: {component: cpu}}]"
    devices = [f"{{name: d7, components: [{{name: cpu, count: 1, choice: cpu}}], {inside}}}"]
    for n in range(7):
        held = ", ".join(f"{{name: d{n + 1}, count: 1, choice: device}}" for _ in range(100))
        devices.append(f"{{name: d{n}, components: [{{name: cpu, count: 1, choice: cpu}}, {held}], {inside}}}")
    text = SMALL.replace("devices:", "devices:\n  - " + "\n  - ".join(devices)).replace("device: w", "device: d0")
    with pytest.raises(Refused, match="NET-022 it has 102,020,202,020,212 parts"):
        from_infragraph(text)
