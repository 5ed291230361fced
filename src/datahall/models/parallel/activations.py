"""Bytes that one layer keeps for its backward pass on one rank, for one token of a micro-batch, as the plan recomputes."""

import functools
from collections.abc import Sequence

from datahall.models.cost.activations import Activations, Numerics, layer_activations
from datahall.models.cost.parameters import has_experts, head_dim_of, kv_heads_of
from datahall.models.cost.spec import Architecture, Attention, LatentAttention
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Recomputed


def element_bytes(plan: TrainPlan) -> int:
    """Of an activation."""
    return 4 if plan.precision == "fp32" else 2


NARROW_BYTES = 1 + 1 / 32
"""Of a value in 8 bits with a scale for each 32, as in MXFP8; other recipes have fewer scales."""


def input_bytes(plan: TrainPlan) -> float | None:
    """Of a product's input as it is kept, where that is narrower than other activations.

    Under nvfp4 (half a byte and a scale for each 16) no less than in 8 bits: recipes leave some layers in 16, and 4-bit copies
    of weights lie beside 16-bit ones.
    """
    return NARROW_BYTES if plan.narrow_inputs and plan.precision in ("fp8", "nvfp4") else None


def layer_bytes(architecture: Architecture, plan: TrainPlan, *, experts: bool, crossed: bool = False) -> float:
    """Kept between forward and backward for one token, on one rank.

    experts: whether the layer has experts. crossed: whether it is a decoder's that also reads an encoder.
    """
    if plan.recompute != "operators":
        return _kept(architecture, plan, experts=experts, crossed=crossed, recompute=plan.recompute)
    entry = _kept(architecture, plan, experts=experts, crossed=crossed, recompute="full")
    return entry + _products(architecture, plan, experts=experts)


def whole_layer_bytes(architecture: Architecture, plan: TrainPlan, *, experts: bool, crossed: bool = False) -> float:
    """The same with nothing left out: what stands there when a layer has been computed again."""
    return _kept(architecture, plan, experts=experts, crossed=crossed, recompute="none")


def spared_bytes(architecture: Architecture, plan: TrainPlan, recomputed: Sequence[Recomputed], *, experts: bool) -> float:
    """What a layer does not keep of one token, because the stack computes these parts again, on one rank.

    Results of norms; queries, keys and values made up from latent attention's compressed widths; what experts' activations
    give to the product after them; all inside a dense block (Megatron Core's recompute_modules: layernorm, mla_up_proj,
    moe_act, mlp). Nothing besides where a whole layer, or every other product, is computed again anyhow.
    """
    if plan.recompute in ("full", "operators"):
        return 0.0
    size, attention, mixture, found = element_bytes(plan), architecture.attention, architecture.experts, 0.0
    narrow = input_bytes(plan) or size
    if "norms" in recomputed:
        after = [narrow if isinstance(attention, Attention) else size, size if experts else narrow]
        found += sum(after) * architecture.hidden / (plan.tensor if plan.sequence_parallel else 1)
    if "latent_up" in recomputed and isinstance(attention, LatentAttention):
        each = 2 * (attention.nope_dim + attention.rope_dim) + attention.value_dim
        found += size * attention.heads * each / plan.tensor
    if "expert_activation" in recomputed and experts and mixture is not None:
        found += narrow * mixture.active * mixture.width / plan.tensor
    if "dense_block" in recomputed and not experts:
        inside = (2 if architecture.feed_forward.gated else 1) * size + narrow
        found += inside * architecture.feed_forward.width / plan.tensor
    return found


def working_bytes(architecture: Architecture, plan: TrainPlan, *, experts: bool) -> float:
    """For one token on one rank, while one layer goes backward: gradients inside its widest block, at entry and exit."""
    size, h = element_bytes(plan), architecture.hidden
    copies = 3 if architecture.feed_forward.gated else 2
    inner = size * copies * _width(architecture, experts=experts) / plan.tensor
    if not plan.flash_attention:
        inner = max(inner, 2 * size * architecture.attention.heads / plan.tensor * plan.sequence)
    return inner + 2 * size * h


def _kept(architecture: Architecture, plan: TrainPlan, *, experts: bool, crossed: bool, recompute: str) -> float:
    numerics = (float(element_bytes(plan)), input_bytes(plan), plan.flash_attention, plan.dropout)
    found = _of_sequence(architecture, plan.sequence, numerics, experts=experts, crossed=crossed)
    outer = plan.tensor if plan.sequence_parallel else 1
    if recompute == "full":
        return found.entry / outer / plan.sequence
    inner = found.inner + (0.0 if recompute == "selective" else found.scores)
    repeated = _repeated(architecture, plan) * (1 + crossed)
    sent = found.sent * sent_ratio(plan)
    return (found.outer / outer + inner / plan.tensor + found.whole + sent) / plan.sequence + repeated


def sent_ratio(plan: TrainPlan) -> float:
    """Share of a context rank's tokens that one rank sends to experts: ranks that split an expert send the same tokens, others
    with sequence parallelism their own. Source: Liu et al., arXiv:2504.14960, section 3."""
    return plan.expert_split / plan.tensor if plan.sequence_parallel and plan.expert_split < plan.tensor else 1.0


@functools.lru_cache(maxsize=4096)
def _of_sequence(
    architecture: Architecture, sequence: int, numerics: tuple[float, float | None, bool, bool], *, experts: bool, crossed: bool
) -> Activations:
    """Of one sequence through the first layer of this kind; an encoder's layer reads no other stack."""
    if architecture.kind == "encoder_decoder" and not crossed:
        architecture = architecture.model_copy(update={"kind": "encoder", "layers": architecture.encoder_layers})
    layer = next(n for n in range(architecture.layers) if has_experts(architecture, n) == experts)
    size, product, flash, dropout = numerics
    kept = Numerics(value_bytes=size, product_bytes=product, flash=flash, dropout=dropout)
    return layer_activations(architecture, layer, sequence=sequence, numerics=kept)


def _repeated(architecture: Architecture, plan: TrainPlan) -> float:
    """Keys and values that ranks keep twice, where there are more ranks than heads of them."""
    attention = architecture.attention
    if isinstance(attention, LatentAttention):
        return 0.0
    more = max(0, plan.tensor - kv_heads_of(attention))
    return 2 * element_bytes(plan) * head_dim_of(attention, architecture.hidden) * more / plan.tensor


def _products(architecture: Architecture, plan: TrainPlan, *, experts: bool) -> float:
    """What torchtitan's selective `op` keeps beside the layer's input: attention's output, and every other product.

    Of q, k, v, out, gate, up, down these are q, v, gate, down. Source: torchtitan, parallelize_llama.py, _save_list.
    """
    size, h, attention = element_bytes(plan), architecture.hidden, architecture.attention
    heads = attention.heads
    if isinstance(attention, Attention):
        inside = head_dim_of(attention, h) * (2 * heads + max(kv_heads_of(attention), plan.tensor))
    else:
        inside = heads * (attention.nope_dim + attention.rope_dim + 2 * attention.value_dim)
    outer = size * h / (plan.tensor if plan.sequence_parallel else 1)
    return outer + (size * (inside + _width(architecture, experts=experts)) + 4 * heads) / plan.tensor


def _width(architecture: Architecture, *, experts: bool) -> int:
    """Of the feed-forward block that one token goes through: all its experts side by side."""
    mixture = architecture.experts
    if not experts or mixture is None:
        return architecture.feed_forward.width
    return mixture.active * mixture.width + mixture.shared * (mixture.shared_width or mixture.width)
