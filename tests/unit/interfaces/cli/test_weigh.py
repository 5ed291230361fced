"""`weigh`: what a model takes, whether it fits, and every wrong option in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from datahall.interfaces.cli import weigh
from datahall.interfaces.cli.output import report

Run = Callable[..., tuple[int, str, str]]
SPREAD = ("--tensor", "8", "--pipeline", "8", "--data", "8", "--sequence", "2048", "--global-batch", "1536")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `weigh` as the command line does: exit code, stdout, stderr."""

    def ran(*words: str) -> tuple[int, str, str]:
        app = typer.Typer(pretty_exceptions_enable=False)
        weigh.register(app)
        code = 0

        def command() -> None:
            nonlocal code
            code = app(list(words), standalone_mode=False) or 0

        refused = report(command)
        said = capsys.readouterr()
        return refused or code, said.out, said.err

    return ran


def test_a_model_alone_says_what_it_takes(run: Run) -> None:
    """Given Llama 3 70B, its parameters, weights and cache are told, each on a line with a tab."""
    code, out, err = run("llama3-70b")
    assert (code, err) == (0, "")
    lines = dict(line.split("\t") for line in out.splitlines())
    assert lines["Parameters"] == "70.6 billion"
    assert lines["Weights"] == "131 GiB in bf16" and lines["KV cache"].startswith("320.0 KiB")


def test_a_plan_that_fits_says_what_is_left(run: Run) -> None:
    """Given GPT-3 175B on 512 accelerators of 80 GiB, each holds 59 GiB and the rest is free."""
    code, out, _ = run("gpt3-175b", *SPREAD, "--recompute", "selective", "--on", "A100-SXM4-80GB")
    assert code == 0
    assert "512 accelerators" in out and "59.0 GiB on stage 0" in out and "it fits" in out and "are left" in out


def test_a_plan_that_does_not_fit_answers_no_and_says_what_would(run: Run) -> None:
    """Given the same on 40 GiB, the answer is no, with the gap and a change that makes it fit."""
    code, out, _ = run("gpt3-175b", *SPREAD, "--on", "A100-SXM4-40GB")
    assert code == 1
    assert "GiB too large" in out and "zero=1 saves" in out and "then it fits" in out


def test_figures_are_json_in_plain_units(run: Run) -> None:
    """Given --json, parts add up to the total and the plan is told in full."""
    code, out, _ = run(
        "mixtral-8x7b", "--data", "8", "--expert", "8", "--zero", "1", "--recompute", "full", "--on", "H200", "--json"
    )
    found = json.loads(out)
    assert code == 0 and found["fits"] is True
    assert sum(found["memory_bytes"].values()) == pytest.approx(found["memory_total_bytes"])
    assert found["active_parameters"] < found["parameters"] and found["plan"]["accelerators"] == 8


def test_weights_too_large_for_one_say_so(run: Run) -> None:
    """Given no plan, the weights are held against one accelerator."""
    assert run("llama3-405b", "--on", "H200")[0] == 1
    code, out, _ = run("llama3-8b", "--on", "H200")
    assert code == 0 and "keys and values of" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gpt3-175b", "--tensor", "5"), ("--tensor: PAR-001", "Set tensor to 4 or 6")),
        (("gpt3-175b", "--zero", "7"), ("--zero: SPEC-003", "0, 1, 2, 3")),
        (("gpt3-175b", "--micro-batch", "0"), ("--micro-batch: SPEC-003", "greater than or equal to 1")),
        (("gpt3-175b", "--sequence", "4096"), ("--sequence: PAR-010", "learned positions")),
        (("llama3-8b", "--on", "H100"), ("--on: PAR-019", "H100 PCIe")),
        (("lama3-70b",), ("COST-001", "llama3-70b")),
    ],
)
def test_each_wrong_word_is_one_problem(run: Run, words: tuple[str, ...], said: tuple[str, ...]) -> None:
    """Given one slip, one problem names the option and the way out."""
    code, out, err = run(*words)
    assert (code, out, err.count("✗")) == (2, "", 1)
    assert all(text in err for text in said)


def test_a_configuration_file_is_weighed(run: Run, tmp_path: Path) -> None:
    """Given a config.json of a model that is not in the catalogue, it is counted as any other."""
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 1024, "intermediate_size": 2816,
        "num_hidden_layers": 8, "num_attention_heads": 16, "num_key_value_heads": 4, "vocab_size": 32000,
        "max_position_embeddings": 2048, "tie_word_embeddings": False,
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    code, out, _ = run(str(path), "--json")
    assert code == 0 and json.loads(out)["parameters"] == 155_730_944


def test_more_than_one_chunk_is_interleaved_without_saying(run: Run) -> None:
    """Given --chunks 3, the schedule follows; said otherwise, the two contradict each other."""
    code, out, _ = run("gpt3-175b", "--pipeline", "8", "--chunks", "3", "--json")
    assert code == 0 and json.loads(out)["plan"]["schedule"] == "interleaved"
    assert "PAR-006" in run("gpt3-175b", "--pipeline", "8", "--chunks", "3", "--schedule", "1f1b")[2]
