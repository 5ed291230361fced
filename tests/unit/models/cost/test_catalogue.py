"""The shipped architectures: found by name, and as large as their authors say."""

import re

import pytest

from datahall.foundation.errors import Missing
from datahall.models.cost.catalogue import aliases, architecture, architectures
from datahall.models.cost.parameters import parameters_of

PRINTED = {
    # GPT-3, arXiv:2005.14165, appendix D, millions.
    "gpt3-125m": "125e6", "gpt3-350m": "356e6", "gpt3-760m": "760e6", "gpt3-1.3b": "1.32e9", "gpt3-2.7b": "2.65e9",
    "gpt3-6.7b": "6.66e9", "gpt3-13b": "12.85e9", "gpt3-175b": "174.6e9",
    # Megatron, arXiv:2104.04473, table 1, billions with one decimal; 22B: arXiv:2205.05198, table 3.
    "megatron-1.7b": "1.7e9", "megatron-3.6b": "3.6e9", "megatron-7.5b": "7.5e9", "megatron-18b": "18.4e9",
    "megatron-39b": "39.1e9", "megatron-76b": "76.1e9", "megatron-145b": "145.6e9", "megatron-310b": "310.1e9",
    "megatron-530b": "529.6e9", "megatron-1t": "1008.0e9", "megatron-22b": "22e9",
    # GPT-2, BLOOM, GPT-NeoX and T5: the counts on the model cards, exact.
    "gpt2-124m": "124439808", "gpt2-355m": "354823168", "gpt2-774m": "774030080", "gpt2-1.5b": "1557611200",
    "bloom-560m": "559214592", "bloom-1.1b": "1065314304", "bloom-1.7b": "1722408960", "bloom-3b": "3002557440",
    "bloom-7.1b": "7069016064", "bloom-176b": "176247271424", "gpt-neox-20b": "20554567680",
    "t5-small": "60506624", "t5-base": "222903552", "t5-large": "737668096", "t5-3b": "2851598336", "t5-11b": "11307321344",
    # Llama: arXiv:2302.13971 table 2, then the counts of the released weights.
    "llama-7b": "6.7e9", "llama-13b": "13.0e9", "llama-33b": "32.5e9", "llama-65b": "65e9",
    "llama2-7b": "6738415616", "llama2-13b": "13015864320", "llama2-70b": "68976648192",
    "llama3-8b": "8030261248", "llama3-70b": "70553706496", "llama3-405b": "405853388800",
    "llama3.2-1b": "1235814400", "llama3.2-3b": "3212749824",
    # Mistral and Mixtral: the counts of the released weights.
    "mistral-7b": "7248023552", "mixtral-8x7b": "46702792704", "mixtral-8x22b": "140.6e9",
    # Qwen2.5, arXiv:2412.15115, and Qwen3, arXiv:2505.09388, billions as on the model cards.
    "qwen2.5-0.5b": "0.49e9", "qwen2.5-1.5b": "1.54e9", "qwen2.5-3b": "3.09e9", "qwen2.5-7b": "7615616512",
    "qwen2.5-14b": "14.77e9", "qwen2.5-32b": "32.76e9", "qwen2.5-72b": "72706203648",
    "qwen3-0.6b": "0.6e9", "qwen3-1.7b": "1.7e9", "qwen3-4b": "4.0e9", "qwen3-8b": "8.2e9", "qwen3-14b": "14.8e9",
    "qwen3-32b": "32.8e9", "qwen3-30b-a3b": "30.5e9", "qwen3-235b-a22b": "235.1e9",
    # DeepSeek, arXiv:2405.04434 and arXiv:2412.19437 (without the layer of multi-token prediction).
    "deepseek-v2": "236e9", "deepseek-v2-lite": "15.7e9", "deepseek-v3": "671026419200",
    # Nemotron-4: 3.2 + 12.5, arXiv:2402.16819, and 9.4 + 331.6, arXiv:2406.11704.
    "nemotron-15b": "15.6e9", "nemotron-340b": "341.0e9",
    # PaLM, arXiv:2204.02311, table 1.
    "palm-8b": "8.63e9", "palm-62b": "62.50e9", "palm-540b": "540.35e9",
    # OPT, arXiv:2205.01068: sizes as named.
    "opt-125m": "125e6", "opt-1.3b": "1.3e9", "opt-2.7b": "2.7e9", "opt-6.7b": "6.7e9", "opt-13b": "13e9", "opt-30b": "30e9",
    "opt-66b": "66e9", "opt-175b": "175e9",
    # llm-foundry's benchmark prints four decimals, at the sequence measured; here at 2,048.
    "mpt-125m": "125.3e6", "mpt-70b": "64.8624e9",
    # Model cards: MPT (norms without a shift), BERT (110 M, 340 M), gpt-oss (arXiv:2508.10925), others as named.
    "mpt-7b-released": "6.65e9", "mpt-30b-released": "29.96e9", "bert-base": "1.1e8", "gpt-oss-20b": "20.91e9",
    "gpt-oss-120b": "116.83e9", "falcon-7b": "7e9", "glm-130b": "1.3e11", "internlm-7b": "7.3e9",
}  # fmt: skip

ACTIVE = {"mixtral-8x7b": "12.9e9", "mixtral-8x22b": "39e9", "qwen3-235b-a22b": "22.2e9", "qwen3-30b-a3b": "3.3e9"}


CUT_OFF = {"palm-540b", "qwen3-30b-a3b"}
"""Printed with the further digits cut off, not rounded: 540.359 as 540.35, 3.353 as 3.3."""


def half_of_the_last_digit(printed: str) -> float:
    """What rounding to the digits of `printed` may hide; half a parameter where all digits are there."""
    mantissa, _, exponent = printed.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - decimals)


@pytest.mark.parametrize(("name", "printed"), PRINTED.items())
def test_total_is_the_published_one_within_its_printed_digits(name, printed):
    """Given a row, its parameters are those that its authors print, within half of the last printed digit."""
    off = abs(parameters_of(architecture(name)).total - float(printed))
    assert off <= half_of_the_last_digit(printed) * (2 if name in CUT_OFF else 1)


@pytest.mark.parametrize(("name", "printed"), ACTIVE.items())
def test_active_is_the_published_one(name, printed):
    """Given a mixture of experts, a token goes through as many parameters as its authors print."""
    off = abs(parameters_of(architecture(name)).active - float(printed))
    assert off <= half_of_the_last_digit(printed) * (2 if name in CUT_OFF else 1)


def test_every_row_says_where_it_was_read_and_is_counted():
    """Given all rows, each has a paper or a configuration as its source, and is as large as its own name says."""
    for name, row in architectures().items():
        assert name == row.name and re.search(r"arXiv:\d{4}\.\d{5}|config\.json|README\.md", row.source)
        if size := re.search(r"-(?:8x)?(\d+(?:\.\d+)?)(m|b|t)\b", name):
            named = float(size[1]) * {"m": 1e6, "b": 1e9, "t": 1e12}[size[2]] * (8 if "8x" in name else 1)
            assert parameters_of(row).total == pytest.approx(named, rel=0.35), name  # mpt-1b has 1.32 B


def test_aliases_stand_for_rows_and_hide_none():
    """Given an alias, it leads to a row, and is not itself a row's name."""
    for other, name in aliases().items():
        assert architecture(other) is architectures()[name] and other not in architectures()
    assert architecture("llama3.1-405b").name == "llama3-405b"


@pytest.mark.parametrize(
    ("written", "near"), [("LLAMA3_70B", "llama3-70b"), ("gpt3-175", "gpt3-175b"), ("Bloom176b", "bloom-176b")]
)
def test_unknown_name_lists_the_near_ones(written, near):
    """Given a name in other letters, the problem names the row that was meant and the place."""
    with pytest.raises(Missing, match=near) as caught:
        architecture(written, "plan.yaml:3 model")
    [problem] = caught.value.problems
    assert (problem.code, problem.where) == ("COST-001", "plan.yaml:3 model")
    assert "config.json" in problem.fix


def test_shared_rows_cannot_be_changed():
    """Given the mapping, a caller cannot put a row into it: it is shared by all."""
    with pytest.raises(TypeError, match="does not support item assignment"):
        architectures()["mine"] = architecture("gpt2")
