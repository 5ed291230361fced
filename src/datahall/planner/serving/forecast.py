"""`serve_of`: which way to serve a model on a hall, on how many accelerators, how fast, at what cost."""

import time
from dataclasses import replace

from datahall.foundation.errors import Refused
from datahall.models.cost.spec import Architecture
from datahall.models.inference.result import StepTime, Throughput
from datahall.models.inference.throughput import throughput_of
from datahall.planner.ledger import Ledger
from datahall.planner.load import Loaded
from datahall.planner.plan import plan_of
from datahall.planner.serving.answer import Answer, answer_of, shortfall_of
from datahall.planner.serving.bound import front_of, load_of
from datahall.planner.serving.checks import problems_of_request
from datahall.planner.serving.choose import Found, asked_of, sweep
from datahall.planner.serving.figures import ServeFigures
from datahall.planner.serving.figures_spent import SpentFigures
from datahall.planner.serving.parts import as_parts, decode_step, kv_token_bytes, memory_parts, prefill_steps
from datahall.planner.serving.pick import Picked, picked
from datahall.planner.serving.pool import pool_of
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.result import Interval, LoadPoint, ParetoPoint, Served, ServeForecast
from datahall.planner.serving.room import too_large, too_many
from datahall.planner.serving.settle import Settled, needed_of, served_of, settled_at
from datahall.planner.serving.spend import spent_of
from datahall.planner.serving.trials import REPORTED, Trials
from datahall.planner.serving.way import way_of
from datahall.planner.serving.what_if import one_more, what_ifs
from datahall.planner.serving.words import assumptions_of, limits_of
from datahall.planner.training.hall import home_of

CURVE = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1)
"""Of the load that the chosen way carries, what its curve shows, beside the load of the answer itself."""
NEAR = 0.02
"""Loads so near to that of the answer are left to it."""
OTHERS = 5
"""Ways that are told beside the chosen one."""


def serve_of(loaded: Loaded, architecture: Architecture, request: ServeRequest) -> ServeForecast:
    """The forecast; the same request gives the same one.

    Raises Refused with every problem of the request (SERVE-101 to 107, 112), for a hall that cannot serve (SERVE-108, 109), for
    what is pinned and impossible (SERVE-110, 113, 114, INFER-002 to 005), for a model that fits nowhere (SERVE-111); Missing
    for names and facts that nothing knows. A level that no way keeps is an answer, not an error: see `shortfall`.
    """
    started_s = time.perf_counter()
    if problems := problems_of_request(request, architecture):
        raise Refused(problems)
    trials = Trials(architecture, request, pool_of(loaded, request))
    found = sweep(trials)
    if not found.bounds:
        raise too_large(trials)
    if problem := too_many(trials, found.bounds):
        raise Refused(problem)
    answer = answer_of(trials, found)
    made = _told(loaded, trials, found, answer, picked(answer.trials, answer.fleets))
    return replace(made, seconds=time.perf_counter() - started_s)


def _told(loaded: Loaded, asked: Trials, found: Found, answer: Answer, choice: Picked) -> ServeForecast:
    """All that is known of the chosen fleet. asked: under the level that was asked; the answer may have another."""
    trials, settled = answer.trials, choice.chosen
    plan = settled.fleet.carried.plan
    served = served_of(trials, settled)
    served = replace(served, meets=served.meets and not answer.missed)
    step, prefill = decode_step(trials, plan, served.batch_mean / plan.data), prefill_steps(trials, plan)
    memory, held = memory_parts(trials, plan)
    ledger = _ledger(loaded, trials, settled, served=served, step=step, prefill=prefill)
    changed = what_ifs(asked, settled.fleet) if asked.request.what_ifs else ()
    curve = _curve(trials, settled)
    return ServeForecast(
        hall=loaded.hall.name,
        file=loaded.document.source,
        model=trials.architecture.name,
        accelerator=trials.pool.kind.accelerator,
        request=asked.request,
        engine=trials.pool.engine.name,
        figures=ledger.figures,
        chosen=served,
        others=tuple(served_of(trials, other) for other in choice.others[:OTHERS]),
        ttft_p95_interval=settled.interval("ttft_s"),
        tpot_p95_interval=settled.interval("tpot_s"),
        simulated_requests=REPORTED,
        decode_step=as_parts(step.breakdown()),
        prefill=as_parts(prefill.breakdown()),
        memory=held,
        memory_bytes=memory.device,
        kv_capacity_tokens=int(memory.kv_tokens * plan.data),
        curve=curve,
        pareto=_pareto(asked, found),
        limits=limits_of(trials, served, _steady(trials, served, settled), memory),
        what_ifs=changed,
        shortfall=shortfall_of(asked, answer, settled, changed),
        evaluated=found.evaluated,
        fitting=len(found.bounds),
        simulated=len({key[0] for key in asked.kept}),
        seconds=0.0,
        notes=(*choice.why, *one_more(trials, settled)),
        assumptions=(*assumptions_of(trials), *ledger.assumptions),
        missing=tuple(ledger.missing),
        seeds_keeping=settled.keeping,
        seeds_needed=needed_of(asked.request.trials),
        tokens_per_s_interval=Interval(*trials.interval(served.hall_tokens_per_s)),
    )


def _ledger(loaded: Loaded, trials: Trials, settled: Settled, *, served: Served, step: StepTime, prefill: StepTime) -> Ledger:
    """The hall's own figures, and upon them those of serving."""
    hall_plan, plan = plan_of(loaded), settled.fleet.carried.plan
    ledger = Ledger(loaded, figures=hall_plan.figures)
    made = ServeFigures(ledger, trials, served)
    inputs = [*made.asked(), *made.way()]
    memory, held = memory_parts(trials, plan)
    made.memory(held, memory, kv_bytes=kv_token_bytes(trials, plan), kv_capacity_tokens=memory.kv_tokens * plan.data)
    steps = made.steps(as_parts(step.breakdown()), as_parts(prefill.breakdown()))
    made.load(settled, [*inputs, *steps])
    home = home_of(loaded, hall_plan, trials.pool.kind)
    spent = spent_of(home, step, accelerators=served.accelerators, busy_ratio=settled.busy_ratio)
    if spent is None:
        ledger.lacks(
            "tdp_w of processors and accelerators", "energy, money and emissions of serving: nothing says what servers draw"
        )
    else:
        SpentFigures(made, spent, steps[0]).all()
    return ledger


def _steady(trials: Trials, served: Served, settled: Settled) -> Throughput:
    """The way with as many sequences in flight as it has on average: what its limit is told from."""
    load = load_of(trials.request, concurrency=max(1, round(served.batch_mean)))
    plan = settled.fleet.carried.plan
    return throughput_of(trials.architecture, plan, trials.pool.cluster, load, trials.pool.engine)


def _curve(trials: Trials, settled: Settled) -> tuple[LoadPoint, ...]:
    """The chosen way under less and a little more than it carries, by the same trials as the answer."""
    closed = trials.request.concurrency is not None
    free = asked_of(trials.request) is None
    most = settled.amount if free else max(settled.amount, settled.fleet.carried.amount)
    amounts = [max(1.0, round(share * most)) if closed else share * most for share in CURVE]
    told = {settled.amount, *(amount for amount in amounts if abs(amount / settled.amount - 1) > NEAR)}
    return tuple(_point(trials, settled_at(trials, settled.fleet, amount)) for amount in sorted(told))


def _point(trials: Trials, settled: Settled) -> LoadPoint:
    served = served_of(trials, settled)
    return LoadPoint(served.requests_per_s, served.tokens_per_s, served.ttft, served.tpot, settled.keeps)


def _pareto(trials: Trials, found: Found) -> tuple[ParetoPoint, ...]:
    front = front_of([point for bound in found.bounds for point in bound.points])
    engine = trials.pool.engine
    return tuple(
        ParetoPoint(way_of(p.plan, engine), p.tokens_per_s_per_accelerator, p.found.tpot_s, p.concurrency) for p in front
    )
