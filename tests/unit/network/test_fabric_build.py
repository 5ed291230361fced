"""One declaration, and what is bought for it."""

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.foundation.money import Amount
from datahall.infrastructure.spec import Dragonfly, FatTree, LeafSpine, RailOnly, RailOptimised, Torus
from datahall.network.catalog import NetworkCatalogue, NetworkPartsFile
from datahall.network.fabric import build
from datahall.network.fabric.bisection import bisection_of
from datahall.network.fabric.graph import graph_of
from datahall.network.fabric.picture import picture_of
from datahall.network.fabric.survival import survival_of

SHIPPED = NetworkCatalogue()
NDR = {"name": "compute", "protocol": "infiniband", "switch": "QM9700", "link_bits_per_s": 400e9}
RAILS = RailOptimised(topology="rail_optimised", cable_length_m=30, uplink_length_m=45, **NDR)


def built(fabric, servers: int, ports: int = 8, catalogue: NetworkCatalogue = SHIPPED):
    return build(fabric, servers=servers, endpoints_per_server=ports, catalogue=catalogue)


def test_512_servers_on_eight_planes():
    """Given 512 servers with 8 ports, each rail is a Clos of 16 leaves and 8 spines, non-blocking, three switches deep."""
    made = built(RAILS, 512)
    assert (made.switches_of("leaf"), made.switches_of("spine"), made.links) == (128, 64, 8192)
    assert (made.diameter, made.oversubscription) == (3, {"leaf": 1.0})
    assert bisection_of(made).ratio == 1.0


def test_a_rack_of_four_servers_takes_one_switch():
    """Given 4 servers with 8 ports and a switch of 64, one switch holds all rails."""
    made = built(RAILS, 4)
    assert (made.switches, made.diameter, made.wiring.rails_per_leaf) == (1, 1, 8)


def test_a_port_of_twice_the_rate_is_split():
    """Given 800G ports and 400G links, a switch of 64 ports has 128 links, and its cages twin-port transceivers."""
    fabric = RAILS.model_copy(update={"switch": "SN5600", "protocol": "roce_v2"})
    made = built(fabric, 512)
    assert (made.radix, made.split, made.switches_of("leaf")) == (128, 2, 64)
    assert made.split_ports == made.switches * 64
    names = {piece.part.name: piece.count for piece in made.pieces if piece.where != "both ends"}
    assert names == {"optic-2x400g-sr8": 2048, "optic-400g-sr4": 4096}


def test_optics_are_in_the_power_once():
    """Given cables for all links, switches count bare and each end in a switch by itself; ends in servers count apart."""
    made = built(RAILS, 512)
    assert made.switch_power_w == pytest.approx(192 * 747)
    # 4096 links to servers take 2048 twin ports in leaves, 4096 between switches 2048 at each side, 15 W each.
    assert made.optics_power_w == pytest.approx(3 * 2048 * 15)
    assert made.server_optics_power_w == pytest.approx(4096 * 8.5)
    assert made.power_w == made.switch_power_w + made.optics_power_w


def test_without_lengths_the_power_is_that_of_full_switches():
    """Given no cable lengths, no cable is chosen, and a switch counts with the strongest optics in every port."""
    made = built(RailOptimised(topology="rail_optimised", **NDR), 512)
    assert (made.power_w, made.pieces, made.price) == (192 * 1720, (), None)
    assert "server-leaf links have no cable: no length is declared" in made.price_missing


def test_copper_is_taken_where_it_reaches():
    """Given links of 1.5 m, passive copper wins; at 400 m single-mode optics are left."""
    near = built(RAILS.model_copy(update={"cable_length_m": 1.5}), 512)
    assert near.cabling[0].choice.upper.name == "dac-2x400g"
    far = built(RAILS.model_copy(update={"cable_length_m": 400}), 512)
    assert (far.cabling[0].choice.upper.name, far.cabling[0].choice.lower.name) == ("optic-2x400g-dr8", "optic-400g-dr4")


def test_a_price_needs_every_line():
    """Given prices for both transceivers, the fabric has one; spares are bought too."""

    def priced(price: Amount | None) -> NetworkCatalogue:
        rows = [row.model_copy(update={"price": price}) for row in SHIPPED.cables.values()]
        return NetworkCatalogue(NetworkPartsFile(cables=tuple(rows)))

    assert built(RAILS, 512, catalogue=priced(None)).price is None
    made = built(RAILS.model_copy(update={"spare_ratio": 0.1}), 512, catalogue=priced(Amount(1000.0, "USD")))
    pieces = 2048 + 205 + 4096 + 410 + 4096 + 410
    assert made.price == Amount(192 * 36000 + pieces * 1000.0, "USD")


def test_a_third_tier_joins_the_rails():
    """Given `join: core`, any two servers are five switches apart at most, and 32 x 4 paths join pods."""
    made = built(RAILS.model_copy(update={"join": "core"}), 512)
    assert [tier.switches for tier in made.tiers] == [128, 128, 64]
    assert [(level.name, level.switches, level.paths) for level in made.levels] == [
        ("leaf", 1, 1),
        ("pod", 3, 16),
        ("plane", 5, 64),
    ]


def test_oversubscription_narrows_the_bisection():
    """Given three links down for one up, a third of the line rate is left between halves."""
    fabric = LeafSpine(topology="leaf_spine", oversubscription=3, oversubscription_limit=3, **NDR)
    made = built(fabric, 384)
    assert made.oversubscription == {"leaf": 3.0}
    assert bisection_of(made).ratio == pytest.approx(1 / 3)


def test_losing_a_leaf_costs_each_server_of_a_rail_one_port():
    """Given rails, a leaf takes one port of 32 servers; without rails, it takes four servers whole."""
    by_rail = survival_of(built(RAILS, 512))
    assert (by_rail.ports_lost, by_rail.server_ports_lost, by_rail.servers_lost, by_rail.any_leaf) == (32, 1, 0, True)
    plain = survival_of(built(FatTree(topology="fat_tree", **NDR), 256))
    assert (plain.ports_lost, plain.server_ports_lost, plain.servers_lost, plain.any_leaf) == (32, 8, 4, False)


def test_rails_by_themselves_have_no_path_between_them():
    """Given rail-only, nothing is bought above the leaves of up to 64 servers."""
    made = built(RailOnly(topology="rail_only", **NDR), 64)
    assert (made.switches, made.links, [tier.name for tier in made.tiers]) == (8, 512, ["leaf"])


def test_dragonfly_and_torus():
    """Given the papers' shapes, links are those of the closed forms, and a torus buys no switch."""
    dragonfly = Dragonfly(
        topology="dragonfly", endpoints_per_router=8, routers_per_group=16, global_links_per_router=8, **NDR
    )  # fmt: skip
    made = built(dragonfly, 2064)
    assert (made.switches, made.links) == (2064, 40248)
    assert survival_of(made).any_link
    torus = built(Torus(topology="torus", dimensions=(16, 16, 16), **NDR), 4096, 1)
    assert (torus.switches, torus.links, torus.diameter) == (0, 3 * 4096, 24)
    assert bisection_of(torus).links == 2 * 16 * 16


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"switch": "QM97"}, Missing, "NET-001 there is no switch `QM97`. Did you mean `QM9700`"),
        ({"cable": "rope"}, Missing, "NET-002 there is no cable `rope`"),
        ({"link_bits_per_s": 800e9}, Refused, "NET-003 links run at 800 Gbit/s"),
        ({"rails": 3}, Refused, "NET-006 3 rails are declared, but a server has 8 ports"),
        ({"join": "spine"}, Refused, "NET-005 4096 leaves|NET-005 .* leaves are needed"),
    ],
)
def test_what_cannot_be_built_says_why(change, error, words):
    """Given a declaration that cannot be met, the problem has its code and its numbers."""
    with pytest.raises(error, match=words):
        built(RAILS.model_copy(update=change), 16384)


def test_no_servers_is_refused():
    """Given no server, there is no fabric."""
    with pytest.raises(Refused, match="NET-019 0 servers"):
        built(RAILS, 0)


def test_the_picture_says_what_was_counted():
    """Given a fabric, its picture is SVG with each tier's number, and no colour that a dark page would hide."""
    import xml.etree.ElementTree as ET

    text = picture_of(built(RAILS.model_copy(update={"name": "a<b"[:1], "join": "core"}), 512))
    assert ET.fromstring(text).tag.endswith("svg")
    for words in ("128 leaves", "128 spines", "64 cores", "4,096 links", "8 rails"):
        assert words in text
    assert "black" not in text
    assert "#000" not in text


def test_a_node_of_the_graph_has_a_name():
    """Given the graph of a two-tier fabric, nodes after the leaves are spines."""
    graph = graph_of(built(RAILS, 64))
    assert (graph.name_of(0), graph.name_of(16)) == ("leaf 0", "spine 0")
    with pytest.raises(IndexError, match="no node 0 beyond its last"):
        graph.name_of(graph.nodes)
