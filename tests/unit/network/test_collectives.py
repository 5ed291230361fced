"""Groups, algorithms and what a plan shows of them."""

import pytest

from datahall.infrastructure.catalog.rows import accelerator_rows
from datahall.network.collectives import Group, algorithms, bus_factor, cost, estimate, scale_up, scale_up_of, time_s
from datahall.network.collectives.hall import hall_group, speeds
from datahall.network.collectives.systems import algorithm_of, collective_of, group_of

H100 = scale_up_of("H100")[0]
SUPERPOD = Group(4096, 8, H100, nics_per_domain=8, nic_bytes_per_s=50e9, hops=5)


def test_a_server_of_eight_reduces_in_its_switch():
    """Given eight H100 and 1 GiB, NVLS is taken, the links limit it, and the bus bandwidth passes 400 GB/s."""
    found = estimate("all_reduce", 2**30, Group(8, 8, H100))
    assert (found.algorithm, found.limit) == ("nvls", "scale-up links")
    assert 400e9 < found.busbw_bytes_per_s < 480e9


def test_four_thousand_ranks_take_a_tree_for_small_sizes():
    """Given 4,096 ranks and 1 MiB, the tree's few levels win; at 1 GiB ports and links, 376 and 365 GB/s, are what limits."""
    small, large = (estimate("all_reduce", size, SUPERPOD) for size in (2**20, 2**30))
    assert (small.algorithm, small.limit) == ("tree", "latency")
    assert large.limit == "scale-up links"
    assert large.busbw_bytes_per_s < 400e9


def test_switches_that_add_halve_what_the_ports_carry():
    """Given SHARP in the fabric, a large all-reduce takes its way and needs less time."""
    sharp = Group(4096, 8, H100, nics_per_domain=8, nic_bytes_per_s=50e9, in_network_reduction=True)
    assert estimate("all_reduce", 2**32, sharp).algorithm == "in_network"
    assert time_s("all_reduce", 2**32, sharp) < time_s("all_reduce", 2**32, SUPERPOD)


def test_a_mesh_of_four_uses_three_of_seven_links():
    """Given MI300X, whose links lead to single peers, four ranks have 3/7 of the bandwidth of eight."""
    links = scale_up_of("MI300X")[0]
    assert links.ring_bytes_per_s(4) == pytest.approx(links.ring_bytes_per_s(8) * 3 / 7)


def test_a_stage_of_its_own_is_taken_only_by_name():
    """Given a group over domains, `auto` leaves hierarchical aside, as the library has none."""
    assert algorithms("all_reduce", SUPERPOD)[-1] == "hierarchical"
    assert estimate("all_reduce", 2**30, SUPERPOD).algorithm != "hierarchical"


def test_the_plan_shows_both_scopes():
    """Given 32 servers of H100, six all-reduces: three sizes within a server, three over the fabric, each slower there."""
    group = hall_group("H100 80GB HBM3", accelerators=256, per_domain=8, ports_per_domain=8, port_bits_per_s=400e9, hops=3)
    shown = speeds(group)
    assert [speed.scope for speed in shown] == ["scale-up domain"] * 3 + ["whole fabric"] * 3
    assert all(far.estimate.seconds > near.estimate.seconds for near, far in zip(shown[:3], shown[3:], strict=True))


@pytest.mark.parametrize(
    ("accelerators", "per_domain", "scopes"), [(1, 1, set()), (8, 8, {"scale-up domain"}), (4, 1, {"whole fabric"})]
)
def test_scopes_that_do_not_exist_are_not_shown(accelerators, per_domain, scopes):
    """Given a single accelerator, a single server, or servers of one, the plan leaves out what is not there."""
    group = hall_group(
        "L4", accelerators=accelerators, per_domain=per_domain, ports_per_domain=1, port_bits_per_s=100e9, protocol="tcp"
    )
    assert {speed.scope for speed in speeds(group)} == scopes


def test_unknown_links_give_no_figures():
    """Given a device whose links nobody described, there is no group, and nothing is guessed."""
    assert hall_group("Abacus 3", accelerators=8, per_domain=8, ports_per_domain=1, port_bits_per_s=1e9) is None
    assert scale_up("string", bytes_per_s=1.0, clock_hz=1.0) is None


def test_links_agree_with_the_accelerator_catalogue():
    """Given each catalogued accelerator that is known here, kind and bandwidth of its links are the same in both places."""
    known = {row.name: (row, scale_up_of(row.name)) for row in accelerator_rows() if scale_up_of(row.name)}
    assert len(known) >= 15
    for row, found in known.values():
        assert (found[0].name, found[0].bytes_per_s) == (row.scale_up, row.scale_up_bytes_per_s), row.name


@pytest.mark.parametrize(
    ("system", "ranks", "within", "ports", "rate_gbit"),
    [
        ("A100-80G SXM x8 (ND A100 v4)", 8, 8, 0, 0),
        ("GB200 NVL72", 72, 72, 0, 0),
        ("GB200 x8 (ND GB200 v6, two hosts)", 8, 72, 0, 0),
        ("H100 SXM x16 (2x ND H100 v5)", 16, 8, 8, 400),
        ("B200, 4 nodes, 8x400G", 32, 8, 8, 400),
        ("A100 x16 (2 nodes, 4xHDR)", 16, 8, 4, 200),
        ("H200 over NDR, 4 nodes", 16, 4, 4, 400),
        ("H100 SXM x16, NDR400", 16, 8, 8, 400),
        ("H100 SXM x16, 4xNDR200", 16, 8, 4, 200),
        ("H100 SXM x16 (2 nodes)", 16, 8, 8, 400),
        ("A100 x16 (2 nodes)", 16, 8, 8, 200),
    ],
)
def test_systems_are_read_as_people_write_them(system, ranks, within, ports, rate_gbit):
    """Given how benchmarks name their systems, domain and network follow from catalogue facts."""
    group = group_of(system, ranks).group
    assert (group.ranks, group.ranks_per_domain, group.nics_per_domain) == (ranks, within, ports)
    assert group.nic_bytes_per_s * 8 / 1e9 == pytest.approx(rate_gbit)


@pytest.mark.parametrize(
    ("system", "ranks", "note"),
    [("TPU v9", 8, "no accelerator with known links"), ("B200 SXM, 2 nodes", 16, "tells no network")],
)
def test_what_a_text_does_not_tell_is_not_guessed(system, ranks, note):
    """Given an unknown device, or several servers without a network, there is no group, and the note says why."""
    reading = group_of(system, ranks)
    assert reading.group is None
    assert note in reading.note


@pytest.mark.parametrize(
    ("system", "note"),
    [
        ("H100 SXM x16 (2 nodes)", "one InfiniBand NDR port of 400 Gbit/s per accelerator assumed, as none is named"),
        ("A100 x16 (2 nodes)", "one InfiniBand HDR port of 200 Gbit/s per accelerator assumed, as none is named"),
        ("H100 SXM x16, NDR400", "one network port per accelerator assumed"),
    ],
)
def test_an_assumed_network_is_told(system, note):
    """Given text that leaves the network or its ports open, what the generation usually has is taken, and the note says so."""
    assert group_of(system, 16).note == note


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NVLS", "nvls"),
        ("Ring", "ring"),
        ("double binary tree", "tree"),
        ("default (NVLS)", "auto"),
        ("", "auto"),
        ("CollNet", "auto"),
    ],
)
def test_algorithms_are_read_and_tried(text, expected):
    """Given what a table calls the algorithm, it is taken where the group can run it."""
    assert algorithm_of(text, collective="all_reduce", group=Group(8, 8, H100)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all-gather, in place", "all_gather"),
        ("AlltoAll", "all_to_all"),
        ("ReduceScatter", "reduce_scatter"),
        ("", "all_reduce"),
    ],
)
def test_collectives_are_read(text, expected):
    """Given a note, the collective is the one that it names, else an all-reduce."""
    assert collective_of(text) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ranks": 0}, "must be at least 1"),
        ({"scale_up": None}, "no scale_up link"),
        ({"ranks": 16}, "no network ports"),
        ({"oversubscription": 0.5}, "oversubscription is at least 1"),
        ({"protocol": "smoke"}, "choose one of tcp"),
    ],
)
def test_groups_that_cannot_be_are_refused(arguments, message):
    """Given no ranks, no links, no ports or an unknown protocol, the error says what is missing."""
    with pytest.raises(ValueError, match=message):
        Group(**({"ranks": 8, "ranks_per_domain": 8, "scale_up": H100} | arguments))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: time_s("gossip", 1.0, SUPERPOD), "choose one of all_reduce"),
        (lambda: time_s("all_reduce", -1.0, SUPERPOD), "not negative"),
        (lambda: cost("all_reduce", SUPERPOD, algorithm="pigeon"), "choose auto or one of ring"),
        (lambda: cost("all_reduce", SUPERPOD, algorithm="in_network"), "cannot run all_reduce by in_network"),
        (lambda: bus_factor("all_reduce", 0), "at least 1 takes part"),
        (lambda: bus_factor("gossip", 2), "no bus bandwidth factor"),
    ],
)
def test_unknown_words_are_refused(call, message):
    """Given a collective, size or algorithm that is not there, the error lists what is."""
    with pytest.raises(ValueError, match=message):
        call()
