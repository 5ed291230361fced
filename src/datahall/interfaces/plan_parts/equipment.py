"""Fabrics and storage: counted, drawn, with speed and safety."""

from collections.abc import Iterator

from markupsafe import Markup

from datahall.foundation.readable import with_unit
from datahall.foundation.units import bytes_text, seconds_text
from datahall.infrastructure.storage import StorageReport, TierReport
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Lines, Picture, Section, Table, counted
from datahall.network.fabric import FabricBuild
from datahall.network.fabric import Tier as FabricTier
from datahall.network.fabric.picture import picture_of
from datahall.planner.plan import Plan


def network_section(plan: Plan, anchors: Anchors) -> Section | None:
    """A picture of each fabric, its tiers and its bill; None without fabrics."""
    builds = plan.network.builds
    if not builds:
        return None
    blocks: list[Block] = [_tiers(builds), Lines(plan.network.lines)]
    for build in builds:
        # picture_of escapes every word that it is given.
        blocks.append(Picture(Markup(picture_of(build))))  # noqa: S704
        blocks.append(_parts(build))
    if plan.network.not_placed_w:
        what = f"{with_unit(plan.network.not_placed_w, 'W')} of switches and optics stand in no rack of the file"
        blocks.append(Lines((f"{what}: their draw is shared over all racks by peak",), warning=True))
    return Section(anchors.section("network"), "Network", tuple(blocks))


def storage_section(plan: Plan, anchors: Anchors) -> Section | None:
    """Tiers, what training asks of them, and what durability rests on; None without tiers."""
    report = plan.storage
    if not report.tiers:
        return None
    heads = ("Tier", "Devices", "Raw", "Usable", "Redundancy", "Read", "Write", "Rebuild", "Loss in a year")
    table = Table(heads, tuple(_tier(tier) for tier in report.tiers), numbers=frozenset({1, 2, 3, 5, 6, 7, 8}))
    blocks: list[Block] = [table]
    if demands := tuple(_demands(report)):
        blocks.append(Lines(demands, title="What training asks"))
    rests = dict.fromkeys(line for tier in report.tiers if tier.durability for line in tier.durability.assumptions)
    if rests:
        blocks.append(Lines(tuple(rests), title="What the chance of loss rests on"))
    return Section(anchors.section("storage"), "Storage", tuple(blocks))


def _tiers(builds: tuple[FabricBuild, ...]) -> Table:
    rows = [_tier_of(build, tier) for build in builds for tier in build.tiers]
    heads = ("Fabric", "Topology", "Tier", "Switches", "Part", "Ports down / up", "Oversubscribed")
    return Table(heads, tuple(rows), numbers=frozenset({3, 5, 6}))


def _tier_of(build: FabricBuild, tier: FabricTier) -> tuple[str, ...]:
    over = build.oversubscription.get(tier.name)
    return (
        build.name,
        build.fabric.topology.replace("_", " "),
        tier.name,
        f"{tier.switches:,}",
        "–" if tier.integrated else build.switch.name,
        f"{tier.down} / {tier.up}",
        f"{over:.3g} : 1" if over else "–",
    )


def _parts(build: FabricBuild) -> Table:
    rows = tuple(
        (line.part, line.what, f"{line.count:,}", str(line.price) if line.price else "–") for line in build.bill
    ) + tuple(("–", missing, "", "") for missing in build.price_missing)
    heads = ("Part", "What", "Count, spares included", "Price of one")
    words = f"Bill of {build.name}: {counted(build.switches, 'switch', 'switches')}, {counted(build.links, 'link', 'links')}"
    return Table(heads, rows, numbers=frozenset({2, 3}), folded=words)


def _tier(report: TierReport) -> tuple[str, ...]:
    tier, safe = report.tier, report.durability
    return (
        tier.name,
        f"{tier.devices:,}",
        bytes_text(tier.devices * tier.device_bytes),
        bytes_text(tier.usable_bytes),
        f"{tier.fragments - tier.tolerated} + {tier.tolerated}",
        f"{with_unit(report.read.bytes_per_s, 'bytes/s')} ({report.read.limited_by})",
        f"{with_unit(report.write.bytes_per_s, 'bytes/s')} ({report.write.limited_by})",
        f"{safe.rebuild_h:.3g} h" if safe else "–",
        f"{safe.loss_per_year_ratio:.1e}" if safe else "not known",
    )


def _demands(report: StorageReport) -> Iterator[str]:
    if report.checkpoint and report.checkpoint_tier:
        stall = report.checkpoint.stall_ratio
        waits = f"; training waits {stall:.2%} of its time" if stall is not None else ""
        yield f"a checkpoint takes {seconds_text(report.checkpoint.write_s)} on {report.checkpoint_tier.name}{waits}"
    if report.loading_ratio is not None and report.dataset_tier:
        yield f"data loading takes {report.loading_ratio:.1%} of what {report.dataset_tier.name} reads"
