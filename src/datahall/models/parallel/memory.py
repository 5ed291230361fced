"""Bytes that one accelerator of the fullest pipeline stage holds at the fullest moment of a training step."""

from dataclasses import dataclass, fields

from datahall.models.cost.spec import Architecture
from datahall.models.parallel.activations import element_bytes, layer_bytes, whole_layer_bytes, working_bytes
from datahall.models.parallel.layout import Stage, stages_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.states import RankParameters, layer_kinds, rank_parameters, states_of

CONTEXT_BYTES = 2.0 * 2**30
"""Assumed: driver context, kernels, library workspaces and the buffers of a few communicators: 1 to 2 GB are usual, the upper
end is taken. Not fitted."""
FRAGMENTATION = 1.05
"""Assumed: what the allocator holds over what is in use, on all that comes and goes. The round figure nearest to eight
rows of torchtitan, which are no test of it; PyTorch's allocator loses a few per cent to a third (GMLake, arXiv:2401.08156)."""


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
    """Which pipeline stage this is: the fullest."""

    @property
    def total(self) -> float:
        return sum(self.parts().values())

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


def memory_of(architecture: Architecture, plan: TrainPlan) -> Memory:
    """Of the fullest pipeline stage. The plan must be possible: ask `problems_of_plan` first."""
    held = [_on_stage(architecture, plan, stage) for stage in _candidates(architecture, plan)]
    return max(held, key=lambda memory: memory.total)


def _candidates(architecture: Architecture, plan: TrainPlan) -> list[Stage]:
    """Stages of which one is the fullest: of those that hold the same layers and ends, the one with most in flight."""
    found: dict[tuple[object, ...], Stage] = {}
    for stage in stages_of(architecture, plan):
        kind = (layer_kinds(architecture, stage.layers), stage.embedding, stage.output)
        if kind not in found or stage.in_flight > found[kind].in_flight:
            found[kind] = stage
    return list(found.values())


def _on_stage(architecture: Architecture, plan: TrainPlan, stage: Stage) -> Memory:
    rank = rank_parameters(architecture, plan, stage)
    weights, gradients, optimiser = states_of(plan, rank)
    tokens = plan.micro_batch * plan.sequence / plan.context
    activations = tokens * _activations(architecture, plan, stage)
    logits = tokens * plan.logit_bytes * architecture.vocab / plan.tensor if stage.output else 0.0
    working = tokens * _working(architecture, plan, stage)
    gathered = _gathered(architecture, plan, stage, rank)
    buffers = _buffers(architecture, plan, tokens)
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


def _activations(architecture: Architecture, plan: TrainPlan, stage: Stage) -> float:
    """For one token of each sequence: all layers of the stage, and what stands before and after them."""
    size = element_bytes(plan) * architecture.hidden
    outer = size / plan.tensor if plan.sequence_parallel else size
    kept = sum(
        count * layer_bytes(architecture, plan, experts=bool(kind % 2), crossed=kind >= 2)
        for kind, count in enumerate(layer_kinds(architecture, stage.layers))
        if count
    )
    if stage.embedding:
        kept += outer * architecture.embedding_norm + plan.dropout * outer / element_bytes(plan)
    if plan.keeps_outputs and plan.pipeline > 1 and not stage.output:
        kept += outer
    # The final norm's and the output layer's inputs are kept for one micro-batch only: it goes backward at once.
    return kept * stage.in_flight + 2 * outer * stage.output


def _working(architecture: Architecture, plan: TrainPlan, stage: Stage) -> float:
    """For one token: what one layer computes again, and the gradients inside it."""
    found = 0.0
    for kind, count in enumerate(layer_kinds(architecture, stage.layers)):
        if count:
            experts, crossed = bool(kind % 2), kind >= 2
            kept = layer_bytes(architecture, plan, experts=experts, crossed=crossed)
            again = whole_layer_bytes(architecture, plan, experts=experts, crossed=crossed) - kept
            found = max(found, again + working_bytes(architecture, plan, experts=experts))
    return found


def _gathered(architecture: Architecture, plan: TrainPlan, stage: Stage, rank: RankParameters) -> float:
    """Fully sharded: two layers' weights (one at work, one on its way), one's gradients and their sums.

    Or the output layer's weights and gradients while the loss is taken: the larger of the two.
    """
    if plan.zero < 3:
        return 0.0
    size = 4 if plan.precision == "fp32" else 2
    layers = rank.largest_layer * (2 * size + size + plan.gradient_bytes)
    output = architecture.vocab * architecture.hidden / plan.tensor * stage.output * (2 * size + plan.gradient_bytes)
    return max(layers, output)


def _buffers(architecture: Architecture, plan: TrainPlan, tokens: float) -> float:
    """Pipeline: an input and a gradient on their way. Sequence parallelism: a block's whole input and its gradient.

    Experts: tokens on their way to and from them. Buckets: of gradients and of weights.
    """
    size = element_bytes(plan)
    row = size * tokens * architecture.hidden
    pipeline = 2 * row / (plan.tensor if plan.sequence_parallel else 1) if plan.pipeline > 1 else 0.0
    tensor = 2 * row if plan.tensor > 1 and plan.sequence_parallel else 0.0
    mixture = architecture.experts
    experts = 2 * row * mixture.active if mixture and plan.expert > 1 else 0.0
    buckets = plan.bucket_elements * (plan.gradient_bytes + size) if plan.data > 1 else 0.0
    return pipeline + tensor + experts + buckets
