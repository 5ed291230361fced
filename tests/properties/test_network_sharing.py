"""What makes rates max-min fair, on random networks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.network.sharing import Flows, loads, max_min_rates


@st.composite
def networks(draw):
    links = draw(st.integers(1, 12))
    paths = draw(st.lists(st.lists(st.integers(0, links - 1), min_size=1, max_size=5), min_size=1, max_size=20))
    positive = st.floats(0.01, 100)
    capacity = np.array(draw(st.lists(positive, min_size=links, max_size=links)))
    weight = np.array(draw(st.lists(positive, min_size=len(paths), max_size=len(paths))))
    return paths, capacity, weight


@given(networks())
def test_no_link_is_over_its_capacity(network):
    """Given any flows, the sum on each link is at most what it carries."""
    paths, capacity, weight = network
    flows = Flows.of(paths)
    rates = max_min_rates(flows, capacity, weight=weight)
    assert np.all(rates > 0)
    assert np.all(loads(flows, rates, links=capacity.size) <= capacity * (1 + 1e-9))


@given(networks())
def test_every_flow_has_a_bottleneck(network):
    """Given any flow, one of its links is full and no flow there has a larger rate per weight: what max-min fair means."""
    paths, capacity, weight = network
    flows = Flows.of(paths)
    rates = max_min_rates(flows, capacity, weight=weight)
    full = loads(flows, rates, links=capacity.size) >= capacity * (1 - 1e-9)
    level = rates / weight
    for path, own in zip(paths, level, strict=True):
        assert any(full[link] and own >= max(level[i] for i, p in enumerate(paths) if link in p) * (1 - 1e-9) for link in path)


@given(networks(), st.floats(0.1, 1000))
def test_rates_scale_with_the_links_and_not_with_the_weights(network, scale):
    """Given links so many times as fast, all rates are; given all weights so many times as large, none changes."""
    paths, capacity, weight = network
    flows = Flows.of(paths)
    rates = max_min_rates(flows, capacity, weight=weight)
    assert max_min_rates(flows, capacity * scale, weight=weight) == pytest.approx(rates * scale, rel=1e-6)
    assert max_min_rates(flows, capacity, weight=weight * scale) == pytest.approx(rates, rel=1e-6)
