import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.cost.parameters import layer_parameters
from datahall.models.cost.spec import Architecture, Attention, FeedForward
from datahall.models.parallel.activations import layer_bytes
from datahall.models.parallel.fit import fit_of
from datahall.models.parallel.layout import stages_of
from datahall.models.parallel.memory import CONTEXT_BYTES, _on_stage, memory_of, token_bytes
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.states import rank_parameters

GIB = 2**30


def gpt(layers, hidden, heads):
    """As Korthikanti et al. count it: no embedding, no biases, no norms."""
    return Architecture(
        name="gpt", layers=layers, hidden=hidden, vocab=2, context=2048, attention=Attention(heads=heads),
        feed_forward=FeedForward(width=4 * hidden), tied_embeddings=True, positions="none", norm="layernorm",
        source="Korthikanti et al., arXiv:2205.05198, table 3",
    )  # fmt: skip


PUBLISHED = [
    # Korthikanti et al., arXiv:2205.05198, figure 1 and table 3, GiB as in Calculon's validation.py: parameters and optimiser,
    # activations with nothing recomputed, and with sequence parallelism and selective recompute.
    ((48, 6144, 64), {"global_batch": 4, "micro_batch": 4}, 45.5625, 59.25, 9.5625),
    (
        (96, 12288, 96),
        {"global_batch": 64, "pipeline": 8, "chunks": 3, "schedule": "interleaved"},
        45.5625,
        66.84375,
        12.3515625,
    ),
    (
        (105, 20480, 128),
        {"global_batch": 280, "pipeline": 35, "chunks": 3, "schedule": "interleaved"},
        31.640625,
        114.0234375,
        23.076171875,
    ),
    ((128, 25600, 160), {"global_batch": 512, "pipeline": 64}, 32.958984375, 131.25, 26.5625),
]


@pytest.mark.parametrize(("shape", "plan", "states", "whole", "selective"), PUBLISHED)
def test_korthikantis_figure_is_met_to_its_digits(shape, plan, states, whole, selective):
    """Given the four models of figure 1, layers agree to a millionth, states to 0.2 % (norms) and all activations to 2.5 %.

    The figure leaves out what stands before and after the layers: the embedding's dropout and the output's inputs (4.3).
    """
    common = {"sequence": 2048, "tensor": 8, "flash_attention": False, "dropout": True} | plan
    none = memory_of(gpt(*shape), TrainPlan(**common, sequence_parallel=False))
    some = memory_of(gpt(*shape), TrainPlan(**common, recompute="selective"))
    assert (none.weights + none.gradients + none.optimiser) / GIB == pytest.approx(states, rel=2e-3)
    assert none.activations / GIB == pytest.approx(whole, rel=0.025)
    assert some.activations / GIB == pytest.approx(selective, rel=0.025)
    for change, expected in (({"sequence_parallel": False}, whole), ({"recompute": "selective"}, selective)):
        held = TrainPlan(**common, **change)
        first = stages_of(gpt(*shape), held)[0]
        layers = first.layer_count * first.in_flight * held.micro_batch * held.sequence
        assert layers * layer_bytes(gpt(*shape), held, experts=False) / GIB == pytest.approx(expected, rel=5e-6)


@pytest.mark.parametrize(
    ("precision", "gradient_bytes", "alone", "sharded"),
    [("fp16", 2, 20, 4 + 16 / 8), ("bf16", 4, 18, 6 + 12 / 8), ("fp32", 4, 16, 8 + 8 / 8)],
)
def test_bytes_of_a_parameter_are_megatrons(precision, gradient_bytes, alone, sharded):
    """Megatron Core, distributed optimizer guide, table of bytes per parameter, with d = 8."""
    model = architecture("llama3-8b")
    for zero, expected in ((0, alone), (1, sharded)):
        plan = TrainPlan(global_batch=8, sequence=2048, data=8, zero=zero, precision=precision, gradient_bytes=gradient_bytes)
        memory = memory_of(model, plan)
        held = memory.weights + memory.gradients + memory.optimiser
        assert held / 8_030_261_248 == pytest.approx(expected, rel=1e-6)


def test_sharding_all_leaves_no_state_in_full():
    """Given Llama 3 8B fully sharded over 128 ranks, states are 16 bytes a parameter over 128, and layers are gathered."""
    memory = memory_of(architecture("llama3-8b"), TrainPlan(global_batch=128, sequence=8192, data=128, zero=3))
    assert (memory.weights + memory.gradients + memory.optimiser) == pytest.approx(16 * 8_030_261_248 / 128)
    assert memory.gathered > 4 * 218e6


def test_an_optimiser_in_the_hosts_memory_leaves_a_shard_of_weights():
    """Given Llama 3 8B fully sharded over 128 ranks and offloaded, each keeps 2 bytes of its weights and 4 of its gradients."""
    plan = TrainPlan(global_batch=128, sequence=8192, data=128, zero=3, offload_optimiser=True)
    memory = memory_of(architecture("llama3-8b"), plan)
    assert memory.weights == pytest.approx(2 * 8_030_261_248 / 128)
    assert (memory.gradients, memory.optimiser) == (pytest.approx(4 * 8_030_261_248 / 128), 0)


def test_experts_are_held_once_over_the_expert_ranks():
    """Given Mixtral on eight ranks, sharing its experts takes an eighth of them on each."""
    model = architecture("mixtral-8x7b")
    apart, alone = (memory_of(model, TrainPlan(global_batch=8, sequence=2048, data=8, expert=e)) for e in (8, 1))
    routed = 32 * 8 * 3 * 4096 * 14336
    assert alone.weights - apart.weights == pytest.approx(2 * routed * 7 / 8)


@pytest.mark.parametrize(
    "change", [{"tensor": 16}, {"zero": 1}, {"recompute": "full"}, {"recompute": "operators"}, {"context": 2, "sequence": 4096}]
)
def test_spreading_and_recomputing_never_take_more(change):
    """Given a plan, each of these changes lowers it; two context ranks share twice the tokens at no more."""
    base = {"global_batch": 64, "sequence": 2048, "tensor": 8, "data": 8, "micro_batch": 2}
    model = architecture("llama2-70b")
    assert memory_of(model, TrainPlan(**base | change)).total <= memory_of(model, TrainPlan(**base)).total + 1


def test_the_fullest_stage_speaks():
    """Given few micro-batches and a large vocabulary, the last stage with its logits is fuller than the first."""
    model = architecture("bloom-176b")
    last = memory_of(model, TrainPlan(global_batch=1, sequence=2048, pipeline=10, tensor=8))
    first = memory_of(model, TrainPlan(global_batch=64, sequence=2048, pipeline=10, tensor=8))
    assert (last.stage, first.stage) == (9, 0)
    assert last.reserved == last.total - CONTEXT_BYTES


def test_the_stage_that_needs_most_decides_whether_a_plan_fits():
    """Given small logits beside much work on the last of 16 stages, the first, which holds less but needs more, speaks."""
    plan = TrainPlan(
        global_batch=4096, sequence=8192, micro_batch=8, pipeline=16, data=32, zero=1, recompute="full", logit_bytes=4
    )  # fmt: skip
    model = architecture("qwen3-32b")
    each = [_on_stage(model, plan, stage) for stage in stages_of(model, plan)]
    assert each[15].total > each[0].total and each[15].needed < 70 * GIB < each[0].needed
    found = memory_of(model, plan)
    assert (found.stage, found.needed) == (0, max(memory.needed for memory in each))
    assert not found.fits(80 * GIB)


def test_layers_that_predict_further_tokens_are_layers():
    """Given DeepSeek-V3 in 16 stages over 64 expert ranks, the last holds three layers and one more, each with a 64th of its
    experts and all of the rest; it keeps one layer's activations more, and logits twice. Each part as it says in 2.2."""
    model = architecture("deepseek-v3")
    plan = TrainPlan(global_batch=1024, sequence=4096, pipeline=16, expert=64, data=128, zero=1)
    last, plain = stages_of(model, plan)[-1], model.model_copy(update={"prediction_layers": 0})
    layer, around = layer_parameters(model, 60), 2 * 7168 * 129_280
    found, without = (rank_parameters(each, plan, last) for each in (model, plain))
    assert found.experts == 4 * layer.routed / 64 and without.experts == 3 * layer.routed / 64
    assert found.shared == 4 * (layer.total - layer.routed) + 2 * 7168**2 + around
    more, less = (_on_stage(each, plan, last) for each in (model, plain))
    assert more.activations > less.activations * 1.3
    assert more.logits == 2 * less.logits


def test_what_does_not_fit_says_by_how_much_and_what_helps():
    """Given GPT-3 175B without sharded optimiser on 80 GiB, the verdict says the gap, the largest part and a way that fits."""
    plan = TrainPlan(global_batch=512, sequence=2048, tensor=8, pipeline=4, data=16)
    fit = fit_of(architecture("gpt3-175b"), plan, 80 * GIB)
    assert not fit.fits and fit.missing_bytes > 0
    assert "GiB too large" in fit.sentences()[0] and "optimiser" in fit.sentences()[1]
    assert not any("offload" in remedy.what for remedy in fit.remedies)  # its time is not modelled
    best = fit.remedies[0] if fit.remedies[0].fits else fit.together
    assert best is not None and memory_of(architecture("gpt3-175b"), best.plan).total <= 80 * GIB
    assert "then it fits" in " ".join(fit.sentences())


def test_what_fits_nowhere_says_so():
    """Given 175B on one accelerator, no change of the plan is enough, and the verdict says what is needed."""
    fit = fit_of(architecture("gpt3-175b"), TrainPlan(global_batch=1, sequence=2048), 80 * GIB)
    assert fit.together is None and "more accelerators" in fit.sentences()[-1]


def test_what_fits_says_what_is_left():
    """Given Llama 3 8B over eight accelerators of 80 GiB, it fits, and the room left is told."""
    fit = fit_of(architecture("llama3-8b"), TrainPlan(global_batch=8, sequence=2048, data=8, zero=1), 80 * GIB)
    assert fit.fits and fit.remedies == () and "are left" in fit.sentences()[0]


@pytest.mark.parametrize("name", ["llama3-8b", "deepseek-v3"])
def test_narrow_inputs_take_less_in_8_bits_only(name):
    """Given inputs of products kept narrow, activations shrink by a tenth to a quarter in 8 bits, and not at all in 16."""
    base = {"global_batch": 64, "sequence": 4096, "data": 64, "zero": 1, "expert": 64 if name == "deepseek-v3" else 1}
    held = {
        (precision, narrow): memory_of(architecture(name), TrainPlan(**base, precision=precision, narrow_inputs=narrow))
        for precision in ("bf16", "fp8", "nvfp4")
        for narrow in (False, True)
    }
    assert held["bf16", True] == held["bf16", False] == held["fp8", False]
    assert 0.75 < held["fp8", True].activations / held["fp8", False].activations < 0.9
    assert held["nvfp4", True] == held["fp8", True] and held["fp8", True].weights == held["fp8", False].weights


def test_what_is_computed_again_is_kept_no_narrower():
    """Given full recomputation, a layer's input is kept as wide as before: norms and sums read it."""
    base = {"global_batch": 8, "sequence": 4096, "recompute": "full", "precision": "fp8"}
    wide, narrow = (memory_of(architecture("llama3-8b"), TrainPlan(**base, narrow_inputs=on)) for on in (False, True))
    assert narrow.activations == wide.activations and narrow.working < wide.working


def test_tokens_of_whole_experts_are_sent_once_by_tensor_ranks():
    """Given experts that no tensor rank splits, each of 4 ranks keeps and sends a quarter; split, or unsharded, each all."""
    mixture = architecture("qwen3-235b-a22b")
    common = {"global_batch": 64, "sequence": 4096, "tensor": 4, "data": 16, "expert": 16}
    whole, split = TrainPlan(**common, expert_tensor=1), TrainPlan(**common)
    plain = TrainPlan(**common, expert_tensor=1, sequence_parallel=False)
    returned = 2 * 2 * mixture.experts.active * mixture.hidden
    assert layer_bytes(mixture, split, experts=True) - layer_bytes(mixture, whole, experts=True) == 0.75 * returned
    assert memory_of(mixture, split).buffers > memory_of(mixture, whole).buffers
    assert layer_bytes(mixture, plain, experts=True) > layer_bytes(mixture, split, experts=True)


@pytest.mark.parametrize(
    ("parts", "experts", "spared"),
    [
        (("latent_up",), True, 2 * 128 * (2 * 192 + 128)),
        (("norms",), True, 2 * 2 * 7168),
        (("expert_activation",), True, 2 * 8 * 2048),
        (("dense_block",), False, 3 * 2 * 18_432),
        (("dense_block", "latent_up"), False, 3 * 2 * 18_432 + 2 * 128 * 512),
        (("dense_block",), True, 0),
    ],
)
def test_parts_that_a_stack_computes_again_are_not_kept(parts, experts, spared):
    """Given DeepSeek-V3's layers in 16 bits, each part spares its own tensors, counted by hand, and all stand there again while
    the layer goes backward; nothing is spared twice where all is computed again."""
    model, plan = architecture("deepseek-v3"), TrainPlan(global_batch=8, sequence=4096)
    whole, some = token_bytes(model, plan), token_bytes(model, plan, parts)
    assert whole.kept[experts] - some.kept[experts] == pytest.approx(spared)
    assert some.working[experts] - whole.working[experts] == pytest.approx(spared)
    full = plan.model_copy(update={"recompute": "full"})
    assert token_bytes(model, full, parts) == token_bytes(model, full)
