"""Forecasts in the terminal: bars that say what their numbers say, plans in a line, nothing left blank."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from tests.unit.interfaces.forecasts import PLANS, served, trained

from datahall.interfaces import serve_text, train_text
from datahall.interfaces.forecast_text import BAR, bar, changed, plan_words, screen, shares, span_said
from datahall.interfaces.train_text import count_said
from datahall.models.parallel.spec import TrainPlan


def shown(told: Any, forecast: Any) -> str:
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    for line in screen(told.headline(forecast), told.lines(forecast, bars=True)):
        console.print(line)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_bars_are_as_long_as_their_share():
    """Given a half, half of the length; given next to nothing, still something."""
    assert bar(0.5) == "█" * (BAR // 2) and bar(1.0) == "█" * BAR and len(bar(1e-9)) == 1


def test_shares_come_largest_first_and_without_nothings():
    """Given parts, they are ordered, add up to the whole, and zeros are left out."""
    lines = list(shares({"a": 1.0, "bb": 3.0, "none": 0.0}, said=str, bars=False))
    assert [line.split() for line in lines] == [["bb", "75.0%", "3.0"], ["a", "25.0%", "1.0"]]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"data": 8}, "data 8, ZeRO 1, 192 micro-batches of 1, selective recomputation, bf16"),
        ({"zero": 0, "recompute": "none", "global_batch": 1}, "one rank, 1 micro-batch of 1, bf16"),
        (
            {"pipeline": 4, "chunks": 2, "schedule": "interleaved", "data": 4, "zero": 3, "shard": 2, "precision": "fp8"},
            "pipeline 4 (interleaved, 2 chunks), data 4, ZeRO 3 over 2, 384 micro-batches of 1, selective recomputation, fp8",
        ),
        (
            {"expert": 8, "data": 8, "expert_tensor": 1, "recompute": "none"},
            "expert 8 (each over 1), data 8, ZeRO 1, 192 micro-batches of 1, bf16",
        ),
    ],
)
def test_a_plan_is_one_line(plan: dict[str, Any], words: str):
    """Given a plan, what is 1 or left at nothing is not said."""
    assert plan_words(TrainPlan(**{**PLANS, **plan})) == words


def test_counts_and_changes_are_said_as_people_do():
    """Given counts, letters; given changes, their signs; what is not known is a dash."""
    assert [count_said(value) for value in (3e11, 1.5e13, 2e6, 512)] == ["300B", "15T", "2M", "512"]
    assert [changed(value, str) for value in (1.0, -2.0, 0.0, None)] == ["+1.0", "−2.0", "none", "–"]
    assert span_said(10.5, 9.6, 11.6) == "10.5 days (80 % between 9.60 and 11.6)"
    assert span_said(0.25, 0.2, 0.5) == "6 h (80 % between 4.80 and 12)" and span_said(0.01, 0.01, 0.02).startswith("14.4 min")


def test_a_run_on_the_screen_holds_all_subjects():
    """Given a whole forecast, each subject is there once, the headline first, markup of others as text."""
    text = shown(train_text, trained())
    assert text.startswith("gpt3-175b, 300B tokens on h100-512: 10.5 days")
    for subject in ("Plan", "Run", "Step", "Memory", "Limits", "Next money", "Other plans", "Fewer or more", "Energy", "Money",
                    "Carbon", "Warning", "Search", "Not computed", "Assumed"):  # fmt: skip
        assert text.count(f"\n{subject} ") == 1, subject
    assert "<the hall>" in text and "█" in text and "this one" in text


def test_a_run_of_which_little_is_known_says_so():
    """Given no storage and no prices, goodput and money are not invented, and days are a lower bound."""
    run = replace(trained().run, goodput_ratio=None, save_s=None, checkpoint_every_s=None, lost={})
    text = shown(train_text, trained(run=run, cost=None, energy=None))
    assert ": ≥ 10.5 days" in text and "no storage is declared" in text and "\nMoney" not in text and "\nEnergy" not in text


def test_serving_on_the_screen_holds_all_subjects():
    """Given a whole forecast, times stand beside what was asked."""
    text = shown(serve_text, served())
    assert text.startswith("h100-512 serves llama3-70b: 99.2 requests/s on 64")
    for subject in ("Answers", "Decode step", "One prompt", "Memory", "Load", "Limits", "Next money", "Other ways", "Search"):
        assert text.count(f"\n{subject} ") == 1, subject
    assert (
        "49,600 output tokens/s (80 % between 45,000 and 56,000)" in text
        and "p95 780 ms" in text
        and "asked: 1 s for p95" in text
        and "keys and values" in text
    )
