"""What holds for every group and size."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.network.collectives import Group, algorithms, estimate, scale_up_of, time_s

COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "send_recv")
LINKS = {name: scale_up_of(name)[0] for name in ("A100", "H100", "GB200", "MI300X", "L40S")}
SIZES = st.floats(1, 1e12)


@st.composite
def groups(draw, least=2):
    within = draw(st.sampled_from([1, 2, 4, 8, 72]))
    return Group(
        ranks=draw(st.integers(least, 4096)),
        ranks_per_domain=within,
        scale_up=LINKS[draw(st.sampled_from(sorted(LINKS)))],
        nics_per_domain=draw(st.sampled_from([1, 4, 8, 72])),
        nic_bytes_per_s=draw(st.sampled_from([12.5e9, 50e9, 100e9])),
        oversubscription=draw(st.floats(1, 8)),
        hops=draw(st.integers(1, 5)),
        protocol=draw(st.sampled_from(["infiniband", "roce_v2", "tcp"])),
        in_network_reduction=draw(st.booleans()),
    )


@given(group=groups(), size=SIZES)
def test_no_ring_beats_the_bandwidth_bound(group, size):
    """Given any group, a ring takes at least 2 (p-1)/p of the size over the data sheet's narrowest link."""
    narrowest = [group.scale_up.bytes_per_s] if group.within > 1 else []
    narrowest += [group.nics_per_domain * group.nic_bytes_per_s] if group.domains > 1 else []
    bound_s = 2 * (group.ranks - 1) / group.ranks * size / min(narrowest)
    assert time_s("all_reduce", size, group, algorithm="ring") >= bound_s


@given(group=groups(), size=SIZES)
def test_no_all_reduce_beats_the_ports_of_a_domain(group, size):
    """Given several domains, even switches that add must be sent each domain's data once."""
    if group.domains > 1:
        assert time_s("all_reduce", size, group) >= size / (
            group.nics_per_domain * group.nic_bytes_per_s / group.oversubscription
        )


@given(group=groups(), size=SIZES, more=st.floats(1, 100))
def test_time_grows_with_size_and_bandwidth_too(group, size, more):
    """Given a larger size, each collective takes at least as long, and per byte at most as long."""
    for collective in COLLECTIVES:
        less_s, more_s = time_s(collective, size, group), time_s(collective, size * more, group)
        assert less_s <= more_s * (1 + 1e-12)
        assert more_s <= less_s * more * (1 + 1e-12)


@given(group=groups(), size=SIZES, more=st.floats(1, 16))
def test_oversubscription_never_helps(group, size, more):
    """Given a more oversubscribed fabric, no algorithm of no collective gets faster."""
    worse = replace(group, oversubscription=group.oversubscription * more)
    for collective in COLLECTIVES:
        for name in algorithms(collective, group):
            before, after = (time_s(collective, size, each, algorithm=name) for each in (group, worse))
            assert before <= after * (1 + 1e-12)


@given(group=groups(), size=SIZES)
def test_stages_beat_the_flat_ring_where_the_network_is_the_bottleneck(group, size):
    """Given a network slower than the links, reduce-scatter, rails, all-gather is no slower than one flat ring."""
    if "hierarchical" in algorithms("all_reduce", group) and group.network_bytes_per_s <= group.ring_bytes_per_s:
        staged, flat = (time_s("all_reduce", size, group, algorithm=name) for name in ("hierarchical", "ring"))
        assert staged <= flat * (1 + 1e-12)


@given(size=SIZES, collective=st.sampled_from(COLLECTIVES))
def test_one_rank_exchanges_nothing(size, collective):
    """Given a single rank, every collective takes no time."""
    assert time_s(collective, size, Group(1, 8, LINKS["H100"])) == 0.0


@given(group=groups(), collective=st.sampled_from(COLLECTIVES), algorithm=st.booleans())
@settings(max_examples=40)
def test_arrays_and_floats_agree(group, collective, algorithm):
    """Given an array of sizes, each entry is what the size by itself gives, and `estimate` says the same."""
    name = algorithms(collective, group)[0] if algorithm else "auto"
    sizes = np.geomspace(1, 1e11, 7)
    together = time_s(collective, sizes, group, algorithm=name)
    assert together.shape == sizes.shape
    for size, seconds in zip(sizes, together, strict=True):
        assert time_s(collective, float(size), group, algorithm=name) == seconds
        assert estimate(collective, float(size), group, algorithm=name).seconds == seconds


@given(group=groups(), size=SIZES)
def test_auto_is_the_fastest_of_the_librarys(group, size):
    """Given `auto`, no algorithm of the library is faster."""
    chosen = time_s("all_reduce", size, group)
    others = [
        time_s("all_reduce", size, group, algorithm=name) for name in algorithms("all_reduce", group) if name != "hierarchical"
    ]
    assert chosen == pytest.approx(min(others), rel=1e-12)
