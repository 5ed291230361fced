"""Which software a row ran: what it says itself, then its source's release, then its source."""

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.parallel.stacks import stack_said, stacks
from datahall.planner.validation.software import SOURCES, software_of

BRIDGE = {
    "source": "NVIDIA-NeMo/Megatron-Bridge docs/performance-summary.md release 26.04 (Pre-Training)", "hardware": "GB200 NVL72",
    "model": "DeepSeekV3", "precision": "MXFP8", "recompute": "recipe-dependent (see scripts/performance)", "experts": "256",
    "pp": "4",
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.words)
def test_each_source_has_a_stack(source):
    """Given each source, its stack is one of those that are named."""
    assert source.stack in stacks()


def test_the_row_speaks_before_its_source():
    """Given a stack and a source, the stack counts; given a note of attention, it counts too; otherwise the source's."""
    row = {"source": "VIA-Research/vTrain data/ground_truth_multi.csv", "note": "flash attention"}
    assert software_of(row | {"stack": "internevo"}).named.name == "internevo"
    assert software_of(row).plan["flash_attention"] is True and software_of(row | {"note": ""}).plan["flash_attention"] is False
    assert software_of({"source": "a user"}).unstated and not software_of(row).unstated


def test_a_stack_that_nobody_knows_loses_no_row():
    """Given a word of no software, the source's or today's default is taken, unstated, with the reason and the near names."""
    known, unknown = (software_of({"source": source, "stack": "megatron-cor"}) for source in ("internevo", "a laboratory"))
    assert (known.named.name, unknown.named.name) == ("internevo", "megatron-core")
    assert known.unstated and unknown.unstated and "STACK-001" in unknown.assumed and "`megatron-core`" in unknown.assumed
    with pytest.raises(Missing, match="STACK-001"):
        stack_said("megatron-cor")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Megatron-LM", "megatron-core"), ("Megatron-LM + DeepSpeed", "megatron-deepspeed-2022"),
        ("PyTorch FSDP2", "pytorch-fsdp"),
        ("HF accelerate", "pytorch-fsdp"), ("torchtune", "pytorch-fsdp"), ("NeMo 24.07", "nemo"), ("JAX/XLA", "maxtext"),
        ("Nanotron", "nanotron"), ("PyTorch DDP", "pytorch-ddp"), ("TorchTitan (compile)", "torchtitan-compile"),
        ("DeepSpeed ZeRO-3", "deepspeed"), ("Colossal-AI", "colossal-ai"), ("MaxText", "maxtext"),
    ],
)  # fmt: skip
def test_words_of_people_find_the_nearest_stack(words, name):
    """Given software as people write it, the nearest that is named is taken, stated, and told where it has another name."""
    found = software_of({"source": "a laboratory", "stack": words})
    assert found.named.name == name and not found.unstated
    assert (found.assumed == "") is (name in words.lower().replace(" ", "-"))


@pytest.mark.parametrize(
    ("row", "column"),
    [({"note": "LoRA r=16"}, "note"), ({"model": "Llama 3 8B SFT"}, "model"), ({"source": "a blog on QLoRA"}, "source")],
)
def test_work_that_is_not_pre_training_is_refused(row, column):
    """Given tuning of adapters or on packed samples by anybody, it is refused with its column; of all weights not."""
    with pytest.raises(Refused, match=f"ROW-010 {column} says"):
        software_of({"source": "a laboratory"} | row)
    assert software_of({"source": "a laboratory", "note": "full fine-tuning, no LoRA"}).unstated


def test_a_stack_cell_without_a_name_changes_what_the_source_ran():
    """Given only words of attention, graphs or a release, the source's software is taken with them."""
    row = {"source": "Korthikanti 2022 (arXiv 2205.05198)"}
    changed = software_of(row | {"stack": "flash 2, CUDA graphs"})
    assert (changed.named.name, changed.plan["flash_attention"]) == ("megatron-2022", True)
    assert (changed.named.made().attention_kernel, changed.named.made().host_kernel_s) == ("flash2", 0.0)
    assert software_of(row | {"stack": "release 22.05"}).plan == software_of(row).plan


def test_a_stack_that_is_the_sources_own_keeps_what_is_known_of_that():
    """Given the same software named, a source's own settings stay, and NVIDIA's recipe is that of the release in the cell."""
    vtrain = {"source": "VIA-Research/vTrain data/ground_truth_multi.csv"}
    assert software_of(vtrain | {"stack": "megatron-deepspeed"}) == software_of(vtrain)
    named = software_of(BRIDGE | {"source": "somebody", "stack": "Megatron-Bridge 26.04"})
    assert named.named.stack == software_of(BRIDGE).named.stack


def test_an_unknown_source_is_judged_by_its_words_for_sharding():
    """Given rows of a laboratory, FSDP, ZeRO 3 and neither take three stacks, compiled where said; all are unstated."""
    rows = ({"zero_fsdp": "FSDP", "precision": "bf16 compile"}, {"zero_fsdp": "ZeRO-3"}, {"zero_fsdp": "none"})
    found = [software_of({"source": "a laboratory"} | row) for row in rows]
    assert [each.named.name for each in found] == ["pytorch-fsdp", "deepspeed", "megatron-core"]
    assert found[0].named.made().host_kernel_s == 0 and all(each.unstated for each in found)


def test_experts_and_narrow_products_of_an_unknown_source_take_a_recipe():
    """Given a laboratory's rows of experts or in 8 bits, NVIDIA's recipe of a stated release stands in; not for FSDP's."""
    mixed, narrow, fsdp = (
        software_of({**BRIDGE, "source": "a laboratory"} | change)
        for change in ({}, {"model": "LLAMA3_70B", "experts": "", "precision": "FP8-CS"}, {"zero_fsdp": "FSDP2"})
    )
    assert all("26.04 assumed" in each.assumed and each.unstated for each in (mixed, narrow))
    assert fsdp.named.name == "pytorch-fsdp"


def test_compiled_layers_are_told_by_the_precision_column():
    """Given torchtitan's rows, eager and compiled ones have other stacks."""
    names = [software_of({"source": "pytorch/torchtitan", "precision": p}).named.name for p in ("bf16 eager", "fp8 compile")]
    assert names == ["torchtitan-eager", "torchtitan-compile"]


def test_nvidias_releases_have_recipes():
    """Given a release, the recipe's graphs and dispatch are in the stack; fine-tuning is refused, an unknown model is not."""
    found = software_of(BRIDGE)
    assert found.named.made().graphs != "none" and found.named.made().fused_dispatch and "recipe" in found.assumed
    assert "recompute" not in found.plan and software_of(BRIDGE | {"recompute": "norm, act"}).plan["recompute"] == "none"
    assert software_of(BRIDGE | {"model": "Another 9B"}).named.name == "megatron-bridge"
    with pytest.raises(Refused, match="ROW-010"):
        software_of(BRIDGE | {"note": "LoRA"})
