"""Bytes that one accelerator of the fullest pipeline stage holds at the fullest moment of a training step."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from datahall.models.cost.spec import Architecture
from datahall.models.parallel import footprint
from datahall.models.parallel.activations import element_bytes, layer_bytes, sent_ratio, spared_bytes, whole_layer_bytes
from datahall.models.parallel.activations import working_bytes as gradients_inside
from datahall.models.parallel.footprint import CONTEXT_BYTES as CONTEXT_BYTES
from datahall.models.parallel.footprint import FRAGMENTATION as FRAGMENTATION
from datahall.models.parallel.footprint import Number, TokenBytes
from datahall.models.parallel.layout import Stage, stack_of, stages_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Recomputed
from datahall.models.parallel.states import RankParameters, layer_kinds, rank_parameters, stage_kinds, states_of


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one accelerator, by what holds them."""

    weights: float
    gradients: float
    optimiser: float
    activations: float
    """Kept from forward to backward, of all micro-batches in flight."""
    working: float
    """While one layer goes backward: what was not kept, and gradients inside it."""
    logits: float
    """While the loss is differentiated. Counted beside `working`, though not in use at once: the blocks that layers leave in
    the allocator are too small for logits."""
    gathered: float
    """Whole weights and gradients of the layers at work, where they are sharded."""
    buffers: float
    """Of communication: pipeline, tensor, experts, and buckets where the stack copies."""
    fragmentation: float
    context: float
    """Outside the framework's allocator."""
    stage: int = 0
    """Which pipeline stage this is: the one that needs most."""

    @property
    def total(self) -> float:
        states = self.weights + self.gradients + self.optimiser
        moving = self.activations + self.working + self.logits + self.buffers
        return float(footprint.total_bytes(states, self.gathered, moving))

    @property
    def reserved(self) -> float:
        """What the framework's allocator says that it holds."""
        return self.total - self.context

    def parts(self) -> dict[str, float]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "stage"}

    @property
    def needed(self) -> float:
        """What it cannot do without: near the end of memory the allocator gives blocks back that are not in use."""
        return self.total - min(self.working, self.logits)

    def fits(self, device_bytes: float) -> bool:
        return self.needed <= device_bytes


def memory_of(architecture: Architecture, plan: TrainPlan, recomputed: Sequence[Recomputed] = ()) -> Memory:
    """Of the pipeline stage that needs most: what decides whether the plan fits. A stage with the output layer may hold more
    without needing it. The plan must be possible: ask `problems_of_plan` first.

    recomputed: parts of a layer that the stack computes again besides what the plan says."""
    held = [_on_stage(architecture, plan, stage, recomputed) for stage in _candidates(architecture, plan)]
    return max(held, key=lambda memory: memory.needed)


def _candidates(architecture: Architecture, plan: TrainPlan) -> list[Stage]:
    """Stages of which one is the fullest: of those that hold the same layers and ends, the one with most in flight."""
    found: dict[tuple[object, ...], Stage] = {}
    for stage in stages_of(architecture, plan):
        kind = (stage_kinds(architecture, stage), stage.embedding, stage.output)
        if kind not in found or stage.in_flight > found[kind].in_flight:
            found[kind] = stage
    return list(found.values())


def _on_stage(architecture: Architecture, plan: TrainPlan, stage: Stage, recomputed: Sequence[Recomputed] = ()) -> Memory:
    rank, counts = rank_parameters(architecture, plan, stage), stage_kinds(architecture, stage)
    weights, gradients, optimiser = states_of(plan, rank)
    token, tokens = token_bytes(architecture, plan, recomputed), plan.micro_batch * plan.sequence / plan.context
    ends = {"embedding": stage.embedding, "output": stage.output}
    activations = float(tokens * footprint.activation_bytes(token, counts, stage.in_flight, **ends))
    logits = float(logit_bytes(architecture, plan, tokens)) if stage.output else 0.0
    working = float(tokens * footprint.working_bytes(token, counts))
    gathered = gathered_bytes(architecture, plan, rank, output=stage.output) if plan.zero == 3 else 0.0
    buffers = float(buffer_bytes(architecture, plan, tokens))
    moving = activations + working + logits + gathered + buffers
    return Memory(
        weights,
        gradients,
        optimiser,
        activations,
        working,
        logits,
        gathered,
        buffers,
        fragmentation=(FRAGMENTATION - 1) * moving,
        context=CONTEXT_BYTES,
        stage=stage.index,
    )


def token_bytes(architecture: Architecture, plan: TrainPlan, recomputed: Sequence[Recomputed] = ()) -> TokenBytes:
    """Of one token on one rank: the same on every stage."""
    kept, working = [], []
    for kind, count in enumerate(layer_kinds(architecture, (range(stack_of(architecture)),))):
        experts, crossed = bool(kind % 2), kind >= 2
        of_layer = layer_bytes(architecture, plan, experts=experts, crossed=crossed) if count else 0.0
        whole = whole_layer_bytes(architecture, plan, experts=experts, crossed=crossed) if count else 0.0
        if count:
            of_layer -= spared_bytes(architecture, plan, recomputed, experts=experts)
        kept.append(of_layer)
        working.append(whole - of_layer + gradients_inside(architecture, plan, experts=experts))
    size = element_bytes(plan)
    outer = size * architecture.hidden / (plan.tensor if plan.sequence_parallel else 1)
    embedding = outer * architecture.embedding_norm + plan.dropout * outer / size
    boundary = outer * (plan.keeps_outputs and plan.pipeline > 1)
    # Next tokens and the output layer's input; besides, both norms' results side by side and the last norm's input.
    joined = architecture.prediction_layers * outer * (2 if plan.recompute == "full" else 5)
    return TokenBytes(kept, working, outer, embedding, boundary, joined)


def logit_bytes(architecture: Architecture, plan: TrainPlan, tokens: Number) -> Number:
    """While the loss is differentiated, on the stage that has the output layer; those of further tokens lie beside."""
    return tokens * ((1 + architecture.prediction_layers) * plan.logit_bytes * architecture.vocab / plan.tensor)


def gathered_bytes(architecture: Architecture, plan: TrainPlan, rank: RankParameters, *, output: bool) -> float:
    """Fully sharded (ZeRO 3): two layers' weights (one at work, one on its way), one's gradients and their sums.

    Or the output layer's weights and gradients while the loss is taken: the larger of the two.
    """
    size = 4 if plan.precision == "fp32" else 2
    layers = rank.largest_layer * (2 * size + size + plan.gradient_bytes)
    last = architecture.vocab * architecture.hidden / plan.tensor * output * (2 * size + plan.gradient_bytes)
    return max(layers, last)


def buffer_bytes(architecture: Architecture, plan: TrainPlan, tokens: Number) -> Number:
    """Pipeline: an input and a gradient on their way. Sequence parallelism: a block's whole input and its gradient.

    Experts: tokens on their way to and from them. Buckets: of gradients and of weights.
    """
    size = element_bytes(plan)
    row = size * tokens * architecture.hidden
    pipeline = 2 * row / (plan.tensor if plan.sequence_parallel else 1) if plan.pipeline > 1 else 0.0
    tensor = 2 * row if plan.tensor > 1 and plan.sequence_parallel else 0.0
    mixture = architecture.experts
    experts = 2 * row * mixture.active * sent_ratio(plan) if mixture and plan.expert > 1 else 0.0
    buckets = plan.bucket_elements * (plan.gradient_bytes + size) if plan.data > 1 else 0.0
    return pipeline + tensor + experts + buckets
