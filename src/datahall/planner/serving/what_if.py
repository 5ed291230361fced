"""What one change would do: the same question with another precision, other ranks, another level or another accelerator."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from datahall.foundation.errors import DatahallError
from datahall.foundation.readable import significant
from datahall.models.inference.spec import InferencePlan
from datahall.models.parallel.communication import cluster_of
from datahall.planner.serving.choose import Fleet, asked_of, sweep
from datahall.planner.serving.pool import Pool
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.result import WhatIf
from datahall.planner.serving.settle import Settled, offered
from datahall.planner.serving.trials import Trials
from datahall.planner.training.advice import NEXT

SAME = 0.02
"""Ratios so near to 1 are within the noise of a trial."""
SIMULATED = 2
"""Ways of a changed question that are simulated."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different."""

    what: str
    request: ServeRequest
    pool: Pool


def what_ifs(trials: Trials, fleet: Fleet) -> tuple[WhatIf, ...]:
    """Those that can be had, by what they carry on the same accelerators, the most first."""
    found = [what for change in changes(trials, fleet.carried.plan) if (what := _what_if(change, trials, fleet))]
    return tuple(sorted(found, key=lambda what: -what.hall_requests_per_s))


def changes(trials: Trials, plan: InferencePlan) -> Iterator[Change]:
    """What is not asked for otherwise, and what the accelerator can do."""
    request, pool = trials.request, trials.pool
    yield from _precisions(request, pool, plan)
    wider = {"tensor": 2 * plan.tensor, "pipeline": plan.pipeline, "expert": None if plan.expert > 1 else request.expert}
    if request.tensor is None and 2 * plan.tensor <= pool.cluster.per_domain:
        yield Change(f"tensor {2 * plan.tensor}", request.model_copy(update={**wider, "mode": "mixed"}), pool)
    if request.mode is None and request.concurrency is None:
        other = "mixed" if plan.prefill else "split"
        yield Change(f"prefill and decode {other}", request.model_copy(update={"mode": other}), pool)
    for kind in ("ttft", "tpot"):
        limits = {name: 2 * limit for name, limit in request.limits().items() if limit and name.startswith(kind)}
        if limits:
            yield Change(f"twice the {kind.upper()}", request.model_copy(update=limits), pool)
    yield from _next_accelerator(request, pool)


def _precisions(request: ServeRequest, pool: Pool, plan: InferencePlan) -> Iterator[Change]:
    known = pool.cluster.device.flop_per_s
    if request.precision is None and request.weight_precision is None:
        for name in ("fp8", "nvfp4"):
            if name in known:
                yield Change(f"{name} weights and products", request.model_copy(update={"precision": name}), pool)
    if request.kv_precision is None and plan.kept in ("bf16", "fp16") and "fp8" in known:
        yield Change("fp8 keys and values", request.model_copy(update={"kv_precision": "fp8"}), pool)


def _next_accelerator(request: ServeRequest, pool: Pool) -> Iterator[Change]:
    """The same servers and network with the next accelerator of the same maker."""
    name = NEXT.get(pool.kind.accelerator)
    if name is None:
        return
    old = pool.cluster
    try:
        new = cluster_of(name, nic_bytes_per_s=old.nic_bytes_per_s, per_domain=old.per_domain, protocol=old.protocol)
    except DatahallError:
        return
    same = replace(old, device=new.device, scale_up=new.scale_up)
    yield Change(f"{name} in their place", request, replace(pool, cluster=same))


def _what_if(change: Change, trials: Trials, fleet: Fleet) -> WhatIf | None:
    """None where nothing fits or is possible then."""
    changed = Trials(trials.architecture, change.request, change.pool)
    try:
        found = sweep(changed, like=fleet.carried.plan, most=SIMULATED).fleets
    except DatahallError:
        return None
    if not found:
        return None
    best = found[0] if asked_of(trials.request) is not None else max(found, key=lambda one: one.count.amount)
    return _told(change, changed, best, trials, fleet)


def _told(change: Change, changed: Trials, new: Fleet, trials: Trials, fleet: Fleet) -> WhatIf:
    served, room = offered(changed, new), fleet.count.accelerators
    same = served.requests_per_s * (room // served.way.accelerators)
    now = offered(trials, fleet)
    ratio = served.tokens_per_s_per_accelerator / now.tokens_per_s_per_accelerator
    needed = new.count.accelerators if asked_of(trials.request) is not None and new.count.enough else None
    saved = f"; {needed:,} accelerators would be enough in place of {room:,}" if needed is not None and needed != room else ""
    sentence = f"{change.what}: {_times(ratio)} the tokens of one accelerator, by {served.way.words()}{saved}"
    return WhatIf(
        what=change.what,
        accelerators=needed,
        hall_requests_per_s=same,
        tokens_per_s_per_accelerator=served.tokens_per_s_per_accelerator,
        ttft_p95_s=served.ttft.p95,
        tpot_p95_s=served.tpot.p95,
        sentence=sentence,
    )


def one_more(trials: Trials, settled: Settled) -> Iterator[str]:
    """What one replica more would add, or that none has room."""
    unit = "requests/s" if trials.request.concurrency is None else "requests in flight"
    each = settled.fleet.count.accelerators_each
    accelerators = "one accelerator" if each == 1 else f"{each} accelerators"
    room, used = trials.pool.accelerators, settled.fleet.count.accelerators
    if used + each > room:
        left = f"{room - used:,} of {room:,} accelerators are left" if used < room else f"all {room:,} accelerators serve"
        yield f"{left}: one replica more, {accelerators}, has no room"
    else:
        yield f"one replica more, {accelerators}, would carry {significant(settled.amount)} {unit}, as each does now"


def _times(ratio: float) -> str:
    """`1.83 times`; near 1, that nothing changes."""
    return "as good as" if abs(ratio - 1) < SAME else f"{significant(ratio)} times"
