"""A training run on a hall, forecast: the best plan, days, kWh, money, carbon, what limits it and what would help."""

from dataclasses import replace
from math import exp

from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.spec import Architecture
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
from datahall.planner.training.answers import Interval, Intervals, carbon_of, cost_of, energy_of, placement_of, run_of
from datahall.planner.training.batch import batch_of
from datahall.planner.training.checks import problem_of_batch, problem_of_product, problems_of_request
from datahall.planner.training.cluster import Chosen, Kind, as_measured, chosen_of, kind_of
from datahall.planner.training.draw import draw_of
from datahall.planner.training.figures import Sheet, add_accelerators, add_days, add_step, add_steps
from datahall.planner.training.figures_failures import add_goodput
from datahall.planner.training.figures_used import add_carbon, add_cost, add_energy
from datahall.planner.training.hall import home_of
from datahall.planner.training.kept import HIGH_RATE, LOW_RATE, days_interval
from datahall.planner.training.limits import limits_of
from datahall.planner.training.outcome import Outcome, Setting, outcome_of
from datahall.planner.training.points import points_of
from datahall.planner.training.request import TrainRequest
from datahall.planner.training.result import TrainForecast
from datahall.planner.training.said import notes_of, say_assumptions, say_gaps
from datahall.planner.training.trial import Trial
from datahall.planner.training.used import meter_of

NORMAL_80 = 1.2816
"""Standard deviations on each side of the middle 80 % of a normal distribution."""
POOL = 24
"""Plans that are timed anew where a what-if changes the network alone."""


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
    trial, found = _searched(trial)
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


def _searched(trial: Trial) -> tuple[Trial, Found]:
    """The best plans; where none leaves the reserve of memory free, those that fit without it: some runs are that tight."""
    top = max(trial.setting.request.top + 1, POOL)
    found = trial.search(top=top)
    if found.best:
        return trial, found
    tight = replace(trial, reserve_ratio=0.0)
    return tight, tight.search(top=top)


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
    placement = placement_of(setting, chosen, outcome)
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
        run=run_of(sheet, intervals),
        energy=energy_of(outcome, setting, intervals.days),
        cost=cost_of(outcome, setting, intervals.days),
        carbon=carbon_of(outcome, setting),
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


def _intervals(trial: Trial, outcome: Outcome) -> Intervals:
    setting, candidate = trial.setting, outcome.candidate
    seconds = float(candidate.step.seconds)
    low, high = _step_interval(trial, candidate.plan, seconds)
    goodputs = None
    if outcome.kept is not None:
        rates = (outcome_of(setting, candidate, rate_factor=factor).kept for factor in (LOW_RATE, HIGH_RATE))
        few, many = (kept.goodput_ratio if kept else 1.0 for kept in rates)
        goodputs = (few, outcome.kept.goodput_ratio, many)
    return Intervals((low, high), days_interval(outcome.days, step=(low, seconds, high), goodputs=goodputs))


def _step_interval(trial: Trial, plan: TrainPlan, seconds: float) -> Interval:
    """By the measured runs of the platform where there are some, else by the tables that the predictor never saw."""
    if trial.correction is not None:
        ratio = exp(NORMAL_80 * trial.correction.spread)
        return seconds / ratio, seconds * ratio
    low, high = interval_of(seconds, architecture=trial.setting.architecture, plan=plan, stack=trial.stack)
    return float(low), float(high)


def _add_figures(sheet: Sheet, intervals: Intervals) -> None:
    count, steps = add_accelerators(sheet), add_steps(sheet)
    step = add_step(sheet, count, intervals.step)
    goodput = add_goodput(sheet, count)
    days = add_days(sheet, steps, step, goodput, intervals.days)
    energy = add_energy(sheet, count, days)
    add_carbon(sheet, count, days, energy)
    add_cost(sheet, count, days, energy)
