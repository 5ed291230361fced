"""A model's shape as arguments of Megatron-LM. Source: as megatron_lm.py."""

from collections.abc import Iterator

from datahall.models.cost.parameters import has_experts
from datahall.models.cost.spec import Attention, LatentAttention
from datahall.models.launch.spec import Launch, Note, Setting, Told, model_refused

NAME = "Megatron-LM"
POSITIONS = {"learned": "learned_absolute", "rotary": "rope", "none": "none"}
OTHER = "train it with software of its own; the forecast stands"


def _shape(launch: Launch) -> Iterator[Told]:
    model = launch.architecture
    yield Setting("--num-layers", model.layers)
    yield Setting("--hidden-size", model.hidden)
    yield Setting("--ffn-hidden-size", model.feed_forward.width)
    yield from _vocabulary(launch)
    if not model.tied_embeddings:
        yield Setting("--untie-embeddings-and-output-weights")
    if model.feed_forward.gated:
        yield Setting("--swiglu")
    if not model.feed_forward.bias:
        yield Setting("--disable-bias-linear")
    yield Setting("--normalization", "RMSNorm" if model.norm == "rmsnorm" else "LayerNorm")


def _vocabulary(launch: Launch) -> Iterator[Told]:
    """Padded as Megatron does it, to a multiple of 128 words on each rank, where the ranks would not divide it."""
    words, step = launch.architecture.vocab, 128 * launch.plan.tensor
    padded = words if words % launch.plan.tensor == 0 else -(-words // step) * step
    yield Setting("--padded-vocab-size", padded)
    if padded != words:
        yield Note(f"{words:,} words are padded to {padded:,}, so that tensor={launch.plan.tensor} divides them")


def _attention(launch: Launch) -> Iterator[Told]:
    attention = launch.architecture.attention
    yield Setting("--num-attention-heads", attention.heads)
    if isinstance(attention, LatentAttention):
        yield from _latent(attention)
        return
    if attention.kv_heads and attention.kv_heads != attention.heads:
        yield from (Setting("--group-query-attention"), Setting("--num-query-groups", attention.kv_heads))
    if attention.head_dim:
        yield Setting("--kv-channels", attention.head_dim)
    if attention.qk_norm:
        yield Setting("--qk-layernorm")
    yield from _bias_and_window(launch, attention)


def _bias_and_window(launch: Launch, attention: Attention) -> Iterator[Told]:
    if attention.bias != launch.architecture.feed_forward.bias:
        yield model_refused(NAME, "attention.bias", "gives bias to all linear layers or to none", OTHER)
    if attention.qkv_bias:
        yield Setting("--add-qkv-bias")
    if attention.window:
        yield Setting("--window-size", f"{attention.window - 1},0")
        if attention.full_every:
            yield Setting("--window-attn-skip-freq", attention.full_every)


def _latent(attention: LatentAttention) -> Iterator[Told]:
    yield Setting("--multi-latent-attention")
    if attention.q_rank:
        yield Setting("--q-lora-rank", attention.q_rank)
    yield Setting("--kv-lora-rank", attention.kv_rank)
    yield Setting("--qk-head-dim", attention.nope_dim)
    yield Setting("--qk-pos-emb-head-dim", attention.rope_dim)
    yield Setting("--v-head-dim", attention.value_dim)


def _experts(launch: Launch) -> Iterator[Told]:
    model = launch.architecture
    experts = model.experts
    if experts is None:
        return
    yield Setting("--num-experts", experts.count)
    yield Setting("--moe-router-topk", experts.active)
    yield Setting("--moe-ffn-hidden-size", experts.width)
    if experts.shared:
        yield Setting("--moe-shared-expert-intermediate-size", experts.shared * (experts.shared_width or experts.width))
    if experts.router_bias:
        yield from (Setting("--moe-router-enable-expert-bias"), Setting("--moe-router-score-function", "sigmoid"))
    yield Setting("--moe-layer-freq", _frequency(launch))
    yield from (Setting("--moe-grouped-gemm"), Setting("--moe-token-dispatcher-type", "alltoall"))


def _frequency(launch: Launch) -> str:
    """`([0]*3+[1]*58)`, or for experts in each second layer a list of all layers."""
    kinds = [int(has_experts(launch.architecture, layer)) for layer in range(launch.architecture.layers)]
    first = kinds.index(1)
    if all(kinds[first:]):
        return f"([0]*{first}+[1]*{len(kinds) - first})" if first else "1"
    return "[" + ",".join(map(str, kinds)) + "]"


def _prediction(launch: Launch) -> Iterator[Told]:
    if launch.architecture.prediction_layers:
        yield Setting("--mtp-num-layers", launch.architecture.prediction_layers)


def _positions(launch: Launch) -> Iterator[Told]:
    seen = launch.architecture.positions
    if seen in POSITIONS:
        yield Setting("--position-embedding-type", POSITIONS[seen])
    else:
        yield model_refused(NAME, "positions", f"has no {seen} positions", OTHER)


def _others(launch: Launch) -> Iterator[Told]:
    model = launch.architecture
    if model.kind != "decoder":
        yield model_refused(
            NAME, "kind", f"builds an {model.kind.replace('_', '-')} with another script than pretrain_gpt.py", OTHER
        )
    if model.parallel_block:
        yield model_refused(NAME, "parallel_block", "runs attention and feed-forward one after the other", OTHER)
    if model.embedding_norm:
        yield model_refused(NAME, "embedding_norm", "has no norm after the embedding", OTHER)
    if not model.final_norm:
        yield model_refused(NAME, "final_norm", "always ends in a norm", OTHER)
    if model.norms_per_layer != 2:
        yield model_refused(NAME, "norms_per_layer", f"has 2 norms in a layer, not {model.norms_per_layer}", OTHER)


MODEL_FIELDS = (_shape, _attention, _experts, _prediction, _positions, _others)
