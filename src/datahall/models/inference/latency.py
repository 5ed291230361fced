"""What users of a load wait: percentiles of the time to the first token, and between tokens."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.dice import stream_seed
from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.spec import Architecture
from datahall.models.inference.checks import refuse
from datahall.models.inference.cycle import own_prompt, tokens_per_step
from datahall.models.inference.engines import default_engine
from datahall.models.inference.memory import kv_sequence_bytes, memory_of_replica
from datahall.models.inference.replica import Replica
from datahall.models.inference.result import Latency
from datahall.models.inference.simulate import Limits, Request, Simulation
from datahall.models.inference.spec import Engine, InferencePlan, Load
from datahall.models.inference.split import pool_of, prompt_s, transfer_s
from datahall.models.inference.step_table import step_table
from datahall.models.inference.throughput import throughput_of, tuned
from datahall.models.parallel.communication import Cluster

MOST_REQUESTS = 20_000
WARM_UP_RATIO = 0.1
"""Of the requests, the first that are not counted: they find an idle replica."""
METHOD = "event simulation of the continuous-batching scheduler of one replica"
PERCENTILES = (50, 90, 95, 99)


def latency_of(
    architecture: Architecture,
    plan: InferencePlan,
    cluster: Cluster,
    load: Load,
    engine: Engine | None = None,
    *,
    requests: int = 2000,
    seed: int = 0,
) -> Latency:
    """Percentiles by an event simulation of one replica with its share of the load.

    requests: simulated, at most 20,000; the first tenth is not counted. Raises Refused where the plan cannot be run or does
    not hold one request, and INFER-008 where the load says neither how fast requests arrive nor how many there are at once.
    """
    refuse(architecture, plan)
    if problem := _unplayable(plan, load, requests):
        raise Refused(problem)
    most = throughput_of(architecture, plan, cluster, load.model_copy(update={"requests": None}), engine)
    replica = tuned(Replica(architecture, plan, cluster, engine or default_engine()), load)
    arrivals = _arrivals(replica, load, requests, seed)
    closed = max(1, round(load.concurrency / plan.data)) if load.concurrency and not load.requests_per_s else None
    played = Simulation(step_table(replica, load), _limits(replica, load), arrivals, closed)
    starts = [request.arrival_s for request in arrivals]
    if plan.prefill:
        arrivals = _read_by_pool(replica, load, arrivals)
        played.arrivals = arrivals
    played.run()
    counted = _counted(played, starts if not closed else [request.arrival_s for request in arrivals])
    busy = load.busy_ratio(plan.data) if closed else 1.0
    stable = load.requests_per_s is None or load.requests_per_s < most.requests_per_s
    return Latency(
        **_figures(counted, replica.engine.request_s),
        stable=stable,
        busy_ratio=played.busy_s / played.clock_s,
        batch=played.decoded_s / played.busy_s,
        output_tokens_per_s=sum(request.answer for request in arrivals) * busy * plan.data / played.clock_s,
        capacity_requests_per_s=most.requests_per_s,
        requests=len(counted),
        seed=seed,
        method=METHOD if stable else f"{METHOD}; the load exceeds what is served, so that waiting grows with its length",
    )


def _unplayable(plan: InferencePlan, load: Load, requests: int) -> Problem | None:
    if load.requests_per_s is None and load.concurrency is None:
        what = "neither requests_per_s nor concurrency is given, so nobody knows how long a request waits"
        return Problem("INFER-008", "load", what, "give requests_per_s (Poisson arrivals) or concurrency (a closed loop)")
    if plan.prefill and load.requests_per_s is None:
        what = "a closed loop through a prefill pool is not simulated"
        return Problem("INFER-008", "load.concurrency", what, "give requests_per_s, or leave plan.prefill out")
    if not 10 <= requests <= MOST_REQUESTS:
        what = f"requests={requests}, but 10 to {MOST_REQUESTS:,} are simulated"
        return Problem("INFER-008", "requests", what, f"choose 10 to {MOST_REQUESTS:,}")
    return None


def _arrivals(replica: Replica, load: Load, requests: int, seed: int) -> list[Request]:
    """Poisson arrivals of one replica's share; lengths all alike, or log-normal about the load's means."""
    dice = np.random.default_rng(stream_seed(seed, "serving load"))
    times = np.cumsum(dice.exponential(replica.plan.data / load.requests_per_s, requests)) if load.requests_per_s else None
    prompts, answers = (_lengths(dice, mean, load.length_cv, requests) for mean in (load.input_tokens, load.output_tokens))
    kept = own_prompt(load) / load.input_tokens
    return [
        Request(
            arrival_s=float(times[i]) if times is not None else 0.0,
            prompt=max(1.0, float(prompts[i]) * kept),
            cached=float(prompts[i]) * (1 - kept),
            answer=int(answers[i]),
        )
        for i in range(requests)
    ]


def _lengths(dice: np.random.Generator, mean: int, cv: float, count: int) -> NDArray[np.float64]:
    if cv == 0:
        return np.full(count, float(mean))
    width = np.sqrt(np.log1p(cv * cv))
    return np.maximum(1.0, np.round(dice.lognormal(np.log(mean) - width * width / 2, width, count)))


def _limits(replica: Replica, load: Load) -> Limits:
    engine, plan = replica.engine, replica.plan
    whole = load.input_tokens + load.output_tokens
    memory = memory_of_replica(replica)
    shared = kv_sequence_bytes(replica, load.input_tokens - own_prompt(load))
    return Limits(
        batch=plan.max_batch or engine.max_batch,
        step_tokens=float(plan.step_tokens or engine.step_tokens),
        room_tokens=(memory.kv - shared) / kv_sequence_bytes(replica, whole) * whole,
        answer_ratio=1.0 if engine.reserves_output else 0.5,
        chunked=engine.chunked_prefill,
        mixed=engine.mixed_steps,
        tokens_per_step=tokens_per_step(replica),
    )


def _read_by_pool(replica: Replica, load: Load, arrivals: Sequence[Request]) -> list[Request]:
    """When each comes to the side that decodes: a queue before the pool, one prompt at a time on each replica, then the wire.

    Every replica that decodes sends its prompts to its share of the pool.
    """
    pool = pool_of(replica, load)
    each_s, sent_s = prompt_s(pool, load) / own_prompt(load), transfer_s(replica, load)
    servers = max(1, round(pool.plan.data / replica.plan.data))
    slower = pool.plan.data / replica.plan.data / servers  # a share that is not whole serves so much faster or slower
    free = [0.0] * servers
    found = []
    for request in arrivals:
        start_s = max(heapq.heappop(free), request.arrival_s)
        done_s = start_s + request.prompt * each_s / slower
        heapq.heappush(free, done_s)
        found.append(replace(request, arrival_s=done_s + sent_s, first_s=done_s + sent_s, read=True))
    return sorted(found, key=lambda request: request.arrival_s)


def _counted(played: Simulation, starts: Sequence[float]) -> list[tuple[float, Request]]:
    """When each request came, and what became of it; without the warm-up."""
    pairs = sorted(zip(starts, played.arrivals, strict=True), key=lambda pair: pair[0])
    return pairs[int(WARM_UP_RATIO * len(pairs)) :]


def _figures(counted: Sequence[tuple[float, Request]], outside_s: float) -> dict[str, Mapping[str, float]]:
    """Percentiles by the names of `Latency`. outside_s: of a request, before and after the scheduler."""
    tpot = [(request.done_s - request.first_s) / (request.answer - 1) for _, request in counted if request.answer > 1]
    return {
        "ttft_s": _percentiles([request.first_s - start + outside_s for start, request in counted]),
        "tpot_s": _percentiles(tpot or [0.0]),
        "request_s": _percentiles([request.done_s - start + outside_s for start, request in counted]),
        "queue_s": _percentiles([request.admitted_s - request.arrival_s for _, request in counted]),
    }


def _percentiles(values: Sequence[float]) -> Mapping[str, float]:
    found = {f"p{p}": float(v) for p, v in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)}
    return found | {"mean": float(np.mean(values))}
