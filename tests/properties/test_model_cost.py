"""Laws that counts of parameters, operations and bytes keep for every architecture."""

from hypothesis import given
from hypothesis import strategies as st

from datahall.models.cost.activations import Numerics, layer_activations
from datahall.models.cost.operations import decode_operations, operations_of, pairs, training_flop_per_token
from datahall.models.cost.parameters import layer_parameters, parameters_of
from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward, LatentAttention
from datahall.models.cost.state import kv_bytes

WIDTHS = st.integers(1, 64)


@st.composite
def attentions(draw: st.DrawFn) -> Attention | LatentAttention:
    heads = draw(st.sampled_from([1, 2, 4, 8]))
    if draw(st.booleans()):
        return LatentAttention(
            heads=heads,
            q_rank=draw(st.none() | WIDTHS),
            kv_rank=draw(WIDTHS),
            nope_dim=draw(WIDTHS),
            rope_dim=draw(WIDTHS),
            value_dim=draw(WIDTHS),
        )
    return Attention(
        heads=heads,
        kv_heads=draw(st.none() | st.integers(1, heads)),
        head_dim=draw(WIDTHS),
        window=draw(st.none() | st.integers(1, 20)),
        full_every=draw(st.none() | st.integers(1, 4)),
        qk_norm=draw(st.booleans()),
    )


@st.composite
def mixtures(draw: st.DrawFn) -> Experts:
    count = draw(st.integers(2, 16))
    return Experts(
        count=count,
        active=draw(st.integers(1, count)),
        width=draw(WIDTHS),
        shared=draw(st.integers(0, 2)),
        first_dense_layers=draw(st.integers(0, 2)),
        every=draw(st.integers(1, 3)),
    )


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Decoders without biases, so that every matrix but the embedding is multiplied."""
    return Architecture(
        name="drawn",
        layers=draw(st.integers(1, 6)),
        hidden=draw(WIDTHS),
        vocab=draw(st.integers(2, 100)),
        context=draw(st.integers(1, 64)),
        attention=draw(attentions()),
        feed_forward=FeedForward(width=draw(WIDTHS), gated=draw(st.booleans())),
        experts=draw(st.none() | mixtures()),
        tied_embeddings=draw(st.booleans()),
        prediction_layers=draw(st.integers(0, 2)),
        source="drawn by a test",
    )


def changed(architecture: Architecture, **fields: object) -> Architecture:
    return Architecture.model_validate(dict(architecture) | fields)


@given(architectures())
def test_parts_add_up_and_no_token_goes_through_more_than_there_is(model: Architecture) -> None:
    found = parameters_of(model)
    assert found.total == sum(layer_parameters(model, i).total for i in range(model.layers)) + (
        found.embedding + found.positions + found.output + model.hidden
    )
    assert found.active <= found.total <= found.trained
    if model.experts is None:
        assert found.active == found.total


@given(architectures())
def test_twice_the_layers_are_twice_the_parameters_of_layers(model: Architecture) -> None:
    dense = changed(model, experts=None)
    assert parameters_of(changed(dense, layers=2 * dense.layers)).layers == 2 * parameters_of(dense).layers


@given(architectures(), st.integers(1, 7))
def test_more_heads_of_keys_never_cost_less(model: Architecture, kv_heads: int) -> None:
    fewer, more = (
        changed(model, attention=Attention(heads=8, head_dim=4, kv_heads=heads)) for heads in (kv_heads, kv_heads + 1)
    )
    assert parameters_of(fewer).total < parameters_of(more).total
    assert kv_bytes(fewer, 10) < kv_bytes(more, 10)
    assert operations_of(fewer, sequence=10).forward < operations_of(more, sequence=10).forward
    assert layer_activations(fewer, 0, sequence=10).on_rank() < layer_activations(more, 0, sequence=10).on_rank()


@given(architectures(), st.integers(1, 40), st.integers(1, 9), st.booleans())
def test_operations_are_linear_in_the_batch(model: Architecture, sequence: int, batch: int, causal: bool) -> None:
    one = operations_of(model, sequence=sequence, causal=causal)
    assert operations_of(model, sequence=sequence, batch=batch, causal=causal) == one.times(batch)


@given(architectures(), st.integers(2, 40), st.data())
def test_a_prompt_in_two_pieces_reads_the_same_pairs(model: Architecture, sequence: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, sequence - 1))
    pieces = operations_of(model, sequence=first) + operations_of(model, sequence=sequence - first, cached=first)
    whole = operations_of(model, sequence=sequence)
    assert (pieces.scores, pieces.values, pieces.output) == (whole.scores, whole.values, whole.output)


@given(st.integers(1, 60), st.integers(0, 60), st.none() | st.integers(1, 60))
def test_no_mask_reads_more_than_the_square_or_fewer_than_itself(sequence: int, cached: int, window: int | None) -> None:
    seen = pairs(sequence, cached=cached, window=window)
    assert seen == sum(min(cached + i + 1, window or 999) for i in range(sequence))
    assert sequence <= seen <= pairs(sequence, cached=cached, causal=False, window=window)


@given(architectures())
def test_training_costs_at_least_six_flop_for_each_matrix_weight_of_a_token(model: Architecture) -> None:
    found = parameters_of(model)
    multiplied = found.active - found.norms - (0 if model.tied_embeddings else found.embedding)
    assert training_flop_per_token(model, sequence=model.context) >= 6 * multiplied
    assert training_flop_per_token(model, sequence=model.context) <= training_flop_per_token(
        model, sequence=model.context, causal=False
    )
    costs = [training_flop_per_token(model, sequence=model.context, recompute=r) for r in ("none", "selective", "full")]
    assert costs == sorted(costs)


@given(architectures(), st.integers(0, 100))
def test_a_longer_context_never_makes_a_token_cheaper(model: Architecture, context: int) -> None:
    shorter, longer = (decode_operations(model, n).forward for n in (context, context + 1))
    assert shorter <= longer
    assert kv_bytes(model, context) <= kv_bytes(model, context + 1)


@given(architectures(), st.integers(1, 40), st.sampled_from([1, 2, 4]), st.booleans(), st.booleans())
def test_recompute_and_ranks_never_keep_more(
    model: Architecture, sequence: int, tensor: int, flash: bool, dropout: bool
) -> None:
    kept = layer_activations(model, 0, sequence=sequence, numerics=Numerics(flash=flash, dropout=dropout))
    all_kept, selective, full = (kept.on_rank(tensor=tensor, recompute=r) for r in ("none", "selective", "full"))
    assert full <= selective <= all_kept
    assert kept.on_rank(tensor=tensor, sequence_parallel=True) <= all_kept <= kept.on_rank()
