"""Intervals for one group of rows more than gave them."""

import numpy as np
import pytest

from datahall.models.inference.uncertainty import interval_of, interval_words, uncertainty
from datahall.planner.validation.serving_intervals import half_width, left_out, ratios, spread_of

RANDOM = np.random.default_rng(0)


def test_a_group_that_was_left_out_is_covered() -> None:
    """Given groups that differ as much as rows within them, what the others give covers 80 % of each, on the mean."""
    groups = np.repeat([f"g{n}" for n in range(40)], 25)
    errors = np.repeat(RANDOM.normal(0, 0.1, 40), 25) + RANDOM.normal(0, 0.1, 1000)
    assert np.mean([covered for _, covered in left_out(errors, groups).values()]) > 0.78
    assert 0.15 < half_width(errors, groups) < 0.4


def test_few_groups_that_lie_apart_widen_it() -> None:
    """Given the same errors in two groups that lie apart, one more may lie further off than of two that do not."""
    errors, groups = np.array([0.0, 0.02, 0.2, 0.22] * 5), np.array(["a", "a", "b", "b"] * 5)
    mixed = np.array(["a", "b", "b", "a"] * 5)
    assert spread_of(errors, groups) > 0.2
    assert spread_of(errors, groups) > 1.2 * spread_of(errors, mixed)


def test_an_interval_is_even_in_its_logarithm() -> None:
    """Given a half-width, the lowest ratio is one over the highest, in every class that comes with Datahall too."""
    found = ratios(0.3)
    assert found["low_ratio"] * found["high_ratio"] == pytest.approx(1, abs=1e-3)
    told = uncertainty()
    for one in (told.seen, told.other, told.other_experts, told.unknown):
        assert one.low_ratio * one.high_ratio == pytest.approx(1, abs=1e-3) and len(one.without) > 2


def test_what_is_left_out_has_no_say() -> None:
    """Given vLLM left out of other software, the interval is the one that the rest gives; an unknown group changes nothing."""
    whole = interval_of(100.0, "vllm", device="H200")
    assert interval_of(100.0, "vllm", device="H200", left_out=("vllm",)) != whole
    assert interval_of(100.0, "vllm", device="H200", left_out=("nobody",)) == whole
    low, high = interval_of(100.0, "vllm", device="Abacus")
    assert low < whole[0] < 100 < whole[1] < high


def test_what_an_interval_rests_on_is_told() -> None:
    """Given an accelerator that no row covers, that is told beside the class; given one that rows cover, the class alone."""
    assert "no row is of Abacus" in interval_words("vllm", device="Abacus")
    told = interval_words("", device="H200", experts=True)
    assert told.count(" to x ") == 2 and "taken as the default" in told and "no row is of H200" not in told
