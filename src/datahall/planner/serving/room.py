"""A model that no way of the hall holds: by how much, and what would make it fit."""

from collections.abc import Iterator, Sequence

from datahall.foundation.errors import Problem, Refused
from datahall.models.inference.memory import memory_of
from datahall.models.inference.result import ServingMemory
from datahall.models.inference.spec import InferencePlan
from datahall.models.inference.throughput import throughput_of
from datahall.planner.serving.bound import Bound, bound_of, load_of
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.trials import Trials
from datahall.planner.serving.way import way_of
from datahall.planner.serving.ways import ways_of

GIB = 2**30
NARROWER = ("fp8", "int8", "nvfp4", "int4")


def too_many(trials: Trials, bounds: Sequence[Bound]) -> Problem | None:
    """SERVE-114: as many replicas as are asked for have room, at least the smallest."""
    replicas, room = trials.request.replicas, trials.pool.accelerators
    smallest = min(bound.plan.accelerators for bound in bounds)
    if replicas is None or replicas * smallest <= room:
        return None
    what = f"replicas={replicas:,} of {smallest} accelerators at least, but there are {room:,} accelerators"
    return Problem("SERVE-114", "serve.replicas", what, f"set replicas to {room // smallest:,} or fewer")


def too_large(trials: Trials) -> Refused:
    """SERVE-111: weights, or one request beside them, have no room on any way. SERVE-113: they have, but not split."""
    mixed = trials.request.model_copy(update={"mode": "mixed"})
    if trials.request.mode == "split" and _fits(trials, mixed):
        what = f"mode=split takes two replicas at least, but accelerators={trials.pool.accelerators:,} leave no room for them"
        joined = "" if trials.pool.joined else ", or no network joins them"
        return Refused(Problem("SERVE-113", "serve.mode", what + joined, "set mode to mixed, or let it have more accelerators"))
    ways = ways_of(trials.architecture, trials.request, trials.pool)
    plan, memory = min(((plan, _memory(trials, plan)) for plan in ways), key=lambda pair: (pair[1].short, -pair[1].kv_tokens))
    pool = trials.pool
    name = way_of(plan, pool.engine).words()
    tried = f"in any of {len(ways)} ways" if len(ways) > 1 else "in the only way that there is"
    what = f"{trials.architecture.name} does not fit {pool.accelerators:,} {pool.kind.accelerator} {tried}"
    short = f"the nearest, {name}: {_lack(trials, plan, memory)}"
    fixes = list(_fixes(trials)) or ["serve it on a hall with more accelerators in one domain, or with more memory on each"]
    return Refused(Problem("SERVE-111", "serve", f"{what}; {short}", " or ".join(fixes)))


def _memory(trials: Trials, plan: InferencePlan) -> ServingMemory:
    return memory_of(trials.architecture, plan, trials.pool.cluster, trials.pool.engine)


def _lack(trials: Trials, plan: InferencePlan, memory: ServingMemory) -> str:
    if memory.short:
        held = ", ".join(f"{name} {size / GIB:.1f}" for name, size in memory.parts().items() if size)
        return (
            f"{memory.short / GIB:.1f} GiB more on each accelerator than its {memory.device / GIB:.0f} GiB allow ({held} GiB)"
        )
    try:
        throughput_of(trials.architecture, plan, trials.pool.cluster, load_of(trials.request), trials.pool.engine)
    except Refused as refused:
        return refused.problems[0].what
    return "one request has no room"


def _fixes(trials: Trials) -> Iterator[str]:
    """Narrower weights, or more of the hall, where that is enough."""
    request, pool = trials.request, trials.pool
    for name in NARROWER:
        changed = request.model_copy(update={"weight_precision": name})
        if request.weight_precision is None and name != request.precision and _fits(trials, changed):
            yield f"set weight_precision to {name}"
            break
    if pool.accelerators < pool.kind.count:
        yield f"let it have more than {pool.accelerators:,} of the hall's {pool.kind.count:,} accelerators"
    pinned = {name: None for name in ("tensor", "pipeline", "expert") if getattr(request, name) is not None}
    if pinned and _fits(trials, request.model_copy(update=pinned)):
        yield f"leave {' and '.join(pinned)} to the search"


def _fits(trials: Trials, request: ServeRequest) -> bool:
    try:
        ways = ways_of(trials.architecture, request, trials.pool)
        return any(bound_of(trials.architecture, plan, request, trials.pool) for plan in reversed(ways))
    except Refused:  # of what is tried as a way out, any reason rules it out
        return False
