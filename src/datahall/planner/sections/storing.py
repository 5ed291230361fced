"""Storage: what fits, how fast, how safe, and whether training waits for it."""

from datahall.foundation.readable import with_unit
from datahall.foundation.units import bytes_text, seconds_text
from datahall.infrastructure.storage import StorageReport, Tier, TierReport, storage_of
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
    """Figures are `storage.<tier as declared>.<what>`: what never holds a dot, so two tiers never share one."""
    tier, facts = report.tier, _facts(ledger, index, report.tier)
    ledger.computed(
        f"storage.{tier.name}.usable_bytes",
        tier.usable_bytes,
        "B",
        formula="devices × capacity × (fragments − tolerated) / fragments × fill ratio",
        inputs=[facts[name] for name in ("devices", "device_bytes", "fragments", "tolerated", "fill_ratio")],
        about=f"usable on {tier.name}",
    )
    stripes = [facts["fragments"], facts["tolerated"]]
    for way, bandwidth, copies in (("read", report.read, []), ("write", report.write, stripes)):
        share = " × (fragments − tolerated) / fragments" if copies else ""
        limit = [facts["network_bytes_per_s"]] if "network_bytes_per_s" in facts else []
        ledger.computed(
            f"storage.{tier.name}.{way}_bytes_per_s",
            bandwidth.bytes_per_s,
            "bytes/s",
            formula=f"min(devices × {way} of one, network){share}",
            inputs=[facts["devices"], facts[f"device_{way}_bytes_per_s"], *limit, *copies],
            about=f"{way} bandwidth, limited by {bandwidth.limited_by}",
        )
    _say_what_lacks(ledger, index, report)
    _add_durability(ledger, report, facts)


def _facts(ledger: Ledger, index: int, tier: Tier) -> dict[str, Figure]:
    """What the tier is made from, by field; each from the hall file where it says it, else from its part's row."""
    spec = ledger.loaded.hall.storage[index]
    part = ledger.loaded.catalogue.storage.get(spec.part or "")
    own = {
        "devices": ("devices", tier.devices, "1"),
        "device_bytes": ("device_capacity_bytes", tier.device_bytes, "B"),
        "device_read_bytes_per_s": ("device_read_bytes_per_s", tier.read_bytes_per_s, "bytes/s"),
        "device_write_bytes_per_s": ("device_write_bytes_per_s", tier.write_bytes_per_s, "bytes/s"),
        "network_bytes_per_s": ("network_bytes_per_s", tier.network_bytes_per_s, "bytes/s"),
        "fill_ratio": ("fill_ratio", tier.fill_ratio, "1"),
        "annual_failure_ratio": ("annual_failure_ratio", tier.annual_failure_ratio, "1"),
        "rebuild_bytes_per_s": ("rebuild_bytes_per_s", tier.rebuild_bytes_per_s, "bytes/s"),
    }
    found = dict[str, Figure]()
    for what, (field, value, unit) in own.items():
        if value is None:
            continue
        name = f"storage.{tier.name}.{what}"
        if getattr(spec, field) is None and part is not None:
            found[what] = ledger.looked_up(name, value, unit, part)
        else:
            found[what] = ledger.declared(name, ("storage", index, field), value, unit)
    for what, count in (("fragments", tier.fragments), ("tolerated", tier.tolerated)):
        place = ledger.loaded.document.where(("storage", index, "redundancy"))
        found[what] = ledger.given(f"storage.{tier.name}.{what}", count, "1", source=place)
    return found


def _add_durability(ledger: Ledger, report: TierReport, facts: dict[str, Figure]) -> None:
    if report.durability is not None:
        ledger.computed(
            f"storage.{report.tier.name}.loss_per_year_ratio",
            report.durability.loss_per_year_ratio,
            "1",
            formula="1 − exp(−year / MTTDL), Markov chain of devices that fail and are rebuilt",
            inputs=[f for what, f in facts.items() if what not in {"network_bytes_per_s"} and "device_" not in what]
            + [facts["device_bytes"]],
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
    if report.loading_ratio is not None and report.dataset_tier is not None and demand is not None:
        rate = ledger.declared(
            "load_bytes_per_s_per_accelerator",
            ("storage_demand", "load_bytes_per_s_per_accelerator"),
            demand.load_bytes_per_s_per_accelerator or 0.0,
            "bytes/s",
        )
        read = _of_tier(ledger, report.dataset_tier.name, "read_bytes_per_s")
        ledger.computed(
            "data_loading_ratio",
            report.loading_ratio,
            "1",
            formula="accelerators × rate of one / read bandwidth",
            inputs=[ledger.figures["accelerators"], rate, read],
            about=f"of {report.dataset_tier.name}'s read bandwidth",
        )


def _of_tier(ledger: Ledger, tier: str, what: str) -> Figure:
    return ledger.figures[f"storage.{tier}.{what}"]


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
