"""What of a request cannot be: every problem at once, before anything is computed."""

import math
from collections.abc import Iterator, Mapping

from datahall.foundation.errors import Problem
from datahall.models.parallel.spec import TrainPlan
from datahall.planner.training.cluster import Kind
from datahall.planner.training.request import TrainRequest

MOST_TOKENS = 1e16
"""A thousand times what any published run has read: more is a slip of the keyboard."""
OWN_FIELDS = {"global_batch": "global_batch", "sequence": "sequence", "precision": "precision"}
"""Fields of a plan that the request has itself."""


def problems_of_request(request: TrainRequest, kind: Kind) -> list[Problem]:
    """All that is wrong with a request on a hall with so many accelerators of the kind."""
    return [*_tokens(request), *_sizes(request), *_accelerators(request, kind), *_times(request), *_pinned(request)]


def _tokens(request: TrainRequest) -> Iterator[Problem]:
    """TRAIN-010: a run reads some tokens, and no more than there are."""
    if not 0 < request.tokens <= MOST_TOKENS:
        what = f"tokens={request.tokens:g}, but a run reads more than 0 and at most {MOST_TOKENS:g}"
        yield Problem("TRAIN-010", "train.tokens", what, "write a count such as 300B or 15T")
        return
    if request.sequence and request.global_batch and request.tokens < (step := request.sequence * request.global_batch):
        what = f"tokens={request.tokens:g} are less than one step of {request.global_batch} x {request.sequence} = {step:,}"
        yield Problem("TRAIN-010", "train.tokens", what, "raise tokens, or lower global_batch")


def _sizes(request: TrainRequest) -> Iterator[Problem]:
    """TRAIN-011: sizes are at least 1."""
    for name in ("sequence", "global_batch", "accelerators", "top"):
        value = getattr(request, name)
        if value is not None and value < 1:
            yield Problem("TRAIN-011", f"train.{name}", f"{name}={value}, but it is at least 1", f"set {name} to 1 or more")


def _accelerators(request: TrainRequest, kind: Kind) -> Iterator[Problem]:
    """TRAIN-003: no more accelerators than the hall has."""
    if request.accelerators is not None and request.accelerators > kind.count:
        what = f"{request.accelerators:,} accelerators are asked for, but the hall has {kind.count:,} {kind.accelerator}"
        yield Problem("TRAIN-003", "train.accelerators", what, f"ask for at most {kind.count}, or add servers to the hall")


def _times(request: TrainRequest) -> Iterator[Problem]:
    """TRAIN-012: times and rates are not negative; hours are those of a year."""
    for name in ("detection_s", "scheduling_s"):
        if getattr(request, name) < 0:
            yield Problem("TRAIN-012", f"train.{name}", f"{name}={getattr(request, name):g} s", "set it to 0 or more")
    for name in ("checkpoint_every_s", "failures_per_accelerator_year", "host_copy_bytes_per_s"):
        value = getattr(request, name)
        if value is not None and not value > 0:
            yield Problem(
                "TRAIN-012", f"train.{name}", f"{name}={value:g}, but it must be above 0", "raise it, or leave it out"
            )
    if request.start_h is not None and not 0 <= request.start_h < 8760:
        what = f"start_h={request.start_h}, but a year's hours are 0 to 8759"
        yield Problem("TRAIN-012", "train.start_h", what, "take 0 for the first of January, 0:00")


def _pinned(request: TrainRequest) -> Iterator[Problem]:
    """TRAIN-013: what is pinned is a field of a plan, not said twice, of the right type, and fits the count."""
    unknown = [name for name in request.pinned if name not in TrainPlan.model_fields]
    if unknown:
        what = f"a plan has no field {', '.join(unknown)}"
        yield Problem("TRAIN-013", "train.pinned", what, f"choose from {', '.join(TrainPlan.model_fields)}")
    for name in OWN_FIELDS.keys() & request.pinned.keys():
        what = f"pinned.{name} and train.{name} say the same thing"
        yield Problem("TRAIN-013", f"train.pinned.{name}", what, f"set train.{name} alone")
    for name in ("tensor", "pipeline", "context", "data", "micro_batch", "chunks", "expert"):
        value = request.pinned.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            yield Problem("TRAIN-013", f"train.pinned.{name}", f"{name}={value!r}, but it is a whole number from 1", "set one")


def problem_of_batch(request: TrainRequest, sequences: int) -> Problem | None:
    """TRAIN-015: what is pinned of data ranks and micro-batches divides the batch."""
    sizes = _sizes_of(request, "data", "micro_batch")
    each = math.prod(sizes.values())
    if sequences % each == 0:
        return None
    said = _product(sizes, each)
    near = sorted({max(1, sequences // each) * each, -(-sequences // each) * each})
    fix = f"set global_batch to {' or '.join(map(str, near))}, or pin other sizes"
    return Problem("TRAIN-015", "train.global_batch", f"{said} does not divide the {sequences} sequences of a step", fix)


def problem_of_product(request: TrainRequest, accelerators: int) -> Problem | None:
    """TRAIN-014: the pinned ranks need no more accelerators than there are; those that are left over stand idle."""
    sizes = _sizes_of(request, "tensor", "pipeline", "context", "data")
    product = math.prod(sizes.values())
    if product <= accelerators:
        return None
    what = f"{_product(sizes, product)} is more than the {accelerators} accelerators"
    return Problem("TRAIN-014", "train.pinned", what, "lower one of them, or ask for more accelerators")


def _sizes_of(request: TrainRequest, *names: str) -> dict[str, int]:
    return {name: int(request.pinned[name] or 1) for name in names if name in request.pinned}


def _product(sizes: Mapping[str, int], product: int) -> str:
    said = " x ".join(f"{name}={value}" for name, value in sizes.items())
    return f"{said} = {product}" if len(sizes) > 1 else said
