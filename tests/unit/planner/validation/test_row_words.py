"""Words that people write into cells of training rows, and what they mean."""

import pytest
from tests.unit.planner.validation.test_training_rows import ROW, case

from datahall.planner.validation.architecture_rows import catalogued
from datahall.planner.validation.training_rows import case_of

LLAMA2 = {"hidden": "4096", "kv_heads": "32", "ffn": "11008", "vocab": "32000"}


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("full", "full"), ("yes", "full"), ("True", "full"), ("1", "full"), ("activation checkpointing", "full"),
        ("gradient checkpointing", "full"), ("AC", "full"), ("every layer", "full"), ("uniform 4", "full"),
        ("SAC", "operators"), ("selective AC", "operators"), ("selective", "selective"), ("no", "none"),
        ("False", "none"), ("0", "none"),
        ("no activation checkpointing", "none"),
    ],
)  # fmt: skip
def test_recomputation_is_read_as_people_write_it(words: str, kind: str) -> None:
    """Given usual words, the recomputation that they mean is taken."""
    assert case({"recompute": words}).plan.recompute == kind


def test_recomputation_that_is_not_understood_is_told() -> None:
    """Given a strange word, it is said to be not understood, not to be missing."""
    assert any("`weird` not understood" in text for text in case({"recompute": "weird"}).assumed)


@pytest.mark.parametrize(
    ("words", "zero"),
    [("0", 0), ("1", 1), ("2", 2), ("3", 3), ("ZeRO-3", 3), ("stage 2", 2), ("none", 0), ("DDP", 0), ("FSDP", 3), ("FSDP2", 3)],
)
def test_sharding_is_read_as_people_write_it(words: str, zero: int) -> None:
    """Given a stage in its usual forms, that stage is taken."""
    assert case({"zero_fsdp": words}).plan.zero == zero


def test_sharding_that_is_not_understood_is_told() -> None:
    """Given a strange word, the default is taken and the word is named."""
    found = case({"zero_fsdp": "banana"})
    assert found.plan.zero == 1 and any("`banana` not understood" in text for text in found.assumed)


def test_fsdp_keeps_weights_whole_beside_a_pipeline() -> None:
    """Given FSDP with pipeline stages, weights are not gathered again for every micro-batch, and the row says so."""
    found = case({"zero_fsdp": "FSDP", "pp": "2", "dp": "4"})
    assert found.plan.zero == 2 and any("weights stay whole" in text for text in found.assumed)


@pytest.mark.parametrize(
    ("model", "params_b", "gated"),
    [("Foo-7B", "6.74", True), ("", "6.74", True), ("LLAMA2-7B", "", True), ("LLAMA2-7B", "5.3", False), ("GPT 7B", "", False)],
)
def test_gates_follow_the_parameters_then_the_shape(model: str, params_b: str, gated: bool) -> None:
    """Given the sizes of Llama 2 7B under any name, the number of parameters decides; without it the width and the family."""
    assert case(LLAMA2 | {"model": model, "params_b": params_b}).architecture.feed_forward.gated is gated


def test_parameters_that_no_shape_makes_are_told() -> None:
    """Given 70 billion parameters beside columns that make 7, the row says so."""
    assert any("params_b=70" in text for text in case(LLAMA2 | {"model": "Foo", "params_b": "70"}).assumed)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", "llama3.1-70b"), ("Meta Llama 3.1 70B", "llama3.1-70b"),
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3"), ("Qwen/Qwen2.5-72B-Instruct", "qwen2.5-72b"), ("LLAMA3_8B", "llama3-8b"),
        ("Llama-3.1-70B Instruct FP8", "llama3.1-70b"),
    ],
)  # fmt: skip
def test_models_are_found_by_what_people_call_them(words: str, name: str) -> None:
    """Given a repository's name, a maker before it or a tuning after it, the catalogue's model is found."""
    found = catalogued(words)
    assert found is not None and found.name == name


def test_an_encoder_decoder_is_refused_by_name() -> None:
    """Given T5 with columns of a decoder, it is not computed as one."""
    assert "reads an encoder" in str(case_of(ROW | {"model": "T5-11B"}))
