"""The forecast of a training run, as it is shown, exported and explained."""

from dataclasses import asdict, dataclass
from typing import Any

from datahall.models.cost.spec import Architecture
from datahall.models.parallel.communication import Cluster
from datahall.planner.assumptions import Assumption
from datahall.planner.figures import Figures
from datahall.planner.search.found import Candidate
from datahall.planner.training.request import TrainRequest

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a group of the plan sits on the hall."""

    axis: str
    """`tensor`, `context`, `expert`, `gradient`, `expert_gradient`, `shard`, `replica`, `pipeline`."""
    ranks: int
    level: str
    """The innermost circle that holds all of it: `domain` (one scale-up domain), then the fabric's: `leaf`, `pod`, `plane`."""
    oversubscription: float
    """Of the way that it takes; 1 within a domain."""
    hops: int
    """Switches on that way; 0 within a domain."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the chosen accelerators are, and what joins them."""

    accelerator: str
    available: int
    """Of this kind in the hall."""
    per_domain: int
    fabric: str | None
    """Name of the fabric; None where all sit in one domain."""
    nic_bytes_per_s: float
    """Of one accelerator, one direction, at line rate."""
    rails: int
    why: str
    """How they were chosen, in words."""


@dataclass(frozen=True, slots=True)
class Run:
    """The step, repeated over days."""

    tokens: float
    sequence: int
    global_batch: int
    batch_why: str
    """Where the batch comes from, in words."""
    accelerators: int
    steps: int
    step_s: float
    step_low_s: float
    """80 % interval of one step."""
    step_high_s: float
    days: float
    """From start to end, with saving, failures and restarts."""
    days_low: float
    """80 % interval: of the step, and of how often and how badly it is interrupted."""
    days_high: float
    goodput_ratio: float | None
    """Share of the time that ends in kept work; None where the hall does not say how fast it writes checkpoints: then `days`
    counts no failures and is a lower bound."""
    interruptions: float
    """Expected over the run."""
    mtti_h: float
    """Mean time to an interruption of this job, h."""
    checkpoint_bytes: float
    save_s: float | None
    """What one checkpoint keeps the run from computing, s; None where the hall does not say how fast it writes."""
    checkpoint_every_s: float | None
    """Work between two of them."""
    restart_s: float | None
    """From a failure until it computes again: noticing, placing anew, reading the checkpoint."""
    lost: dict[str, float]
    """Shares of the time by what took it: `saving`, `redone`, `restarting`, `outages` of the hall; with the goodput they add
    up to 1. Empty where that is not known."""
    tokens_per_s: float
    """Kept, on average over the run."""
    mfu_ratio: float
    """Model FLOPs of a step over what the accelerators could do at their dense peak: no recomputation counted."""


@dataclass(frozen=True, slots=True)
class Energy:
    """kWh of the run."""

    it_kwh: float
    facility_kwh: float
    """At the meter."""
    pue: float | None
    """Over the run's hours; None where the hall's cooling is not declared."""
    utilisation_ratio: float
    """Mean of (draw - idle) / (peak - idle) of the servers over the run."""
    server_w: float
    """Mean draw of one server, W."""
    it_w: float
    """Mean draw of the run's servers and their share of switches and storage, W."""
    facility_low_kwh: float
    facility_high_kwh: float
    """80 % interval: that of the days."""
    water_m3: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    """Money of the run, in the hall's currency. While `missing` is not empty the sums are lower bounds."""

    currency: str
    total: float
    low: float
    """80 % interval: that of the days."""
    high: float
    lines: dict[str, float]
    """By line of the hall's bill, such as `energy`, `servers`, `building`."""
    per_million_tokens: float
    per_accelerator_hour: float
    missing: tuple[str, ...]
    """Lines without a price."""


@dataclass(frozen=True, slots=True)
class Carbon:
    """kgCO2e of the run; None where neither the hall nor a table knows."""

    operation_kgco2e: float | None
    """Location-based."""
    market_kgco2e: float | None
    embodied_kgco2e: float | None
    """The run's share of making the equipment."""


@dataclass(frozen=True, slots=True)
class Point:
    """One way to run it: a number of accelerators with its best plan."""

    accelerators: int
    plan: dict[str, Any]
    """Fields of the plan that are not left at their defaults."""
    step_s: float
    days: float
    energy_kwh: float | None
    cost: float | None
    """None where the hall has no prices."""
    interrupted_ratio: float | None
    """Risk: share of the time that failures take, saving against them included; None where storage is not declared."""
    memory_ratio: float
    """What the fullest accelerator holds, of what it has."""
    is_best: bool
    """No other point is as good in time, money, energy and risk and better in one."""
    chosen: bool
    """The point that the forecast is about."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What holds the run back."""

    name: str
    """`compute`, `tensor exchange`, `pipeline`, `data exchange`, `failures`, `memory`, `storage`, `power`…"""
    share: float
    """Of the run's time; 0 where it costs none and only binds the choice of plan."""
    text: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The same run on a hall that differs in one thing."""

    name: str
    """`nic x2`, `no oversubscription`, `+25 % accelerators`…"""
    text: str
    """The verdict in one sentence."""
    days: float | None
    """None where the run does not become possible, or the change cannot be computed."""
    days_delta: float | None
    energy_kwh_delta: float | None
    cost_delta: float | None
    """Of the run's bill, in the hall's currency; None where the hall has no prices."""
    priced: bool
    """Whether `cost_delta` holds the price of the change itself; if not, it is what the change saves before it is paid for."""
    cost_per_day_saved: float | None
    """None where nothing is saved, or the change's price is not known."""
    plan: dict[str, Any]
    """Fields of its best plan that are not left at their defaults."""


@dataclass(frozen=True)
class TrainForecast:
    """All that is known of a training run before it starts."""

    hall: str
    architecture: Architecture
    request: TrainRequest
    figures: Figures
    """All numbers with formula, inputs and source, by names that begin with `train_`, and what they rest on."""
    cluster: Cluster
    ports: Ports
    placement: tuple[Placed, ...]
    best: Candidate
    others: tuple[Candidate, ...]
    """The next best, fastest first."""
    evaluated: int
    possible: int
    fitting: int
    """Plans tried, possible, and of these fitting into memory."""
    search_s: float
    breakdown: dict[str, float]
    """Seconds of the step by what takes them; they add up to the step."""
    memory: dict[str, float]
    """Bytes on the fullest accelerator by what holds them."""
    memory_bytes: float
    """Of one accelerator, to be filled."""
    run: Run
    energy: Energy | None
    """None where the hall does not say what its servers draw."""
    cost: Cost | None
    """None where the hall has no prices at all."""
    carbon: Carbon
    points: tuple[Point, ...]
    """From few accelerators to all."""
    limits: tuple[Limit, ...]
    """The largest share first."""
    advice: tuple[WhatIf, ...]
    """What helps most first."""
    notes: tuple[tuple[str, tuple[str, ...]], ...]
    """Subjects with their lines, in words, as a plan's."""
    assumptions: tuple[Assumption, ...]
    missing: tuple[Assumption, ...]

    @property
    def interval_s(self) -> tuple[float, float]:
        """80 % interval of one step, s."""
        return self.run.step_low_s, self.run.step_high_s

    @property
    def front(self) -> tuple[Point, ...]:
        """Points that no other beats in everything."""
        return tuple(point for point in self.points if point.is_best)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: every figure with its formula, inputs and source."""
        return {
            "hall": self.hall,
            "model": self.architecture.name,
            "request": self.request.model_dump(),
            "figures": {name: figure.as_dict() for name, figure in self.figures.by_name.items()},
            "accelerators": asdict(self.ports),
            "placement": [asdict(placed) for placed in self.placement],
            "plan": self.best.plan.model_dump(),
            "step": {"seconds": self.best.step.seconds, "low_s": self.run.step_low_s, "high_s": self.run.step_high_s},
            "breakdown_s": self.breakdown,
            "memory_bytes": {**self.memory, "available": self.memory_bytes},
            "others": [_other(candidate) for candidate in self.others],
            "search": {
                "evaluated": self.evaluated,
                "possible": self.possible,
                "fitting": self.fitting,
                "seconds": self.search_s,
            },
            "run": asdict(self.run),
            "energy": asdict(self.energy) if self.energy else None,
            "cost": asdict(self.cost) if self.cost else None,
            "carbon": asdict(self.carbon),
            "points": [asdict(point) for point in self.points],
            "limits": [asdict(limit) for limit in self.limits],
            "advice": [asdict(what_if) for what_if in self.advice],
            "notes": {title: list(lines) for title, lines in self.notes},
            "assumptions": [assumption.as_dict() for assumption in self.assumptions],
            "missing": [gap.as_dict() for gap in self.missing],
        }


def _other(candidate: Candidate) -> dict[str, Any]:
    return {
        "plan": candidate.plan.model_dump(exclude_defaults=True),
        "step_s": candidate.step.seconds,
        "memory_bytes": candidate.memory.needed,
    }
