"""Bytes that serving holds on an accelerator, and how many tokens' keys and values have room."""

import functools

from datahall.foundation.errors import Problem
from datahall.models.cost.parameters import layer_parameters
from datahall.models.cost.spec import Architecture
from datahall.models.cost.state import bytes_of, kv_bytes, kv_values_per_layer
from datahall.models.inference.checks import refuse
from datahall.models.inference.engines import default_engine
from datahall.models.inference.replica import Replica, stored_bytes
from datahall.models.inference.result import ServingMemory
from datahall.models.inference.spec import Engine, InferencePlan, Load
from datahall.models.parallel.communication import Cluster

LOGIT_BYTES = 6.0
"""Of each logit of a step: as computed, and in fp32."""
WIDE_BYTES = 2.0
"""Of embedding, output layer and activations: 16 bits, whatever the layers are kept in."""


def memory_of(architecture: Architecture, plan: InferencePlan, cluster: Cluster, engine: Engine | None = None) -> ServingMemory:
    """Of one accelerator of the fullest stage. Raises Refused where the plan cannot be run on the architecture."""
    refuse(architecture, plan)
    return memory_of_replica(Replica(architecture, plan, cluster, engine or default_engine()))


def kv_capacity_tokens(
    architecture: Architecture, plan: InferencePlan, cluster: Cluster, engine: Engine | None = None
) -> float:
    """Tokens whose keys and values one replica has room for; 0 where the weights leave none. Raises Refused as `memory_of`."""
    return memory_of(architecture, plan, cluster, engine).kv_tokens


def memory_of_replica(replica: Replica) -> ServingMemory:
    engine, device = replica.engine, float(replica.cluster.device.memory_bytes)
    weights, activations = weight_bytes_of(replica), activation_bytes_of(replica)
    free = device * engine.device_ratio - weights - activations - engine.context_bytes
    kv = max(0.0, free) * engine.kv_ratio
    tokens = kv / kv_token_bytes(replica)
    return ServingMemory(weights, activations, float(engine.context_bytes), kv, device, tokens, max(0.0, -free))


def weight_bytes_of(replica: Replica) -> float:
    """Of the fullest stage's layers on one rank, and of embedding and output layer where it holds them."""
    one, plan = replica.architecture, replica.plan
    in_layers = max(
        routed / max(plan.tensor, plan.expert) + others / plan.tensor for routed, others in _in_stages(one, plan.pipeline)
    )
    ends = 2 if plan.pipeline == 1 and not one.tied_embeddings else 1
    around = ends * one.vocab * one.hidden / plan.tensor
    return in_layers * stored_bytes(plan.stored) + around * max(WIDE_BYTES, wide_bytes(plan))


@functools.lru_cache(maxsize=256)
def _in_stages(architecture: Architecture, stages: int) -> tuple[tuple[int, int], ...]:
    """Routed parameters of each stage's layers, and all others: a stage of layers with experts alone holds the most."""
    counted = [layer_parameters(architecture, layer) for layer in range(architecture.layers)]
    size = -(-len(counted) // stages)
    held = [counted[first : first + size] for first in range(0, len(counted), size)]
    return tuple((sum(one.routed for one in run), sum(one.total - one.routed for one in run)) for run in held)


def wide_bytes(plan: InferencePlan) -> float:
    return 4.0 if plan.precision == "fp32" else WIDE_BYTES


def activation_bytes_of(replica: Replica) -> float:
    """Of the largest step: one layer's, as they are used again by the next; and logits of all sequences."""
    one, plan, mixture = replica.architecture, replica.plan, replica.architecture.experts
    into = 3 if one.feed_forward.gated else 2
    inner = one.feed_forward.width
    routed = 0.0
    if mixture is not None:
        inner = max(inner, mixture.active * mixture.width)
        routed = 2.0 * mixture.active * one.hidden
    checked = 1 + (plan.speculation.draft_tokens if plan.speculation else 0)
    tokens = (plan.step_tokens or replica.engine.step_tokens) / plan.pipeline
    outputs = (plan.max_batch or replica.engine.max_batch) * checked / plan.pipeline
    each = 4.0 * one.hidden + routed + (into * inner + replica.heads[0] * replica.heads[2]) / plan.tensor
    return tokens * each * wide_bytes(plan) + min(outputs, tokens) * one.vocab * LOGIT_BYTES


def kv_token_bytes(replica: Replica) -> float:
    """Of one token on one accelerator of the fullest stage, while no window is full."""
    layers = -(-replica.architecture.layers // replica.plan.pipeline)
    return layers * replica.kept_values * bytes_of(replica.plan.kept)


def kv_sequence_bytes(replica: Replica, tokens: float) -> float:
    """Of one sequence on one accelerator of the fullest stage; a layer with a window keeps no more than that."""
    one = replica.architecture
    whole = kv_bytes(one, round(tokens), replica.plan.kept) / one.layers * -(-one.layers // replica.plan.pipeline)
    return whole * replica.kept_values / kv_values_per_layer(one)


def no_room(replica: Replica, load: Load, memory: ServingMemory, wanted: float) -> Problem:
    """INFER-007: by how much one request does not fit, and what would make it. wanted: bytes of its keys and values."""
    gib, plan = 2**30, replica.plan
    short = memory.short + max(0.0, wanted - memory.kv)
    what = (
        f"{replica.architecture.name} takes {memory.weights / gib:.1f} GiB of weights, {memory.activations / gib:.1f} of "
        f"activations and {memory.context / gib:.1f} of context on each accelerator, and one request of "
        f"{load.input_tokens} + {load.output_tokens} tokens {wanted / gib:.1f}: {short / gib:.1f} more than the engine may "
        f"take of the {memory.device / gib:.0f} GiB of {replica.cluster.device.name}"
    )
    fix = f"raise tensor={plan.tensor} or pipeline={plan.pipeline}, narrow the weights, lower step_tokens, or shorten requests"
    return Problem("INFER-007", "plan", what, fix)
