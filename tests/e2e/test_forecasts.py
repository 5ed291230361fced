"""A model on a hall, from the question to the page, the trace and the trainer's file: computed, not made by hand."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from tests.unit.interfaces.conftest import Said, cli  # noqa: F401
from tests.unit.interfaces.reading import drawings, read

RACK = str(Path(__file__).parents[2] / "halls/rented-rack-4.yaml")
TRAIN = ("--train", "llama3-8b", "--tokens", "10B", "--accelerators", "8", "--pin", "pipeline=2")
SERVE = ("--serve", "llama3-8b", "--input", "500", "--output", "100", "--accelerators", "1", "--requests-per-s", "2")
CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 2048, "intermediate_size": 5632,
    "num_hidden_layers": 22, "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000,
    "max_position_embeddings": 2048, "tie_word_embeddings": False, "hidden_act": "silu", "rms_norm_eps": 1e-5,
}  # fmt: skip


def test_a_run_adds_up(cli):  # noqa: F811
    """Given 10 billion tokens on eight accelerators, parts add up, ranks multiply, and time is steps by goodput."""
    said: Said = cli("plan", RACK, *TRAIN, "--json")
    found = json.loads(said.out)
    plan, run = found["plan"], found["run"]
    assert said.code == 0 and plan["tensor"] * plan["pipeline"] * plan["context"] * plan["data"] == 8 and plan["pipeline"] == 2
    assert sum(found["breakdown_s"].values()) == pytest.approx(run["step_s"])
    assert run["steps"] * run["step_s"] / run["goodput_ratio"] == pytest.approx(run["days"] * 86400, rel=0.01)
    assert run["step_low_s"] < run["step_s"] < run["step_high_s"] and run["days_low"] < run["days"] < run["days_high"]
    assert (
        sum(value for name, value in found["memory_bytes"].items() if name != "available") < found["memory_bytes"]["available"]
    )


def test_a_run_is_drawn_traced_and_launched(cli, tmp_path: Path):  # noqa: F811
    """Given the same, its page draws a schedule, its days are explained, and torchtitan's file parses."""
    page, job = tmp_path / "page.html", tmp_path / "job.toml"
    assert cli("plan", RACK, *TRAIN, "-o", str(page)).code == 0
    text = page.read_text(encoding="utf-8")
    reader = read(text)
    assert set(reader.links) <= {f"#{name}" for name in reader.ids} and "figure-train_days" in reader.ids
    assert len(drawings(text)) >= 4 and "<title>Schedule" in text
    told = cli("explain", RACK, "train_days", *TRAIN)
    assert told.code == 0 and told.out.startswith("train_days = ") and "train_steps" in told.out
    made = cli(
        "plan", RACK, *TRAIN, "--stack", "torchtitan", "--pin", "recompute=full", "--launch", "torchtitan", "-o", str(job)
    )
    assert made.code == 0, made.err
    assert tomllib.loads(job.read_text(encoding="utf-8"))["parallelism"]["pipeline_parallel_degree"] == 2


def test_a_model_that_is_in_no_catalogue_is_planned(cli, tmp_path: Path):  # noqa: F811
    """Given a config.json from elsewhere, it is trained and served on the same hall."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    path = str(tmp_path / "config.json")
    trained = json.loads(cli("plan", RACK, "--train", path, "--tokens", "1B", *TRAIN[4:], "--json").out)
    served = json.loads(cli("plan", RACK, "--serve", path, *SERVE[2:], "--json").out)
    assert trained["run"]["days"] > 0 and served["chosen"]["accelerators"] == 1


def test_serving_keeps_a_level_or_says_that_it_does_not(cli, tmp_path: Path):  # noqa: F811
    """Given a level that can be kept, the answer is 0 and drawn; given one that nothing keeps, it is 1, with the nearest."""
    page = tmp_path / "page.html"
    kept = cli("plan", RACK, *SERVE, "--ttft-p95", "1s", "--tpot-p95", "50ms", "-o", str(page))
    assert kept.code == 0 and re.search(r"^Forecast\t.* 2 requests/s on 1 ", kept.out, re.MULTILINE), kept.out
    assert len(drawings(page.read_text(encoding="utf-8"))) >= 4
    missed = cli("plan", RACK, *SERVE, "--ttft-p95", "1ms")
    assert missed.code == 1 and "Not met\tTTFT p95: 1.00 ms asked" in missed.out


def test_what_fits_nowhere_says_by_how_much(cli):  # noqa: F811
    """Given a model that is too large, the problem says by how much and what would make it fit."""
    said = cli("plan", RACK, "--train", "llama3-405b", "--tokens", "1B")
    assert said.code == 2 and "--train: TRAIN-020 llama3-405b does not fit" in said.err and "GiB" in said.err


@pytest.mark.parametrize(
    ("pin", "told"), [("tensor=3", "--pin"), ("tensor=64", "--pin"), ("tensors=2", "--pin"), ("expert=2", "--pin")]
)
def test_impossible_pins_are_told_at_their_option(cli, pin: str, told: str):  # noqa: F811
    """Given ranks that do not divide, an unknown field or experts that are not there, each is one problem at `--pin`."""
    said = cli("plan", RACK, "--train", "llama3-8b", "--tokens", "10B", "--accelerators", "8", "--pin", pin)
    assert said.code == 2 and said.out == "" and f"✗ {told}" in said.err and "CLI-500" not in said.err, said.err
