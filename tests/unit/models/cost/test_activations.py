"""What is kept between forward and backward, against the tensors that torch keeps, and by hand."""

import pytest
import torch
from tests.unit.models.cost.tiny import architecture as tiny
from torch import Tensor, nn
from torch.nn import functional

from datahall.models.cost.activations import Numerics, embedding_activations, layer_activations
from datahall.models.cost.spec import Architecture, Attention, Experts, LatentAttention

H, S, B = 24, 16, 3
T = S * B


def architecture(**fields: object) -> Architecture:
    """The tiny decoder with keys and values for every head."""
    return tiny(**{"attention": Attention(heads=6, kv_heads=6)} | fields)


class Layer(nn.Module):
    """Pre-norm attention, scores written out, and SwiGLU, unfused."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(H), nn.LayerNorm(H)
        self.q, self.k, self.v, self.o = (nn.Linear(H, H, bias=False) for _ in range(4))
        self.gate, self.up, self.down = (nn.Linear(*shape, bias=False) for shape in ((H, 40), (H, 40), (40, H)))

    def forward(self, x: Tensor) -> Tensor:
        entry = self.first(x)
        q, k, v = (part(entry).unflatten(-1, (-1, 4)).transpose(1, 2) for part in (self.q, self.k, self.v))
        seen = (q @ k.transpose(-1, -2)).softmax(-1) @ v
        x = x + self.o(seen.transpose(1, 2).flatten(-2))
        entry = self.second(x)
        return x + self.down(functional.silu(self.gate(entry)) * self.up(entry))


def test_the_tensors_that_torch_keeps() -> None:
    """Given a layer in fp32 without flash, fusion or dropout, autograd keeps as many bytes, statistics of norms aside."""
    torch.manual_seed(0)
    model, kept = Layer(), {}
    weights = {p.data_ptr() for p in model.parameters()}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(torch.randn(B, S, H, requires_grad=True))
    statistics = 2 * 2 * T * 4
    found = sum(t.untyped_storage().nbytes() for pointer, t in kept.items() if pointer not in weights) - statistics
    numerics = Numerics(value_bytes=4, flash=False, fused_gate=False)
    assert layer_activations(architecture(), 0, sequence=S, micro_batch=B, numerics=numerics).on_rank() == found


def test_fusing_the_gate_saves_a_tensor_as_wide_as_the_block() -> None:
    """Given SwiGLU of width 40, a fused kernel keeps 2 x 40 bytes a token less."""
    fused, unfused = (
        layer_activations(architecture(), 0, sequence=S, numerics=Numerics(fused_gate=fused)).on_rank()
        for fused in (True, False)
    )
    assert unfused - fused == 2 * 40 * S


def test_flash_attention_keeps_one_number_for_each_query_and_head() -> None:
    """Given flash attention, the core is 4 bytes a head and token; unfused it is 2 bytes a head and pair, within windows."""
    flash = layer_activations(architecture(), 0, sequence=S)
    assert flash.scores == 4 * 6 * S
    unfused = Numerics(flash=False)
    assert layer_activations(architecture(), 0, sequence=S, numerics=unfused).scores == 2 * 6 * S * S
    windowed = architecture(attention=Attention(heads=6, window=4))
    assert layer_activations(windowed, 0, sequence=S, numerics=unfused).scores == 2 * 6 * S * 4


def test_grouped_queries_keep_fewer_keys() -> None:
    """Given two heads of keys and values instead of six, a token keeps 2 x 2 x 4 x 4 bytes less; norms of heads cost more."""
    grouped = layer_activations(architecture(attention=Attention(heads=6, kv_heads=2)), 0, sequence=S)
    assert layer_activations(architecture(), 0, sequence=S).inner - grouped.inner == 2 * 2 * 4 * 4 * S
    normed = layer_activations(architecture(attention=Attention(heads=6, kv_heads=2, qk_norm=True)), 0, sequence=S)
    assert normed.inner - grouped.inner == 2 * (6 + 2) * 4 * S


def test_routed_tokens_are_kept_as_often_as_they_have_experts() -> None:
    """Given 2 of 8 experts and one shared, rows are sent and returned twice and three experts' insides are kept."""
    mixture = architecture(experts=Experts(count=8, active=2, width=10, shared=1))
    kept, dense = (layer_activations(m, 0, sequence=S) for m in (mixture, architecture()))
    assert (kept.whole, kept.sent) == (S * 4 * 8, S * 2 * 2 * 2 * H)
    assert dense.inner - kept.inner == S * 2 * 3 * (40 - 3 * 10)


def test_latent_attention_keeps_compressed_and_expanded() -> None:
    """Given latent attention, ranks are kept before and after their norms, heads expanded."""
    latent = LatentAttention(heads=6, q_rank=14, kv_rank=10, nope_dim=8, rope_dim=4, value_dim=5)
    kept = layer_activations(architecture(attention=latent), 0, sequence=S)
    assert kept.whole == 2 * S * (2 * 14 + 2 * 10 + 4)
    assert kept.inner == 2 * S * (6 * (12 + 12 + 5 + 5) + 3 * 40)


def narrow(m: Architecture) -> tuple[float, float, float]:
    """Bytes for each token that inputs of products in one byte save: outer, inner, the rest."""
    wide, small = (layer_activations(m, 0, sequence=S, numerics=kept) for kept in (Numerics(), Numerics(product_bytes=1)))
    assert (wide.scores, wide.entry) == (small.scores, small.entry)
    rest = wide.whole + wide.sent - small.whole - small.sent
    return (wide.outer - small.outer) / S, (wide.inner - small.inner) / S, rest / S


def test_inputs_of_products_may_be_kept_narrow() -> None:
    """Given inputs kept in one byte, both blocks' inputs and what leaves the activation take half; attention's output stays."""
    assert narrow(architecture()) == (2 * H, 40, 0)
    assert narrow(architecture(parallel_block=True, norms_per_layer=1)) == (H, 40, 0)


def test_what_others_read_too_stays_wide() -> None:
    """Given experts, the router's input stays and shared experts copy it; of latent attention only what is expanded shrinks."""
    routed = {"count": 8, "active": 2, "width": 10}
    assert narrow(architecture(experts=Experts(**routed))) == (H, 2 * 10, 2 * H)
    assert narrow(architecture(experts=Experts(**routed, shared=1))) == (0, 3 * 10, 2 * H)
    latent = LatentAttention(heads=6, q_rank=14, kv_rank=10, nope_dim=8, rope_dim=4, value_dim=5)
    assert narrow(architecture(attention=latent)) == (H, 40, 14 + 10)


def test_side_by_side_blocks_share_their_input() -> None:
    """Given one norm and both blocks on it, a token keeps two rows less."""
    side = layer_activations(architecture(parallel_block=True, norms_per_layer=1), 0, sequence=S)
    assert layer_activations(architecture(), 0, sequence=S).outer - side.outer == 2 * 2 * H * S


def test_reading_an_encoder_keeps_a_second_attention() -> None:
    """Given an encoder-decoder, the decoder's layer keeps attention twice and a third norm."""
    one, two = (
        layer_activations(m, 0, sequence=S) for m in (architecture(), architecture(kind="encoder_decoder", encoder_layers=1))
    )
    assert two.outer - one.outer == 2 * 2 * H * S
    assert two.inner - one.inner == 2 * 4 * H * S
    assert two.scores == 2 * one.scores


def test_context_ranks_share_the_tokens() -> None:
    """Given four context ranks, each keeps a quarter, of the square of scores too."""
    unfused = Numerics(flash=False)
    one = layer_activations(architecture(), 0, sequence=S, numerics=unfused)
    four = layer_activations(architecture(), 0, sequence=S, context=4, numerics=unfused)
    assert 4 * four.on_rank() == one.on_rank()


def test_the_embedding_keeps_a_mask_and_its_norm_s_input() -> None:
    """Given dropout and an embedding norm, 1 + 2 bytes a value; given neither, nothing."""
    normed = architecture(embedding_norm=True)
    assert embedding_activations(normed, tokens=T, numerics=Numerics(dropout=True)).outer == 3 * H * T
    assert embedding_activations(architecture(), tokens=T).outer == 0


def test_a_layer_that_is_not_there_is_refused() -> None:
    """Given layer 3 of three, the range is named."""
    with pytest.raises(ValueError, match="layer=3, but tiny has layers 0 to 2"):
        layer_activations(architecture(), 3, sequence=S)
