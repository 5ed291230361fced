"""The model card: what the model is, what it is for, how good it is, and where it should not be trusted.

Its headings follow Mitchell et al., "Model Cards for Model Reporting", 2019, doi:10.1145/3287560.3287596.
"""

import math
from collections.abc import Iterator
from typing import Any

from datahall.models.evaluate.facts import Facts

FORMAT = 1
TRUSTED_CALIBRATION_ERROR = 0.05


def model_card(facts: Facts) -> dict[str, Any]:
    """The card as JSON: kept beside the model and shown in the report."""
    model, evaluation, about = facts.model, facts.evaluation, facts.about
    return {
        "format": FORMAT,
        "name": about["recipe"],
        "intended_use": about["description"] or "Not stated: give the recipe a `description`.",
        "task": f"tell {len(model['labels'])} classes apart",
        "labels": model["labels"],
        "input": f"{about['kind']} of shape {' × '.join(map(str, model['row_shape']))}, raw values; normalising is inside",
        "architecture": architecture(model),
        "parameters": facts.training.get("parameters"),
        "training": {key: value for key, value in facts.training.items() if key not in ("parameters", "versions")},
        "data": about["source"],
        "test_rows": evaluation["rows"],
        "metrics": evaluation["metrics"],
        "intervals": evaluation["intervals"],
        "limits": list(limits(facts)),
        "seed": about["seed"],
        "versions": facts.training.get("versions", {}),
        "reproduce": command(about),
    }


def architecture(model: dict[str, Any]) -> dict[str, Any]:
    """The network's spec, with its layer widths as one line when it has hidden layers."""
    spec = dict(model["model"])
    if "hidden" in spec:
        widths = [math.prod(model["row_shape"]), *spec.pop("hidden"), len(model["labels"])]
        spec["layers"] = " → ".join(map(str, widths))
    return spec


def command(about: dict[str, Any]) -> str:
    """The command that makes the model again."""
    folder = f"{about['folder']}/" if about["folder"] else ""
    return f"datahall run {about.get('file') or folder + about['recipe'] + '.yaml'}"


def limits(facts: Facts) -> Iterator[str]:
    """Sentences on where the numbers stop meaning something."""
    evaluation = facts.evaluation
    yield (
        f"Every figure was measured on {evaluation['rows']:,} test rows of the same source as the training rows. "
        "On data from elsewhere expect less."
    )
    yield (
        f"It always answers with one of its {len(evaluation['labels'])} labels, also when a row is none of them. "
        "It does not notice foreign input."
    )
    if weakest := weakest_class(evaluation):
        yield f"It is weakest on “{weakest['label']}”: it finds {100 * weakest['recall']:.1f} % of those rows."
    error = evaluation["metrics"]["calibration_error"]
    if error > TRUSTED_CALIBRATION_ERROR:
        yield f"Its confidence is off by {100 * error:.1f} points on average: do not take probabilities at face value."
    yield from evaluation["notes"]
    yield from _limits_of_compression(facts)


def weakest_class(evaluation: dict[str, Any]) -> dict[str, Any] | None:
    """The class with the lowest recall, unless all are found without a mistake."""
    measured = [row for row in evaluation["classes"] if row["recall"] is not None]
    weakest: dict[str, Any] = min(measured, key=lambda row: row["recall"])
    return weakest if weakest["recall"] < 1 else None


def _limits_of_compression(facts: Facts) -> Iterator[str]:
    if facts.compression is None or facts.compression["chosen"] != "int8":
        return
    int8 = next(row for row in facts.compression["variants"] if row["name"] == "int8")
    other = f"{100 * (1 - int8['agreement']):.2f} %"
    accuracy = facts.evaluation["metrics"]["accuracy"]
    yield (
        f"The packaged int8 variant answers {other} of the test rows otherwise than the trained model: its test accuracy is "
        f"{int8['accuracy']:.4f}, the trained model's {accuracy:.4f}."
    )
