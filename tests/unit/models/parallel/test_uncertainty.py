"""The interval of a predicted step."""

import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.uncertainty import interval_of, spread_of, uncertainty

PLAN = TrainPlan(global_batch=8, sequence=2048, data=8)


def test_the_interval_holds_the_prediction_and_scales_with_it():
    """Given 10 s and 20 s, the second interval is twice the first, and each holds its prediction."""
    first, second = (interval_of(s, architecture=architecture("llama3-8b"), plan=PLAN, stack=Stack()) for s in (10.0, 20.0))
    assert first[0] < 10 < first[1]
    assert second == pytest.approx((2 * first[0], 2 * first[1]))


def test_what_is_known_worse_has_a_wider_interval():
    """Given a mixture of experts, and a stack that nobody stated, both intervals are wider than a stated dense one's."""
    dense, mixture = architecture("llama3-8b"), architecture("mixtral-8x7b")

    def width(*, of, stack):
        low, high = interval_of(1.0, architecture=of, plan=PLAN, stack=stack)
        return high - low

    assert width(of=mixture, stack=Stack()) > width(of=dense, stack=Stack()) < width(of=dense, stack=None)


def test_classes_follow_experts_and_precision():
    """Given fp8 or experts, their own spread is taken."""
    known = uncertainty()
    assert spread_of(architecture("llama3-8b"), PLAN.model_copy(update={"precision": "fp8"})) is known.narrow
    assert spread_of(architecture("mixtral-8x7b"), PLAN) is known.experts


def test_quantiles_were_taken_from_several_tables_and_cover_what_they_should():
    """Given the constants, each class names its tables, and tables left out lay inside about as often as was wanted.

    Experts have five groups, and one of them (GPT-OSS) lies outside nearly whole when it is left out.
    """
    for spread in (uncertainty().dense, uncertainty().narrow, uncertainty().experts):
        assert len(spread.tables) >= 2 and spread.rows > 20 and 0.7 <= spread.coverage_ratio <= 0.95
