"""Storage: what fits, how fast, how safe, and whether training waits for it."""

from datahall.foundation.readable import with_unit
from datahall.foundation.units import bytes_text, seconds_text
from datahall.infrastructure.storage import StorageReport, TierReport, storage_of
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger


def add_storage(ledger: Ledger) -> StorageReport:
    """Figures of all tiers, and of what training asks of them."""
    hall = ledger.loaded.hall
    report = storage_of(hall, ledger.loaded.catalogue, accelerators=ledger.loaded.estate.accelerators)
    for index, tier in enumerate(report.tiers):
        _add_tier(ledger, index, tier)
    _add_demand(ledger, report)
    return report


def _add_tier(ledger: Ledger, index: int, report: TierReport) -> None:
    tier, name = report.tier, f"storage_{report.tier.name.replace('-', '_').replace('.', '_')}"
    devices = ledger.declared(f"{name}_devices", ("storage", index, "devices"), tier.devices, "1", "devices")
    fill = ledger.declared(f"{name}_fill_ratio", ("storage", index, "fill_ratio"), tier.fill_ratio, "1", "how full it may get")
    ledger.computed(
        f"{name}_usable_bytes",
        tier.usable_bytes,
        "B",
        formula="devices × capacity × data / fragments × fill ratio",
        inputs=[devices, fill],
        about=f"usable on {tier.name}",
    )
    for way, bandwidth in (("read", report.read), ("write", report.write)):
        ledger.computed(
            f"{name}_{way}_bytes_per_s",
            bandwidth.bytes_per_s,
            "bytes/s",
            formula="the lower of devices and network",
            inputs=[devices],
            about=f"{way} bandwidth, limited by {bandwidth.limited_by}",
        )
    _say_what_lacks(ledger, index, report)
    if report.durability is not None:
        ledger.computed(
            f"{name}_loss_per_year_ratio",
            report.durability.loss_per_year_ratio,
            "1",
            formula="1 − exp(−year / MTTDL), Markov chain",
            inputs=[devices],
            about="chance of losing data in a year",
            source="; ".join(report.durability.assumptions),
        )


def _say_what_lacks(ledger: Ledger, index: int, report: TierReport) -> None:
    if report.durability is None and (lacking := report.tier.lacking_for_durability):
        where = ", ".join(f"storage[{index}].{name}" for name in lacking)
        ledger.lacks(where, f"the chance that {report.tier.name} loses data")


def _add_demand(ledger: Ledger, report: StorageReport) -> None:
    demand = ledger.loaded.hall.storage_demand
    if report.checkpoint and report.checkpoint_tier and demand and demand.checkpoint_bytes:
        size = ledger.declared("checkpoint_bytes", ("storage_demand", "checkpoint_bytes"), demand.checkpoint_bytes, "B")
        write = _of_tier(ledger, report.checkpoint_tier.name, "write_bytes_per_s")
        ledger.computed(
            "checkpoint_write_s",
            report.checkpoint.write_s,
            "s",
            formula="checkpoint / write bandwidth",
            inputs=[size, write],
            about=f"a checkpoint to {report.checkpoint_tier.name}",
        )
    if report.loading_ratio is not None and report.dataset_tier is not None:
        read = _of_tier(ledger, report.dataset_tier.name, "read_bytes_per_s")
        ledger.computed(
            "data_loading_ratio",
            report.loading_ratio,
            "1",
            formula="accelerators × rate of one / read bandwidth",
            inputs=[ledger.figures["accelerators"], read],
            about=f"of {report.dataset_tier.name}'s read bandwidth",
        )


def _of_tier(ledger: Ledger, tier: str, what: str) -> Figure:
    return ledger.figures[f"storage_{tier.replace('-', '_').replace('.', '_')}_{what}"]


def storage_lines(report: StorageReport) -> tuple[str, ...]:
    """Tiers and demands in words."""
    lines = [_tier_line(tier) for tier in report.tiers]
    if report.checkpoint and report.checkpoint_tier:
        stall = report.checkpoint.stall_ratio
        waits = f", training waits {stall:.2%} of its time" if stall is not None else ""
        lines.append(f"a checkpoint takes {seconds_text(report.checkpoint.write_s)} on {report.checkpoint_tier.name}{waits}")
    if report.loading_ratio is not None and report.dataset_tier:
        lines.append(f"data loading takes {report.loading_ratio:.1%} of what {report.dataset_tier.name} reads")
    return tuple(lines)


def _tier_line(report: TierReport) -> str:
    speeds = f"{with_unit(report.read.bytes_per_s, 'bytes/s')} read, {with_unit(report.write.bytes_per_s, 'bytes/s')} write"
    safe = f", loses data in a year with {report.durability.loss_per_year_ratio:.1e}" if report.durability else ""
    return f"{report.tier.name}: {bytes_text(report.tier.usable_bytes)} usable, {speeds}{safe}"
