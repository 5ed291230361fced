"""Flows that share links."""

import time

import numpy as np
import pytest

from datahall.network.sharing import Flows, max_min_rates, slowdowns


def test_weights_share_a_link_in_proportion():
    """Given weights 1 and 3 on a link of 100, the flows get 25 and 75."""
    assert max_min_rates(Flows.of([[0], [0]]), [100.0], weight=[1, 3]) == pytest.approx([25, 75])


def test_a_flow_that_crosses_a_link_twice_has_one_share():
    """Given a path that names a link twice, it counts once."""
    assert max_min_rates(Flows.of([[0, 0], [0]]), [10.0]) == pytest.approx([5, 5])


def test_a_storage_burst_slows_the_training_job_on_the_shared_uplink_only():
    """Given two training flows and three of storage on uplink 0 of 50 GB/s, training drops from 25 to 10 on it."""
    flows = Flows.of([[0], [0], [1], [0], [0], [0]])
    found = slowdowns(flows, [50.0, 50.0], ["train", "train", "eval", "storage", "storage", "storage"])
    assert found["train"].alone == pytest.approx(50)
    assert found["train"].together == pytest.approx(20)
    assert found["train"].ratio == pytest.approx(2.5)
    assert found["eval"].ratio == pytest.approx(1.0)


def test_ten_thousand_flows_on_ten_thousand_links_take_about_a_second():
    """Given 10,000 flows of six links each among 10,000 links, the rates come within a second (some 0.02 s here)."""
    dice = np.random.default_rng(0)
    flows = Flows(np.repeat(np.arange(10_000), 6), dice.integers(0, 10_000, 60_000), 10_000)
    began = time.process_time()
    rates = max_min_rates(flows, dice.uniform(1, 10, 10_000))
    assert rates.min() > 0
    assert time.process_time() - began < 5  # five times the aim: two cores are shared


@pytest.mark.parametrize(
    ("paths", "capacity", "weight", "message"),
    [
        ([[0], []], [1.0], 1.0, "flow 1 crosses no link"),
        ([[1]], [1.0], 1.0, "not among the 1"),
        ([[0]], [0.0], 1.0, "positive, finite"),
        ([[0]], [1.0], 0.0, "weights must be positive"),
    ],
)
def test_what_cannot_be_shared_is_refused(paths, capacity, weight, message):
    """Given no path, an unknown link, or no capacity, the error says which."""
    with pytest.raises(ValueError, match=message):
        max_min_rates(Flows.of(paths), capacity, weight=weight)


def test_flows_without_entries_are_refused():
    """Given three flows of which one has no entry, nothing bounds it."""
    with pytest.raises(ValueError, match="each flow must cross"):
        max_min_rates(Flows(np.array([0, 2]), np.array([0, 0]), 3), [1.0])


def test_groups_must_be_told_for_each_flow():
    """Given one name for two flows, the error counts both."""
    with pytest.raises(ValueError, match="1 group names for 2 flows"):
        slowdowns(Flows.of([[0], [0]]), [1.0], ["train"])
