"""Throughput of continuous batching while requests wait, in closed form: cycles of a full batch (cycle.py), and a finite run.

A finite run, all there from the start, is whole cycles, one for what is left, and the last one's slots running empty.
"""

import math
from dataclasses import replace

from datahall.foundation.errors import Refused
from datahall.models.cost.spec import Architecture
from datahall.models.inference.checks import refuse
from datahall.models.inference.cycle import Cycle, cycle_of, decoding_work, filled_s, own_prompt, prompt_piece, tokens_per_step
from datahall.models.inference.engines import default_engine
from datahall.models.inference.limits import limit_of
from datahall.models.inference.memory import kv_sequence_bytes, memory_of_replica, no_room, weight_bytes_of
from datahall.models.inference.replica import Replica
from datahall.models.inference.result import EMPTY, ServingMemory, Throughput
from datahall.models.inference.spec import Engine, InferencePlan, Load
from datahall.models.inference.split import split_throughput
from datahall.models.parallel.communication import Cluster

LEAST_STEP_TOKENS, MOST_STEP_TOKENS = 2048, 32768
"""Bounds between which `trtllm-bench build` sets the tokens of a step. Source: NVIDIA/TensorRT-LLM, bench/build/tuning.py."""


def throughput_of(
    architecture: Architecture, plan: InferencePlan, cluster: Cluster, load: Load, engine: Engine | None = None
) -> Throughput:
    """What the plan serves while requests wait. Raises Refused where the plan cannot be run or holds not one request."""
    refuse(architecture, plan)
    replica = tuned(Replica(architecture, plan, cluster, engine or default_engine()), load)
    memory = memory_of_replica(replica)
    slots, held = slots_of(replica, load, memory)
    found = split_throughput(replica, load, slots) if replica.plan.prefill else _joint(replica, load, slots)
    return replace(found, memory=memory, limit=found.limit or limit_of(replica, found.step, held))


def tuned(replica: Replica, load: Load) -> Replica:
    """With the batch and the tokens of a step that the engine sets for the load, where it does and the plan does not.

    As many as have room beside the weights; tokens so that decoding and prompts keep pace: B (1 + input/output).
    """
    engine, plan = replica.engine, replica.plan
    if not engine.tuned:
        return replica
    free = replica.cluster.device.memory_bytes - weight_bytes_of(replica)
    room = max(1.0, engine.kv_ratio * free / kv_sequence_bytes(replica, load.input_tokens + load.output_tokens))
    batch = min(engine.max_batch, 64 * math.ceil(min(room, engine.max_batch) / 64))
    wanted = min(room, batch) * (1 + load.input_tokens / load.output_tokens)
    tokens = round(min(MOST_STEP_TOKENS, max(LEAST_STEP_TOKENS, wanted)))
    update = {"max_batch": plan.max_batch or batch, "step_tokens": plan.step_tokens or tokens}
    return replace(replica, plan=plan.model_copy(update=update))


def slots_of(replica: Replica, load: Load, memory: ServingMemory) -> tuple[float, str]:
    """Sequences that one replica holds at once, and what keeps them from being more."""
    each = kv_sequence_bytes(replica, held_tokens(replica, load))
    shared = kv_sequence_bytes(replica, load.input_tokens * load.prefix_hit_ratio) if load.prefix_hit_ratio else 0.0
    whole = kv_sequence_bytes(replica, load.input_tokens * (1 - load.prefix_hit_ratio) + load.output_tokens)
    if memory.kv - shared < whole:  # at its end even a lone request needs room for all of it
        raise Refused(no_room(replica, load, memory, whole + shared))
    room = float(math.floor((memory.kv - shared) / each))
    most = float(replica.plan.max_batch or replica.engine.max_batch)
    choices = [(room, "room for keys and values"), (most, "max_batch")]
    if load.concurrency:
        choices.append((max(1.0, load.concurrency / replica.plan.data), "the load's concurrency"))
    if load.requests:
        choices.append((max(1.0, load.requests / replica.plan.data), "the load's requests"))
    return min(choices, key=lambda choice: choice[0])


def held_tokens(replica: Replica, load: Load) -> float:
    """Tokens that a sequence of its own takes room for: half of its answer on average over sequences of all ages; the whole
    where that is reserved, or where all began together and so are long together."""
    own = load.input_tokens * (1 - load.prefix_hit_ratio)
    whole = replica.engine.reserves_output or load.requests is not None
    return own + load.output_tokens * (1.0 if whole else 0.5)


def _joint(replica: Replica, load: Load, slots: float) -> Throughput:
    """Prompts and decoding on the same accelerators."""
    whole = cycle_of(replica, load, slots)
    seconds, served = whole.seconds, slots
    if load.requests:
        seconds, served = _finite(replica, load, slots, whole), load.requests / replica.plan.data
    per_s = served / seconds * replica.plan.data * load.busy_ratio(replica.plan.data)
    own_steps = max(1.0, own_prompt(load) / prompt_piece(replica, load, whole.decode, slots))
    pure_s = whole.steps * whole.pure.seconds
    return Throughput(
        output_tokens_per_s=per_s * load.output_tokens,
        input_tokens_per_s=per_s * load.input_tokens,
        requests_per_s=per_s,
        batch=whole.decode,
        step=whole.step,
        prefill_share=max(0.0, 1 - pure_s / whole.seconds),
        ttft_s=own_steps * whole.mixed.seconds + replica.engine.request_s,
        tpot_s=whole.seconds / whole.steps / tokens_per_step(replica),
        memory=EMPTY,
        accelerators=replica.plan.accelerators,
        limit="",
    )


def _finite(replica: Replica, load: Load, slots: float, whole: Cycle) -> float:
    """A replica's share of the requests, s: filling, whole cycles, one for what is left, and running empty."""
    share = (load.requests or 0) / replica.plan.data
    full = float(math.floor(share / slots + 1e-9))
    rest = share - full * slots
    seconds = filled_s(replica, load, slots) + max(0.0, full - 1) * whole.seconds
    if rest < 1:
        return seconds + whole.prompt_steps * replica.step(decoding_work(load, slots / 2)).seconds
    last = cycle_of(replica, load, rest)
    return seconds + last.seconds + last.prompt_steps * replica.step(decoding_work(load, rest / 2)).seconds
