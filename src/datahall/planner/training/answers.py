"""A forecast's answers, as they are shown: the run, its energy, its cost, its carbon, and where its groups sit."""

from dataclasses import dataclass

from datahall.models.parallel.communication import ways_of
from datahall.planner.training.cluster import Chosen
from datahall.planner.training.figures import Sheet, mfu_ratio
from datahall.planner.training.outcome import Outcome, Setting, checkpoint_bytes, embodied_kgco2e
from datahall.planner.training.result import Carbon, Cost, Energy, Placed, Run

Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """80 % intervals of a step, s, and of the days."""

    step: Interval
    days: Interval


def placement_of(setting: Setting, chosen: Chosen, outcome: Outcome) -> tuple[Placed, ...]:
    """Groups of more than one rank: experts' only where there are some, shards where they are not all that hold a weight."""
    plan = outcome.candidate.plan
    same = setting.architecture.experts is None, not plan.zero or plan.shard in {None, plan.context * plan.data}
    hidden = {*(("expert", "expert_gradient") if same[0] else ()), *(("shard", "replica") if same[1] else ())}
    hidden |= {"expert_shard", "expert_replica"} if any(same) else set()
    shown = [found for found in ways_of(plan, chosen.cluster) if found[0] not in hidden]
    return tuple(Placed(axis, ranks, way.level, way.oversubscription, way.hops) for axis, ranks, way in shown)


def run_of(sheet: Sheet, intervals: Intervals) -> Run:
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


def energy_of(outcome: Outcome, setting: Setting, days: Interval) -> Energy | None:
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


def cost_of(outcome: Outcome, setting: Setting, days: Interval) -> Cost | None:
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


def carbon_of(outcome: Outcome, setting: Setting) -> Carbon:
    used = outcome.used
    embodied = embodied_kgco2e(setting, outcome)
    return Carbon(used.location_kgco2e if used else None, used.market_kgco2e if used else None, embodied)
