"""A plan as launch arguments: every field is mapped, told or refused; what is written can be read again."""

import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.cost.catalogue import architecture, architectures
from datahall.models.launch import megatron_lm as megatron
from datahall.models.launch import torchtitan as titan
from datahall.models.launch.megatron_lm import megatron_lm
from datahall.models.launch.own_trainer import own_trainer
from datahall.models.launch.spec import Field, Launch
from datahall.models.launch.targets import TARGETS, target
from datahall.models.launch.torchtitan import torchtitan
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack

Write = Callable[[Launch], str]
STACK = Stack()
BASE: Mapping[str, Any] = {
    "global_batch": 512, "sequence": 8192, "tensor": 2, "pipeline": 4, "data": 8, "zero": 2, "recompute": "full",
    "logit_bytes": 12, "keeps_outputs": True,
}  # fmt: skip
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "global_batch": {"global_batch": 1024},
    "sequence": {"sequence": 4096},
    "micro_batch": {"micro_batch": 2},
    "tensor": {"tensor": 4},
    "pipeline": {"pipeline": 8},
    "chunks": {"chunks": 2, "schedule": "interleaved"},
    "context": {"context": 2},
    "expert": {"expert": 4},
    "expert_tensor": {"expert": 4, "expert_tensor": 1},
    "data": {"data": 16},
    "zero": {"zero": 3},
    "shard": {"shard": 4},
    "sequence_parallel": {"sequence_parallel": False},
    "recompute": {"recompute": "operators"},
    "flash_attention": {"flash_attention": False},
    "schedule": {"schedule": "zero_bubble"},
    "precision": {"precision": "fp8"},
    "gradient_bytes": {"gradient_bytes": 2},
    "optimiser_bytes": {"optimiser_bytes": 8},
    "offload_optimiser": {"offload_optimiser": True},
    "dropout": {"dropout": True},
    "logit_bytes": {"logit_bytes": 6},
    "bucket_elements": {"bucket_elements": 500_000_000},
    "narrow_inputs": {"narrow_inputs": True, "precision": "fp8"},
    "keeps_outputs": {"keeps_outputs": False},
}
OWN: Mapping[Write, Mapping[str, Any]] = {
    torchtitan: {},
    megatron_lm: {"zero": 1, "logit_bytes": 6, "keeps_outputs": False, "recompute": "selective"},
}
"""What differs from BASE so that the trainer takes it."""
OPPOSITE: Mapping[Write, Mapping[str, Mapping[str, Any]]] = {
    torchtitan: {},
    megatron_lm: {
        "zero": {"zero": 0}, "logit_bytes": {"logit_bytes": 12}, "keeps_outputs": {"keeps_outputs": True},
    },
}  # fmt: skip


def launch(model: str = "llama3-8b", *, per_node: int = 8, stack: Stack = STACK, **plan: Any) -> Launch:
    return Launch(architecture(model), TrainPlan(**plan), steps=1000, per_node=per_node, stack=stack, checkpoint_steps=50)


def written(write: Write, one: Launch) -> str:
    """The file, or the codes and places of what was refused."""
    try:
        return write(one)
    except Refused as error:
        return "\n".join(f"{problem.code} {problem.where}" for problem in error.problems)


# --- every field ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [megatron.FIELDS, titan.FIELDS], ids=["megatron-lm", "torchtitan"])
def test_no_field_of_a_plan_is_left_out(fields: Mapping[str, Field]):
    """Given all fields of a plan, each has its rule; a new field fails here until somebody decides what becomes of it."""
    assert set(fields) == set(TrainPlan.model_fields) == set(CHANGES)


@pytest.mark.parametrize("field", sorted(CHANGES))
@pytest.mark.parametrize("write", [megatron_lm, torchtitan])
def test_each_field_changes_what_is_written_or_is_refused_by_name(write: Write, field: str):
    """Given a plan that is taken, another value of one field is seen in the file, or refused at that field."""
    base = {**BASE, **OWN[write]}
    model = "qwen3-30b-a3b" if field.startswith("expert") else "llama3-8b"
    base |= {"expert": 4} if field == "expert_tensor" else {}
    before = write(launch(model, **base))
    after = written(write, launch(model, **{**base, **OPPOSITE[write].get(field, CHANGES[field])}))
    assert after != before
    if after.startswith("LAUNCH"):
        assert after == f"LAUNCH-001 plan.{field}"


@pytest.mark.parametrize("field", sorted(CHANGES))
def test_our_own_trainer_says_what_it_cannot(field: str):
    """Given a plan for one device, the model alone is in the way; a field that needs more is named beside it."""
    alone = {"global_batch": 8, "micro_batch": 8, "sequence": 2048}
    told = written(own_trainer, launch("gpt2", **alone)).splitlines()
    assert told == ["LAUNCH-002 architecture.kind"]
    more = written(own_trainer, launch("gpt2", **{**alone, **CHANGES[field]})).splitlines()
    needs_ranks = {"tensor", "pipeline", "chunks", "context", "expert", "expert_tensor", "data",
                   "micro_batch", "zero", "shard", "precision", "recompute",
                   "offload_optimiser", "bucket_elements"}  # fmt: skip
    assert (f"LAUNCH-001 plan.{field}" in more) == (field in needs_ranks)


# --- Megatron-LM ------------------------------------------------------------------------------------------------


def arguments(text: str) -> dict[str, str]:
    """Arguments of the script, by name."""
    words = shlex.split(re.sub(r"\\\n", " ", text[text.index("torchrun") :]))
    words = words[words.index("pretrain_gpt.py") + 1 : -1]
    pairs: dict[str, str] = {}
    for word in words:
        if word.startswith("--"):
            pairs[word] = ""
            name = word
        else:
            pairs[name] = (pairs[name] + " " + word).strip()
    return pairs


@pytest.mark.parametrize(
    ("precision", "narrow", "gathers"), [("fp8", True, True), ("fp8", False, False), ("bf16", True, False)]
)
def test_weights_in_8_bits_are_gathered_so(precision: str, narrow: bool, gathers: bool):
    """Given FP8 whose forecast counts no 16-bit weights, Megatron is told to hold and gather them in 8 bits."""
    base = {**BASE, **OWN[megatron_lm], "precision": precision, "narrow_inputs": narrow}
    assert ("--fp8-param-gather" in arguments(megatron_lm(launch(**base)))) == gathers


def test_gpt3_is_megatrons_own_figure_of_arguments():
    """Given GPT-3 175B over 512 accelerators, shape, ranks and memory savers are as pretrain_gpt.py reads them."""
    text = megatron_lm(
        launch("gpt3-175b", global_batch=1536, sequence=2048, tensor=8, pipeline=8, data=8, zero=1, recompute="selective")
    )
    found = arguments(text)
    assert "--nnodes=64 --nproc-per-node=8" in text and "CUDA_DEVICE_MAX_CONNECTIONS=1" in text
    assert found["--num-layers"] == "96" and found["--hidden-size"] == "12288" and found["--num-attention-heads"] == "96"
    assert found["--tensor-model-parallel-size"] == found["--pipeline-model-parallel-size"] == "8"
    assert found["--recompute-granularity"] == "selective" and found["--train-iters"] == "1000"
    assert {"--use-distributed-optimizer", "--overlap-grad-reduce", "--overlap-param-gather", "--bf16"} <= set(found)


def test_uneven_stages_become_a_layout_that_adds_up():
    """Given 126 layers over 16 x 8 parts, embedding and loss take a layer's place, and the layout names all 126."""
    text = megatron_lm(
        launch("llama3-405b", global_batch=2048, sequence=8192, tensor=8, pipeline=16, chunks=8, schedule="interleaved", data=8)
    )
    layout = arguments(text)["--pipeline-model-parallel-layout"]
    parts = layout.split("|")
    assert len(parts) == 128 and parts[0] == "E" and parts[-1] == "L" and set(parts[1:-1]) == {"t*1"}


def test_experts_and_latent_attention_are_told():
    """Given DeepSeek-V3, dense layers, experts, compression and the layer that predicts further are arguments."""
    text = megatron_lm(launch("deepseek-v3", global_batch=1024, sequence=4096, data=64, expert=64, zero=1, recompute="full"))
    found = arguments(text)
    assert found["--moe-layer-freq"] == "([0]*3+[1]*58)" and found["--num-experts"] == "256"
    assert found["--expert-model-parallel-size"] == "64" and found["--mtp-num-layers"] == "1"
    assert "--multi-latent-attention" in found and found["--attention-backend"] == "fused"


def test_a_vocabulary_is_padded_where_the_tensor_ranks_would_not_divide_it():
    """Given 50,257 words over 8 ranks, Megatron's own padding is told, and that it was."""
    text = megatron_lm(launch("gpt3-175b", global_batch=8, sequence=2048, tensor=8))
    assert arguments(text)["--padded-vocab-size"] == "51200" and "50,257 words are padded to 51,200" in text
    assert arguments(megatron_lm(launch(global_batch=8, sequence=2048, tensor=8)))["--padded-vocab-size"] == "128256"


def test_fully_sharded_is_told_with_all_that_it_asks_for():
    """Given ZeRO 3, Megatron's own FSDP is asked for, with its checkpoints and without what excludes it."""
    text = megatron_lm(launch(global_batch=64, sequence=8192, data=16, zero=3))
    found = arguments(text)
    assert found["--data-parallel-sharding-strategy"] == "optim_grads_params" and found["--ckpt-format"] == "fsdp_dtensor"
    assert "--no-gradient-accumulation-fusion" in found and "CUDA_DEVICE_MAX_CONNECTIONS=32" in text
    assert "LAUNCH-001 plan.zero" in written(megatron_lm, launch(global_batch=64, sequence=8192, data=8, pipeline=2, zero=3))


def test_the_script_is_a_shell_script():
    """Given any plan, bash parses the script."""
    text = megatron_lm(launch(global_batch=64, sequence=8192, tensor=2, data=8, zero=1))
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("model", "where"),
    [("bloom-176b", "positions"), ("palm-540b", "parallel_block"), ("bert-large", "kind"), ("gpt-neox-20b", "parallel_block")],
)
def test_models_that_megatron_does_not_build_are_refused(model: str, where: str):
    """Given ALiBi, parallel blocks or an encoder, the trait is named."""
    assert f"LAUNCH-002 architecture.{where}" in written(megatron_lm, launch(model, global_batch=8, sequence=512, data=8))


def test_every_model_of_the_catalogue_is_written_or_refused():
    """Given all architectures, none raises anything but Refused, and those taken name their layers."""
    for name, model in architectures().items():
        text = written(megatron_lm, launch(name, global_batch=8, sequence=512, data=8))
        assert text.startswith("LAUNCH-002") or f"--num-layers {model.layers}" in text


# --- torchtitan -------------------------------------------------------------------------------------------------


def test_a_job_file_is_toml_with_every_degree():
    """Given Llama 3 70B, the file parses, and degrees, batch and modules of each stage are those of the plan."""
    text = torchtitan(launch("llama3-70b", **{**BASE, "recompute": "operators", "data": 16, "shard": 8}))
    found = tomllib.loads(text)
    degrees = found["parallelism"]
    assert (found["model"]["name"], found["model"]["flavor"]) == ("llama3", "70B")
    assert degrees["tensor_parallel_degree"] == 2 and degrees["pipeline_parallel_degree"] == 4
    assert degrees["data_parallel_shard_degree"] == 8 and degrees["data_parallel_replicate_degree"] == 2
    parts = degrees["module_fqns_per_model_part"]
    assert len(parts) == 4 and sum(name.startswith("layers.") for part in parts for name in part) == 80
    assert parts[0][0] == "tok_embeddings" and parts[-1][-2:] == ["norm", "output"]
    assert found["training"]["local_batch_size"] == 512 // 16 and found["checkpoint"]["interval"] == 50
    assert found["activation_checkpoint"] == {"mode": "selective", "selective_ac_option": "op"}


def test_without_a_pipeline_gradients_are_summed_over_micro_batches():
    """Given no pipeline, the local batch is one micro-batch, and the global batch says how many are summed."""
    found = tomllib.loads(torchtitan(launch(global_batch=64, sequence=8192, data=8, zero=3, micro_batch=2)))
    assert found["training"]["local_batch_size"] == 2 and found["training"]["global_batch_size"] == 64
    assert found["parallelism"]["fsdp_reshard_after_forward"] == "always"


def test_a_model_is_known_by_its_shape():
    """Given the same shape under another name it is taken; another shape is refused, with those there are."""
    same = architecture("llama3-8b").model_copy(update={"name": "mine", "context": 131072})
    one = Launch(same, TrainPlan(global_batch=8, sequence=8192, data=8, zero=3), steps=1, per_node=8, stack=STACK)
    assert 'flavor = "8B"' in torchtitan(one)
    with pytest.raises(Refused, match="LAUNCH-002 torchtitan has no flavour of the shape of gpt3-175b"):
        torchtitan(launch("gpt3-175b", global_batch=8, sequence=2048, data=8, zero=3))


def test_a_compiled_stack_compiles():
    """Given a forecast of compiled kernels, the job compiles."""
    stack = Stack(host_kernel_s=0.0)
    text = torchtitan(launch(global_batch=8, sequence=8192, data=8, zero=3, stack=stack))
    assert tomllib.loads(text)["compile"] == {"enable": True, "components": ["model", "loss"]}


# --- both -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [megatron_lm, torchtitan])
def test_servers_are_filled(write: Write):
    """Given accelerators that do not fill servers evenly, the nearest counts are told."""
    with pytest.raises(Refused, match=r"LAUNCH-003 12 accelerators are not whole servers of 8.*8 or 16"):
        write(launch(global_batch=12, sequence=8192, data=12, zero=2))


def test_an_unknown_trainer_is_answered_with_the_known():
    """Given a misspelt name, the near ones are told."""
    assert target("torchtitan") is torchtitan and set(TARGETS) == {"torchtitan", "megatron-lm", "datahall"}
    with pytest.raises(Missing, match="LAUNCH-004 there is no trainer 'megatron' to launch with"):
        target("megatron")
