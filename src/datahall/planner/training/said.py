"""A forecast in words: what was taken for granted, what the hall does not say, and what follows."""

from collections.abc import Sequence

from datahall.foundation.readable import with_unit
from datahall.models.parallel.correction import Correction
from datahall.planner.ledger import Ledger
from datahall.planner.training.cluster import Chosen
from datahall.planner.training.draw import COMPUTING, COMPUTING_SOURCE, EXCHANGING, EXCHANGING_SOURCE
from datahall.planner.training.kept import HIGH_RATE, LOW_RATE
from datahall.planner.training.outcome import Outcome, Setting
from datahall.planner.training.result import Limit, Placed, WhatIf
from datahall.planner.training.trial import EXHAUSTIVE, counts_below

Note = tuple[str, tuple[str, ...]]


def say_gaps(ledger: Ledger, setting: Setting, outcome: Outcome) -> None:
    """What was not computed, and what would have to be declared for it."""
    plan = setting.home.plan
    if outcome.kept is None:
        ledger.lacks(
            "storage[] with devices, capacity and speeds", "what failures and checkpoints cost: days are a lower bound"
        )
    if outcome.used is None:
        ledger.lacks("nodes[].cpu.tdp_w and accelerators[].tdp_w", "energy, and all that follows from it")
        return
    if not setting.meter.has_cooling:
        ledger.lacks("cooling and site.weather", "cooling: energy at the meter is a lower bound, and there is no PUE")
    if setting.meter.price is None:
        ledger.lacks("site.tariff.energy_per_kwh", "what the energy costs")
    if setting.meter.location is None:
        ledger.lacks("site.grid.carbon_kgco2e_per_kwh, or site.country", "emissions of operation")
    for line in dict.fromkeys(gap.line for gap in plan.cost.missing):
        wanted = dict.fromkeys(gap.declare for gap in plan.cost.missing if gap.line == line)
        ledger.lacks(", ".join(wanted), f"cost of {line} as a whole: the run's cost is a lower bound")


def say_assumptions(ledger: Ledger, setting: Setting, chosen: Chosen, correction: Correction | None) -> None:
    """What was taken for granted."""
    request, batch = setting.request, setting.batch
    if batch.assumed:
        ledger.assume("train.global_batch", f"{batch.sequences:,} sequences: {batch.why}")
    if request.sequence is None:
        ledger.assume("train.sequence", f"{batch.sequence:,} tokens: {batch.sequence_why}")
    measured = f", corrected by {correction.rows} measured runs" if correction else ""
    ledger.assume("train.stack", f"{request.stack}: what it overlaps and fuses{measured}")
    if (count := request.accelerators or chosen.kind.count) > EXHAUSTIVE:
        tried = ", ".join(f"{each:,}" for each in counts_below(count))
        ledger.assume("train.accelerators", f"of {count:,} accelerators the search tried {tried}; other numbers it did not")
    if chosen.cluster.tiers:
        where = "side by side on the fabric, in the order of the plan's ranks" if request.packed else "anywhere on the fabric"
        ledger.assume("train.packed", f"servers of the run stand {where}")
    if setting.home.storage is not None:
        _say_failures(ledger, setting)
    if setting.home.server is not None:
        ledger.assume("train", f"a server draws {COMPUTING:.0%} of its peak while computing: {COMPUTING_SOURCE}")
        ledger.assume("train", f"and {EXCHANGING:.0%} while only exchanging: {EXCHANGING_SOURCE}")
        ledger.assume("train", "switches, storage and management are charged by the run's share of the hall's accelerators")
    if setting.home.plan.cost.lines:
        ledger.assume(
            "economy", "the run pays its share of the hall's year for its days; hours in which nobody trains are not its own"
        )


def _say_failures(ledger: Ledger, setting: Setting) -> None:
    request = setting.request
    low, high = (setting.rate_per_year * factor for factor in (LOW_RATE, HIGH_RATE))
    rate = (
        f"{setting.rate_per_year:.3f} interruptions a year for each accelerator ({low:.3f} to {high:.3f} in published fleets)"
    )
    ledger.assume("train.failures_per_accelerator_year", f"{rate}, at a constant rate; machines that fail are replaced at once")
    ledger.assume("train.detection_s", f"{request.detection_s:g} s until a failure and its cause are known")
    ledger.assume("train.scheduling_s", f"{request.scheduling_s:g} s until all processes have met again")
    behind = "behind the run" if request.asynchronous_checkpoints else "while the run waits"
    ledger.assume("train.asynchronous_checkpoints", f"checkpoints are written {behind}, by all servers at once")


def notes_of(
    setting: Setting, chosen: Chosen, outcome: Outcome, told: tuple[Sequence[Placed], Sequence[Limit], Sequence[WhatIf]]
) -> tuple[Note, ...]:
    """Subjects with their lines."""
    ports, batch, (placement, limits, advice) = chosen.ports, setting.batch, told
    asked = setting.request.accelerators or ports.available
    idle = (f"the plan takes {outcome.accelerators:,} of {asked:,}: with all of them no step is faster",)
    network = (
        f"{with_unit(ports.nic_bytes_per_s * 8, 'bit/s')} for each accelerator on fabric {ports.fabric}"
        if ports.fabric
        else "one domain"
    )
    return (
        (
            "Accelerators",
            (ports.why, f"domains of {ports.per_domain}, {network}", *(idle if asked > outcome.accelerators else ())),
        ),
        ("Batch", (f"{batch.sequences:,} sequences, {batch.why}", f"{batch.sequence:,} tokens each, {batch.sequence_why}")),
        ("Placement", tuple(_placed(placed) for placed in placement)),
        ("Limits", tuple(f"{limit.name}: {limit.text}" for limit in limits)),
        ("What if", tuple(f"{what_if.name}: {what_if.text}" for what_if in advice)),
    )


def _placed(placed: Placed) -> str:
    narrow = f", feels {placed.oversubscription:.2g} : 1 oversubscription" if placed.oversubscription > 1 else ""
    where = (
        "inside a domain"
        if placed.level == "domain"
        else f"below one {placed.level}, {placed.hops} switch{'es' if placed.hops > 1 else ''} away{narrow}"
    )
    return f"{placed.ranks} {placed.axis} ranks stay {where}"
