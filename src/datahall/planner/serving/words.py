"""What limits throughput and latency, and what the numbers rest on, in words."""

from collections.abc import Iterator

from datahall.foundation.readable import significant, with_unit
from datahall.models.inference.result import ServingMemory, Throughput
from datahall.planner.assumptions import Assumption
from datahall.planner.serving.choose import asked_of
from datahall.planner.serving.result import Served
from datahall.planner.serving.settle import needed_of
from datahall.planner.serving.trials import REPORTED, SEARCHED, Trials
from datahall.planner.serving.ways import precision_of

LOADS = {"requests_per_s": "requests/s", "concurrency": "requests in flight"}
"""Loads that can be asked for, in words; all else that can be missed is a time."""


def limits_of(trials: Trials, served: Served, steady: Throughput, memory: ServingMemory) -> tuple[str, ...]:
    """Throughput first, then the tightest of the asked times, then room."""
    return tuple(_limits(trials, served, steady, memory))


def _limits(trials: Trials, served: Served, steady: Throughput, memory: ServingMemory) -> Iterator[str]:
    yield f"a step: {steady.limit.partition(';')[0]}"
    times = {"ttft": served.ttft, "tpot": served.tpot}
    reached = {f"{kind}_{share}_s": getattr(found, share) for kind, found in times.items() for share in ("p95", "p99")}
    shares = {name: reached[name] / limit for name, limit in trials.request.limits().items() if limit}
    if shares:
        name = max(shares, key=lambda key: shares[key])
        kind, share, _ = name.split("_")
        yield f"the level: {kind.upper()} {share} is {with_unit(reached[name], 's')}, {shares[name]:.0%} of what is allowed"
    kept = served.batch_mean / served.way.data * (trials.request.input_tokens + trials.request.output_tokens / 2)
    yield f"memory: keys and values of {kept:,.0f} tokens at once, {kept / memory.kv_tokens:.0%} of the room for them"
    if asked_of(trials.request) is not None and served.meets:
        yield f"the load: {served.utilisation_ratio:.0%} of what its replicas carry at most"


def assumptions_of(trials: Trials) -> Iterator[Assumption]:
    """What the hall and the request leave open."""
    request, pool = trials.request, trials.pool
    engine = pool.engine
    why = "" if request.engine else " (the default)"
    yield Assumption("serve.engine", f"{engine.name}{why}: {engine.source}")
    yield Assumption("serve.tokens_per_s", f"80 % interval by the class of software, {trials.interval_words()}")
    if request.precision is None:
        name = precision_of(request, pool)
        yield Assumption(
            "serve.precision", f"{name}: fewer bits change the model's answers, so they are only told as a what-if"
        )
    if request.concurrency is None:
        yield Assumption("serve.requests_per_s", "requests arrive independently of each other (Poisson) at one rate all year")
    if request.lengths == "fixed":
        yield Assumption("serve.lengths", "all requests are alike; what differs waits longer: set lengths and length_cv_ratio")
    if request.prefix_hit_ratio == 0:
        yield Assumption("serve.prefix_hit_ratio", "no prompt shares a beginning with another")
    if trials.architecture.experts is not None:
        yield Assumption("serve", "experts are picked evenly: real routers load some more, which makes steps longer")
    if request.has_level:
        rule = f"kept by {needed_of(request.trials)} of {request.trials} seeds of {REPORTED:,} requests"
        tried = f"changes (what-ifs) are compared by one seed of {SEARCHED}"
        yield Assumption("serve.level", f"{rule}, in the answer, the other ways and the load curve alike; {tried}")
    yield Assumption("serve", "replicas share the load evenly and none fails: add spare ones for those in repair")
    yield Assumption(
        "serve", "while a step runs, servers draw as in training: an upper bound for decoding, which computes less"
    )


def level_words(name: str, asked: float, reached: float) -> str:
    """`TTFT p95: 1.00 s asked, 1.32 s at the least`."""
    if name in LOADS:
        return f"{LOADS[name]}: {significant(asked)} asked, {significant(reached)} carried"
    kind, share, _ = name.split("_")
    return f"{kind.upper()} {share}: {with_unit(asked, 's')} asked, {with_unit(reached, 's')} at the least"


def nearest_words(name: str, value: float) -> str:
    """`TTFT p95 1.32 s`, `requests/s 4,070`."""
    if name in LOADS:
        return f"{LOADS[name]} {significant(value)}"
    kind, share, _ = name.split("_")
    return f"{kind.upper()} {share} {with_unit(value, 's')}"
