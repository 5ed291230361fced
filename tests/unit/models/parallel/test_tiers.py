"""Groups of a plan on the circles of a fabric: leaves of four servers, pods of four leaves, a plane of four pods."""

from dataclasses import replace

from datahall.models.parallel.communication import cluster_of, exchange_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.tiers import Tier, way_of

TIERS = (Tier("leaf", 32, 1.0, 1), Tier("pod", 128, 8.0, 3), Tier("plane", 512, 32.0, 5))
CLUSTER = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9, oversubscription=32.0, hops=5, tiers=TIERS)


def test_a_group_goes_no_further_than_it_must():
    """Given tensor ranks of one server, four servers below a leaf, and sixteen below a pod, each stays where it fits."""
    levels = [CLUSTER.way(ranks, stride=8).level for ranks in (4, 16, 64)]
    assert (CLUSTER.way(8, stride=1).level, *levels) == ("domain", "leaf", "pod", "plane")


def test_a_group_that_an_edge_cuts_goes_further():
    """Given blocks of 24 on leaves of 32, the second block lies on two leaves: the slowest sets the pace."""
    assert CLUSTER.way(3, stride=8).level == "plane"  # 24 divides neither 32, nor 128, nor 512


def test_a_ring_leaves_a_leaf_by_one_server_of_four():
    """Given eight to one over a leaf, one flow of four leaves at once: it feels two to one."""
    way = way_of(TIERS, ranks=16, stride=8, per_domain=8, traffic="neighbours")
    assert (way.level, way.oversubscription, way.hops) == ("pod", 2.0, 3)


def test_all_to_all_leaves_with_all_that_is_outside():
    """Given 16 ranks, a server each, 12 of the other 15 sit on other leaves: eight to one is felt by 12/15."""
    way = way_of(TIERS, ranks=16, stride=8, per_domain=8, traffic="all")
    assert abs(way.oversubscription - 8.0 * 12 / 15) < 1e-12


def test_stages_as_large_as_a_leaf_send_all_that_they_have_over_the_spine():
    """Given stages of 32 accelerators, each sends to the next leaf: nothing softens eight to one."""
    plan = TrainPlan(global_batch=8, sequence=2048, tensor=8, data=4, pipeline=4)
    pipeline = exchange_of(plan, CLUSTER).groups["pipeline"]
    assert (pipeline.oversubscription, pipeline.hops, pipeline.ranks) == (8.0, 3, 2)


def test_a_small_data_group_does_not_pay_for_the_spine():
    """Given four servers below one leaf, reducing takes as long as on a fabric without any narrow tier."""
    wide = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9)
    plan = TrainPlan(global_batch=8, sequence=2048, tensor=8, data=4)
    times = [exchange_of(plan, cluster).s("gradient", "all_reduce", 1 << 30) for cluster in (CLUSTER, wide)]
    assert times[0] == times[1]


def test_scattered_neighbours_feel_the_narrowest_tier():
    """Given servers in no order, any flow may go through the narrowest tier, and all do at once."""
    assert replace(CLUSTER, packed=False).way(4, stride=8).oversubscription == 32.0


def test_without_tiers_every_group_goes_the_whole_way():
    """Given only a total, as benches describe a cluster, four servers feel all of it."""
    plain = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9, oversubscription=2.0, hops=3)
    assert (plain.group(4, stride=8).oversubscription, plain.group(8, stride=1).oversubscription) == (2.0, 1.0)
