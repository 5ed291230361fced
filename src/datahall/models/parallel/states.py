"""Parameters that one rank of a pipeline stage holds, and the bytes of weights, gradients and optimiser that they take."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from datahall.models.cost.parameters import has_experts, head_dim_of, kv_heads_of, layer_parameters, parameters_of
from datahall.models.cost.spec import Architecture, Attention
from datahall.models.parallel import footprint
from datahall.models.parallel.footprint import Number
from datahall.models.parallel.layout import Stage, predicting_on
from datahall.models.parallel.spec import TrainPlan


@functools.lru_cache(maxsize=4096)
def layer_kinds(architecture: Architecture, runs: tuple[range, ...]) -> tuple[int, int, int, int]:
    """Layers by kind: dense, with experts; and of both those that also read an encoder."""
    encoder = architecture.encoder_layers if architecture.kind == "encoder_decoder" else 0
    counts = [0, 0, 0, 0]
    for run in runs:
        for layer in run:
            crossed = architecture.kind == "encoder_decoder" and layer >= encoder
            own = layer - encoder if crossed else layer
            counts[2 * crossed + has_experts(architecture, own)] += 1
    return counts[0], counts[1], counts[2], counts[3]


def stage_kinds(architecture: Architecture, stage: Stage) -> tuple[int, int, int, int]:
    """Layers of a stage by kind; those that predict further tokens are as the last. Source: DeepSeek-V3, 2.2."""
    counts = list(layer_kinds(architecture, stage.layers))
    last = 2 * (architecture.kind == "encoder_decoder") + has_experts(architecture, architecture.layers - 1)
    counts[last] += predicting_on(architecture, stage)
    return counts[0], counts[1], counts[2], counts[3]


@dataclass(frozen=True, slots=True)
class RankParameters:
    """Parameters on one rank of a stage, before sharding over data ranks."""

    shared: float
    """Of every data rank alike."""
    experts: float
    largest_layer: float


def rank_parameters(architecture: Architecture, plan: TrainPlan, stage: Stage) -> RankParameters:
    """On one tensor and expert rank of a stage. A tied output layer on another stage than the embedding is a copy of it, and
    what predicts further tokens has its own copy there (megatron/core/models/gpt/gpt_model.py, mtp_process)."""
    kinds = stage_kinds(architecture, stage)
    sizes = [layer_on_rank(architecture, plan, kind) for kind in range(4)]
    shared = sum(count * size[0] for count, size in zip(kinds, sizes, strict=True))
    experts = sum(count * size[1] for count, size in zip(kinds, sizes, strict=True))
    largest = max(size[0] + size[1] for count, size in zip(kinds, sizes, strict=True) if count)
    whole = _whole(architecture)
    ends = 0.0
    if stage.embedding:
        ends += whole.embedding / plan.tensor + whole.positions
    further = predicting_on(architecture, stage)
    if stage.output and (whole.output or not stage.embedding):
        ends += (whole.output or whole.embedding) / plan.tensor
    if further and whole.output and not stage.embedding:
        ends += whole.embedding / plan.tensor
    ends += further * 2 * architecture.hidden**2 / plan.tensor  # joins the state with the next token
    return RankParameters(shared + ends, experts, largest)


_whole = functools.lru_cache(maxsize=256)(parameters_of)


@functools.lru_cache(maxsize=4096)
def _one_layer(architecture: Architecture, kind: int) -> tuple[float, float, float, float]:
    """Of one layer of a kind: split by tensor ranks, on every rank, routed, keys and values. What is not there is 0.

    In an encoder-decoder, kinds below 2 are the encoder's.
    """
    encoder = architecture.encoder_layers if architecture.kind == "encoder_decoder" else 0
    crossed, experts = kind >= 2, bool(kind % 2)
    reads = architecture.kind == "encoder_decoder" and not crossed
    layer = next((n for n in range(encoder if reads else architecture.layers) if has_experts(architecture, n) == experts), None)
    if layer is None or (crossed and architecture.kind != "encoder_decoder"):
        return 0.0, 0.0, 0.0, 0.0
    found = layer_parameters(architecture, layer, encoder=reads)
    split = float(found.attention + found.cross_attention + found.feed_forward + found.shared)
    whole, routed, attention = float(found.router + found.norms), float(found.routed), architecture.attention
    if isinstance(attention, Attention):
        return (
            split,
            whole,
            routed,
            2.0 * kv_heads_of(attention) * head_dim_of(attention, architecture.hidden) * architecture.hidden,
        )
    low = architecture.hidden * (attention.kv_rank + attention.rope_dim + (attention.q_rank or 0))
    return split - low, whole + low, routed, 0.0


def layer_on_rank(architecture: Architecture, plan: TrainPlan, kind: int) -> tuple[float, float]:
    """Parameters of one layer on one tensor and expert rank: those shared by all data ranks, and experts."""
    split, whole, routed, kv = _one_layer(architecture, kind)
    repeated = 0.0
    if kv and isinstance(architecture.attention, Attention):
        heads = kv_heads_of(architecture.attention)
        repeated = kv * (max(heads, plan.tensor) / heads - 1)
    return (split + repeated) / plan.tensor + whole, routed / plan.expert_split / plan.expert


@dataclass(frozen=True, slots=True)
class ParameterBytes:
    """Of one parameter, before data ranks share it."""

    weight: Number
    gradient: Number
    moments: Number


def parameter_bytes(plan: TrainPlan) -> ParameterBytes:
    """As the precision, the optimiser and ZeRO's stage have it.

    As Megatron Core has them (distributed optimizer guide): bf16 with fp32 gradients 6 + 12/d, fp16 with fp16 gradients
    4 + 16/d (the shard's gradient again in fp32), fp32 8 + 8/d. Fully sharded, the fp32 copy is the weight, unless it lies in
    the host's memory: then a shard in 16 bits stays.
    DeepSpeed flattens the shard's gradients before it makes them fp32 (stage_1_and_2.py, single_grad_partition): 2 bytes more,
    where the stack has buckets.
    """
    full = plan.precision == "fp32"
    weight, gradient = (4, 4) if full else (2, plan.gradient_bytes)
    moments = max(0, plan.optimiser_bytes - 4) if full else plan.optimiser_bytes
    if gradient == 2 and plan.optimiser_bytes >= 12:
        moments += 4 + (gradient if plan.bucket_elements and plan.zero else 0)
    if plan.zero == 3 and not full and plan.optimiser_bytes >= 12 and not plan.offload_optimiser:
        weight = 0
    return ParameterBytes(weight, gradient, 0 if plan.offload_optimiser else moments)


def states_bytes(
    per: ParameterBytes, shared: Number, experts: Number, *, zero: Number, shard: Number, expert_shard: Number
) -> tuple[Any, Any, Any]:
    """Weights, gradients and optimiser of a rank, in bytes, as ZeRO shards them: numbers or arrays."""
    ranks = {"shard": shard, "expert_shard": expert_shard}
    weights = footprint.sharded_bytes(per.weight, shared, experts, on=np.greater_equal(zero, 3) * 1.0, **ranks)
    gradients = footprint.sharded_bytes(per.gradient, shared, experts, on=np.greater_equal(zero, 2) * 1.0, **ranks)
    optimiser = footprint.sharded_bytes(per.moments, shared, experts, on=np.greater_equal(zero, 1) * 1.0, **ranks)
    return weights, gradients, optimiser


def expert_shard_of(plan: TrainPlan, shard: Number) -> Any:
    """Ranks over which states of experts are sharded, where `shard` ranks share the others: those of a shard that hold the same
    experts, more of them where fewer ranks than tensor's split each; they divide all that hold these experts."""
    each = plan.tensor / plan.expert_split / plan.expert
    within = np.maximum(1, np.floor(np.asarray(shard) * each)).astype(np.int64)
    return np.gcd(within, max(1, round(plan.data * plan.context * each)))


def states_of(plan: TrainPlan, rank: RankParameters) -> tuple[float, float, float]:
    """Weights, gradients and optimiser of a rank of one plan, in bytes."""
    ranks = plan.data * plan.context
    shard = min(plan.shard or ranks, ranks)
    shards = {"shard": float(shard), "expert_shard": float(expert_shard_of(plan, shard))}
    found = states_bytes(parameter_bytes(plan), rank.shared, rank.experts, zero=plan.zero, **shards)
    return float(found[0]), float(found[1]), float(found[2])
