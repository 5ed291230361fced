"""A training run on a hall, forecast: the best plan, days, kWh, money, carbon, what limits it and what would help."""

from dataclasses import dataclass, replace
from math import exp

from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.communication import ways_of
from datahall.models.parallel.correction import Correction
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stacks import NamedStack, on_device, stack_said
from datahall.models.parallel.uncertainty import interval_of
from datahall.planner.calibration.store import Corrections
from datahall.planner.ledger import Ledger
from datahall.planner.load import Loaded
from datahall.planner.plan import plan_of
from datahall.planner.search.found import Found
from datahall.planner.training.advice import advice_of
from datahall.planner.training.batch import batch_of
from datahall.planner.training.checks import problem_of_batch, problem_of_product, problems_of_request
from datahall.planner.training.cluster import Chosen, Kind, as_measured, chosen_of, kind_of
from datahall.planner.training.draw import draw_of
from datahall.planner.training.figures import Sheet, add_accelerators, add_days, add_step, add_steps, mfu_ratio
from datahall.planner.training.figures_failures import add_goodput
from datahall.planner.training.figures_used import add_carbon, add_cost, add_energy
from datahall.planner.training.hall import home_of
from datahall.planner.training.kept import HIGH_RATE, LOW_RATE, days_interval
from datahall.planner.training.limits import limits_of
from datahall.planner.training.outcome import Outcome, Setting, checkpoint_bytes, embodied_kgco2e, outcome_of
from datahall.planner.training.points import points_of
from datahall.planner.training.request import TrainRequest
from datahall.planner.training.result import Carbon, Cost, Energy, Placed, Run, TrainForecast
from datahall.planner.training.said import notes_of, say_assumptions, say_gaps
from datahall.planner.training.trial import Trial
from datahall.planner.training.used import meter_of

Interval = tuple[float, float]
NORMAL_80 = 1.2816
"""Standard deviations on each side of the middle 80 % of a normal distribution."""
POOL = 24
"""Plans that are timed anew where a what-if changes the network alone."""


@dataclass(frozen=True)
class _Intervals:
    """80 % intervals of a step, s, and of the days."""

    step: Interval
    days: Interval


def train_of(
    loaded: Loaded, architecture: Architecture, request: TrainRequest, *, corrections: Corrections | None = None
) -> TrainForecast:
    """The forecast of a run on the hall; corrections: what measured runs said of platforms.

    Raises Refused with every problem of the request (TRAIN-001 to TRAIN-022), Missing where a kind of accelerator, a stack or
    facts of an accelerator are not known.
    """
    kind = kind_of(loaded, request.accelerator)
    named = stack_said(request.stack, "train.stack")
    if problems := problems_of_request(request, kind):
        raise Refused(problems)
    count = request.accelerators or kind.count
    if problem := problem_of_product(request, count):
        raise Refused(problem)
    correction = corrections.of(kind.accelerator, named.name) if corrections else None
    chosen = _chosen(loaded, kind, count, packed=request.packed, correction=correction)
    batch = batch_of(architecture, request.tokens, sequence=request.sequence, sequences=request.global_batch)
    if problem := problem_of_batch(request, batch.sequences):
        raise Refused(problem)
    home = home_of(loaded, plan_of(loaded), kind)
    trial = _trial(Setting(architecture, request, batch, home, meter_of(home, home.plan.year)), chosen, named, count)
    trial = replace(trial, correction=correction)
    found = trial.search(top=max(request.top + 1, POOL))
    if not found.best:
        raise Refused(_nothing(architecture, request, chosen, found, count))
    return _forecast(_with_meter(trial, found), chosen, found)


def _chosen(loaded: Loaded, kind: Kind, count: int, *, packed: bool, correction: Correction | None) -> Chosen:
    chosen = chosen_of(loaded, kind, count, packed=packed)
    return replace(chosen, cluster=as_measured(chosen.cluster, correction))


def _trial(setting: Setting, chosen: Chosen, named: NamedStack, count: int) -> Trial:
    device, request = chosen.cluster.device, setting.request
    return Trial(
        setting,
        chosen.cluster,
        count,
        request.precision,
        on_device(named.made(), device.architecture),
        {**named.plan, **request.pinned},
        device.memory_bytes,
    )


def _with_meter(trial: Trial, found: Found) -> Trial:
    """The same with its best plans, and the hall's year as busy as the best of them makes it."""
    setting, best = trial.setting, found.best[0]
    trial = replace(trial, pool=found.best)
    if setting.home.server is None:
        return trial
    first = outcome_of(setting, best)
    working = first.kept.working_ratio if first.kept else 1.0
    busy = draw_of(setting.home.server, best.step).utilisation(working)
    year = setting.home.year_at(busy, best.plan.accelerators)
    return replace(trial, setting=replace(setting, meter=meter_of(setting.home, year)))


def _nothing(architecture: Architecture, request: TrainRequest, chosen: Chosen, found: Found, count: int) -> Problem:
    """TRAIN-020: plans are possible, and none fits. TRAIN-021: none is possible."""
    kind = chosen.kind.accelerator
    if found.nearest_fit is not None:
        first, *ways = found.nearest_fit.sentences()
        what = f"{architecture.name} does not fit on {count:,} {kind}: {first}"
        return Problem("TRAIN-020", "train", what, "; ".join(ways))
    pinned = ", ".join(f"{name}={value}" for name, value in request.pinned.items())
    what = f"no plan of {architecture.name} on {count:,} {kind} is possible" + (f" with {pinned}" if pinned else "")
    return Problem("TRAIN-021", "train", what, "change the batch or the sequence, or pin less")


def _forecast(trial: Trial, chosen: Chosen, found: Found) -> TrainForecast:
    setting, request = trial.setting, trial.setting.request
    outcome = outcome_of(setting, found.best[0])
    if not outcome.seconds < float("inf"):
        raise Refused(_never(outcome))
    intervals = _intervals(trial, outcome)
    ledger = Ledger(setting.home.loaded)
    sheet = Sheet(ledger, setting, chosen, outcome)
    _add_figures(sheet, intervals)
    say_gaps(ledger, setting, outcome)
    say_assumptions(ledger, setting, chosen, trial.correction)
    others = [outcome_of(setting, candidate) for candidate in found.best[1 : 1 + request.top]]
    limits = limits_of(setting, outcome, trial.memory_bytes)
    advice = advice_of(trial, outcome) if request.what_ifs else ()
    placement = _placement(setting, chosen, outcome)
    return TrainForecast(
        hall=setting.home.loaded.hall.name,
        architecture=setting.architecture,
        request=request,
        figures=ledger.figures,
        cluster=chosen.cluster,
        ports=chosen.ports,
        placement=placement,
        best=found.best[0],
        others=found.best[1 : 1 + request.top],
        evaluated=found.evaluated,
        possible=found.possible,
        fitting=found.fitting,
        search_s=found.seconds,
        breakdown={name: float(value) for name, value in found.best[0].step.breakdown().items()},
        memory={name: float(value) for name, value in found.best[0].memory.parts().items()},
        memory_bytes=trial.memory_bytes,
        run=_run(sheet, intervals),
        energy=_energy(outcome, setting, intervals.days),
        cost=_cost(outcome, setting, intervals.days),
        carbon=_carbon(outcome, setting),
        points=points_of(trial, outcome, others) if request.sweep else (),
        limits=limits,
        advice=advice,
        notes=notes_of(setting, chosen, outcome, (placement, limits, advice)),
        assumptions=tuple(ledger.assumptions),
        missing=tuple(ledger.missing),
    )


def _never(outcome: Outcome) -> Problem:
    """TRAIN-022: interruptions come faster than work is saved."""
    what = f"the run never ends: it is interrupted every {outcome.mtti_s:.0f} s"
    if outcome.saving is not None:
        what += (
            f", a checkpoint stalls it for {outcome.saving.stall_s:.0f} s and a restart takes {outcome.saving.restart_s:.0f} s"
        )
    return Problem("TRAIN-022", "train", what, "take fewer accelerators or faster storage, or lower the rate of failures")


def _intervals(trial: Trial, outcome: Outcome) -> _Intervals:
    setting, candidate = trial.setting, outcome.candidate
    seconds = float(candidate.step.seconds)
    low, high = _step_interval(trial, candidate.plan, seconds)
    goodputs = None
    if outcome.kept is not None:
        rates = (outcome_of(setting, candidate, rate_factor=factor).kept for factor in (LOW_RATE, HIGH_RATE))
        few, many = (kept.goodput_ratio if kept else 1.0 for kept in rates)
        goodputs = (few, outcome.kept.goodput_ratio, many)
    return _Intervals((low, high), days_interval(outcome.days, step=(low, seconds, high), goodputs=goodputs))


def _step_interval(trial: Trial, plan: TrainPlan, seconds: float) -> Interval:
    """By the measured runs of the platform where there are some, else by the tables that the predictor never saw."""
    if trial.correction is not None:
        ratio = exp(NORMAL_80 * trial.correction.spread)
        return seconds / ratio, seconds * ratio
    low, high = interval_of(seconds, architecture=trial.setting.architecture, plan=plan, stack=trial.stack)
    return float(low), float(high)


def _add_figures(sheet: Sheet, intervals: _Intervals) -> None:
    count, steps = add_accelerators(sheet), add_steps(sheet)
    step = add_step(sheet, count, intervals.step)
    goodput = add_goodput(sheet, count)
    days = add_days(sheet, steps, step, goodput, intervals.days)
    energy = add_energy(sheet, count, days)
    add_carbon(sheet, count, days, energy)
    add_cost(sheet, count, days, energy)


def _placement(setting: Setting, chosen: Chosen, outcome: Outcome) -> tuple[Placed, ...]:
    """Groups of more than one rank: experts' only where there are some, shards where they are not all that hold a weight."""
    plan = outcome.candidate.plan
    same = setting.architecture.experts is None, not plan.zero or plan.shard in {None, plan.context * plan.data}
    hidden = {*(("expert", "expert_gradient") if same[0] else ()), *(("shard", "replica") if same[1] else ())}
    shown = [found for found in ways_of(plan, chosen.cluster) if found[0] not in hidden]
    return tuple(Placed(axis, ranks, way.level, way.oversubscription, way.hops) for axis, ranks, way in shown)


def _run(sheet: Sheet, intervals: _Intervals) -> Run:
    setting, outcome = sheet.setting, sheet.outcome
    saving, kept, request = outcome.saving, outcome.kept, setting.request
    return Run(
        tokens=request.tokens,
        sequence=setting.batch.sequence,
        global_batch=setting.batch.sequences,
        batch_why=setting.batch.why,
        accelerators=outcome.accelerators,
        steps=outcome.steps,
        step_s=float(outcome.candidate.step.seconds),
        step_low_s=intervals.step[0],
        step_high_s=intervals.step[1],
        days=outcome.days,
        days_low=intervals.days[0],
        days_high=intervals.days[1],
        goodput_ratio=kept.goodput_ratio if kept else None,
        interruptions=outcome.seconds / outcome.mtti_s,
        mtti_h=outcome.mtti_s / 3600,
        checkpoint_bytes=checkpoint_bytes(setting.architecture, outcome.candidate.plan),
        save_s=saving.stall_s if saving else None,
        checkpoint_every_s=kept.every_s if kept else None,
        restart_s=saving.restart_s if saving else None,
        lost=kept.lost if kept else {},
        tokens_per_s=request.tokens / outcome.seconds,
        mfu_ratio=mfu_ratio(sheet),
    )


def _energy(outcome: Outcome, setting: Setting, days: Interval) -> Energy | None:
    used, draw = outcome.used, outcome.draw
    if used is None or draw is None or outcome.it_w is None:
        return None
    working = outcome.kept.working_ratio if outcome.kept else 1.0
    return Energy(
        it_kwh=used.it_kwh,
        facility_kwh=used.facility_kwh,
        pue=used.facility_kwh / used.it_kwh if setting.meter.has_cooling and used.it_kwh else None,
        utilisation_ratio=draw.utilisation(working),
        server_w=draw.mean_w(working),
        it_w=outcome.it_w,
        facility_low_kwh=used.facility_kwh * days[0] / outcome.days,
        facility_high_kwh=used.facility_kwh * days[1] / outcome.days,
        water_m3=used.water_m3,
    )


def _cost(outcome: Outcome, setting: Setting, days: Interval) -> Cost | None:
    if outcome.cost is None:
        return None
    bill = setting.home.plan.cost
    return Cost(
        currency=bill.currency,
        total=outcome.cost,
        low=outcome.cost * days[0] / outcome.days,
        high=outcome.cost * days[1] / outcome.days,
        lines=dict(outcome.lines),
        per_million_tokens=outcome.cost / (setting.request.tokens / 1e6),
        per_accelerator_hour=outcome.cost / (outcome.accelerators * outcome.seconds / 3600),
        missing=tuple(dict.fromkeys(gap.line for gap in bill.missing)),
    )


def _carbon(outcome: Outcome, setting: Setting) -> Carbon:
    used = outcome.used
    embodied = embodied_kgco2e(setting, outcome)
    return Carbon(used.location_kgco2e if used else None, used.market_kgco2e if used else None, embodied)
