"""`plan --train`, `plan --serve`: what they say, what programs read, and every wrong turn in one sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.interfaces.conftest import Said
from tests.unit.interfaces.forecasts import SHORT, candidate, served, trained

from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.spec import Architecture
from datahall.planner.load import Loaded

Cli = Callable[..., Said]
HALLS = Path(__file__).parents[4] / "halls"
LARGE, SMALL = str(HALLS / "h100-512.yaml"), str(HALLS / "h100-64.yaml")
TRAIN = ("--train", "gpt3-175b", "--tokens", "300B")
SERVE = ("--serve", "llama3-70b", "--input", "2000", "--output", "500")
CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 512, "intermediate_size": 1024,
    "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 32000,
    "max_position_embeddings": 2048, "tie_word_embeddings": False, "hidden_act": "silu", "rms_norm_eps": 1e-5,
}  # fmt: skip
Asked = list[tuple[Loaded, Architecture, Any]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Forecasts made by hand in place of computed ones; what was asked is kept."""
    calls: Asked = []

    def train_of(loaded: Loaded, architecture: Architecture, request: Any, **_: Any) -> Any:
        calls.append((loaded, architecture, request))
        return replace(trained(), hall=loaded.hall.name, request=request)

    def serve_of(loaded: Loaded, architecture: Architecture, request: Any) -> Any:
        calls.append((loaded, architecture, request))
        return replace(served(), hall=loaded.hall.name, request=request)

    monkeypatch.setattr("datahall.planner.training.forecast.train_of", train_of)
    monkeypatch.setattr("datahall.planner.serving.forecast.serve_of", serve_of)
    return calls


# --- what is asked ----------------------------------------------------------------------------------------------


def test_options_become_a_training_request(cli: Cli, asked: Asked):
    """Given all options of training, each is in the request, amounts in plain numbers."""
    more = ("--sequence", "4096", "--global-batch", "512", "--accelerators", "256", "--precision", "fp8", "--start", "100")
    pins = ("--pin", "tensor=8", "--pin", "sequence-parallel=false", "--pin", "recompute=full")
    assert cli("plan", LARGE, *TRAIN, *more, *pins).code == 0
    _, model, request = asked[0]
    assert model.name == "gpt3-175b" and request.tokens == 3e11
    assert (request.sequence, request.global_batch, request.accelerators, request.start_h) == (4096, 512, 256, 100)
    assert request.precision == "fp8" and request.pinned == {"tensor": 8, "sequence_parallel": False, "recompute": "full"}


def test_options_become_a_serving_request(cli: Cli, asked: Asked):
    """Given times with units, they are seconds; what is pinned is a field of the request."""
    more = ("--ttft-p95", "1s", "--tpot-p95", "50ms", "--requests-per-s", "20", "--kv-precision", "fp8", "--pin", "tensor=4")
    assert cli("plan", LARGE, *SERVE, *more).code == 0
    request = asked[0][2]
    assert (request.input_tokens, request.output_tokens) == (2000, 500)
    assert (request.ttft_p95_s, request.tpot_p95_s) == (1.0, 0.05)
    assert (request.requests_per_s, request.kv_precision, request.tensor) == (20, "fp8", 4)


def test_a_model_of_ones_own_is_a_path(cli: Cli, here: Path, asked: Asked):
    """Given a config.json, the model that it describes is asked for."""
    (here / "config.json").write_text(json.dumps(CONFIG))
    assert cli("plan", LARGE, "--train", "config.json", "--tokens", "1B").code == 0
    assert asked[0][1].hidden == 512 and asked[0][1].layers == 4


# --- what is said -----------------------------------------------------------------------------------------------


def test_a_forecast_in_a_pipe_is_lines_with_tabs(cli: Cli, asked: Asked):
    """Given no terminal, each line is a subject, a tab and a text, without colour and bars; the answer comes first."""
    for words in (TRAIN, SERVE):
        said = cli("plan", LARGE, *words)
        lines = [line.split("\t") for line in said.out.splitlines()]
        assert (said.code, said.err) == (0, "") and all(len(line) == 2 for line in lines)
        assert lines[0][0] == "Forecast" and "h100-512" in lines[0][1] and not {"\x1b", "█"} & set(said.out)
    assert {"Decode step", "Memory", "Load", "Limits", "Next money", "Not computed", "Assumed"} <= {line[0] for line in lines}


def test_a_training_forecast_says_time_money_energy_and_plan(cli: Cli, asked: Asked):
    """Given GPT-3, days with their interval, cost, kWh and the plan are in the first two lines."""
    first, second, *_ = cli("plan", LARGE, *TRAIN).out.splitlines()
    assert first == "Forecast\tgpt3-175b, 300B tokens on h100-512: 10.5 days (80 % between 9.60 and 11.6), ≥ 481k USD, 124 MWh"
    assert second.startswith("Plan\t512 H100 80GB HBM3: tensor 8, pipeline 8, data 8, ZeRO 1, 192 micro-batches of 1")


def test_json_is_the_forecast(cli: Cli, asked: Asked):
    """Given `--json`, all of it is there in plain units; with several halls it is a list."""
    found = json.loads(cli("plan", LARGE, *TRAIN, "--json").out)
    assert found["model"] == "gpt3-175b" and found["plan"]["tensor"] == 8 and found["run"]["days"] == 10.5
    assert [one["hall"] for one in json.loads(cli("plan", LARGE, SMALL, *SERVE, "--json").out)] == ["h100-512", "h100-64"]


def test_several_halls_are_compared(cli: Cli, asked: Asked):
    """Given two halls, a figure stands in a line with both."""
    for words, figure in ((TRAIN, "time"), (SERVE, "requests/s")):
        head, *lines = [line.split("\t") for line in cli("plan", LARGE, SMALL, *words).out.splitlines()]
        assert head == ["figure", "h100-512", "h100-64"] and lines[0][0] == figure
        assert all(len(line) == 3 for line in lines)


def test_a_hall_that_cannot_is_told_beside_those_that_can(cli: Cli, asked: Asked, monkeypatch: pytest.MonkeyPatch):
    """Given a model that fits one of two halls, that one answers, and the other's problem says which hall it is."""

    def train_of(loaded: Loaded, *_: Any, **__: Any) -> Any:
        if loaded.hall.name == "h100-64":
            raise Refused(Problem("TRAIN-020", "plan.tensor", "it does not fit", "take a larger hall"))
        return trained()

    monkeypatch.setattr("datahall.planner.training.forecast.train_of", train_of)
    said = cli("plan", LARGE, SMALL, *TRAIN)
    assert said.code == 2 and said.out.startswith("Forecast\tgpt3-175b")
    assert "--pin tensor: TRAIN-020 h100-64: it does not fit" in said.err
    found = json.loads(cli("plan", LARGE, SMALL, *TRAIN, "--json").out)
    assert found[0]["model"] == "gpt3-175b" and found[1]["problems"][0]["code"] == "TRAIN-020"
    alone = cli("plan", SMALL, *TRAIN)
    assert (alone.code, alone.out) == (2, "") and "--pin tensor: TRAIN-020 it does not fit" in alone.err


def test_a_level_that_is_missed_says_by_how_much(cli: Cli, asked: Asked, monkeypatch: pytest.MonkeyPatch):
    """Given a level that no way meets, the answer says so, with the nearest that can be met."""
    short = served(shortfall=SHORT, chosen=replace(served().chosen, meets=False))
    monkeypatch.setattr("datahall.planner.serving.forecast.serve_of", lambda *_: short)
    said = cli("plan", LARGE, *SERVE)
    assert (
        said.code == 1
        and "Not met\tTTFT p95: 50.0 ms asked, 190 ms at the least" in said.out
        and "the level is not met" in said.out
    )


def test_a_figure_of_a_forecast_is_explained(cli: Cli, asked: Asked):
    """Given a question after the figure, it is walked back; without a figure, all are listed."""
    said = cli("explain", LARGE, "train_days", *TRAIN)
    assert said.code == 0 and said.out.startswith("train_days = 10.5 d")
    assert "train_steps x train_step_s / goodput" in said.out and "from asked" in said.out
    assert "train_goodput_ratio" in cli("explain", LARGE, *TRAIN).out
    near = cli("explain", LARGE, "train_day", *TRAIN)
    assert near.code == 2 and "Did you mean train_days" in near.err


def test_what_explain_does_not_do_is_refused(cli: Cli, asked: Asked):
    """Given an option of a page or of a launch, explain says so rather than to leave it unread."""
    said = cli("explain", LARGE, "pue", "--output", "page.html")
    assert said.code == 2 and "CLI-031 --output says nothing without --serve MODEL" in said.err
    assert cli("explain", LARGE, "train_days", *TRAIN, "--launch", "torchtitan").code == 2


# --- pages and launches -----------------------------------------------------------------------------------------


def test_a_report_is_written_beside_the_screen(cli: Cli, here: Path, asked: Asked):
    """Given `-o`, or `--output` without `--serve`, a page is written; over another's file only by force."""
    for words, option in ((TRAIN, "-o"), (SERVE, "--report"), ((), "--output")):
        said = cli("plan", SMALL, *words, option, "page.html")
        assert said.code == 0 and said.err.endswith("wrote page.html\n") and said.out
        assert (here / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    (here / "mine.txt").write_text("mine")
    said = cli("plan", LARGE, *TRAIN, "-o", "mine.txt")
    assert (said.code, said.out) == (1, "") and "FILE-004" in said.err and (here / "mine.txt").read_text() == "mine"


def test_a_report_onto_a_folder_or_into_none_is_one_problem(cli: Cli, here: Path, asked: Asked):
    """Given a folder, or a folder that is not there, one problem says so."""
    (here / "folder").mkdir()
    for words in (TRAIN, SERVE, (*TRAIN, "--launch", "megatron-lm")):
        for path, code in (("folder", "FILE-001"), ("none/page.html", "FILE-005")):
            said = cli("plan", LARGE, *words, "-o", path)
            assert said.code and said.out == "" and code in said.err and said.err.count("✗") == 1, said.err


def test_a_launch_goes_to_a_file_or_to_a_pipe(cli: Cli, here: Path, asked: Asked):
    """Given `--launch`, the trainer's file is all of stdout, or the file; once more over its own, not over another's."""
    piped = cli("plan", LARGE, *TRAIN, "--launch", "megatron-lm")
    assert piped.code == 0 and piped.out.startswith("#!/usr/bin/env bash") and "10.5 days" in piped.err
    assert "--nnodes=64 --nproc-per-node=8" in piped.out and "--train-iters 95367" in piped.out
    for _ in range(2):
        said = cli("plan", LARGE, *TRAIN, "--launch", "megatron-lm", "-o", "run.sh")
        assert (said.code, said.out) == (0, "") and (here / "run.sh").read_text() == piped.out
    (here / "mine.sh").write_text("#!/bin/sh\n")
    assert "FILE-004" in cli("plan", LARGE, *TRAIN, "--launch", "megatron-lm", "-o", "mine.sh").err


def test_the_fastest_plan_that_a_trainer_can_be_told_is_written(cli: Cli, asked: Asked, monkeypatch: pytest.MonkeyPatch):
    """Given a best plan of a schedule that Megatron-LM has not, the next is written, and this is said with its price."""
    best = candidate(tensor=8, pipeline=8, data=8, schedule="zero_bubble")
    made = trained(best=best, others=(candidate(tensor=8, pipeline=8, data=8),))
    monkeypatch.setattr("datahall.planner.training.forecast.train_of", lambda *_, **__: made)
    said = cli("plan", LARGE, *TRAIN, "--launch", "megatron-lm")
    assert said.code == 0 and "--pipeline-model-parallel-size 8" in said.out
    assert "the best plan cannot be told (schedule=zero_bubble" in said.err and "plan 2, whose steps take" in said.err


def test_a_rack_of_hosts_starts_processes_on_each_host(cli: Cli, asked: Asked, monkeypatch: pytest.MonkeyPatch):
    """Given racks of 72 accelerators in trays of four, each tray runs four processes."""
    made = trained(ports=replace(trained().ports, accelerator="GB200", per_domain=72))
    monkeypatch.setattr("datahall.planner.training.forecast.train_of", lambda *_, **__: made)
    said = cli("plan", str(HALLS / "gb200-16k.yaml"), *TRAIN, "--launch", "megatron-lm")
    assert said.code == 0 and "--nnodes=128 --nproc-per-node=4" in said.out


def test_what_a_trainer_cannot_is_refused(cli: Cli, asked: Asked):
    """Given a plan that torchtitan has no words for, and our own trainer, each reason is a problem at its option."""
    said = cli("plan", LARGE, *TRAIN, "--launch", "torchtitan")
    assert (said.code, said.out) == (2, "") and "LAUNCH-002 torchtitan has no flavour of the shape of gpt3-175b" in said.err
    assert "--train: LAUNCH-002" in said.err and "--pin recompute: LAUNCH-001" in said.err
    said = cli("plan", LARGE, *TRAIN, "--launch", "datahall")
    assert (said.code, said.out) == (2, "") and "is a transformer" in said.err and "--pin tensor: LAUNCH-001" in said.err


# --- wrong turns ------------------------------------------------------------------------------------------------

WRONG: list[tuple[tuple[str, ...], str, str]] = [
    ((*TRAIN, *SERVE), "CLI-031", "--train, --serve"),
    ((*TRAIN, "--input", "10"), "CLI-031", "--input, --train"),
    ((*TRAIN, "--output", "page.html"), "CLI-031", "--output, --train"),
    ((*SERVE, "--tokens", "1B"), "CLI-031", "--tokens, --serve"),
    ((*SERVE, "--launch", "torchtitan"), "CLI-031", "--launch, --serve"),
    ((*SERVE, "--requests-per-s", "1", "--concurrency", "2"), "CLI-031", "--requests-per-s, --concurrency"),
    (("--tokens", "1B"), "CLI-031", "--tokens says nothing without --train MODEL"),
    (("--ttft-p95", "1s"), "CLI-031", "--ttft-p95 says nothing without --serve MODEL"),
    (("--pin", "tensor=8"), "CLI-031", "--pin says nothing without --train MODEL or --serve MODEL"),
    (("--train", "gpt3-175b"), "CLI-032", "--tokens"),
    (("--serve", "llama3-70b", "--input", "10"), "CLI-032", "--output"),
    ((*TRAIN, "--pin", "tensor"), "CLI-033", "'tensor' is no field with its value"),
    ((*TRAIN, "--pin", "=8"), "CLI-033", "'=8' is no field with its value"),
    ((*TRAIN, "--pin", "tensor=8", "--pin", "tensor=4"), "CLI-033", "tensor is pinned twice"),
    ((*TRAIN, "--pin", "global-batch=4"), "CLI-033", "--pin global_batch and --global-batch say the same"),
    ((*TRAIN, "--launch", "megatron-lm", "--json"), "CLI-034", "--launch, --json"),
    ((SMALL, *TRAIN, "--launch", "megatron-lm"), "CLI-034", "2 halls are given"),
    ((*TRAIN, "--launch", "megatron"), "LAUNCH-004", "--launch: LAUNCH-004 there is no trainer 'megatron'"),
    (("--train", "gpt3-175", "--tokens", "1B"), "COST-001", "--train: COST-001 there is no architecture 'gpt3-175'"),
    (("--train", "", "--tokens", "1B"), "COST-001", "--train: COST-001"),
    (("--serve", "none.json", "--input", "1", "--output", "1"), "DOC-001", "none.json"),
    ((*SERVE, "--ttft-p95", "fast"), "CLI-030", "--ttft-p95: CLI-030 'fast' is no amount"),
    ((*SERVE, "--tpot-p95", "-1s"), "CLI-030", "--tpot-p95: CLI-030 '-1s' is no amount"),
    ((*SERVE, "--pin", "tensors=8"), "SPEC-001", "--pin tensors"),
    ((*SERVE, "--prefix-hit-ratio", "2"), "SPEC-003", "--prefix-hit-ratio"),
    ((*TRAIN, "--precision", "int3"), "SPEC-003", "--precision"),
]


@pytest.mark.parametrize(
    ("words", "code", "told"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, tuple) else None
)
def test_wrong_turns_are_told_at_their_option(cli: Cli, asked: Asked, words: tuple[str, ...], code: str, told: str):
    """Given options that contradict, lack or misspell, one problem names them, before anything is computed."""
    said = cli("plan", LARGE, *words)
    assert (said.code, said.out, said.err.count("✗")) == (2, "", 1) or words[-1] == "--json", said.err
    assert code in said.err and told in said.err and "Traceback" not in said.err and "CLI-500" not in said.err
    assert not asked


@pytest.mark.parametrize("tokens", ["abc", "", "0", "-5", "1e999", "nan", "300 X", "3 00B", "١٢", "1__2B", "B", "300B tokens"])
def test_tokens_that_are_no_amount_are_one_problem(cli: Cli, asked: Asked, tokens: str):
    """Given words, signs, infinities or another script's digits, the option is named with what is allowed."""
    said = cli("plan", LARGE, "--train", "gpt3-175b", f"--tokens={tokens}")
    assert (said.code, said.out, said.err.count("✗")) == (2, "", 1), said.err
    assert "--tokens: CLI-030" in said.err and "300B" in said.err


@pytest.mark.parametrize(
    ("text", "value"), [("300B", 3e11), ("1.5T", 1.5e12), ("2e9", 2e9), ("1_000_000", 1e6), ("3,000", 3e3)]
)
def test_tokens_are_read_as_people_write_them(cli: Cli, asked: Asked, text: str, value: float):
    """Given a letter, an exponent or separators, the count is the same."""
    assert cli("plan", LARGE, "--train", "gpt3-175b", "--tokens", text).code == 0
    assert asked[0][2].tokens == value
