"""More of what costs takes longer, more of what helps does not: over many plans, with the fitted constants."""

from dataclasses import replace
from itertools import pairwise

import pytest

from datahall.models.cost.spec import Architecture, Attention, FeedForward
from datahall.models.parallel.communication import cluster_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step import step_of

H100 = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9)
GPT = Architecture(
    name="gpt", layers=32, hidden=8192, vocab=51_200, context=2048, attention=Attention(heads=64),
    feed_forward=FeedForward(width=32_768), source="made up for a test",
)  # fmt: skip
PLANS = [
    {"tensor": 1, "data": 64, "zero": 3},
    {"tensor": 8, "data": 8, "zero": 1, "recompute": "full"},
    {"tensor": 2, "pipeline": 4, "data": 8, "recompute": "selective"},
    {"tensor": 4, "pipeline": 4, "data": 4, "schedule": "interleaved", "chunks": 2, "zero": 1},
    {"tensor": 1, "context": 2, "data": 32, "zero": 2, "sequence": 8192},
]


def seconds(fields, *, cluster=H100, architecture=GPT) -> float:
    return step_of(
        architecture, TrainPlan.model_validate({"global_batch": 256, "sequence": 2048, "micro_batch": 4} | fields), cluster
    ).seconds


@pytest.mark.parametrize("fields", PLANS, ids=str)
def test_faster_parts_never_take_longer(fields):
    """Given twice the ports, the memory, or the peak, no step takes longer, and one with twice of all takes far less."""
    device = H100.device
    faster = replace(device, flop_per_s={name: 2 * rate for name, rate in device.flop_per_s.items()})
    quicker = replace(device, memory_bytes_per_s=2 * device.memory_bytes_per_s)
    clusters = [replace(H100, nic_bytes_per_s=100e9), replace(H100, device=faster), replace(H100, device=quicker)]
    base = seconds(fields)
    assert all(seconds(fields, cluster=cluster) <= base for cluster in clusters)
    both = replace(faster, memory_bytes_per_s=2 * device.memory_bytes_per_s)
    assert seconds(fields, cluster=replace(H100, device=both)) < 0.8 * base


@pytest.mark.parametrize("fields", PLANS, ids=str)
def test_more_work_takes_longer(fields):
    """Given twice the batch, 16 more layers, or a wider block, the step takes longer."""
    base = seconds(fields)
    assert seconds(fields | {"global_batch": 512}) > 1.5 * base
    assert seconds(fields, architecture=GPT.model_copy(update={"layers": 48})) > 1.2 * base
    assert seconds(fields, architecture=GPT.model_copy(update={"feed_forward": FeedForward(width=40_960)})) > 1.05 * base


@pytest.mark.parametrize("fields", PLANS, ids=str)
def test_aligned_widths_have_no_cliff(fields):
    """Given blocks wider by 1,024 columns at a time, time per column never changes by more than a twentieth."""
    widths = range(32_768, 40_961, 1024)
    found = [
        seconds(fields, architecture=GPT.model_copy(update={"feed_forward": FeedForward(width=width)})) for width in widths
    ]
    each = (found[-1] - found[0]) / (len(found) - 1)
    assert [after - before for before, after in pairwise(found)] == pytest.approx([each] * (len(found) - 1), rel=0.05)
