"""What is read first of a training run."""

from datahall.foundation.readable import significant, with_unit
from datahall.interfaces.forecast_text import days_said, seconds_said
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Lines, Section
from datahall.interfaces.plan_parts.forecast import Said, cards, figure_rows, not_computed
from datahall.interfaces.train_text import DRAWN, count_said
from datahall.planner.training.result import TrainForecast


def tiles(forecast: TrainForecast, anchors: Anchors) -> list[tuple[str, str, str, str]]:
    run, cost = forecast.run, forecast.cost
    least = "≥ " if cost and cost.missing else ""
    rows: list[Said] = [
        ("From start to end", "train_days", days_said(run.days)),
        ("80 % between", "train_days_low", f"{days_said(run.days_low)} and {days_said(run.days_high)}"),
        ("Money", "train_cost", f"{least}{with_unit(cost.total, cost.currency)}" if cost else ""),
        ("At the meter", "train_energy_kwh", ""),
        ("One step", "train_step_s", seconds_said(run.step_s)),
        ("Model FLOPs utilisation", "train_mfu_ratio", ""),
        ("Goodput", "train_goodput_ratio", ""),
        ("Operation, location-based", "train_carbon_location_kgco2e", ""),
    ]
    return figure_rows(rows, anchors)


def answer_section(forecast: TrainForecast, anchors: Anchors) -> Section:
    """Figures by subject, each with the way to its source; what was not computed; what is to be known beside them."""
    run = forecast.run
    groups: dict[str, list[Said]] = {
        "Run": [
            ("tokens", "train_tokens", count_said(run.tokens)), ("steps", "train_steps", ""),
            ("sequences in a step", "train_global_batch", ""), ("tokens of a sequence", "train_sequence", ""),
            ("accelerators", "train_accelerators", ""),
            ("interruptions", "train_interruptions", significant(run.interruptions)),
        ],
        "Step": [
            ("time", "train_step_s", seconds_said(run.step_s)),
            ("80 % from", "train_step_low_s", seconds_said(run.step_low_s)),
            ("to", "train_step_high_s", seconds_said(run.step_high_s)),
            ("peak of one accelerator", "train_peak_flop_per_s", ""),
            ("operations a token", "train_flop_per_token", _tflop(anchors)),
        ],
        "Checkpoints": [
            ("bytes", "train_checkpoint_bytes", ""), ("one takes", "train_checkpoint_stall_s", ""),
            ("work between two", "train_checkpoint_every_s", ""), ("restart", "train_restart_s", ""),
            ("between interruptions", "train_mtti_h", ""),
        ],
        "Energy, water, carbon": [
            ("at the meter", "train_energy_kwh", ""), ("PUE of its hours", "train_pue", ""),
            ("one server draws", "train_server_w", ""), ("water", "train_water_m3", ""),
            ("operation, location-based", "train_carbon_location_kgco2e", ""),
            ("making of the equipment", "train_embodied_kgco2e", ""),
        ],
        "Money": [("all", "train_cost", ""), ("a million tokens", "train_cost_per_million_tokens", "")],
    }  # fmt: skip
    blocks: list[Block] = [cards(groups, anchors), *not_computed(forecast.missing)]
    blocks += [Lines(lines, title=title) for title, lines in forecast.notes if lines and title not in DRAWN]
    lead = "Every figure leads to its formula, its inputs and its source."
    return Section(anchors.section("answer"), "The run", tuple(blocks), lead)


def _tflop(anchors: Anchors) -> str:
    value = anchors.figures.value("train_flop_per_token")
    return "" if value is None else f"{significant(value / 1e12)} TFLOP"
