import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.cost.catalogue import architecture
from datahall.models.inference import InferencePlan, Load, PrefillPool, engine_named, latency_of, throughput_of
from datahall.models.inference.replica import Replica, Work
from datahall.models.inference.step_table import step_table
from datahall.models.parallel.communication import cluster_of

SMALL, LLAMA = architecture("llama3-8b"), architecture("llama3-70b")
H100 = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9)
PLAN, BARE = InferencePlan(), engine_named("roofline")
CHAT = Load(input_tokens=1000, output_tokens=200)


def at(requests_per_s: float, **more) -> Load:
    return CHAT.model_copy(update={"requests_per_s": requests_per_s, **more})


def test_a_lone_request_waits_for_its_prompt_and_then_a_step_for_each_token():
    """Given one request in a hundred seconds, the first token takes one reading step, the others lone decoding steps."""
    found = latency_of(SMALL, PLAN, H100, at(0.01), BARE, requests=20)
    replica = Replica(SMALL, PLAN, H100, BARE)
    assert found.ttft_s["p99"] == pytest.approx(replica.step(Work(prompts=1000, seen=500, ended=1)).seconds, rel=0.02)
    assert found.tpot_s["mean"] == pytest.approx(replica.step(Work(1, 1100)).seconds, rel=0.01)
    assert found.queue_s["p99"] == 0 and found.busy_ratio < 0.02


def test_waiting_grows_with_the_load_and_overload_is_called_so():
    """Given more arrivals, both percentiles grow; beyond what is served the answer says that waiting has no bound."""
    most = throughput_of(SMALL, PLAN, H100, CHAT, BARE).requests_per_s
    found = [latency_of(SMALL, PLAN, H100, at(share * most), BARE, requests=600) for share in (0.2, 0.6, 0.9, 1.5)]
    for name in ("ttft_s", "tpot_s"):
        p95 = [getattr(one, name)["p95"] for one in found]
        assert p95 == sorted(p95)
    assert [one.stable for one in found] == [True, True, True, False]
    assert "exceeds" in found[-1].method


def test_what_is_written_is_what_was_asked_for():
    """Given a load that is served, tokens out of the simulation are arrivals times answers, and Little's law holds."""
    found = latency_of(SMALL, PLAN, H100, at(10.0), BARE, requests=4000)
    assert found.output_tokens_per_s == pytest.approx(10 * 200, rel=0.05)
    writing = 10 * (found.request_s["mean"] - found.ttft_s["mean"])
    assert found.batch * found.busy_ratio == pytest.approx(writing, rel=0.05)


def test_a_closed_loop_nears_the_closed_form():
    """Given 64 requests at once for ever, the simulation serves what the closed form says, within 5 %."""
    load = CHAT.model_copy(update={"concurrency": 64})
    played = latency_of(SMALL, PLAN, H100, load, BARE, requests=4000)
    formula = throughput_of(SMALL, PLAN, H100, load, BARE)
    assert played.output_tokens_per_s == pytest.approx(formula.output_tokens_per_s, rel=0.05)


def test_the_same_seed_gives_the_same_figures():
    """Given lengths that vary, a seed repeats them and another does not."""
    load = at(10.0, length_cv=1.0)
    one, same, other = (latency_of(SMALL, PLAN, H100, load, BARE, requests=300, seed=seed) for seed in (1, 1, 2))
    assert one == same != other


def test_table_agrees_with_the_composed_step():
    """Given steps between the rows of the grid, the table is within 3 % of what the kernels add up to."""
    load = at(10.0)
    replica = Replica(LLAMA, InferencePlan(tensor=8), H100, BARE)
    table = step_table(replica, load)
    for decode, prompts in ((1, 0), (3, 0), (77, 0), (200, 0), (1, 1000), (50, 700), (150, 4000), (0, 3000)):
        work = Work(decode, 1100, prompts, 500, prompts / 1000)
        ours = table.step_s(decode, prompts, decode * 1100, prompts * 500)
        assert ours == pytest.approx(replica.step(work).seconds, rel=0.03)


def test_a_prefill_pool_keeps_prompts_out_of_the_steps_between_tokens():
    """Given the same load, with a pool the slowest tokens come faster, and the first token pays for the transfer."""
    load = at(6.0, input_tokens=4000)
    joint = latency_of(SMALL, PLAN, H100, load, BARE, requests=500)
    split = latency_of(SMALL, InferencePlan(prefill=PrefillPool(replicas=2)), H100, load, BARE, requests=500)
    assert split.tpot_s["p95"] < joint.tpot_s["p95"]
    assert split.stable and np.isfinite(split.ttft_s["p95"])


def test_decoding_waits_for_prompts_where_steps_are_not_mixed():
    """Given an engine that reads prompts in steps of their own, tokens in between come later."""
    apart = BARE.model_copy(update={"mixed_steps": False, "chunked_prefill": False})
    together, alone = (latency_of(SMALL, PLAN, H100, at(15.0), engine, requests=500) for engine in (BARE, apart))
    assert alone.tpot_s["p95"] > together.tpot_s["p95"]


@pytest.mark.parametrize(
    ("load", "plan", "requests"),
    [
        (CHAT, PLAN, 100),
        (at(1.0), PLAN, 10**6),
        (CHAT.model_copy(update={"concurrency": 4}), InferencePlan(prefill=PrefillPool()), 100),
    ],
)
def test_what_cannot_be_played_is_refused(load, plan, requests):
    """Given no arrivals, too many requests, or a closed loop through a pool, INFER-008 says what to give."""
    with pytest.raises(Refused, match="INFER-008"):
        latency_of(SMALL, plan, H100, load, BARE, requests=requests)
