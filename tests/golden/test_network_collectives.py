"""Collectives against their published formulas and bounds, the sharing of links against the textbook, paths against distances.

Patarasuk and Yuan, J. Parallel Distrib. Comput. 69(2), 2009; Thakur, Rabenseifner and Gropp, IJHPCA 19(1), 2005, table 1
(a message costs alpha + n beta); NVIDIA/nccl-tests doc/PERFORMANCE.md@03a204a; Bertsekas and Gallager, Data Networks, 1992,
section 6.5.2; Mathis et al., ACM CCR 27(3), 1997.
"""

import math

import numpy as np
import pytest

from datahall.network.collectives import Group, ScaleUp, bus_bytes_per_s, bus_factor, cost
from datahall.network.sharing import Flows, max_min_rates
from datahall.network.transport import great_circle_km, loss_limited_bytes_per_s, round_trip

ALPHA_S, BETA_S = 2e-6, 1 / 100e9
LINK = ScaleUp("test", 1 / BETA_S, ALPHA_S, ring_ratio=1.0)


@pytest.mark.parametrize(
    ("collective", "ranks", "factor"),
    [
        ("all_reduce", 8, 1.75),
        ("all_reduce", 2, 1.0),
        ("all_gather", 8, 0.875),
        ("reduce_scatter", 4, 0.75),
        ("all_to_all", 4, 0.75),
        ("broadcast", 8, 1.0),
        ("reduce", 8, 1.0),
        ("send_recv", 2, 1.0),
    ],
)
def test_bus_factors_are_those_of_nccl_tests(collective, ranks, factor):
    """Given a collective and a rank count, bus over algorithm bandwidth is what nccl-tests documents."""
    assert bus_factor(collective, ranks) == factor


def test_the_published_example_of_bus_bandwidth():
    """Given 8 GiB in 64.91228 ms on eight A100, the published table prints 231.58 GB/s of bus bandwidth."""
    busbw = bus_bytes_per_s("all_reduce", 8589934592, 64912.28e-6, ranks=8)
    assert busbw / 1e9 == pytest.approx(231.58, abs=0.005)


@pytest.mark.parametrize("ranks", [2, 3, 8, 64])
@pytest.mark.parametrize(
    ("collective", "algorithm", "alphas", "betas"),
    [
        ("all_reduce", "ring", lambda p: 2 * (p - 1), lambda p: 2 * (p - 1) / p),
        ("all_gather", "ring", lambda p: p - 1, lambda p: (p - 1) / p),
        ("reduce_scatter", "ring", lambda p: p - 1, lambda p: (p - 1) / p),
        ("all_to_all", "pairwise", lambda p: p - 1, lambda p: (p - 1) / p),
        ("all_to_all", "bruck", lambda p: math.ceil(math.log2(p)), lambda p: math.ceil(math.log2(p)) / 2),
    ],
)
def test_steps_and_bytes_are_those_of_the_papers(collective, algorithm, alphas, betas, ranks):
    """Given p ranks on equal links, the latency is so many alpha and the bytes cost so many beta as in the papers."""
    found = cost(collective, Group(ranks, ranks, LINK), algorithm=algorithm)
    assert found.latency_s == pytest.approx(alphas(ranks) * ALPHA_S, rel=1e-12)
    assert found.s_per_byte == pytest.approx(betas(ranks) * BETA_S, rel=1e-12)


def test_reductions_in_the_switch_move_n_plus_one_nths():
    """Given NVLS on n ranks, bus bandwidth is bounded by 2 (n-1)/(n+1) of a link: 1.556 of it at eight."""
    link = ScaleUp("test", 450e9, 0.0, ring_ratio=1.0, in_network_ratio=1.0)
    found = cost("all_reduce", Group(8, 8, link), algorithm="nvls")
    assert bus_factor("all_reduce", 8) / found.s_per_byte / 450e9 == pytest.approx(2 * 7 / 9, rel=1e-12)


@pytest.mark.parametrize(
    ("ranks", "busbw_gb", "ratio", "bytes_per_s"),
    [
        (5, 414.2, 0.68, 450e9),
        (6, 435.6, 0.68, 450e9),
        (7, 460.0, 0.68, 450e9),
        (8, 473.1, 0.68, 450e9),
        (8, 838.0, 0.601, 900e9),
    ],
)
def test_in_network_peaks_follow_one_ratio_over_rank_counts(ranks, busbw_gb, ratio, bytes_per_s):
    """Given stas00/ml-engineering network/README.md lines 923-947, one ratio of the bound gives every rank count within 2 %."""
    link = ScaleUp("test", bytes_per_s, 0.0, ring_ratio=0.8, in_network_ratio=ratio)
    found = cost("all_reduce", Group(ranks, ranks, link), algorithm="nvls")
    assert bus_factor("all_reduce", ranks) / found.s_per_byte / 1e9 == pytest.approx(busbw_gb, rel=0.02)


def test_max_min_rates_of_the_textbook():
    """Given five sessions on a line of links of capacity 1, Bertsekas and Gallager find 1/3, 1/3, 1/3, 2/3 and 1.

    Session 1 crosses links 0 and 1; 2 and 3 cross link 1 (full at 1/3 each); 4 shares link 2 with session 1 and gets 2/3;
    5 has link 3 to itself.
    """
    flows = Flows.of([[0, 1, 2], [1], [1], [2], [3]])
    assert max_min_rates(flows, np.ones(4)) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 2 / 3, 1.0])


def test_loss_limits_tcp_as_mathis_says():
    """Given 1460-byte segments, 100 ms and one loss in 10,000, one connection carries 1.79 MB/s."""
    assert loss_limited_bytes_per_s(segment_bytes=1460, rtt_s=0.1, loss_ratio=1e-4) == pytest.approx(1.788e6, rel=1e-3)


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        ((0.0, 0.0), (0.0, 90.0), 10_007.5),  # a quarter of the equator on the mean sphere
        ((51.4775, -0.4614), (40.6398, -73.7789), 5_540),  # Heathrow to Kennedy: 5,540 km in airlines' tables
    ],
)
def test_great_circles(a, b, km):
    """Given two places, the distance over the ground is the known one within the sphere's 0.6 %."""
    assert float(great_circle_km(*a, to=b)) == pytest.approx(km, rel=0.006)


def test_most_published_round_trips_lie_near_the_modelled_quartiles():
    """Given AWS Cape Town to Hong Kong, 11,876 km and 238.42 ms (cloudping.co), the model's upper quartile is 2 % above."""
    trip = round_trip(11_876)
    assert float(trip.low_s) < 0.23842 < float(trip.high_s)
    assert float(trip.median_s) == pytest.approx(0.2209, abs=1e-4)
