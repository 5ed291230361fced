"""What `datahall run` says at its end, on a real platform with one-liners for steps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from datahall.foundation.errors import Conflict, Problem
from datahall.interfaces import server
from datahall.interfaces.cli.main import app
from datahall.interfaces.endpoints import BookDeployer
from datahall.interfaces.sidecar import Sidecar
from datahall.models import workflow

FIGURES = {"accuracy": 0.98, "f1_macro": 0.97, "log_loss": 0.05}
Run = Callable[[], tuple[int, str]]


@pytest.fixture
def made() -> dict[str, dict[str, Any]]:
    """JSON files that each step leaves."""
    return {"evaluate": {"evaluation.json": {"metrics": FIGURES}}, "package": {"report.html": "<html>", "bundle.json": {}}}


@pytest.fixture
def run(tmp_path: Path, made: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`datahall run` of a recipe with a deployment: exit code and what it said."""
    real = workflow._job

    def quick(recipe: Any, step: Any, *words: Any, **more: Any) -> Any:
        files = {f"outputs/{name}": json.dumps(text) for name, text in ({"x": 1} | made.get(step.name, {})).items()}
        lines = [f"printf %s '{text}' > {name}" for name, text in files.items()]
        return real(recipe, step, *words, **more).model_copy(update={"command": ("sh", "-c", "; ".join(lines)), "cpus": 0.1})

    monkeypatch.setattr(workflow, "_job", quick)
    monkeypatch.setattr(Sidecar, "_keep", lambda _self: None)  # the tracking takes seconds to take in what nobody looks at
    monkeypatch.setattr(server, "log_to", lambda *_words, **_more: None)
    for name in ("DATAHALL_DATABASE", "DATAHALL_URL", "DATAHALL_TOKEN", "DATAHALL_SHARED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATAHALL_HOME", str(tmp_path / "home"))
    about = {"name": "digits", "data": {"source": {"kind": "digits"}}, "model": {"family": "mlp"}}
    recipe = tmp_path / "digits.yaml"
    recipe.write_text(yaml.safe_dump(about | {"deploy": {"endpoint": "digits"}}))

    def one() -> tuple[int, str]:
        result = CliRunner().invoke(app, ["run", str(recipe)])
        return result.exit_code, result.stdout

    return one


def test_a_served_model_is_told_with_its_figures(run: Run) -> None:
    """Given a recipe whose steps succeed, the run ends with 0, its figures and where it would be served."""
    code, said = run()
    assert code == 0
    assert "test: accuracy 0.9800, f1_macro 0.9700, log_loss 0.0500" in said
    assert "endpoint `digits` is ready to serve it" in said


def test_a_packaged_variant_is_told_beside_the_trained_model(run: Run, made: dict[str, dict[str, Any]]) -> None:
    """Given an int8 package whose figures are its own, the run shows them first, and the trained model's as such."""
    made["package"]["bundle.json"] = {"variant": "int8", "metrics": FIGURES | {"accuracy": 0.96}}
    _, said = run()
    assert "test (packaged, int8): accuracy 0.9600, f1_macro 0.9700, log_loss 0.0500" in said
    assert "test (as trained): accuracy 0.9800, f1_macro 0.9700, log_loss 0.0500" in said


def test_a_model_that_could_not_be_deployed_is_not_said_to_be_served(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an endpoint that belongs to another tenant, the run ends with 1 and the problem, shows what was made, and names
    no address."""

    def refuse(*_words: Any, **_more: Any) -> int:
        raise Conflict(Problem("EP-003", "endpoint digits", "it is another tenant's", "choose another name"))

    monkeypatch.setattr(BookDeployer, "deploy", refuse)
    code, said = run()
    assert code == 1
    assert "the model is made, but not served. endpoint digits: EP-003 it is another tenant's. Choose another name." in said
    assert "accuracy 0.9800" in said and "report: " in said
    assert "/predict/" not in said and "ready to serve" not in said
