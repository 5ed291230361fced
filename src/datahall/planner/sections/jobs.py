"""What interruptions leave of a job that fills the hall, from published counts and the hall's own storage."""

from datahall.foundation.units import seconds_text
from datahall.infrastructure.reliability.jobs import JobReliability, job_reliability, published_failures
from datahall.infrastructure.storage import StorageReport, read_bandwidth
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger


def add_jobs(ledger: Ledger, storage: StorageReport) -> tuple[str, ...]:
    """Figures of one job on all accelerators, and in words; empty in a hall without accelerators."""
    count = ledger.figures["accelerators"]
    if not count.value:
        return ()
    accelerators, mtti = int(count.value), _mtti(ledger, count)
    text = f"one job on all {accelerators:,} accelerators is interrupted every {seconds_text(mtti.value * 3600)}"
    if storage.checkpoint is None or storage.checkpoint_tier is None:
        ledger.lacks("storage_demand.checkpoint_bytes", "what interruptions leave of a job: nothing says how long it saves")
        return (text,)
    save = ledger.figures["checkpoint_write_s"]
    restart = _restart(ledger, storage)
    found = job_reliability(accelerators=accelerators, save_s=save.value, restart_s=restart.value)
    _add_goodput(ledger, found, [mtti, save, restart])
    kept = f"{found.goodput_ratio:.2%} of its time is kept work"
    return (
        f"{text}; saving every {seconds_text(found.interval_s)}, {kept}, at most: a restart only reads the checkpoint here",
    )


def _mtti(ledger: Ledger, count: Figure) -> Figure:
    """Mean time to an interruption, from the rate of one accelerator."""
    counts = published_failures()
    source = (
        f"{counts.unexpected} unexpected interruptions of {counts.accelerators:,} {counts.accelerator} in {counts.days:g} days"
    )
    rate = ledger.given(
        "interruptions_per_accelerator_year",
        counts.per_accelerator_year,
        "1/a",
        source=f"{source}: {counts.source}, {counts.date}",
        assumed=counts.checked == "unverified",
    )
    return ledger.computed(
        "job_mtti_h",
        counts.mtti_h(int(count.value)),
        "h",
        formula="8,760 h / (interruptions of one a year × accelerators)",
        inputs=[rate, count],
        about="mean time to an interruption of one job on all accelerators",
    )


def _restart(ledger: Ledger, storage: StorageReport) -> Figure:
    tier = storage.checkpoint_tier
    assert tier is not None  # noqa: S101 - the caller looked
    size, read = ledger.figures["checkpoint_bytes"], ledger.figures[f"storage.{tier.name}.read_bytes_per_s"]
    ledger.assume(
        "jobs", "a restart takes as long as reading the checkpoint: to notice, and to place the job anew, come on top"
    )
    return ledger.computed(
        "job_restart_s",
        size.value / read_bandwidth(tier).bytes_per_s,
        "s",
        formula="checkpoint / read bandwidth",
        inputs=[size, read],
        about="reading the checkpoint back",
    )


def _add_goodput(ledger: Ledger, found: JobReliability, inputs: list[Figure]) -> None:
    for assumption in found.assumptions[:2]:
        ledger.assume("jobs", assumption)
    source = "Daly, Future Generation Computer Systems 22(3), 2006, doi:10.1016/j.future.2004.11.016"
    interval = ledger.computed(
        "job_save_every_s",
        found.interval_s,
        "s",
        formula="√(2 C M) (1 + ⅓ √(C / 2M) + C / 18M) − C for C < 2M, else M; C: saving, M: mean time to an interruption",
        inputs=inputs[:2],
        about="work between two checkpoints that loses least",
        source=source,
    )
    ledger.computed(
        "job_goodput_ratio",
        found.goodput_ratio,
        "1",
        formula="τ / (M e^(R / M) (e^((τ + C) / M) − 1)); R: restart, τ: work between two checkpoints",
        inputs=[*inputs, interval],
        about="share of the job's time that is kept work",
        source=source,
    )
