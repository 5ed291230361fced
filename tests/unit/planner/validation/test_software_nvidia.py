import pytest

from datahall.foundation.errors import Problem
from datahall.planner.validation.software_nvidia import Recipe, hardware_of, precision_of, recipe_of, release_of

ROW = {
    "source": "NVIDIA-NeMo/Megatron-Bridge docs/performance-summary-archive.md release 26.04.01 (Pre-Training)",
    "hardware": "GB200 NVL72", "model": "Qwen3_30B_a3B", "precision": "MXFP8", "experts": "128", "pp": "1",
    "note": "model TFLOP/s/GPU 599; force-balanced routing",
}  # fmt: skip


def recipe(**changes) -> Recipe:
    found = recipe_of(ROW | changes)
    assert isinstance(found, Recipe)
    return found


def test_words_of_a_row_are_read():
    """Given a row of Megatron-Bridge, its release, hardware and precision are told apart; FP8-MX is MXFP8."""
    assert (release_of(ROW), hardware_of(ROW), precision_of(ROW)) == ("26.04.01", "gb200", "mxfp8")
    assert precision_of(ROW | {"precision": "FP8-MX"}) == "mxfp8"
    assert precision_of(ROW | {"precision": "FP8-CS"}) == "fp8"


def test_the_release_decides_what_graphs_capture():
    """Given Qwen3 30B on GB200, 26.04 captures what is static, 26.06 the whole step with fused experts, 25.11 nothing."""
    before, after = recipe(), recipe(source=ROW["source"].replace("26.04.01", "26.06"))
    assert (before.made().graphs, before.made().fused_experts) == ("static", False)
    assert (after.made().graphs, after.made().fused_experts) == ("whole", True)
    assert recipe(source=ROW["source"].replace("26.04.01", "25.11")).made().graphs == "none"


def test_tokens_that_are_dropped_and_padded_can_be_captured():
    """Given 25.09 with tokendrop on one pipeline stage, the whole step is a graph; on two stages it is not."""
    dropped = {"source": ROW["source"].replace("26.04.01", "25.09"), "note": "tokendrop; force-balanced routing"}
    assert recipe(**dropped).made().graphs == "whole"
    assert recipe(**dropped, pp="2").made().graphs == "none"


def test_experts_are_whole_on_a_rank():
    """Given a mixture, the plan has expert_tensor=1 and 16-bit gradients; a dense model has neither."""
    assert recipe().plan["expert_tensor"] == 1
    assert "expert_tensor" not in recipe(model="LLAMA3_70B", experts="").plan


def test_predicting_layers_are_left_out_where_the_note_says_so():
    """Given `w/o MTP`, the layer that predicts further tokens was not trained."""
    assert recipe(model="DeepSeekV3").prediction
    assert not recipe(model="DeepSeekV3", note="w/o MTP; force-balanced routing").prediction


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model": "DeepSeekV4 Flash"}, "ROW-011"),
        ({"note": "LoRA"}, "ROW-010"),
        ({"source": "NVIDIA-NeMo/Megatron-Bridge release 24.07"}, "ROW-012"),
    ],
)
def test_rows_that_no_recipe_covers_are_refused(changes, code):
    """Given unknown dimensions, a tuning of adapters, or a release before the recipes, the problem says which."""
    model = {} if "model" in changes else {"model": "DeepSeekV3"} if code == "ROW-012" else {}
    found = recipe_of(ROW | model | changes)
    assert isinstance(found, Problem) and found.code == code and found.fix
