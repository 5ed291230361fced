"""What a forecast of serving says, in words, numbers and points to draw."""

from dataclasses import asdict, dataclass
from typing import Any

from datahall.foundation.readable import significant
from datahall.planner.assumptions import Assumption
from datahall.planner.figures import Figures
from datahall.planner.serving.request import ServeRequest


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a time over requests, s."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Interval:
    """Lowest and highest of a figure over the simulated seeds: the spread of chance arrivals alone, not the model's error."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a replica: tensor x pipeline x data accelerators, and those of prefill."""

    tensor: int
    pipeline: int
    expert: int
    data: int
    """Copies that attend to requests of their own: those that share the experts of a mixture, or, where split, those that
    decode beside the prefill pool; else 1."""
    precision: str
    kv_precision: str
    chunk_tokens: int
    batch_limit: int
    mode: str
    """`mixed`: prompts and answers on the same accelerators. `split`: prefill on `prefill_accelerators` of them."""
    accelerators: int
    """Of one replica, those of prefill included."""
    prefill_accelerators: int
    """0 where mixed."""
    draft_tokens: int
    """Of speculative decoding; 0 without it."""

    def words(self) -> str:
        """`tensor 4, fp8, chunks of 2,048 tokens, up to 128 at once`; what is 1 is left out."""
        ranks = [f"{name} {size}" for name in ("tensor", "pipeline", "expert", "data") if (size := getattr(self, name)) > 1]
        kept = "" if self.kv_precision == self.precision else f" with {self.kv_precision} keys and values"
        found = [*(ranks or ["one accelerator"]), f"{self.precision}{kept}", f"chunks of {self.chunk_tokens:,} tokens"]
        found.append(f"up to {self.batch_limit:,} at once")
        if self.mode == "split":
            found.append(f"prefill on {self.prefill_accelerators:,} of {self.accelerators:,} accelerators")
        if self.draft_tokens:
            found.append(f"{self.draft_tokens} drafted tokens")
        return ", ".join(found)


@dataclass(frozen=True, slots=True)
class Served:
    """A way, under the load that it was asked or found to carry. Rates of one replica unless named otherwise."""

    way: Way
    replicas: int
    accelerators: int
    """Of all replicas."""
    requests_per_s: float
    """Of one replica."""
    tokens_per_s: float
    """Output tokens of one replica."""
    tokens_per_s_per_accelerator: float
    ttft: Percentiles
    tpot: Percentiles
    batch_mean: float
    """Sequences that decode at once, mean over time."""
    utilisation_ratio: float
    """Rate over the highest that this way carries without falling behind."""
    meets: bool
    """Whether the asked level is met; true where none is asked."""

    @property
    def hall_requests_per_s(self) -> float:
        return self.requests_per_s * self.replicas

    @property
    def hall_tokens_per_s(self) -> float:
        return self.tokens_per_s * self.replicas


@dataclass(frozen=True, slots=True)
class Part:
    """One share of a whole: seconds of a step, bytes of an accelerator."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """One replica of the chosen way under one rate of requests: the curve of latency over load."""

    requests_per_s: float
    tokens_per_s: float
    ttft: Percentiles
    tpot: Percentiles
    meets: bool


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """A way that no other beats in both: output tokens/s of one accelerator, and time per output token."""

    way: Way
    tokens_per_s_per_accelerator: float
    tpot_s: float
    concurrency: int
    """Sequences at once at this point, in steady state."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One change, and what it would do."""

    what: str
    accelerators: int | None
    """Needed then; None where the level is not met by it, or where the hall itself grows."""
    hall_requests_per_s: float
    """That the same accelerators would carry then."""
    tokens_per_s_per_accelerator: float
    ttft_p95_s: float
    tpot_p95_s: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A service level that no way of this hall meets."""

    by: tuple[tuple[str, float, float], ...]
    """Name of the time, asked and lowest reached, s: those that are missed."""
    nearest: tuple[tuple[str, float], ...]
    """The nearest level that can be met, by name, s."""
    remedies: tuple[str, ...]
    """What would reach it, in sentences."""


@dataclass(frozen=True)
class ServeForecast:
    """A hall that serves a model."""

    hall: str
    file: str
    model: str
    accelerator: str
    """Kind."""
    request: ServeRequest
    engine: str
    """Serving software that was assumed."""
    figures: Figures
    """serve_* figures, each traced; the hall's own (pue, cost_per_year…) beneath them."""
    chosen: Served
    """Fewest accelerators for what was asked; without a rate, most requests per second. Where no way meets it, the nearest."""
    others: tuple[Served, ...]
    """The next best ways, each under the load that it carries."""
    ttft_p95_interval: Interval
    tpot_p95_interval: Interval
    """Over `request.trials` seeds."""
    simulated_requests: int
    """Of one trial."""
    decode_step: tuple[Part, ...]
    """Seconds of one step of the chosen way at its mean batch, by part: their sum is the step."""
    prefill: tuple[Part, ...]
    """Seconds of one prompt alone, by part."""
    memory: tuple[Part, ...]
    """Bytes of one accelerator: weights, keys and values, activations and reserve, free."""
    memory_bytes: float
    """Of one accelerator."""
    kv_capacity_tokens: int
    """Of one replica."""
    curve: tuple[LoadPoint, ...]
    pareto: tuple[ParetoPoint, ...]
    """By tpot_s, the shortest first."""
    limits: tuple[str, ...]
    """What limits throughput and latency, in words."""
    what_ifs: tuple[WhatIf, ...]
    shortfall: Shortfall | None
    """None where the level is met."""
    evaluated: int
    """Ways that were looked at."""
    fitting: int
    """Of them, those that fit in memory."""
    simulated: int
    """Of them, those that were simulated request by request."""
    seconds: float
    """That the forecast took; not in `as_dict`, which is the same each time."""
    notes: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    missing: tuple[Assumption, ...]
    tokens_per_s_interval: Interval | None = None
    """Of all replicas: 80 % of what was measured lies so near to what was predicted. The model's error, not that of chance."""
    seeds_keeping: int | None = None
    """Of `request.trials` seeds, those that keep the whole level; all that keep up where none is asked."""
    seeds_needed: int | None = None
    """So many must keep it: four in five."""

    @property
    def headline(self) -> str:
        """The answer in one line."""
        served = self.chosen
        rate = f"{significant(served.hall_requests_per_s)} requests/s on {served.accelerators:,} {self.accelerator}"
        ways = f"{served.replicas:,} × ({served.way.words()})"
        return f"{self.hall} serves {self.model}: {rate}, {ways}" + ("" if served.meets else f"; the {self.verdict}")

    @property
    def verdict(self) -> str:
        """`level is met`, `level is not met`, or, where times are kept but fewer requests carried, `load is not carried`."""
        if self.chosen.meets and self.shortfall is None:
            return "level is met"
        by = {name for name, _, _ in self.shortfall.by} if self.shortfall else set()
        return "load is not carried" if by and by <= {"requests_per_s", "concurrency"} else "level is not met"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: everything but the time that it took."""
        plain = {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__ if name not in ("figures", "seconds")}
        figures = {name: figure.as_dict() for name, figure in self.figures.by_name.items()}
        return {**plain, "figures": figures, "headline": self.headline}


def _plain(value: Any) -> Any:
    if isinstance(value, ServeRequest):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value
