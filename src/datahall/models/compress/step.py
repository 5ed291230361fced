"""The compress step: reads data, train and evaluate; leaves ONNX files and `compression.json`.

outputs/
  model.float32.onnx   raw rows in, probabilities out
  model.int8.onnx      the same, quantised; absent with `int8: none`
  compression.json     {"format": 1, "chosen", "why", "parity", "variants": [...], ...}
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from datahall.foundation import files
from datahall.foundation.dice import stream_seed
from datahall.foundation.errors import Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.models.compress import measure, quantise
from datahall.models.compress.choose import Choice, check_parity, choose
from datahall.models.compress.export import export_onnx
from datahall.models.compress.measure import Rows
from datahall.models.compress.spec import CompressSpec
from datahall.models.data.dataset import Dataset
from datahall.models.families.trained import load_trained
from datahall.models.steps import Step

FORMAT = 1


def run(step: Step) -> None:
    """Export, check parity, quantise, measure, choose. Raises Conflict when a limit of the recipe is missed."""
    spec = CompressSpec.model_validate(step.config["compress"])
    data = Dataset.load(step.input("data"))
    test = Rows("test", *data.part("test"))
    decision, calibration_x = _decision_rows(data, spec, step.seed)
    reference_NK = _reference(step.input("evaluate"), rows=len(test.y_N))
    paths = {"float32": step.outputs / "model.float32.onnx"}
    export_onnx(*load_trained(step.input("train")), paths["float32"])
    parity = float(np.abs(measure.Session(paths["float32"]).probabilities(test.x) - reference_NK).max())
    check_parity(parity, spec)
    step.say(f"exported to ONNX; on {test} probabilities differ by at most {parity:.1e}")
    if spec.int8 != "none":
        paths["int8"] = step.outputs / "model.int8.onnx"
        _quantise(paths["float32"], paths["int8"], spec, calibration_x)
    bins = len(_json(step.input("evaluate") / "evaluation.json")["reliability"])
    variants = measure.compared(paths, test=test, decision=decision, reference_NK=reference_NK, bins=bins)
    for variant in variants:
        step.say(_sentence(variant))
    choice = choose({variant["name"]: variant for variant in variants}, spec, rows=str(decision))
    step.say(f"chosen: {choice.variant}: {choice.why}")
    document = _document(spec, choice, variants) | {
        "decided_on": str(decision),
        "parity": {"rows": len(test.y_N), "max_difference": parity, "tolerance": spec.parity_tolerance},
    }
    files.write_text(step.outputs / "compression.json", json.dumps(document, indent=1, allow_nan=False) + "\n")


def _document(spec: CompressSpec, choice: Choice, variants: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "chosen": choice.variant,
        "why": choice.why,
        "int8": spec.int8,
        "calibration_rows": spec.calibration_rows if spec.int8 == "static" else 0,
        "max_accuracy_drop_ratio": spec.max_accuracy_drop_ratio,
        "variants": variants,
        "runtime": f"ONNX Runtime {onnxruntime.__version__}, CPU, one thread",
    }


def _reference(folder: Path, *, rows: int) -> NDArray[np.floating[Any]]:
    path, fix = folder / "probabilities.npy", "run the evaluate step again"
    try:
        found: NDArray[np.floating[Any]] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise Refused(Problem("COMP-005", str(path), f"cannot be read: {error}", fix)) from None
    if len(found) != rows:
        raise Refused(Problem("COMP-005", str(path), f"holds {len(found)} rows, the test part has {rows}", fix))
    return found


def _decision_rows(data: Dataset, spec: CompressSpec, seed: int) -> tuple[Rows, NDArray[Any]]:
    """The rows that a variant is chosen by, and the training rows that int8 is calibrated on.

    Validation rows decide. Without any, a fifth of the training rows does, which are kept from the calibration: the network
    has learnt them, so their accuracy is high, but what int8 loses of it can be seen on them.
    """
    x, y_N = data.part("train")
    order = np.random.default_rng(stream_seed(seed, "compress/calibration")).permutation(len(x))
    decision = Rows("validation", *data.part("validation"))
    if len(decision.y_N) == 0:
        held = min(max(1, len(x) // 5), len(x))
        kept, order = np.sort(order[-held:]), order[:-held] if held < len(x) else order
        decision = Rows("training", x[kept], y_N[kept])
    return decision, x[np.sort(order[: spec.calibration_rows])]


def _quantise(source: Path, target: Path, spec: CompressSpec, calibration_x: NDArray[Any]) -> None:
    if spec.int8 == "dynamic":
        quantise.dynamic_int8(source, target)
    else:
        quantise.static_int8(source, target, calibration_x)


def _json(path: Path) -> dict[str, Any]:
    fix = "run the evaluate step again"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(Problem("COMP-005", str(path), f"cannot be read: {error}", fix)) from None
    return found


def _sentence(variant: dict[str, Any]) -> str:
    one, many = (1e6 * variant["latency_s"][str(batch)] for batch in measure.BATCHES)
    return (
        f"{variant['name']}: {bytes_text(variant['size_bytes'])}, test accuracy {variant['accuracy']:.4f}, "
        f"{one:.0f} µs for one row, {many:.0f} µs for {measure.BATCHES[-1]}"
    )
