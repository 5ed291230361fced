"""The figures of a forecast, each with its formula, its inputs and its source: what `explain` shows."""

from dataclasses import dataclass

from datahall.models.cost.operations import training_flop_per_token
from datahall.models.parallel.device import device_of
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.training.cluster import Chosen
from datahall.planner.training.outcome import Outcome, Setting

STEP = (
    "models/parallel: kernels and collectives of the plan, added up; how far to trust it: datahall validate --tables training"
)
RANKS = ("tensor", "pipeline", "context", "expert", "data", "micro_batch", "chunks", "zero")


@dataclass(frozen=True)
class Sheet:
    """The ledger of one forecast, and what its figures are about."""

    ledger: Ledger
    setting: Setting
    chosen: Chosen
    outcome: Outcome

    def given(
        self, name: str, value: float, unit: str, *, source: str = "as asked", about: str = "", assumed: bool = False
    ) -> Figure:
        """A figure `train_<name>` with a source of its own."""
        return self.ledger.given(f"train_{name}", value, unit, source=source, about=about, assumed=assumed)

    def computed(
        self, name: str, value: float, unit: str, formula: str, *inputs: Figure | None, about: str = "", source: str = ""
    ) -> Figure:
        """A figure `train_<name>` that follows from those that are known."""
        known = [figure for figure in inputs if figure is not None]
        return self.ledger.computed(f"train_{name}", value, unit, formula=formula, inputs=known, about=about, source=source)

    def hall(self, name: str) -> Figure:
        """A figure of the hall's own plan."""
        return self.setting.home.plan.figures[name]


def add_accelerators(sheet: Sheet) -> Figure:
    """How many of which."""
    kind, asked = sheet.chosen.kind, sheet.setting.request.accelerators
    source = "as asked" if asked else f"the hall has {kind.count:,}; the plan takes as many as divide well"
    return sheet.given("accelerators", sheet.outcome.accelerators, "1", source=source, about=f"{kind.accelerator} of the run")


def add_steps(sheet: Sheet) -> Figure:
    """How many steps, from tokens and batch."""
    batch = sheet.setting.batch
    return sheet.computed(
        "steps",
        sheet.outcome.steps,
        "1",
        "tokens / (global_batch × sequence), rounded up",
        sheet.given("tokens", sheet.setting.request.tokens, "1", about="tokens of the run"),
        sheet.given("global_batch", batch.sequences, "1", source=batch.why, about="sequences of a step", assumed=batch.assumed),
        sheet.given("sequence", batch.sequence, "1", source=batch.sequence_why, about="tokens of a sequence"),
        about="steps of the run",
    )


def add_step(sheet: Sheet, count: Figure, interval: tuple[float, float]) -> Figure:
    """One step with its parts, its interval, its memory and its utilisation."""
    plan, step = sheet.outcome.candidate.plan, sheet.outcome.candidate.step
    for name in RANKS:
        pinned = name in sheet.setting.request.pinned
        sheet.given(name, getattr(plan, name), "1", source="as asked" if pinned else "chosen by the search")
    parts = [
        sheet.given(f"step_{name}_s", value, "s", source=STEP, about=f"of a step: {name}")
        for name, value in step.breakdown().items()
        if value
    ]
    found = sheet.computed("step_s", step.seconds, "s", "Σ parts", *parts, about="one step", source=STEP)
    for name, value in zip(("low", "high"), interval, strict=True):
        formula = (
            "step × how far measured steps lay off, of platforms that were not fitted on, or of this one where it was measured"
        )
        sheet.computed(f"step_{name}_s", value, "s", formula, found, about=f"one step, {name} end of the 80 % interval")
    _add_memory(sheet)
    _add_mfu(sheet, found, count)
    return found


def _add_memory(sheet: Sheet) -> None:
    memory, device = sheet.outcome.candidate.memory, sheet.chosen.cluster.device
    source = "models/parallel/memory"
    parts = [sheet.given(f"memory_{name}_bytes", value, "B", source=source) for name, value in memory.parts().items() if value]
    about = f"on one accelerator of stage {memory.stage}, the fullest; it has {device.memory_bytes / 2**30:.0f} GiB"
    sheet.computed("memory_bytes", memory.total, "B", "Σ parts", *parts, about=about)


def mfu_ratio(sheet: Sheet) -> float:
    """Model FLOPs of a step over what the accelerators could do in its time at their dense peak; causal, nothing recomputed."""
    plan = sheet.outcome.candidate.plan
    peak = device_of(sheet.chosen.kind.accelerator).peak_flop_per_s(plan.precision) * sheet.outcome.accelerators
    flop = float(training_flop_per_token(sheet.setting.architecture, sequence=plan.sequence))
    return float(flop * plan.global_batch * plan.sequence / (sheet.outcome.candidate.step.seconds * peak))


def _add_mfu(sheet: Sheet, step: Figure, count: Figure) -> None:
    plan, device = sheet.outcome.candidate.plan, device_of(sheet.chosen.kind.accelerator)
    each = training_flop_per_token(sheet.setting.architecture, sequence=plan.sequence)
    flop = sheet.given("flop_per_token", each, "flop", source="models/cost/operations: forward and backward once, causal")
    peak = sheet.given("peak_flop_per_s", device.peak_flop_per_s(plan.precision), "flop/s", source="; ".join(device.sources))
    formula = "flop of a token × tokens of a step / (step × accelerators × peak)"
    about = f"model FLOPs over the dense {plan.precision} peak"
    sheet.computed("mfu_ratio", mfu_ratio(sheet), "1", formula, step, count, flop, peak, about=about)


def add_days(sheet: Sheet, steps: Figure, step: Figure, goodput: Figure | None, interval: tuple[float, float]) -> Figure:
    """From start to end, with the interval and what happens on the way."""
    outcome = sheet.outcome
    formula = "steps × step / goodput / 86,400 s"
    if goodput is None:
        formula = "steps × step / 86,400 s: at least, as what failures cost is not known"
    found = sheet.computed("days", outcome.days, "d", formula, steps, step, goodput, about="from start to end")
    for name, value in zip(("low", "high"), interval, strict=True):
        formula = "days, by the interval of a step and by goodput between the failure rates of published fleets, in quadrature"
        sheet.computed(f"days_{name}", value, "d", formula, found, about=f"{name} end of the 80 % interval")
    mtti = sheet.ledger.figures["train_mtti_h"]
    expected = outcome.seconds / outcome.mtti_s
    sheet.computed("interruptions", expected, "1", "days × 24 / mean time to an interruption", found, mtti, about="expected")
    return found
