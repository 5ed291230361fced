"""A whole forecast on the small hall: one small model, with most of the plan pinned."""

import json
import math
from pathlib import Path

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.correction import Correction
from datahall.models.parallel.device import device_of
from datahall.models.parallel.memory import memory_of
from datahall.models.parallel.spec import TrainPlan
from datahall.planner.calibration.store import Corrections
from datahall.planner.load import Loaded, load
from datahall.planner.training.forecast import train_of
from datahall.planner.training.request import TrainRequest
from datahall.planner.training.result import DAY_S, TrainForecast

MODEL = architecture("gpt3-1.3b")
PINNED = {"tensor": 1, "context": 1, "pipeline": 1, "recompute": "none", "sequence_parallel": True, "schedule": "1f1b"}


def asked(**fields: object) -> TrainRequest:
    return TrainRequest.model_validate(
        {"tokens": 30e9, "pinned": PINNED, "top": 2, "sweep": False, "what_ifs": False, **fields}
    )


@pytest.fixture
def forecast(equipped: Loaded) -> TrainForecast:
    return train_of(equipped, MODEL, asked())


def test_days_are_steps_over_goodput(forecast: TrainForecast):
    """Given 30 B tokens in steps of 1 M, days are 28,611 steps over goodput, inside their own interval."""
    run = forecast.run
    assert (run.steps, run.global_batch, run.sequence) == (-(-30_000_000_000 // (512 * 2048)), 512, 2048)
    assert run.goodput_ratio is not None and 0.9 < run.goodput_ratio < 1
    assert run.days == pytest.approx(run.steps * run.step_s / run.goodput_ratio / DAY_S)
    assert run.days_low <= run.days <= run.days_high and sum(run.lost.values()) == pytest.approx(1 - run.goodput_ratio)


def test_the_breakdown_adds_up_and_what_is_promised_fits(forecast: TrainForecast):
    assert sum(forecast.breakdown.values()) == pytest.approx(forecast.run.step_s)
    assert forecast.best.memory.needed <= forecast.memory_bytes
    assert 0.2 < forecast.run.mfu_ratio < 0.8


def test_energy_and_money_are_those_of_the_halls_own_meter_and_bill(forecast: TrainForecast):
    """Given the whole hall for some days, the run pays that share of each yearly line, and its own energy at 0.10 a kWh."""
    energy, cost, days = forecast.energy, forecast.cost, forecast.run.days
    assert energy is not None and cost is not None and energy.pue is not None
    assert energy.it_kwh == pytest.approx(energy.it_w / 1e3 * days * 24)
    assert cost.lines["energy"] == pytest.approx(0.10 * energy.facility_kwh)
    yearly = forecast.figures["cost_servers_per_year"].value
    assert cost.lines["servers"] == pytest.approx(yearly * days / 365 * forecast.run.accelerators / 32)
    assert cost.per_million_tokens == pytest.approx(cost.total / 30_000)


def test_a_server_draws_between_idle_and_what_training_was_seen_to_draw(forecast: TrainForecast):
    """Given hgx-h100-8, a server of the run never draws more than 82 % of its peak."""
    assert forecast.energy is not None
    peak = forecast.figures["train_server_peak_w"].value
    assert 0.3 * peak < forecast.energy.server_w <= 0.82 * peak


def test_every_figure_says_where_it_comes_from(forecast: TrainForecast):
    """Given the figures of the run, each has a formula with inputs, or a source."""
    own = [figure for name, figure in forecast.figures.by_name.items() if name.startswith("train_")]
    assert len(own) > 40
    assert [figure.name for figure in own if not (figure.source or (figure.formula and figure.inputs))] == []
    names = {figure.name for _, figure in forecast.figures["train_cost"].walk()}
    assert {"train_step_s", "train_goodput_ratio", "train_tokens", "cost_servers_per_year"} <= names


def test_a_forecast_is_plain_data(forecast: TrainForecast):
    """Given a forecast, it survives JSON, and its words name what limits it."""
    data = json.loads(json.dumps(forecast.as_dict(), allow_nan=False))
    assert data["run"]["steps"] == forecast.run.steps and data["limits"][0]["name"] == "compute"
    assert dict(forecast.notes)["Accelerators"][0].startswith("32 H100 80GB HBM3")


def test_the_start_moves_energy_and_not_time(equipped: Loaded):
    """Given July instead of January in a temperate place, the same run cools harder."""
    winter, summer = (train_of(equipped, MODEL, asked(start_h=hour)) for hour in (0, 4500))
    assert winter.run.days == summer.run.days
    assert winter.energy is not None and summer.energy is not None
    assert winter.energy.it_kwh == pytest.approx(summer.energy.it_kwh)
    assert winter.energy.facility_kwh < summer.energy.facility_kwh


def test_a_hall_without_storage_says_what_it_lacks(loaded: Loaded):
    """Given no storage and no fabric, eight accelerators train, days are a lower bound, and the gap is named."""
    found = train_of(loaded, MODEL, asked(accelerators=8))
    assert (found.run.goodput_ratio, found.run.save_s, found.points) == (None, None, ())
    assert found.run.days == pytest.approx(found.run.steps * found.run.step_s / DAY_S)
    assert any("days are a lower bound" in gap.what for gap in found.missing)


def test_more_failures_cost_days_and_asynchronous_saving_wins_some_back(equipped: Loaded):
    """Given a hundred times the failures, days grow; saving behind the run takes part of that off."""
    usual, often = (train_of(equipped, MODEL, asked(failures_per_accelerator_year=rate)).run.days for rate in (0.173, 17.3))
    behind = train_of(equipped, MODEL, asked(failures_per_accelerator_year=17.3, asynchronous_checkpoints=True)).run.days
    assert usual < behind < often


def test_parts_of_the_hall_and_what_ifs(equipped: Loaded):
    """Given both are asked for, fewer accelerators take longer, the chosen run is one point, faster storage is priced."""
    found = train_of(equipped, MODEL, asked(sweep=True, what_ifs=True))
    counts = [point.accelerators for point in found.points]
    assert counts[:3] == [4, 8, 16] and found.points[0].days > found.run.days
    assert [point.days for point in found.points if point.chosen] == [found.run.days]
    assert found.front and all(point.is_best for point in found.front)
    storage = next(what_if for what_if in found.advice if what_if.name == "storage x4")
    assert storage.priced and storage.days_delta is not None and storage.days_delta < 0
    nothing = next(what_if for what_if in found.advice if what_if.name == "network x2")
    assert nothing.days_delta is not None and nothing.days_delta <= 0 and nothing.priced
    assert nothing.cost_delta is not None and nothing.cost_delta > 0  # a second fabric that saves next to nothing
    capped = next(what_if for what_if in found.advice if what_if.name == "power limit 75%")
    assert capped.days_delta is not None and 0 < capped.days_delta < 0.15 * found.run.days
    assert capped.energy_kwh_delta is not None and capped.energy_kwh_delta < 0
    newer = next(what_if for what_if in found.advice if what_if.name == "accelerator B200")
    assert newer.days_delta is not None and newer.days_delta < -0.3 * found.run.days


def test_oversubscription_shows_where_it_is_crossed(equipped_file: Path):
    """Given leaves of one server and eight to one above them, reducing gradients takes longer and a what-if says so."""
    wide = train_of(load(equipped_file), MODEL, asked(pinned={**PINNED, "zero": 3}))
    text = equipped_file.read_text(encoding="utf-8")
    narrow_fabric = "topology: leaf_spine\n    oversubscription: 8\n    oversubscription_limit: 8\n    servers_per_unit: 1\n"
    narrow_fabric += "    uplink_length_m: 10\n"
    equipped_file.write_text(text.replace("topology: leaf_spine\n", narrow_fabric, 1), encoding="utf-8")
    narrow = train_of(load(equipped_file), MODEL, asked(pinned={**PINNED, "zero": 3}, what_ifs=True))
    assert narrow.run.step_s > wide.run.step_s
    gradient = next(placed for placed in narrow.placement if placed.axis == "gradient")
    assert gradient.oversubscription == pytest.approx(8, rel=0.35)
    freed = next(what_if for what_if in narrow.advice if what_if.name == "no oversubscription")
    assert freed.days_delta is not None and freed.days_delta < 0 and freed.priced
    scattered = train_of(load(equipped_file), MODEL, asked(pinned={**PINNED, "zero": 3}, packed=False))
    assert scattered.run.step_s >= narrow.run.step_s


def test_a_model_that_fits_nowhere_says_what_would_help(equipped: Loaded):
    """Given 405 B parameters on 32 accelerators of 80 GB, the problem says by how much, and what would do."""
    request = asked(pinned={"context": 1, "recompute": "full", "schedule": "1f1b"}, sequence=2048, global_batch=32)
    with pytest.raises(Refused, match="TRAIN-020 llama3-405b does not fit on 32 H100 80GB HBM3") as refused:
        train_of(equipped, architecture("llama3-405b"), request)
    assert "GiB too large" in refused.value.problems[0].what and "accelerators" in refused.value.problems[0].fix


def test_a_plan_that_leaves_no_reserve_is_told_and_not_refused(equipped: Loaded):
    """Given a micro-batch that takes nearly all memory, the run is forecast, and memory is among its limits."""
    pinned = {**PINNED, "data": 1, "zero": 0}
    sizes = [size for size in range(8, 25) if 0.95 < _needed(size, pinned) <= 1]
    assert sizes
    found = train_of(equipped, MODEL, asked(accelerators=1, global_batch=sizes[0], pinned={**pinned, "micro_batch": sizes[0]}))
    assert "it may run out of it" in next(limit.text for limit in found.limits if limit.name == "memory")


def _needed(size: int, pinned: dict[str, object]) -> float:
    """Share of 80 GiB that a plan with this micro-batch takes."""
    plan = TrainPlan.model_validate({"global_batch": size, "sequence": 2048, "micro_batch": size, **pinned})
    return memory_of(MODEL, plan).needed / device_of("H100 80GB HBM3").memory_bytes


def test_a_run_that_never_ends_is_refused(equipped: Loaded):
    """Given an interruption every second, nothing is ever kept."""
    with pytest.raises(Refused, match="TRAIN-022 the run never ends"):
        train_of(equipped, MODEL, asked(failures_per_accelerator_year=1e6))


def test_bad_requests_are_refused_with_all_their_problems(equipped: Loaded):
    with pytest.raises(Refused) as refused:
        train_of(equipped, MODEL, asked(tokens=-1, accelerators=33))
    assert [problem.code for problem in refused.value.problems] == ["TRAIN-010", "TRAIN-003"]
    with pytest.raises(Missing, match=r"STACK-001 there is no software stack 'megatron-corr'.*megatron-core"):
        train_of(equipped, MODEL, asked(stack="megatron-corr"))


def test_capped_servers_are_told(equipped_file: Path):
    """Given servers capped at 5 kW, the run draws less, and power is named among the limits."""
    text = equipped_file.read_text(encoding="utf-8").replace("count: 2}]", "count: 2, power_cap_w: 5 kW}]", 1)
    equipped_file.write_text(text, encoding="utf-8")
    found = train_of(load(equipped_file), MODEL, asked())
    assert found.energy is not None and found.energy.server_w <= 5000
    assert "servers are capped at" in next(limit.text for limit in found.limits if limit.name == "power")


def test_measured_runs_correct_step_and_interval(equipped: Loaded):
    """Given runs that took a fifth longer than predicted, within 5 %, steps do so, and the interval is theirs."""
    said = {"accelerator": "H100 80GB HBM3", "stack": "megatron-core", "spread": 0.05, "rows": 4, "before_ratio": 0.2}
    slower = Correction.model_validate({**said, "compute_ratio": 1.2, "exchange_ratio": 1.2, "after_ratio": 0.04})
    found = train_of(equipped, MODEL, asked(), corrections=Corrections(corrections=(slower,)))
    plain = train_of(equipped, MODEL, asked())
    assert 1.1 < found.run.step_s / plain.run.step_s <= 1.2 + 1e-9
    assert found.run.step_high_s / found.run.step_s == pytest.approx(math.exp(1.2816 * 0.05))
    assert found.run.mfu_ratio == pytest.approx(plain.run.mfu_ratio * plain.run.step_s / found.run.step_s)
    assert any("corrected by 4 measured runs" in assumption.what for assumption in found.assumptions)
