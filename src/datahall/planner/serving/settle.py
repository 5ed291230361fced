"""The chosen fleet at the load that it will carry, over several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

from datahall.models.inference.result import Latency
from datahall.planner.serving.choose import Count, Fleet, asked_of, in_order
from datahall.planner.serving.result import Interval, Percentiles, Served
from datahall.planner.serving.trials import REPORTED, Trials, percentiles, times_of
from datahall.planner.serving.way import way_of

LESS = (0.97, 0.97, 0.97, 0.97, 0.94, 0.94, 0.88, 0.76, 0.5, 0.5)
"""Of the load, turn after turn, while the longer trials miss a level that the short ones met."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A fleet under a load."""

    fleet: Fleet
    amount: float
    """Of one replica: requests/s, or requests in flight."""
    latencies: tuple[Latency, ...]
    """By seed."""
    keeps: bool
    """Whether the median seed keeps the level."""

    @property
    def meets(self) -> bool:
        """Whether that is all that was asked."""
        return self.keeps and self.fleet.count.enough

    @property
    def busy_ratio(self) -> float:
        return fmean(latency.busy_ratio for latency in self.latencies)

    def median(self, kind: str) -> Percentiles:
        """Of each percentile over the seeds; kind: `ttft_s` or `tpot_s`."""
        found = [getattr(latency, kind) for latency in self.latencies]
        return percentiles({name: median(times[name] for times in found) for name in ("p50", "p95", "p99")})

    def times(self) -> dict[str, float]:
        """Medians by the names of a request's limits."""
        found = {kind: self.median(f"{kind}_s") for kind in ("ttft", "tpot")}
        return {f"{kind}_{share}_s": getattr(times, share) for kind, times in found.items() for share in ("p95", "p99")}

    def interval(self, kind: str) -> Interval:
        """Of the 95th percentile over the seeds."""
        found = [getattr(latency, kind)["p95"] for latency in self.latencies]
        return Interval(min(found), max(found))


def best_settled(trials: Trials, fleets: Sequence[Fleet]) -> Settled:
    """The better of the best mixed and the best split fleet under longer trials, which short ones put in no sure order."""
    first = [next((f for f in fleets if bool(f.carried.plan.prefill) == split), None) for split in (False, True)]
    found = [settled_of(trials, fleet) for fleet in first if fleet is not None]
    able = [settled for settled in found if settled.meets] or found
    best = in_order([settled.fleet for settled in able], trials.request)[0]
    return next(settled for settled in able if settled.fleet is best)


def settled_of(trials: Trials, fleet: Fleet) -> Settled:
    """What was asked, shared by the replicas; less, or more replicas, where the median of longer trials misses the level."""
    count, asked = fleet.count, asked_of(trials.request)
    amount = asked / count.replicas if asked is not None and count.enough else fleet.carried.amount
    for less in (*LESS, 1.0):
        own = replace(count, amount_each=amount) if asked is None or not count.enough else count
        fleet = replace(fleet, count=own)
        found = _trial(trials, fleet, amount)
        if found.keeps or not trials.request.has_level:
            break
        count, amount = _relaxed(trials, count, amount, less)
    return found


def served_of(trials: Trials, settled: Settled) -> Served:
    """In the words of a forecast."""
    times = (settled.median("ttft_s"), settled.median("tpot_s"))
    return _served(trials, settled.fleet, settled.amount, settled.latencies, times=times, meets=settled.meets)


def offered(trials: Trials, fleet: Fleet) -> Served:
    """A fleet that was not chosen, at all that it carries."""
    carried = fleet.carried
    times = (percentiles(carried.latency.ttft_s), percentiles(carried.latency.tpot_s))
    return _served(trials, fleet, carried.amount, (carried.latency,), times=times, meets=carried.meets and fleet.count.enough)


def _trial(trials: Trials, fleet: Fleet, amount: float) -> Settled:
    request = trials.request
    seeds = range(request.seed, request.seed + request.trials)
    found = tuple(trials.of(fleet.carried.plan, amount, seed=seed, requests=REPORTED) for seed in seeds)
    return Settled(fleet, amount, found, _median_meets(found, request.limits()))


def _median_meets(latencies: tuple[Latency, ...], limits: Mapping[str, float | None]) -> bool:
    stable = 2 * sum(latency.stable for latency in latencies) > len(latencies)
    times = [times_of(latency) for latency in latencies]
    return stable and all(limit is None or median(found[name] for found in times) <= limit for name, limit in limits.items())


def _relaxed(trials: Trials, count: Count, amount: float, share: float) -> tuple[Count, float]:
    """One replica more where there is room and a load to share; else less load on each."""
    asked, room = asked_of(trials.request), trials.pool.accelerators
    one_more = (count.replicas + 1) * count.accelerators_each <= room and trials.request.replicas is None
    if asked is not None and count.enough and one_more:
        more = replace(count, replicas=count.replicas + 1)
        return more, asked / more.replicas
    less = share * amount if trials.request.concurrency is None else max(1.0, float(round(share * amount - 0.5)))
    return replace(count, enough=asked is None), less


def _served(
    trials: Trials,
    fleet: Fleet,
    amount: float,
    latencies: tuple[Latency, ...],
    *,
    times: tuple[Percentiles, Percentiles],
    meets: bool,
) -> Served:
    plan, request = fleet.carried.plan, trials.request
    tokens_per_s = fmean(latency.output_tokens_per_s for latency in latencies)
    rate = amount if request.concurrency is None else tokens_per_s / request.output_tokens
    if request.concurrency is None:
        tokens_per_s = rate * request.output_tokens
    return Served(
        way=way_of(plan, trials.pool.engine),
        replicas=fleet.count.replicas,
        accelerators=fleet.count.accelerators,
        requests_per_s=rate,
        tokens_per_s=tokens_per_s,
        tokens_per_s_per_accelerator=tokens_per_s / plan.accelerators,
        ttft=times[0],
        tpot=times[1],
        batch_mean=fmean(latency.batch for latency in latencies) * plan.data,
        utilisation_ratio=rate / latencies[0].capacity_requests_per_s,
        meets=meets,
    )
