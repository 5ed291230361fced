"""Batch and sequence where nobody says them."""

import pytest

from datahall.models.cost.catalogue import architecture, architectures
from datahall.planner.training.batch import batch_of, published


def chosen(name: str, tokens: float = 300e9, **asked: int | None) -> tuple[int, int]:
    found = batch_of(architecture(name), tokens, sequence=asked.get("sequence"), sequences=asked.get("sequences"))
    return found.sequences, found.sequence


def test_a_published_batch_is_taken():
    """Given GPT-3's 3.2 M tokens, 1,562.5 sequences become 1,536; Llama 3 405B has 2,048 of 8,192."""
    assert (chosen("gpt3-175b"), chosen("llama3-405b")) == ((1536, 2048), (2048, 8192))


def test_a_published_batch_keeps_its_tokens_at_another_length():
    """Given 16.8 M tokens in sequences of 16,384, half as many make the same batch."""
    assert chosen("llama3-405b", sequence=16384) == (1024, 16384)


def test_what_is_asked_wins():
    assert chosen("gpt3-175b", sequences=7, sequence=512) == (7, 512)


def test_else_deepseeks_law_decides():
    """Given 2 T tokens and 67 B parameters, the law's authors took 4,608 sequences of 4,096 (table 2); 72 B is near that."""
    sequences, sequence = chosen("qwen2.5-72b", 2e12)
    assert sequences * sequence == pytest.approx(4608 * 4096, rel=0.34)


def test_a_long_context_is_not_the_sequence_of_pre_training():
    """Given a context of 131,072, the run is on 8,192; given 4,096, on all of it."""
    assert (chosen("llama3.1-70b")[1], chosen("mixtral-8x7b")[1]) == (8192, min(8192, architecture("mixtral-8x7b").context))


def test_a_batch_is_never_more_than_the_run():
    """Given 10,000 tokens, no step reads more, by the law or as published."""
    assert [chosen(name, 10_000) for name in ("mistral-7b", "gpt3-175b")] == [(1, 8192), (4, 2048)]


def test_published_rows_name_architectures_that_exist():
    assert set(published()) <= set(architectures())
