"""Which variant is packaged, and the two answers that stop a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datahall.foundation.errors import Conflict, Problem
from datahall.models.compress.measure import speed_ratio
from datahall.models.compress.spec import CompressSpec

TIE_RATIO = 0.95
"""Latencies closer than this are a tie, and the smaller file wins it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A variant's name, and the sentence that explains it."""

    variant: str
    why: str


def check_parity(max_difference: float, spec: CompressSpec) -> None:
    """Raises Conflict (COMP-001) when the export answers otherwise than the trained model."""
    if not max_difference <= spec.parity_tolerance:  # `not <=`: NaN fails too
        what = (
            f"a probability of the ONNX export is {max_difference:.2g} away from the trained model's, "
            f"more than {spec.parity_tolerance:.2g}"
        )
        fix = "raise compress.parity_tolerance if the model is used with that precision; otherwise report it as a fault"
        raise Conflict(Problem("COMP-001", "compress.parity_tolerance", what, fix))


def choose(variants: Mapping[str, Mapping[str, Any]], spec: CompressSpec, *, rows: str) -> Choice:
    """The variant to package. Raises Conflict (COMP-002) when the recipe insists on int8 and it lost too much accuracy.

    rows: on which `decision_accuracy` was measured, in words. They are not the test rows: whoever chooses by these has none
    left that could say how good the choice is.
    """
    small = variants.get("int8")
    if spec.serve == "float32" or small is None:
        return Choice("float32", "the recipe asks for float32" if small else "the recipe asks for no int8 variant")
    full = variants["float32"]
    before, after = full["decision_accuracy"], small["decision_accuracy"]
    drop_ratio = before - after
    lost = _change(before, after) + f" on {rows}"
    limit = f"the limit is {100 * spec.max_accuracy_drop_ratio:.2f}"
    # A hair's breadth of slack: 0.98 - 0.97 is 0.010000000000000009.
    if drop_ratio > spec.max_accuracy_drop_ratio + 1e-9:
        if spec.serve == "int8":
            fix = (
                "set compress.serve to auto to fall back to float32, raise compress.calibration_rows, "
                "or raise compress.max_accuracy_drop_ratio"
            )
            raise Conflict(Problem("COMP-002", "compress.max_accuracy_drop_ratio", f"{lost}, but {limit}", fix))
        return Choice("float32", f"{lost}, but {limit}, so float32 is packaged")
    if spec.serve == "int8":
        return Choice("int8", f"the recipe asks for int8; {lost}, {limit}")
    return _faster(full, small, lost)


def _change(before: float, after: float) -> str:
    if before == after:
        return f"int8 keeps the accuracy of {before:.4f}"
    verb = "loses" if after < before else "gains"
    return f"int8 {verb} {100 * abs(before - after):.2f} points of accuracy ({before:.4f} to {after:.4f})"


def _faster(full: Mapping[str, Any], small: Mapping[str, Any], lost: str) -> Choice:
    ratio = speed_ratio(full["latency_s"], small["latency_s"])
    smaller = full["size_bytes"] / small["size_bytes"]
    if ratio < TIE_RATIO:
        return Choice("float32", f"int8 is {smaller:.1f} × smaller but runs at {ratio:.2f} × the speed of float32")
    return Choice("int8", f"int8 is {smaller:.1f} × smaller and runs at {ratio:.2f} × the speed of float32; {lost}")
