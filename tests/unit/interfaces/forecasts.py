"""Forecasts made by hand, with real steps and memories in them: what text and pages are tried on."""

from dataclasses import fields, replace
from typing import Any

from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.communication import cluster_of
from datahall.models.parallel.memory import memory_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step import step_of
from datahall.planner.assumptions import Assumption
from datahall.planner.figures import Figure, Figures
from datahall.planner.search.found import Candidate
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.result import (
    Interval,
    LoadPoint,
    ParetoPoint,
    Part,
    Percentiles,
    Served,
    ServeForecast,
    Shortfall,
    Way,
)
from datahall.planner.serving.result import WhatIf as ServeWhatIf
from datahall.planner.training.request import TrainRequest
from datahall.planner.training.result import Carbon, Cost, Energy, Limit, Placed, Point, Ports, Run, TrainForecast, WhatIf

CLUSTER = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9)
PLANS: dict[str, Any] = {"global_batch": 1536, "sequence": 2048, "zero": 1, "recompute": "selective"}


def candidate(model: str = "gpt3-175b", **plan: Any) -> Candidate:
    shape, made = architecture(model), TrainPlan(**{**PLANS, **plan})
    return Candidate(made, step_of(shape, made, CLUSTER), memory_of(shape, made))


def figures() -> Figures:
    found = Figures()
    steps = Figure("train_steps", 95367.0, "1", "steps of the run", source="asked")
    step = Figure("train_step_s", 9.1, "s", "one step", source="arXiv:2104.04473 <&>")
    days = Figure("train_days", 10.5, "d", "from start to end", "train_steps x train_step_s / goodput", (steps, step))
    goodput = Figure("train_goodput_ratio", 0.953, "1", "share of the time that is kept", source="Daly", assumed=True)
    for figure in (days, goodput):
        found.add(figure)
    return found


def what_if(name: str, text: str, **known: Any) -> WhatIf:
    """A change; what is not said of it is not known."""
    blank = {field.name: None for field in fields(WhatIf)}
    return WhatIf(**{**blank, "name": name, "text": text, "plan": {}, **known})


def trained(**changes: Any) -> TrainForecast:
    """GPT-3 175B on a hall of 512, or the same with other fields."""
    best = candidate(tensor=8, pipeline=8, data=8)
    others = (candidate(tensor=8, pipeline=4, data=16), candidate(tensor=4, pipeline=16, data=8, recompute="full"))
    step_s = best.step.seconds
    run = Run(
        tokens=300e9, sequence=2048, global_batch=1536, batch_why="published, arXiv:2005.14165", accelerators=512, steps=95367,
        step_s=step_s, step_low_s=0.92 * step_s, step_high_s=1.09 * step_s, days=10.5, days_low=9.6, days_high=11.6,
        goodput_ratio=0.953, interruptions=4.2, mtti_h=60.0, checkpoint_bytes=2.4e12, save_s=21.0, checkpoint_every_s=3100.0,
        restart_s=810.0, lost={"saving": 0.007, "redone": 0.009, "restarting": 0.031}, tokens_per_s=330e3, mfu_ratio=0.46,
    )  # fmt: skip
    plan = best.plan.model_dump(exclude_defaults=True)
    points = tuple(
        Point(n, plan, 9.1 * 512 / n, 10.5 * 512 / n * share, 120e3 * share, 480e3 * share, 0.04, 0.74, n != 384, n == 512)
        for n, share in ((128, 0.94), (256, 0.97), (384, 1.1), (512, 1.0))
    )
    made = TrainForecast(
        hall="h100-512",
        architecture=architecture("gpt3-175b"),
        request=TrainRequest(tokens=300e9),
        figures=figures(),
        cluster=CLUSTER,
        ports=Ports("H100 80GB HBM3", 512, 8, "compute", 50e9, 8, "the only kind"),
        placement=(Placed("tensor", 8, "domain", 1.0, 0), Placed("gradient", 8, "leaf", 1.0, 1)),
        best=best,
        others=others,
        evaluated=61_440, possible=9_120, fitting=4_310, search_s=0.42,
        breakdown=best.step.breakdown(),
        memory=best.memory.parts(),
        memory_bytes=80 * 2**30,
        run=run,
        energy=Energy(101e3, 124e3, 1.23, 0.81, 8_900.0, 5.9e5, 113e3, 137e3, 41.0),
        cost=Cost("USD", 481e3, 440e3, 531e3, {"energy": 11e3, "servers": 402e3, "building": 68e3}, 1.6, 3.7, ("staff",)),
        carbon=Carbon(46e3, None, 21e3),
        points=points,
        limits=(Limit("compute", 0.71, "arithmetic takes 71 %"), Limit("tensor exchange", 0.14, "sums within a server")),
        advice=(
            what_if("nic x2", "twice the network saves 0.3 days", days=10.2, days_delta=-0.3, cost_delta=-12e3, plan=plan),
            what_if("+25 % accelerators", "128 more save 2 days", days=8.5, days_delta=-2.0, cost_delta=9e3, plan=plan),
            what_if("liquid cooling", "cannot be computed: <the hall> names no price"),
        ),
        notes=(("Warning", ("the batch is <large>",)),),
        assumptions=(Assumption("train.detection_s", "ten minutes"),),
        missing=(Assumption("economy.staff", "staff"),),
    )  # fmt: skip
    return replace(made, **changes)


WAY = Way(4, 1, 1, 1, "fp8", "bf16", 2048, 128, "mixed", 4, 0, 0)
SERVED = Served(
    WAY, 16, 64, 6.2, 3100.0, 775.0, Percentiles(0.31, 0.78, 1.1), Percentiles(0.021, 0.038, 0.044), 71.0, 0.86, True
)


def served(**changes: Any) -> ServeForecast:
    """Llama 3 70B on the same hall, or the same with other fields."""
    rates = (1.0, 2.0, 4.0, 6.0, 7.2)
    curve = tuple(
        LoadPoint(r, 500 * r, Percentiles(0.2 + r / 40, 0.4 + r**2 / 80, 0.5 + r**2 / 60),
                  Percentiles(0.012 + r / 700, 0.016 + r / 280, 0.02 + r / 250), r < 7)
        for r in rates
    )  # fmt: skip
    pareto = tuple(ParetoPoint(replace(WAY, tensor=t), 1300 / t, 0.06 / t, 32 * t) for t in (8, 4, 2, 1))
    found = figures()
    made = ServeForecast(
        hall="h100-512", file="halls/h100-512.yaml", model="llama3-70b", accelerator="H100 80GB HBM3",
        request=ServeRequest(input_tokens=2000, output_tokens=500, ttft_p95_s=1.0, tpot_p95_s=0.05),
        engine="vllm-0.8", figures=found, chosen=SERVED,
        others=(replace(SERVED, way=replace(WAY, tensor=8, accelerators=8), replicas=8),),
        ttft_p95_interval=Interval(0.74, 0.83), tpot_p95_interval=Interval(0.036, 0.041), simulated_requests=2000,
        decode_step=(Part("weights", 0.0071), Part("keys and values", 0.004), Part("exchange", 0.003), Part("host", 0.001)),
        prefill=(Part("products", 0.11), Part("attention", 0.02), Part("exchange", 0.012)),
        memory=(Part("weights", 35e9), Part("keys and values", 33e9), Part("activations and reserve", 8e9), Part("free", 9e9)),
        memory_bytes=85e9, kv_capacity_tokens=410_000, curve=curve, pareto=pareto,
        limits=("decode reads weights: memory bandwidth",),
        what_ifs=(ServeWhatIf("two H200 for each H100", 40, 180.0, 1240.0, 0.7, 0.03, "as many requests on 40"),),
        shortfall=None, evaluated=412, fitting=301, simulated=18, seconds=3.1,
        notes=("arrivals are independent",), assumptions=(Assumption("serve.engine", "vllm-0.8"),),
        missing=(Assumption("economy.staff", "staff"),), tokens_per_s_interval=Interval(45_000.0, 56_000.0),
    )  # fmt: skip
    return replace(made, **changes)


SHORT = Shortfall((("ttft_p95_s", 0.05, 0.19),), (("ttft_p95_s", 0.19), ("tpot_p95_s", 0.05)), ("halve the prompt",))
