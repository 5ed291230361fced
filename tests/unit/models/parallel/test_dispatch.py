import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.communication import cluster_of
from datahall.models.parallel.dispatch import Limit, dispatch_s, limit_of, wanted

H100 = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9)
RACK = cluster_of("GB200", nic_bytes_per_s=50e9, per_domain=72)


def seconds(cluster, ranks, **kinds):
    return dispatch_s(cluster.group(ranks, stride=1), 4096, **{"row_bytes": 14336, "active": 8, "fused": True} | kinds)


def test_few_ranks_are_wanted_by_fewer_copies_than_experts():
    """Given eight experts a token, of two ranks both are wanted almost surely, of 64 on eight servers 7.6 and 5.3 servers."""
    few, many = wanted(H100.group(2, stride=1), 8), wanted(H100.group(64, stride=1), 8)
    assert few.ranks == pytest.approx(2 * (1 - 2**-8))
    assert (many.ranks, many.domains) == (pytest.approx(7.57, abs=0.01), pytest.approx(5.25, abs=0.01))


def test_limited_routing_crosses_to_fewer_domains():
    """Given DeepSeek-V3's limit of four servers of eight, fewer copies cross, and dispatch is faster."""
    group = H100.group(64, stride=1)
    assert wanted(group, 8, routed_domains=4).domains == pytest.approx(4 * (1 - 0.75**8))
    assert seconds(H100, 64, routed_domains=4) < seconds(H100, 64)


def test_groups_of_experts_limit_where_tokens_go():
    """Given 4 of 8 groups of experts on 64 ranks, four of eight servers and 32 ranks; on one server four ranks; on two both."""
    many, one, two = (wanted(H100.group(n, stride=1), 8, routed_domains=Limit(4, 8)) for n in (64, 8, 16))
    assert many == wanted(H100.group(64, stride=1), 8, routed_domains=4)
    assert (one.ranks, one.domains) == (pytest.approx(4 * (1 - 0.75**8)), 1)
    assert two.domains == wanted(H100.group(16, stride=1), 8).domains


def test_the_limit_is_a_fact_of_the_model():
    """Given the catalogue, DeepSeek-V3 and V2 route to 4 and 3 of 8 groups, Qwen3 to any."""
    found = [limit_of(architecture(name).experts) for name in ("deepseek-v3", "deepseek-v2", "qwen3-30b-a3b")]
    assert found == [Limit(4, 8), Limit(3, 8), None]


def test_a_library_sends_less_than_copies_for_all_experts():
    """Given 16 ranks on two servers, one copy crosses instead of four; within a rack both are far faster."""
    assert seconds(H100, 16) < 0.5 * seconds(H100, 16, fused=False)
    assert seconds(RACK, 64) < 0.2 * seconds(H100, 64)


@pytest.mark.parametrize(("ranks", "published"), [(8, 153e9), (16, 43e9), (32, 44e9), (64, 46e9)])
def test_deepep_is_met_on_its_own_machine(ranks, published):
    """Given DeepEP's setting (H800, 4096 tokens of 7168 in FP8, four groups, top 8), its README's rates within 10 %."""
    group = cluster_of("H800", nic_bytes_per_s=50e9).group(ranks, stride=1)
    found, copies = (
        dispatch_s(group, 4096, row_bytes=7168, active=8, fused=True, routed_domains=4),
        wanted(group, 8, routed_domains=4),
    )
    counted = copies.domains if ranks > 8 else copies.ranks
    assert 4096 * 7168 * counted / found == pytest.approx(published, rel=0.10)


def test_one_rank_sends_nothing():
    """Given all experts on one rank, nothing travels."""
    assert seconds(H100, 1) == 0
