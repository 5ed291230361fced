"""All that is measured on the test rows, as one JSON document.

Shapes: N rows, K classes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.dice import stream_seed
from datahall.foundation.errors import Problem, Refused
from datahall.models.evaluate import bootstrap, calibration, scores
from datahall.models.evaluate.scores import Counts, Integers, or_null
from datahall.models.evaluate.spec import EvaluateSpec

FORMAT = 1
Probabilities = NDArray[np.floating]


def evaluation(
    y_N: Integers, probabilities_NK: Probabilities, *, labels: Sequence[str], spec: EvaluateSpec, seed: int
) -> dict[str, Any]:
    """Metrics with their intervals, per-class scores, confusion matrix and calibration, ready for JSON.

    Raises Refused (EVAL-002, EVAL-003, EVAL-004) when the rows and probabilities cannot be scored.
    """
    check(y_N, probabilities_NK, labels)
    confusion_KK = scores.confusion_matrix(y_N, probabilities_NK.argmax(axis=1), classes=len(labels))
    counts = scores.counts_of(confusion_KK)
    bins = calibration.reliability(y_N, probabilities_NK, bins=spec.calibration_bins)
    rows = {
        "log_loss": calibration.log_loss_rows(y_N, probabilities_NK),
        "brier": calibration.brier_rows(y_N, probabilities_NK),
    }
    metrics = metrics_of(y_N, probabilities_NK, bins=spec.calibration_bins)
    return {
        "format": FORMAT,
        "rows": len(y_N),
        "labels": list(labels),
        "metrics": metrics,
        "baseline": _baseline(counts, labels),
        "intervals": _intervals(confusion_KK, rows, spec, seed),
        "confidence_ratio": spec.confidence_ratio,
        "bootstrap_samples": spec.bootstrap_samples,
        "classes": list(_classes(counts, labels, spec)),
        "confusion": confusion_KK.tolist(),
        "reliability": list(_bins(bins)),
        "notes": list(_notes(counts, labels)),
    }


def metrics_of(y_N: Integers, probabilities_NK: Probabilities, *, bins: int) -> dict[str, float | None]:
    """Every score that comes as one number; null where it is undefined."""
    confusion_KK = scores.confusion_matrix(y_N, probabilities_NK.argmax(axis=1), classes=probabilities_NK.shape[1])
    found = {name: or_null(value) for name, value in scores.headline(scores.counts_of(confusion_KK)).items()}
    found["log_loss"] = float(calibration.log_loss_rows(y_N, probabilities_NK).mean())
    found["brier"] = float(calibration.brier_rows(y_N, probabilities_NK).mean())
    reliability = calibration.reliability(y_N, probabilities_NK, bins=bins)
    found["calibration_error"] = calibration.expected_calibration_error(reliability)
    return found


def check(y_N: Integers, probabilities_NK: Probabilities, labels: Sequence[str]) -> None:
    """Raises Refused unless there is a row, each is a distribution over the labels, and each true class is one of them."""
    if len(y_N) == 0:
        fix = "raise data.split.test_ratio, or give the source a test part"
        raise Refused(Problem("EVAL-002", "data.split", "the test part is empty, so nothing can be measured", fix))
    if probabilities_NK.shape != (len(y_N), len(labels)) or y_N.min() < 0 or y_N.max() >= len(labels):
        what = f"{probabilities_NK.shape} probabilities and classes up to {y_N.max()} do not fit {len(labels)} labels"
        raise Refused(Problem("EVAL-003", "inputs/train", what, "train again on the data that is evaluated"))
    if not np.isfinite(probabilities_NK).all():
        bad = int((~np.isfinite(probabilities_NK)).any(axis=1).sum())
        what = f"the model answers {bad} of {len(y_N)} test rows with NaN or infinity: its training diverged"
        raise Refused(Problem("EVAL-004", "inputs/train", what, "lower train.optimiser.learning_rate, or add a warm-up"))


def _baseline(counts: Counts, labels: Sequence[str]) -> dict[str, Any]:
    """The best model that does not look: always the commonest class of the test rows."""
    commonest = int(counts.true.argmax())
    return {"label": labels[commonest], "accuracy": float(counts.true[commonest] / counts.true.sum())}


def _intervals(
    confusion_KK: Integers, rows: dict[str, NDArray[np.float64]], spec: EvaluateSpec, seed: int
) -> dict[str, list[float]]:
    if spec.bootstrap_samples == 0:
        return {}
    generator = np.random.default_rng(stream_seed(seed, "evaluate/bootstrap"))
    how: dict[str, Any] = {
        "samples": spec.bootstrap_samples,
        "confidence_ratio": spec.confidence_ratio,
        "generator": generator,
    }
    found = bootstrap.score_intervals(confusion_KK, **how)
    found |= {name: bootstrap.mean_interval(values, **how) for name, values in rows.items()}
    return {name: list(interval) for name, interval in found.items()}


def _classes(counts: Counts, labels: Sequence[str], spec: EvaluateSpec) -> Iterator[dict[str, Any]]:
    columns = [scores.precision(counts), scores.recall(counts), scores.f1(counts)]
    for k, label in enumerate(labels):
        yield {
            "label": label,
            "rows": int(counts.true[k]),
            "predicted": int(counts.predicted[k]),
            **{name: or_null(c[k]) for name, c in zip(("precision", "recall", "f1"), columns, strict=True)},
            "precision_interval": _share(counts.hit[k], counts.predicted[k], spec),
            "recall_interval": _share(counts.hit[k], counts.true[k], spec),
        }


def _share(hits: float, rows: float, spec: EvaluateSpec) -> list[float] | None:
    """A class's own interval; None where its score is undefined."""
    if rows == 0:
        return None
    return list(bootstrap.wilson_interval(int(hits), int(rows), confidence_ratio=spec.confidence_ratio))


def _bins(bins: calibration.Reliability) -> Iterator[dict[str, Any]]:
    for m, rows in enumerate(bins.rows):
        yield {
            "from": float(bins.edges[m]),
            "to": float(bins.edges[m + 1]),
            "rows": int(rows),
            "confidence": or_null(bins.confidence[m]),
            "accuracy": or_null(bins.accuracy[m]),
        }


def _notes(counts: Counts, labels: Sequence[str]) -> Iterator[str]:
    def those(chosen_K: NDArray[np.bool_]) -> list[str]:
        return [label for label, chosen in zip(labels, chosen_K, strict=True) if chosen]

    is_there, is_answered = counts.true > 0, counts.predicted > 0
    if nowhere := those(~is_there & ~is_answered):
        yield f"No test row is of class {_listed(nowhere)}, and none was taken for it: it is left out of the averages."
    if absent := those(~is_there & is_answered):
        yield f"No test row is of class {_listed(absent)}, but some were taken for it: its recall counts as 0 in the averages."
    if unused := those(is_there & ~is_answered):
        yield f"No row was taken for class {_listed(unused)}: its precision is undefined and counts as 0 in the averages."


def _listed(labels: Sequence[str], *, most: int = 8) -> str:
    shown = ", ".join(f"“{label}”" for label in labels[:most])
    return shown if len(labels) <= most else f"{shown} and {len(labels) - most} more"
