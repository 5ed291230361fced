import pytest

from datahall.models.cost.catalogue import architecture as deepseek
from datahall.models.cost.spec import Architecture, Attention, FeedForward
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.layout import in_flight, parts_of, stages_of
from datahall.models.parallel.spec import TrainPlan


def architecture(layers=96):
    return Architecture(
        name="gpt", layers=layers, hidden=64, vocab=128, context=64, attention=Attention(heads=8),
        feed_forward=FeedForward(width=256), source="made for this test",
    )  # fmt: skip


def test_uneven_stages_put_one_more_on_the_first():
    """Given 79 layers on eight stages, seven have ten and the last has nine; embedding first, output last."""
    stages = stages_of(architecture(79), TrainPlan(global_batch=8, sequence=64, pipeline=8))
    assert [stage.layer_count for stage in stages] == [10] * 7 + [9]
    assert [stage.embedding for stage in stages] == [True] + [False] * 7
    assert [stage.output for stage in stages] == [False] * 7 + [True]


def test_interleaved_chunks_lie_a_pipeline_apart():
    """Given 12 layers on two stages of three chunks, the first stage holds layers 0-1, 4-5 and 8-9."""
    plan = TrainPlan(global_batch=8, sequence=64, pipeline=2, chunks=3, schedule="interleaved")
    assert stages_of(architecture(12), plan)[0].layers == (range(2), range(4, 6), range(8, 10))


def test_1f1b_keeps_one_micro_batch_for_each_stage_to_the_end():
    """Given eight stages, the first keeps eight and the last one; given three micro-batches, none keeps more than three."""
    many, few = (TrainPlan(global_batch=batch, sequence=64, pipeline=8) for batch in (64, 3))
    assert [in_flight(many, stage) for stage in (0, 7)] == [8, 1]
    assert [in_flight(few, stage) for stage in (0, 7)] == [3, 1]


@pytest.mark.parametrize("chunks", [2, 3])
def test_interleaving_keeps_what_korthikanti_counts(chunks):
    """Korthikanti et al., arXiv:2205.05198, 4.2.3: p (1 + (p - 1)/(p v)) on the first stage."""
    plan = TrainPlan(global_batch=64, sequence=64, pipeline=8, chunks=chunks, schedule="interleaved")
    assert in_flight(plan, 0) == pytest.approx(8 * (1 + 7 / (8 * chunks)))


def test_dualpipe_holds_two_stages_and_one_micro_batch_more():
    """DeepSeek-V3, table 2: weights twice, activations of p + 1 micro-batches of one stage."""
    plan = TrainPlan(global_batch=64, sequence=64, pipeline=8, schedule="dualpipe")
    stages = stages_of(architecture(16), plan)
    assert [stage.layer_count for stage in stages] == [4] * 8
    assert stages[0].in_flight * stages[0].layer_count == 9 * 2
    assert stages[0].output and stages[0].embedding and stages[7].embedding and not stages[3].output


def test_parts_cover_all_layers_once():
    """Given any counts, the parts are in order and hold each layer once."""
    for layers in range(1, 40):
        for parts in range(1, layers + 1):
            assert [layer for part in parts_of(layers, parts) for layer in part] == list(range(layers))
            for further in range(3):
                some = parts_of(layers, parts, ends=True, further=further)
                assert [layer for part in some for layer in part] == list(range(layers))
                assert len({len(part) for part in some[1:-1]}) < 3


@pytest.mark.parametrize("further", [0, 1])
def test_the_last_part_gives_way_and_then_the_first(further):
    """Given DeepSeek-V3's 61 layers with and without one more: NVIDIA's layouts, in 16 parts 4 and at last 1, in 32 parts 1, 2
    and 0; a plan may have either."""
    for pipeline, parts, first, last in ((4, 16, 4, 1), (8, 32, 1, 0)):
        model = deepseek("deepseek-v3").model_copy(update={"prediction_layers": further})
        plan = TrainPlan(global_batch=64, sequence=64, pipeline=pipeline, chunks=4, schedule="interleaved")
        assert not problems_of_plan(model, plan)
        sizes = [len(part) for part in parts_of(61, parts, ends=True, further=further)]
        assert (sizes[0], sizes[1], sizes[-1], sum(sizes)) == (first, 64 // parts, last, 61)
