"""Exchange between experts and sums over tensor ranks, as serving software does them."""

from dataclasses import replace

import numpy as np
import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.inference import InferencePlan, engine_named
from datahall.models.inference.replica import Replica, Work
from datahall.models.parallel.communication import cluster_of

DEEPSEEK, LLAMA = architecture("deepseek-v3"), architecture("llama3-70b")
H800 = cluster_of("H800", nic_bytes_per_s=50e9)
DEEPEP_US = {8: (77, 114), 16: (118, 195), 32: (155, 273), 64: (173, 314), 128: (192, 369), 256: (194, 360)}
"""Dispatch in 8 bits and combine in 16, 128 tokens, 7168 wide, 8 experts: deepseek-ai/DeepEP docs/legacy.md@0297fc8."""


@pytest.mark.parametrize("ranks", list(DEEPEP_US))
def test_one_sided_exchange_takes_as_long_as_deepep_published(ranks):
    """Given DeepSeek-V3's width and 128 tokens a rank, there and back take within 12 % of the published sum."""
    plan = InferencePlan(data=ranks, expert=ranks, precision="fp8")
    ours_s = float(Replica(DEEPSEEK, plan, H800, engine_named("vllm")).exchange_s(128.0)) / 58
    assert ours_s == pytest.approx(sum(DEEPEP_US[ranks]) * 1e-6, rel=0.12)


def test_halves_that_take_turns_hide_the_exchange():
    """Given 128 ranks that exchange for longer than they compute, turns hide what computing covers, not more."""
    plan, work = InferencePlan(data=128, expert=128, precision="fp8"), Work(64.0, 4000.0)
    plain = engine_named("vllm")
    turns = plain.model_copy(update={"exchange_overlap": True})
    whole, hidden = (Replica(DEEPSEEK, plan, H800, engine).step(work) for engine in (plain, turns))
    assert hidden.seconds < whole.seconds and hidden.exchange < whole.exchange / 2
    slow = replace(H800, nic_bytes_per_s=5e9)
    exposed = Replica(DEEPSEEK, plan, slow, turns).step(work)
    assert exposed.exchange > 0.5 * Replica(DEEPSEEK, plan, slow, plain).step(work).exchange


def test_small_sums_take_the_engines_own_kernel_and_large_ones_the_librarys():
    """Given eight ranks on NVLink, a kilobyte is summed in about 10 us; a gigabyte takes as long as by the library."""
    h100, plan = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9), InferencePlan(tensor=8)
    own = engine_named("roofline").model_copy(update={"one_shot_s": 1e-5})
    small, large = np.array(1e3), np.array(1e9)
    with_own, library = (Replica(LLAMA, plan, h100, engine) for engine in (own, engine_named("roofline")))
    assert float(with_own.sum_s(small)) == pytest.approx(1e-5, rel=0.01)
    assert float(library.sum_s(small)) > 2e-5
    assert float(with_own.sum_s(large)) == float(library.sum_s(large))


def test_pcie_has_no_kernel_of_its_own():
    """Given L40S over PCIe, sums are the library's whatever the engine has."""
    l40s, plan = cluster_of("L40S", nic_bytes_per_s=50e9), InferencePlan(tensor=4)
    own = engine_named("roofline").model_copy(update={"one_shot_s": 1e-6})
    with_own, library = (Replica(LLAMA, plan, l40s, engine) for engine in (own, engine_named("roofline")))
    assert float(with_own.sum_s(np.array(1e3))) == float(library.sum_s(np.array(1e3)))


def test_experts_cost_what_the_software_makes_of_them():
    """Given half the speed, experts take twice as long; an uneven router costs only where ranks hold experts of their own."""
    work, plain = Work(256.0, 1000.0), engine_named("roofline")
    slow, uneven = (plain.model_copy(update={name: value}) for name, value in (("expert_ratio", 0.5), ("imbalance_ratio", 2.0)))
    cut, own = InferencePlan(tensor=8), InferencePlan(data=8, expert=8)
    steps = {(e.expert_ratio, e.imbalance_ratio, p.expert): Replica(DEEPSEEK, p, H800, e).step(work).experts
             for e in (plain, slow, uneven) for p in (cut, own)}  # fmt: skip
    assert steps[0.5, 1.0, 1] == pytest.approx(2 * steps[1.0, 1.0, 1])
    assert steps[1.0, 2.0, 1] == steps[1.0, 1.0, 1] and steps[1.0, 2.0, 8] > steps[1.0, 1.0, 8]


def test_a_graph_starts_the_steps_that_it_holds():
    """Given 50 us a kernel, a graph of decoding steps leaves only steps with prompts to the host; one of all leaves none."""
    base = engine_named("roofline").model_copy(update={"host_kernel_s": 5e-5})
    waits = {}
    for graphs in ("none", "decode", "all"):
        replica = Replica(LLAMA, InferencePlan(tensor=8), H800, base.model_copy(update={"graphs": graphs}))
        waits[graphs] = tuple(replica.step(work).host > 0 for work in (Work(1.0, 100.0), Work(1.0, 100.0, 16.0, 8.0, 1.0)))
    assert waits == {"none": (True, True), "decode": (False, True), "all": (False, False)}
