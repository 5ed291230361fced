"""The figures of failures and checkpoints."""

from datahall.infrastructure.reliability.jobs import published_failures
from datahall.planner.figures import Figure
from datahall.planner.training.figures import Sheet
from datahall.planner.training.hall import Storage
from datahall.planner.training.kept import Kept, Saving
from datahall.planner.training.outcome import checkpoint_bytes

DALY = "Daly, Future Generation Computer Systems 22(3), 2006, doi:10.1016/j.future.2004.11.016"
EVERY = "√(2 C M) (1 + ⅓ √(C / 2M) + C / 18M) − C, not shorter than the write; C: stall, M: mean time to an interruption"
GOODPUT = "τ / (M e^(R / M) (e^((τ + C) / M) − 1)) × availability of the hall; R: restart and lag of the newest checkpoint"


def add_goodput(sheet: Sheet, count: Figure) -> Figure | None:
    """How often the run is interrupted, and what is left of its time; None where the hall does not say how fast it writes."""
    mtti = _mtti(sheet, count)
    saving, kept, storage = sheet.outcome.saving, sheet.outcome.kept, sheet.setting.home.storage
    if saving is None or kept is None or storage is None:
        return None
    size = _size(sheet)
    stall = _stall(sheet, saving, storage, size)
    restart = _restart(sheet, saving, storage, size)
    every = _every(sheet, kept, stall, mtti)
    about = "share of the time that is kept work"
    return sheet.computed(
        "goodput_ratio", kept.goodput_ratio, "1", GOODPUT, mtti, stall, restart, every, about=about, source=DALY
    )


def _mtti(sheet: Sheet, count: Figure) -> Figure:
    counts, asked = published_failures(), sheet.setting.request.failures_per_accelerator_year is not None
    watched = f"{counts.unexpected} interruptions of {counts.accelerators:,} {counts.accelerator} in {counts.days:g} days"
    source = "as asked" if asked else f"{watched}: {counts.source}"
    value = sheet.setting.rate_per_year
    rate = sheet.given("interruptions_per_accelerator_year", value, "1/a", source=source, assumed=not asked)
    formula = "8,760 h / (interruptions of one a year × accelerators)"
    about = "mean time to an interruption of the run"
    return sheet.computed("mtti_h", sheet.outcome.mtti_s / 3600, "h", formula, rate, count, about=about)


def _size(sheet: Sheet) -> Figure:
    value = checkpoint_bytes(sheet.setting.architecture, sheet.outcome.candidate.plan)
    source = "models/cost/state: weights and optimiser of all parameters; gradients are made again"
    return sheet.given("checkpoint_bytes", value, "B", source=source, about="one checkpoint")


def _stall(sheet: Sheet, saving: Saving, storage: Storage, size: Figure) -> Figure:
    into = None
    if storage.server_bytes_per_s:
        source = "ports of a server on the storage fabric × their line rate"
        into = sheet.given("server_into_storage_bytes_per_s", storage.server_bytes_per_s, "bytes/s", source=source)
    rate = sheet.hall(f"storage.{storage.tier.name}.write_bytes_per_s")
    formula = "checkpoint / min(write bandwidth, servers × ports of one)"
    write = sheet.computed(
        "checkpoint_write_s", saving.write_s, "s", formula, size, rate, into, about=f"to {storage.tier.name}"
    )
    copy, formula = None, "write"
    if sheet.setting.request.asynchronous_checkpoints:
        value, formula = sheet.setting.request.host_copy_bytes_per_s, "copy into the hosts' memory, not longer than the write"
        copy = sheet.given("host_copy_bytes_per_s", value, "bytes/s", source="request, or its default", assumed=True)
    about = "what a checkpoint keeps the run from computing"
    return sheet.computed("checkpoint_stall_s", saving.stall_s, "s", formula, write, size, copy, about=about)


def _restart(sheet: Sheet, saving: Saving, storage: Storage, size: Figure) -> Figure:
    request, source = sheet.setting.request, "request, or its default"
    noticing = sheet.given("detection_s", request.detection_s, "s", source=source, assumed=True)
    placing = sheet.given("scheduling_s", request.scheduling_s, "s", source=source, assumed=True)
    rate = sheet.hall(f"storage.{storage.tier.name}.read_bytes_per_s")
    formula, about = "noticing + placing anew + checkpoint / read bandwidth", "from a failure until the run computes again"
    return sheet.computed("restart_s", saving.restart_s, "s", formula, noticing, placing, size, rate, about=about)


def _every(sheet: Sheet, kept: Kept, stall: Figure, mtti: Figure) -> Figure:
    about = "work between two checkpoints"
    if sheet.setting.request.checkpoint_every_s:
        return sheet.given("checkpoint_every_s", kept.every_s, "s", about=about)
    return sheet.computed("checkpoint_every_s", kept.every_s, "s", EVERY, stall, mtti, about=about, source=DALY)
