"""One way under a load, request by request: the model floor's simulation, each trial made once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from datahall.models.cost.spec import Architecture
from datahall.models.inference.latency import latency_of
from datahall.models.inference.result import Latency
from datahall.models.inference.spec import InferencePlan
from datahall.models.inference.uncertainty import interval_of, interval_words
from datahall.planner.serving.bound import load_of
from datahall.planner.serving.pool import Pool
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.result import Percentiles

SEARCHED = 600
"""Requests of a trial while a rate is searched: 30 of them are slower than the 95th percentile."""
REPORTED = 2000
"""Requests of a trial whose percentiles are told."""

Key = tuple[InferencePlan, float, int, int]


@dataclass
class Trials:
    """What was simulated for one request on one pool."""

    architecture: Architecture
    request: ServeRequest
    pool: Pool
    kept: dict[Key, Latency] = field(default_factory=dict)

    def of(self, plan: InferencePlan, amount: float, *, seed: int | None = None, requests: int = SEARCHED) -> Latency:
        """One way, all its data ranks together. amount: requests/s, or in a closed loop requests in flight; the seed is the
        request's unless told."""
        chosen = self.request.seed if seed is None else seed
        key = (plan, amount, chosen, requests)
        if key not in self.kept:
            load = load_of(self.request, amount=amount)
            self.kept[key] = latency_of(
                self.architecture, plan, self.pool.cluster, load, self.pool.engine, seed=chosen, requests=requests
            )
        return self.kept[key]

    def interval(self, tokens_per_s: float) -> tuple[float, float]:
        """An 80 % interval of a throughput: by the engine, the accelerator, and whether the model has experts."""
        return interval_of(tokens_per_s, self.pool.engine.name, experts=self.has_experts, device=self.pool.cluster.device.name)

    def interval_words(self) -> str:
        """What that interval was taken from."""
        return interval_words(self.pool.engine.name, experts=self.has_experts, device=self.pool.cluster.device.name)

    @property
    def has_experts(self) -> bool:
        return self.architecture.experts is not None

    def meets(self, latency: Latency) -> bool:
        return meets(latency, self.request)


def meets(latency: Latency, request: ServeRequest) -> bool:
    """Whether it keeps up, and every time asked for is kept."""
    found = times_of(latency)
    return latency.stable and all(limit is None or found[name] <= limit for name, limit in request.limits().items())


def times_of(latency: Latency) -> Mapping[str, float]:
    """By the names of a request's limits."""
    kinds = {"ttft": latency.ttft_s, "tpot": latency.tpot_s}
    return {f"{kind}_{share}_s": times[share] for kind, times in kinds.items() for share in ("p95", "p99")}


def percentiles(times: Mapping[str, float]) -> Percentiles:
    return Percentiles(times["p50"], times["p95"], times["p99"])
