"""Named software stacks: each can be made, is found by other words, and an unknown one is answered with the near."""

import pytest

from datahall.foundation.errors import Missing
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stacks import DEFAULT, on_device, stack_named, stack_said, stacks


@pytest.mark.parametrize("name", list(stacks()))
def test_each_stack_makes_assumptions_and_a_plan(name):
    """Given a stack's name, its fields are those of a Stack, and its plan's are those of a TrainPlan."""
    named = stack_named(name)
    plan = TrainPlan(global_batch=1, sequence=8, **named.plan)
    stated = {field: tuple(value) if isinstance(value, list) else value for field, value in named.stack.items()}
    assert {field: getattr(named.made(), field) for field in named.stack} == stated
    assert {field: getattr(plan, field) for field in named.plan} == named.plan


def test_words_of_one_stack_are_never_those_of_another():
    """Given every name and alias, each is said by one stack only, so that the order of the file decides nothing."""
    words = [word for named in stacks().values() for word in (named.name, *named.aliases)]
    assert len(words) == len(set(words))


def test_a_stack_is_found_whatever_its_case_and_by_its_alias():
    """Given `Megatron LM` and `NeoX`, the stacks that they are aliases of come back."""
    assert (stack_named("Megatron LM").name, stack_named("NeoX").name) == (DEFAULT, "deepspeed")


def test_a_text_names_a_stack_and_changes_it():
    """Given a release, flash attention's release and CUDA graphs beside the name, they are taken up."""
    named = stack_said("Megatron-Core 0.9, FlashAttention-2, CUDA graphs")
    assert named.name == "megatron-core"
    assert (named.made().attention_kernel, named.made().host_kernel_s) == ("flash2", 0.0)
    assert stack_said("megatron-2022 with flash attention").plan["flash_attention"] is True
    assert stack_said("megatron-core without flash").plan["flash_attention"] is False
    assert stack_said("megatron-core without CUDA graphs").made() == stack_named("megatron-core").made()


def test_an_unknown_stack_is_answered_with_the_near_ones():
    """Given a slip of the hand, the problem names the column and the names that come close."""
    with pytest.raises(Missing, match=r"row 3: STACK-001 .*'megatonn-core'.*Did you mean `megatron-core`"):
        stack_said("megatonn-core", "row 3")


def test_an_attention_kernel_that_is_not_known_somewhere_gives_way_to_the_fastest_there():
    """Given FlashAttention 1 on Blackwell, where nobody published its rate, the fastest known stands in; elsewhere it stays."""
    first = stack_named("llm-foundry-2023").made()
    assert on_device(first, "blackwell").attention_kernel is None
    assert on_device(first, "ampere") is first is on_device(first, "turing")


def test_only_stacks_that_hold_weights_in_8_bits_keep_inputs_narrow():
    """Given all stacks, NVIDIA's recipes and DeepSeek keep inputs narrow; torchtitan's float8 and bare Megatron Core do not."""
    assert {name for name, row in stacks().items() if row.plan.get("narrow_inputs")} == {"nemo", "megatron-bridge", "deepseek"}


def test_words_for_experts_change_any_stack():
    """Given `DeepEP + 1f1b overlap` or `FP8 dispatch` beside a stack, it stays that; alone DeepEP is DeepSeek's."""
    named = stack_said("Megatron-Core, DeepSeek-V3: DeepEP + 1f1b overlap")
    made = named.made()
    assert (named.name, made.fused_dispatch, made.expert_overlap, made.narrow_dispatch) == (DEFAULT, True, True, False)
    assert stack_said("nemo, HybridEP, FP8 dispatch").made().narrow_dispatch
    assert not stack_said("deepseek without a2a overlap").made().expert_overlap
    assert stack_said("HAI-LLM").name == stack_said("DeepEP").name == stack_named("deepseek-v3").name == "deepseek"
