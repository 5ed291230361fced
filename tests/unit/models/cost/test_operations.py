"""Operations against torch's own counter, and by hand."""

import pytest
import torch
from tests.unit.models.cost.tiny import architecture
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from datahall.models.cost.operations import decode_operations, operations_of, pairs, training_flop, training_flop_per_token
from datahall.models.cost.spec import Attention, Experts, LatentAttention

H, V, S, B = 24, 50, 16, 3


class Layer(nn.Module):
    """Grouped attention and SwiGLU with every product written out, so that torch's counter sees each."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = nn.Linear(H, 24), nn.Linear(H, 8), nn.Linear(H, 8), nn.Linear(24, H)
        self.gate, self.up, self.down = nn.Linear(H, 40), nn.Linear(H, 40), nn.Linear(40, H)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).unflatten(-1, (-1, 4)).transpose(1, 2) for part in (self.q, self.k, self.v))
        k, v = k.repeat_interleave(3, dim=1), v.repeat_interleave(3, dim=1)
        seen = (q @ k.transpose(-1, -2)).softmax(-1) @ v
        x = x + self.o(seen.transpose(1, 2).flatten(-2))
        return x + self.down(functional.silu(self.gate(x)) * self.up(x))


def test_forward_and_backward_are_what_torch_counts() -> None:
    """Given three layers of grouped attention and SwiGLU with logits, torch's counter finds as many operations."""
    model = nn.Sequential(*(Layer() for _ in range(3)), nn.Linear(H, V))
    x = torch.randn(B, S, H, requires_grad=True)
    with FlopCounterMode(display=False) as forward:
        loss = model(x).sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    counted = operations_of(architecture(), sequence=S, batch=B, causal=False)
    assert counted.forward == forward.get_total_flops()
    assert counted.backward == backward.get_total_flops()


def test_recompute_adds_the_core_or_all_layers() -> None:
    """Given one forward pass, selective recompute adds scores and values again, full adds all but the logits."""
    counted = operations_of(architecture(), sequence=S)
    assert counted.hardware() == counted.model == 3 * counted.forward
    assert counted.hardware("selective") - counted.model == counted.scores + counted.values
    assert counted.hardware("full") - counted.model == counted.forward - counted.output


@pytest.mark.parametrize(
    ("sequence", "cached", "window"), [(7, 0, None), (7, 4, None), (7, 0, 3), (7, 4, 3), (7, 2, 5), (1, 9, 4)]
)
def test_pairs_are_those_that_one_would_count(sequence: int, cached: int, window: int | None) -> None:
    """Given new tokens after kept ones, with a window or without, the pairs are those of the mask."""
    by_hand = sum(min(cached + i + 1, window or 99) for i in range(sequence))
    assert pairs(sequence, cached=cached, window=window) == by_hand


def test_a_prompt_in_pieces_costs_what_it_costs_at_once() -> None:
    """Given a prompt of 16 read as 10 and 6, the operations add up to those of one pass."""
    whole = operations_of(architecture(), sequence=16)
    first, second = operations_of(architecture(), sequence=10), operations_of(architecture(), sequence=6, cached=10)
    assert first + second == whole


def test_one_new_token() -> None:
    """Given 15 kept tokens, the 16th costs what a pass over 16 costs beyond one over 15."""
    step = decode_operations(architecture(), 15, batch=2)
    assert step == (operations_of(architecture(), sequence=1, cached=15)).times(2)
    assert (
        operations_of(architecture(), sequence=15).scores + step.scores // 2
        == operations_of(architecture(), sequence=16).scores
    )


def test_windows_apply_where_the_layer_does_not_see_all() -> None:
    """Given a window of 4 in all but each third layer, two of three layers read 4 tokens and one reads all."""
    windowed = architecture(attention=Attention(heads=6, kv_heads=2, window=4, full_every=3))
    assert decode_operations(windowed, 99).scores == 2 * 24 * (4 + 4 + 100)


def test_experts_cost_those_that_work() -> None:
    """Given 8 experts of which 2 work and one shared, each token pays three, and the router all 8 of its columns."""
    experts = Experts(count=8, active=2, width=10, shared=1, first_dense_layers=1)
    counted = operations_of(architecture(experts=experts), sequence=S)
    assert counted.experts == 2 * 2 * S * (3 * 3 * H * 10)
    assert counted.router == 2 * 2 * S * H * 8
    assert counted.feed_forward == 2 * S * 3 * H * 40


def test_latent_attention_expanded_and_absorbed() -> None:
    """Given latent attention, a step on the compressed cache makes no keys again but multiplies wider ones."""
    latent = LatentAttention(heads=6, q_rank=14, kv_rank=10, nope_dim=8, rope_dim=4, value_dim=5)
    model = architecture(layers=1, attention=latent)
    absorbed, expanded = decode_operations(model, 99), decode_operations(model, 99, absorbed=False)
    assert expanded.qkv - absorbed.qkv == 2 * 99 * 10 * 6 * (8 + 5)
    assert (absorbed.scores, absorbed.values) == (2 * 100 * 6 * (10 + 4), 2 * 100 * 6 * 10)
    assert (expanded.scores, expanded.values) == (2 * 100 * 6 * (8 + 4), 2 * 100 * 6 * 5)


def test_an_encoder_decoder_reads_once() -> None:
    """Given an encoder of two layers over 9 tokens, it costs once; a decoded token pays for queries and reading only."""
    model = architecture(kind="encoder_decoder", encoder_layers=2)
    step = operations_of(model, sequence=1, cached=5, encoder_sequence=9)
    assert step.scores == 3 * 2 * 24 * (6 + 9)
    assert step.qkv == 3 * 2 * (H * 40 + H * 24)
    whole = operations_of(model, sequence=6, encoder_sequence=9)
    assert whole.scores == 3 * 2 * 24 * (21 + 6 * 9) + 2 * 2 * 24 * 81
    assert whole.qkv == 3 * 2 * (6 * H * 40 + 6 * H * 24 + 9 * H * 16) + 2 * 2 * 9 * H * 40


def test_an_encoder_sees_both_ways() -> None:
    """Given an encoder, causal or not makes no difference."""
    model = architecture(kind="encoder")
    assert operations_of(model, sequence=S) == operations_of(model, sequence=S, causal=False)


def test_training_counts_the_layers_that_predict_further_tokens() -> None:
    """Given one such layer, training pays a layer, a joining matrix and logits more; a forward pass for use does not."""
    model = architecture(prediction_layers=1)
    assert operations_of(model, sequence=S) == operations_of(architecture(), sequence=S)
    trained = operations_of(model, sequence=S, prediction=True)
    assert trained.feed_forward == 4 * 2 * S * 3 * H * 40
    assert trained.joining == 2 * S * 2 * H * H
    assert trained.output == 2 * operations_of(architecture(), sequence=S).output
    assert training_flop(model, 1e9, sequence=S) == pytest.approx(1e9 * trained.model / S)
    assert training_flop_per_token(model, sequence=S, recompute="full") > training_flop_per_token(model, sequence=S)


def test_a_prompt_needs_the_logits_of_its_last_token() -> None:
    """Given a prompt of 16, one row of logits is computed where 16 would be."""
    assert operations_of(architecture(), sequence=S, outputs=1).output == 2 * H * V


@pytest.mark.parametrize(("sizes", "message"), [({"sequence": 0}, "sequence=0"), ({"sequence": 4, "cached": -1}, "cached=-1")])
def test_sizes_that_are_none_are_refused(sizes: dict[str, int], message: str) -> None:
    """Given no token, or fewer than no kept ones, the size and its limit are named."""
    with pytest.raises(ValueError, match=f"{message}, but it must be at least"):
        operations_of(architecture(), **sizes)


def test_latent_attention_does_not_read_an_encoder() -> None:
    """Given latent attention in an encoder-decoder, the count is refused."""
    latent = LatentAttention(heads=6, kv_rank=10, nope_dim=8, rope_dim=4, value_dim=5)
    with pytest.raises(ValueError, match="latent attention in an encoder-decoder"):
        operations_of(architecture(kind="encoder_decoder", encoder_layers=1, attention=latent), sequence=4)
