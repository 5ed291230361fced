"""What a constant says of serving throughput: one share of a roofline, the same for all rows."""

import functools
from pathlib import Path

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.models.cost.parameters import parameters_of, touched
from datahall.models.cost.state import kv_bytes_per_token, weight_bytes
from datahall.planner.validation.serving_rows import ServingCase

FILE = Path(__file__).with_name("serving_baseline.yaml")


class Baseline(Spec):
    """Medians over the fitted half, written by benchmarks/models/fit_inference.py."""

    roofline_ratio: float = Field(gt=0)
    """Measured over the roofline."""
    flop_ratio: float = Field(gt=0)
    """Measured over what the peak alone allows: model FLOPs utilisation of serving."""
    source: str
    date: str


@functools.cache
def baseline() -> Baseline:
    return load(FILE, Baseline)


def constant_tokens_per_s(case: ServingCase) -> float:
    """Output tokens/s: the fitted share of the roofline."""
    return baseline().roofline_ratio * roofline_tokens_per_s(case)


def flop_tokens_per_s(case: ServingCase) -> float:
    """Output tokens/s if every token took 2 FLOP for each active parameter, at the data sheet's peak, and nothing else."""
    device, load = case.cluster.device, case.load
    flop = 2 * parameters_of(case.architecture).active * (1 + load.input_tokens / load.output_tokens)
    return case.plan.accelerators * device.peak_flop_per_s(case.plan.precision) / flop


def roofline_tokens_per_s(case: ServingCase) -> float:
    """The lower of computing and of streaming weights, keys and values at the largest batch that memory holds."""
    device, load, plan = case.cluster.device, case.load, case.plan
    ranks = plan.replica_accelerators
    held = ranks * device.memory_bytes - weight_bytes(parameters_of(case.architecture).total, plan.precision)
    each = kv_bytes_per_token(case.architecture, plan.kept)
    most = float(min(load.requests or case.engine.max_batch, case.engine.max_batch, load.concurrency or 10**9))
    batch = max(1.0, min(held / each / (load.input_tokens + load.output_tokens), most / plan.data))
    read = weight_bytes(touched(case.architecture, batch), plan.precision)
    moved = read + batch * each * (load.input_tokens + load.output_tokens / 2)
    streamed = plan.data * ranks * device.memory_bytes_per_s * batch / moved
    return min(streamed, flop_tokens_per_s(case))
