"""A fleet at the load that it will carry, over several seeds."""

from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean, median

from datahall.models.inference.result import Latency
from datahall.planner.serving.choose import Count, Fleet, asked_of
from datahall.planner.serving.result import Interval, Percentiles, Served
from datahall.planner.serving.trials import REPORTED, Trials, percentiles, times_of
from datahall.planner.serving.way import way_of

LESS = (0.97, 0.97, 0.97, 0.97, 0.94, 0.94, 0.88, 0.76, 0.5, 0.5)
"""Of the load, turn after turn, while the longer trials miss a level that the short ones met."""
MORE = (1.03, 1.03, 1.03, 1.03)
"""Of the load, turn after turn, while the longer trials still keep the level: the short ones may have been unlucky."""
HALVINGS = 2
"""Between the highest load that keeps the level and the next that does not: they end within one in a hundred."""
KEEPING_RATIO = 0.8
"""Of the seeds, those that must keep the level: the median alone would let nearly half of them miss it."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A fleet under a load."""

    fleet: Fleet
    amount: float
    """Of one replica: requests/s, or requests in flight."""
    latencies: tuple[Latency, ...]
    """By seed."""
    keeping: int
    """Seeds that keep up with the load and keep the whole level."""

    @property
    def keeps(self) -> bool:
        """Whether enough seeds keep the level: four in five."""
        return self.keeping >= needed_of(len(self.latencies))

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
        """What enough seeds keep, by the names of a request's limits."""
        place = needed_of(len(self.latencies)) - 1
        found = [times_of(latency) for latency in self.latencies]
        return {name: sorted(times[name] for times in found)[place] for name in found[0]}

    def interval(self, kind: str) -> Interval:
        """Of the 95th percentile over the seeds."""
        found = [getattr(latency, kind)["p95"] for latency in self.latencies]
        return Interval(min(found), max(found))


def needed_of(trials: int) -> int:
    """Seeds of so many that must keep a level: 4 of 5, 2 of 2."""
    return ceil(KEEPING_RATIO * trials - 1e-9)


def settled_of(trials: Trials, fleet: Fleet) -> Settled:
    """What was asked, shared by the replicas, or more replicas of less load where too few seeds keep the level. Where nothing
    is asked, the highest load that enough seeds keep the level under."""
    count, asked = fleet.count, asked_of(trials.request)
    if asked is None and trials.request.has_level:
        return _highest(trials, fleet)
    amount = asked / count.replicas if asked is not None and count.enough else fleet.carried.amount
    for less in (*LESS, 1.0):
        own = replace(count, amount_each=amount) if asked is None or not count.enough else count
        fleet = replace(fleet, count=own)
        found = settled_at(trials, fleet, amount)
        if found.keeps or not trials.request.has_level:
            break
        count, amount = _relaxed(trials, count, amount, less)
    return found


def _highest(trials: Trials, fleet: Fleet) -> Settled:
    """Down until the level is kept, or up until it is missed; then halves of what lies between."""

    def at(amount: float) -> Settled:
        return settled_at(trials, replace(fleet, count=replace(fleet.count, amount_each=amount)), amount)

    found = at(fleet.carried.amount)
    up, missed = found.keeps, None if found.keeps else found.amount
    for share in MORE if up else LESS:
        tried = at(share * found.amount)
        if up and not tried.keeps:
            missed = tried.amount
            break
        missed = missed if tried.keeps else tried.amount
        found = tried
        if tried.keeps and not up:
            break
    if missed is None or not found.keeps:
        return found
    for _ in range(HALVINGS):
        tried = at((found.amount + missed) / 2)
        found, missed = (tried, missed) if tried.keeps else (found, tried.amount)
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


def settled_at(trials: Trials, fleet: Fleet, amount: float) -> Settled:
    """Under this load of one replica, with every seed."""
    request = trials.request
    seeds = range(request.seed, request.seed + request.trials)
    found = tuple(trials.of(fleet.carried.plan, amount, seed=seed, requests=REPORTED) for seed in seeds)
    return Settled(fleet, amount, found, sum(trials.meets(latency) for latency in found))


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
