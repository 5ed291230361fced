"""Requests that cannot be."""

import pytest

from datahall.planner.training.checks import problem_of_batch, problem_of_product, problems_of_request
from datahall.planner.training.cluster import Kind
from datahall.planner.training.request import TrainRequest

KIND = Kind("H100 80GB HBM3", 32, 4, None)


def told(**fields: object) -> list[str]:
    request = TrainRequest.model_validate({"tokens": 1e9, **fields})
    return [f"{problem.code} {problem.where}: {problem.what}" for problem in problems_of_request(request, KIND)]


def test_a_sound_request_has_no_problem():
    assert told(accelerators=32, pinned={"tensor": 4}, start_h=8759) == []


@pytest.mark.parametrize("tokens", [0, -1e9, 1e30])
def test_tokens_are_more_than_none_and_not_absurd(tokens: float):
    assert told(tokens=tokens) == [f"TRAIN-010 train.tokens: tokens={tokens:g}, but a run reads more than 0 and at most 1e+16"]


def test_a_run_has_at_least_one_step():
    """Given 1,000 tokens and steps of 8 x 2,048, the run would end inside its first step."""
    assert told(tokens=1000, sequence=2048, global_batch=8) == [
        "TRAIN-010 train.tokens: tokens=1000 are less than one step of 8 x 2048 = 16,384"
    ]


def test_no_more_accelerators_than_there_are():
    [text] = told(accelerators=64)
    assert text == "TRAIN-003 train.accelerators: 64 accelerators are asked for, but the hall has 32 H100 80GB HBM3"


def test_all_problems_come_at_once():
    """Given six slips, six problems are told."""
    found = told(tokens=0, sequence=0, accelerators=0, detection_s=-1, start_h=9000, pinned={"tensors": 8})
    assert [text.split()[0] for text in found] == ["TRAIN-010", "TRAIN-011", "TRAIN-011", "TRAIN-012", "TRAIN-012", "TRAIN-013"]


def test_what_is_pinned_is_a_field_said_once_and_whole():
    """Given an unknown field, one that the request has itself, and half a rank, each is a problem of its own."""
    found = told(pinned={"tensors": 8, "precision": "fp8", "tensor": "8"})
    assert [text.split(":")[0] for text in found] == [
        "TRAIN-013 train.pinned",
        "TRAIN-013 train.pinned.precision",
        "TRAIN-013 train.pinned.tensor",
    ]


def test_pinned_ranks_need_no_more_than_there_are():
    """Given 3 x 4 on 32, eight stand idle; given 12 x 4, there are too few."""
    assert problem_of_product(TrainRequest(tokens=1e9, pinned={"tensor": 4, "pipeline": 3}), 32) is None
    problem = problem_of_product(TrainRequest(tokens=1e9, pinned={"tensor": 4, "pipeline": 12}), 32)
    assert problem is not None and problem.what == "tensor=4 x pipeline=12 = 48 is more than the 32 accelerators"


def test_pinned_ranks_divide_the_batch():
    """Given 16 data ranks with 4 sequences each and a batch of 1,000, the nearest batches are 960 and 1,024."""
    request = TrainRequest(tokens=1e9, pinned={"data": 16, "micro_batch": 4})
    problem = problem_of_batch(request, 1000)
    assert problem is not None and problem.what == "data=16 x micro_batch=4 = 64 does not divide the 1000 sequences of a step"
    assert problem.fix.startswith("set global_batch to 960 or 1024") and problem_of_batch(request, 1024) is None
