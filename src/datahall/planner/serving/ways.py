"""All ways to run one replica that a request leaves open: ranks, precision; chunks and batch limits are tried later."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.spec import Architecture
from datahall.models.inference.checks import problems_of
from datahall.models.inference.spec import InferencePlan, Precision
from datahall.planner.serving.pool import Pool
from datahall.planner.serving.request import ServeRequest

MOST_STAGES = 16
MOST_SHARED = 72
"""Data ranks that share the experts with each other: 320 accelerators decode DeepSeek-V3 (arXiv:2412.19437, section 3.4.2), of
which `tensor` takes 4."""
WIDE: tuple[Precision, ...] = ("bf16", "fp16", "fp32")
"""16 bits change no answers; 32 only where an accelerator has no 16."""


def ways_of(architecture: Architecture, request: ServeRequest, pool: Pool) -> list[InferencePlan]:
    """Every unit that the model can be cut into on the pool, fewest accelerators first; `data` only joins ranks that share
    experts. Raises Refused with the reason where what is pinned leaves none."""
    tried = list(_tried(architecture, request, pool))
    ways = [plan for plan in tried if not problems_of(architecture, plan)]
    if not ways:
        raise Refused(_why_none(architecture, request, pool, tried))
    return sorted(ways, key=lambda plan: (plan.accelerators, plan.pipeline, plan.data, plan.expert))


def precision_of(request: ServeRequest, pool: Pool) -> Precision:
    """As asked; else the first of 16 bits that the accelerator has."""
    if request.precision is not None:
        pool.cluster.device.peak_flop_per_s(request.precision)
        return request.precision
    return next(name for name in WIDE if name in pool.cluster.device.flop_per_s)


def _tried(architecture: Architecture, request: ServeRequest, pool: Pool) -> Iterator[InferencePlan]:
    precision = precision_of(request, pool)
    for tensor in [request.tensor] if request.tensor else list(_doubling(pool.cluster.per_domain)):
        for pipeline in [request.pipeline] if request.pipeline else list(_doubling(MOST_STAGES)):
            for data, expert in _expert(architecture, request, tensor):
                if tensor * pipeline * data <= pool.widest:
                    yield InferencePlan(
                        tensor=tensor,
                        pipeline=pipeline,
                        data=data,
                        expert=expert,
                        precision=precision,
                        weight_precision=request.weight_precision,
                        kv_precision=request.kv_precision,
                        max_batch=request.batch_limit,
                        step_tokens=request.chunk_tokens,
                        speculation=request.speculative,
                    )


def _expert(architecture: Architecture, request: ServeRequest, tensor: int) -> Iterator[tuple[int, int]]:
    """Data ranks that share experts, and expert ranks: none beside tensor's, or those of all ranks together."""
    mixture = architecture.experts
    if mixture is None or request.expert == 1:
        yield 1, 1
        return
    if request.expert is not None:
        yield max(1, request.expert // tensor), request.expert
        return
    yield 1, 1
    for data in _doubling(MOST_SHARED):
        if tensor * data > 1 and mixture.count % (tensor * data) == 0:
            yield data, tensor * data


def _doubling(most: int) -> Iterator[int]:
    size = 1
    while size <= most:
        yield size
        size *= 2


def _why_none(
    architecture: Architecture, request: ServeRequest, pool: Pool, tried: list[InferencePlan]
) -> Problem | list[Problem]:
    """Of what was pinned: too many ranks for the hall, or ranks that the model cannot be cut into."""
    if tried:
        return problems_of(architecture, tried[0], where="serve")
    sizes = {name: getattr(request, name) for name in ("tensor", "pipeline", "expert") if getattr(request, name)}
    said = " x ".join(f"{name}={size}" for name, size in sizes.items())
    reach = "" if pool.joined else ", as no compute fabric joins its scale-up domains"
    what = f"{said} take more than the {pool.widest} {pool.kind.accelerator} that one replica may have{reach}"
    return Problem("SERVE-110", "serve", what, f"lower them so that together they take {pool.widest} or fewer")
