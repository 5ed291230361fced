"""The evaluate step: reads data and train; measures the model on the test part, which nothing before has seen.

outputs/
  evaluation.json     metrics, intervals, per-class scores, confusion matrix, calibration (see `evaluation`)
  probabilities.npy   the trained model's answer to each test row, float32
  report.json         what the report needs and later steps cannot see: data card, mistakes, one example row
  mistakes.npy        raw rows of the mistakes in report.json
  report.html         the report; the package step writes it again with the compression section
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from datahall.foundation import files
from datahall.foundation.errors import Conflict, Problem
from datahall.models.data.dataset import Dataset, save_array
from datahall.models.evaluate.evaluation import Probabilities, evaluation
from datahall.models.evaluate.mistakes import described, worst_mistakes
from datahall.models.evaluate.predict import probabilities
from datahall.models.evaluate.report import build_report
from datahall.models.evaluate.scores import Integers
from datahall.models.evaluate.spec import EvaluateSpec
from datahall.models.families.trained import load_trained
from datahall.models.steps import Step

LOGGED = ("accuracy", "f1_macro", "log_loss", "brier", "calibration_error")


def run(step: Step) -> None:
    """Measure, write, report. Raises Refused on unusable rows, Conflict (EVAL-001) below the recipe's accuracy."""
    spec = EvaluateSpec.model_validate(step.config["evaluate"])
    data = Dataset.load(step.input("data"))
    network, _ = load_trained(step.input("train"))
    x, y_N = data.part("test")
    p_NK = probabilities(network, x, normaliser=data.normaliser)
    document = evaluation(y_N, p_NK, labels=data.labels, spec=spec, seed=step.seed)
    save_array(step.outputs / "probabilities.npy", p_NK)
    write_json(step.outputs / "evaluation.json", document)
    _write_examples(step, data, p_NK, y_N, most=spec.worst_mistakes)
    files.write_text(step.outputs / "report.html", build_report(train=step.input("train"), evaluate=step.outputs))
    step.metrics.log({f"test_{name}": document["metrics"][name] for name in LOGGED}, step=0)
    step.say(_sentence(document))
    for note in document["notes"]:
        step.say(note)
    check_accuracy(document, spec)


def check_accuracy(document: dict[str, Any], spec: EvaluateSpec) -> None:
    """Raises Conflict (EVAL-001) when the test accuracy is below the recipe's limit."""
    accuracy, limit = document["metrics"]["accuracy"], spec.min_accuracy_ratio
    if limit is not None and accuracy < limit:
        what = f"{_sentence(document)}, the recipe asks for at least {limit:.4f}"
        fix = "train longer or with a larger network, clean the data, or lower evaluate.min_accuracy_ratio"
        raise Conflict(Problem("EVAL-001", "evaluate.min_accuracy_ratio", what, fix))


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document atomically; NaN is a fault of ours, not a value."""
    files.write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _write_examples(step: Step, data: Dataset, p_NK: Probabilities, y_N: Integers, *, most: int) -> None:
    x, _ = data.part("test")
    rows_M = worst_mistakes(y_N, p_NK, most=most)
    save_array(step.outputs / "mistakes.npy", x[rows_M])
    facts = {
        "recipe": step.config["recipe"],
        "description": step.config.get("description", ""),
        "folder": Path(step.config["folder"]).name,
        "file": step.config.get("file", ""),
        "seed": step.seed,
        "kind": data.kind,
        "row_shape": list(data.row_shape),
        "columns": list(data.columns),
        "source": data.source,
        "data_card": data.card,
        "example": np.asarray(x[0]).tolist(),
        "example_label": data.labels[y_N[0]],
        "mistakes": described(rows_M, y_N, p_NK, labels=data.labels, source_rows_N=data.source_rows("test")),
    }
    write_json(step.outputs / "report.json", facts)


def _sentence(document: dict[str, Any]) -> str:
    text = f"test accuracy is {document['metrics']['accuracy']:.4f} on {document['rows']} rows"
    if interval := document["intervals"].get("accuracy"):
        text += f" ({100 * document['confidence_ratio']:g} % interval {interval[0]:.4f} to {interval[1]:.4f})"
    return text
