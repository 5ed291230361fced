"""Throughput where prompts are read by a pool of accelerators of their own, which sends keys and values to those that decode.

Source of the idea: Zhong et al., DistServe, arXiv:2401.09670; Patel et al., Splitwise, arXiv:2311.18677.
"""

from dataclasses import replace

from datahall.foundation.errors import Refused
from datahall.models.cost.state import kv_bytes
from datahall.models.inference.cycle import decoding_steps, decoding_work, own_prompt, tokens_per_step
from datahall.models.inference.limits import limit_of
from datahall.models.inference.memory import kv_sequence_bytes, memory_of_replica, no_room
from datahall.models.inference.replica import Replica, Work
from datahall.models.inference.result import EMPTY, Throughput
from datahall.models.inference.spec import InferencePlan, Load, PrefillPool
from datahall.network.collectives import time_s


def pool_of(replica: Replica, load: Load) -> Replica:
    """One replica of the pool. Raises Refused where it holds not one prompt."""
    pool = _pool(replica)
    update = {"tensor": pool.tensor, "pipeline": pool.pipeline, "expert": pool.expert, "data": pool.replicas, "prefill": None}
    plan = InferencePlan.model_validate(replica.plan.model_dump() | update | {"speculation": None, "max_batch": 64})
    found = replace(replica, plan=plan)
    memory, wanted = memory_of_replica(found), kv_sequence_bytes(found, load.input_tokens)
    if memory.kv < wanted:
        raise Refused(no_room(found, load, memory, wanted))
    return found


def prompt_s(pool: Replica, load: Load) -> float:
    """Until one prompt is read, alone on a replica of the pool."""
    own = own_prompt(load)
    piece = min(own, pool.plan.step_tokens or pool.engine.step_tokens)
    return own / piece * pool.step(_reading(load, piece)).seconds


def transfer_s(replica: Replica, load: Load) -> float:
    """To send a prompt's keys and values to another domain, each accelerator of the pool its share, that nothing hides."""
    pool = _pool(replica)
    share = kv_bytes(replica.architecture, round(own_prompt(load)), replica.plan.kept) / pool.tensor / pool.pipeline
    sent_s = float(time_s("send_recv", share, replica.cluster.group(2, stride=replica.cluster.per_domain)))
    return (1 - pool.transfer_overlap_ratio) * sent_s


def split_throughput(replica: Replica, load: Load, slots: float) -> Throughput:
    """The slower side sets the pace; where the pool does, fewer sequences decode."""
    pool, plan = pool_of(replica, load), replica.plan
    read_per_s = _prompts_per_s(pool, load) * _pool(replica).replicas
    batch, decoded_per_s = slots, _decoded_per_s(replica, load, slots)
    if read_per_s < decoded_per_s:
        batch = _batch_for(replica, load, slots, read_per_s)
    per_s, step = min(read_per_s, decoded_per_s), replica.step(decoding_work(load, batch))
    limit = f"the prefill pool: {limit_of(pool, pool.step(_reading(load, own_prompt(load))), 'prompts')}"
    return Throughput(
        output_tokens_per_s=per_s * load.output_tokens,
        input_tokens_per_s=per_s * load.input_tokens,
        requests_per_s=per_s,
        batch=batch,
        step=step,
        prefill_share=0.0,
        ttft_s=prompt_s(pool, load) + transfer_s(replica, load) + replica.engine.request_s,
        tpot_s=step.seconds / tokens_per_step(replica),
        memory=EMPTY,
        accelerators=plan.accelerators,
        limit=limit if read_per_s < decoded_per_s else "",
        notes=("the first token counts once its keys and values have arrived where it is decoded",),
    )


def _pool(replica: Replica) -> PrefillPool:
    if replica.plan.prefill is None:
        raise ValueError("split: the plan has no prefill pool")
    return replica.plan.prefill


def _reading(load: Load, piece: float) -> Work:
    seen = load.input_tokens * load.prefix_hit_ratio + own_prompt(load) / 2
    return Work(prompts=piece, seen=seen, ended=piece / own_prompt(load))


def _prompts_per_s(pool: Replica, load: Load) -> float:
    """Of one replica that always has as many tokens to read as a step takes."""
    piece = float(pool.plan.step_tokens or pool.engine.step_tokens)
    return piece / own_prompt(load) / pool.step(_reading(load, piece)).seconds


def _decoded_per_s(replica: Replica, load: Load, batch: float) -> float:
    step_s = replica.step(decoding_work(load, batch)).seconds
    return batch * load.busy_ratio(replica.plan.data) * replica.plan.data / (max(1.0, decoding_steps(replica, load)) * step_s)


def _batch_for(replica: Replica, load: Load, most: float, per_s: float) -> float:
    """The batch at which decoding keeps up with so many requests: halving, as the rate grows with the batch."""
    low, high = 0.0, most
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if _decoded_per_s(replica, load, middle) < per_s else (low, middle)
    return high
