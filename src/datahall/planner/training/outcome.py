"""One plan of a run on one hall, in days, kWh, money and risk: what the forecast, its points and its what-ifs share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from datahall.infrastructure.reliability.jobs import published_failures
from datahall.models.cost.parameters import parameters_of
from datahall.models.cost.spec import Architecture
from datahall.models.cost.state import training_state
from datahall.models.parallel.spec import TrainPlan
from datahall.planner.search.found import Candidate
from datahall.planner.shares import lines_of
from datahall.planner.training.batch import Batch
from datahall.planner.training.draw import Draw, draw_of
from datahall.planner.training.hall import Home
from datahall.planner.training.kept import Kept, Saving, kept_of
from datahall.planner.training.request import TrainRequest
from datahall.planner.training.used import Meter, Used

DAY_S = 86_400.0
YEAR_H = 8760.0


@dataclass(frozen=True)
class Setting:
    """What does not change from plan to plan."""

    architecture: Architecture
    request: TrainRequest
    batch: Batch
    home: Home
    meter: Meter
    line_factors: Mapping[str, float] = field(default_factory=dict)
    """Lines of the hall's bill that a what-if changes."""

    @property
    def steps(self) -> int:
        return max(1, ceil(self.request.tokens / (self.batch.sequences * self.batch.sequence)))

    @property
    def rate_per_year(self) -> float:
        """Interruptions that one accelerator adds."""
        return self.request.failures_per_accelerator_year or published_failures().per_accelerator_year


@dataclass(frozen=True)
class Outcome:
    """A run by one plan."""

    candidate: Candidate
    steps: int
    mtti_s: float
    saving: Saving | None
    kept: Kept | None
    """None where the hall does not say how fast it writes: then the time is a lower bound."""
    seconds: float
    draw: Draw | None
    it_w: float | None
    used: Used | None
    lines: Mapping[str, float]
    """Money by line, in the hall's currency."""

    @property
    def accelerators(self) -> int:
        return self.candidate.plan.accelerators

    @property
    def days(self) -> float:
        return self.seconds / DAY_S

    @property
    def cost(self) -> float | None:
        return sum(self.lines.values()) if self.lines else None

    @property
    def risk(self) -> float | None:
        """Share of the time that failures take, with saving against them; None where it is not known."""
        return 1 - self.kept.goodput_ratio if self.kept else None

    @property
    def energy_kwh(self) -> float | None:
        """At the meter."""
        return self.used.facility_kwh if self.used else None


def checkpoint_bytes(architecture: Architecture, plan: TrainPlan) -> float:
    """Weights and optimiser of the whole model; gradients are made again."""
    state = training_state(parameters_of(architecture).total, precision=plan.precision, optimiser_bytes=plan.optimiser_bytes)
    return state.weights + state.optimiser


def saving_of(setting: Setting, plan: TrainPlan, *, storage_factor: float = 1.0) -> Saving | None:
    """What checkpoints of the run cost; None without storage for them."""
    request, storage = setting.request, setting.home.storage
    if storage is None:
        return None
    size = checkpoint_bytes(setting.architecture, plan)
    servers = ceil(plan.accelerators / setting.home.kind.per_server)
    write_s = storage.write_s(size, servers) / storage_factor
    stall_s = size / plan.accelerators / request.host_copy_bytes_per_s if request.asynchronous_checkpoints else write_s
    read_s = storage.read_s(size, servers) / storage_factor
    return Saving(min(stall_s, write_s), write_s, request.detection_s + request.scheduling_s + read_s)


def outcome_of(
    setting: Setting,
    candidate: Candidate,
    *,
    rate_factor: float = 1.0,
    storage_factor: float = 1.0,
) -> Outcome:
    """The run. storage_factor: on the speed of checkpoint storage. rate_factor: on how often it is interrupted."""
    plan, home = candidate.plan, setting.home
    mtti_s = YEAR_H * 3600 / (setting.rate_per_year * rate_factor * plan.accelerators)
    saving = saving_of(setting, plan, storage_factor=storage_factor)
    every_s, availability = setting.request.checkpoint_every_s, home.availability
    kept = kept_of(saving, mtti_s=mtti_s, every_s=every_s, availability=availability) if saving else None
    goodput = kept.goodput_ratio if kept else 1.0
    work_s = setting.steps * float(candidate.step.seconds)
    seconds = work_s / goodput if goodput > 0 else float("inf")
    draw = draw_of(home.server, candidate.step) if home.server else None
    it_w = _it_w(home, draw, plan.accelerators, kept.working_ratio if kept else 1.0) if draw else None
    finite = it_w is not None and seconds < 1e3 * YEAR_H * 3600
    used = setting.meter.used(it_w or 0.0, seconds / 3600, setting.request.start_h) if finite else None
    lines = lines_of(setting.home, used, accelerators=plan.accelerators, hours=seconds / 3600, factors=setting.line_factors)
    return Outcome(candidate, setting.steps, mtti_s, saving, kept, seconds, draw, it_w, used, lines)


def _it_w(home: Home, draw: Draw, accelerators: int, working_ratio: float) -> float:
    """Servers of the run and, by accelerators, their share of switches, storage and management."""
    servers = accelerators / home.kind.per_server
    return servers * draw.mean_w(working_ratio) + home.others_w * accelerators / home.accelerators


def embodied_kgco2e(setting: Setting, outcome: Outcome) -> float | None:
    """The run's share of making the equipment; None where nothing is known of it."""
    embodied, home = setting.home.plan.carbon.embodied, setting.home
    if not embodied.lines:
        return None
    return embodied.kgco2e_per_year * outcome.days / 365 * outcome.accelerators / home.accelerators
