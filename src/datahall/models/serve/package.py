"""The package step: reads train, evaluate and compress; leaves the folder that replicas serve.

outputs/
  model.onnx        the chosen variant: raw rows in, probabilities out
  bundle.json       what it takes and gives (see `bundle`), its labels, metrics and one example row
  card.json         the model card
  evaluation.json   as the evaluate step left it
  report.html       the full report
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from datahall.foundation import files
from datahall.foundation.errors import Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.models.evaluate.card import model_card
from datahall.models.evaluate.facts import Facts, read_facts
from datahall.models.evaluate.report import page
from datahall.models.serve.bundle import BUNDLE_FILE, FORMAT, MODEL_FILE, read_bundle
from datahall.models.serve.onnx_model import OnnxModel
from datahall.models.steps import Step

KEPT_METRICS = ("accuracy", "f1_macro", "log_loss", "brier", "calibration_error")


def run(step: Step) -> None:
    """Write the bundle, then serve its example once from it. Raises Refused when an input is missing or does not fit."""
    compress = step.input("compress")
    facts = read_facts(train=step.input("train"), evaluate=step.input("evaluate"), compress=compress)
    variant = chosen_variant(facts)
    _copy(compress / variant["file"], step.outputs / MODEL_FILE)
    _write_json(step.outputs / BUNDLE_FILE, described(facts, variant))
    _write_json(step.outputs / "card.json", model_card(facts))
    _write_json(step.outputs / "evaluation.json", facts.evaluation)
    files.write_text(step.outputs / "report.html", page(facts))
    answer = example_answer(step.outputs)
    step.say(
        f"packaged {variant['name']}, {bytes_text(variant['size_bytes'])}; its example, a {facts.about['example_label']}, "
        f"is answered with {answer}"
    )


def chosen_variant(facts: Facts) -> dict[str, Any]:
    """The row of compression.json that was chosen. Raises Refused (PACK-001) when there is none."""
    compression = facts.compression or {"chosen": None, "variants": []}
    for variant in compression["variants"]:
        if variant["name"] == compression["chosen"]:
            return dict(variant)
    what = f"chose {compression['chosen']!r}, which is none of its variants"
    raise Refused(Problem("PACK-001", "inputs/compress/compression.json", what, "run the compress step again"))


def described(facts: Facts, variant: dict[str, Any]) -> dict[str, Any]:
    """bundle.json: the model's tensors and labels, and the figures worth showing beside it.

    `metrics` are those of the packaged variant on the test rows, `trained_…` those of the model that was trained.
    """
    labels, row_shape = list(facts.model["labels"]), list(facts.model["row_shape"])
    trained = facts.evaluation["metrics"]
    return {
        "format": FORMAT,
        "name": facts.about["recipe"],
        "task": "classification",
        "kind": facts.about["kind"],
        "variant": variant["name"],
        "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, *row_shape]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, len(labels)]}],
        "labels": labels,
        "columns": facts.about["columns"],
        "metrics": {
            **{name: variant["metrics"][name] for name in KEPT_METRICS},
            **{f"trained_{name}": trained[name] for name in KEPT_METRICS},
            "size_bytes": variant["size_bytes"],
            "latency_s": variant["latency_s"]["1"],
        },
        "example": facts.about["example"],
        "example_label": facts.about["example_label"],
    }


def example_answer(folder: Path) -> str:
    """The label that the packaged model gives its own example. Raises Refused when the bundle cannot be served."""
    bundle = read_bundle(folder)
    [p_NK] = OnnxModel(bundle).run([np.asarray([bundle.example], np.float32)])
    if p_NK.shape != (1, len(bundle.labels)) or not np.isclose(p_NK.sum(), 1, atol=1e-3):
        what = f"answers its own example with {p_NK.tolist()}, which is no distribution over {len(bundle.labels)} labels"
        raise Refused(Problem("PACK-002", str(folder / MODEL_FILE), what, "run the compress step again"))
    return bundle.labels[int(p_NK.argmax())]


def _copy(source: Path, target: Path) -> None:
    try:
        data = source.read_bytes()
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise Refused(Problem("PACK-001", str(source), what, "run the compress step again")) from None
    files.write_bytes(target, data)


def _write_json(path: Path, document: Any) -> None:
    files.write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
