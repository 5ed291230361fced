"""Rules about storage: what it is made of, what fits, and whether training waits for it."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.foundation.units import seconds_text
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.spec import ErasureCode, StorageTier
from datahall.infrastructure.storage.bandwidth import checkpointing, read_bandwidth, write_bandwidth
from datahall.infrastructure.storage.demand import Kept, holds, loading_bytes_per_s, read_speed, tiers_for, write_speed
from datahall.infrastructure.storage.tier import Tier, fragments_of, lacking, tier_of


def unknown_storage_parts(context: Context) -> Iterator[Problem]:
    """INF-401: the catalogue knows each tier's part."""
    for index, tier in enumerate(context.hall.storage):
        if tier.part is not None and tier.part not in context.catalogue.storage:
            where = context.where(("storage", index, "part"))
            yield Problem("INF-401", where, f"no catalogue has `{tier.part}`", near(tier.part, context.catalogue.storage))


def devices_without_facts(context: Context) -> Iterator[Problem]:
    """INF-402: capacity and bandwidth of a tier's devices are declared or stand in their row."""
    for index, tier in enumerate(context.hall.storage):
        unknown = lacking(tier, context.catalogue)
        if unknown and (tier.part is None or tier.part in context.catalogue.storage):
            what = f"tier `{tier.name}` does not say {', '.join(unknown)}"
            fix = "add them, or name a part of the storage catalogue"
            yield Problem("INF-402", context.where(("storage", index)), what, fix)


def repeated_tiers(context: Context) -> Iterator[Problem]:
    """INF-403: no two tiers have the same name."""
    seen = set[str]()
    for index, tier in enumerate(context.hall.storage):
        if tier.name in seen:
            where = context.where(("storage", index, "name"))
            yield Problem("INF-403", where, f"a tier `{tier.name}` stands above already", "rename one of them")
        seen.add(tier.name)


def wider_than_its_devices(context: Context) -> Iterator[Problem]:
    """INF-404: copies or fragments lie on different devices, so there are at least as many."""
    for index, tier in enumerate(context.hall.storage):
        fragments, _ = fragments_of(tier.redundancy)
        if fragments > tier.devices:
            what = f"{_code(tier)} takes {fragments} devices, but tier `{tier.name}` has {tier.devices}"
            fix = f"use at least {fragments} devices, or a narrower code"
            yield Problem("INF-404", context.where(("storage", index, "redundancy")), what, fix)


def a_server_takes_too_many(context: Context) -> Iterator[Problem]:
    """INF-405: the loss of one of several storage servers loses no data."""
    for index, tier in enumerate(context.hall.storage):
        fragments, tolerated = fragments_of(tier.redundancy)
        if tier.servers is None or tier.servers == 1 or tolerated == 0 or fragments > tier.devices:
            continue
        together = -(-fragments // tier.servers)
        if together > tolerated:
            what = f"{_code(tier)} on {tier.servers} servers puts {together} fragments in one, but only {tolerated} may be lost"
            fix = f"spread it over {-(-fragments // tolerated)} servers or more, or add parity"
            yield Problem("INF-405", context.where(("storage", index, "redundancy")), what, fix)


def nothing_to_hold_it(context: Context) -> Iterator[Problem]:
    """INF-406: some tier holds what training asks storage to keep."""
    for kept, field in _asked(context):
        if not any(holds(tier, kept) for tier in context.hall.storage) and not context.unread(("storage",)):
            what = f"`{field}` is declared, but no storage tier holds {kept}"
            fix = f"add a tier, or {kept} to what one holds"
            yield Problem("INF-406", context.where(("storage_demand", field)), what, fix)


def datasets_do_not_fit(context: Context) -> Iterator[Problem]:
    """INF-407: the datasets fit into one tier."""
    demand = context.hall.storage_demand
    largest = _largest(context, "datasets")
    if demand and demand.dataset_bytes and largest and demand.dataset_bytes > largest.usable_bytes:
        what = _too_large(demand.dataset_bytes, largest)
        yield Problem("INF-407", context.where(("storage_demand", "dataset_bytes")), what, "add devices, or keep less")


def checkpoint_does_not_fit(context: Context) -> Iterator[Problem]:
    """INF-408: a checkpoint fits into one tier."""
    demand = context.hall.storage_demand
    largest = _largest(context, "checkpoints")
    if demand and demand.checkpoint_bytes and largest and demand.checkpoint_bytes > largest.usable_bytes:
        what = _too_large(demand.checkpoint_bytes, largest)
        yield Problem("INF-408", context.where(("storage_demand", "checkpoint_bytes")), what, "add devices, or keep less")


def checkpoint_too_slow(context: Context) -> Iterator[Problem]:
    """INF-409: a checkpoint is written as fast as it is asked to be."""
    demand = context.hall.storage_demand
    tier = max(_known(context, "checkpoints"), key=write_speed, default=None)
    if demand is None or tier is None or not demand.checkpoint_bytes or not demand.checkpoint_within_s:
        return
    taken = checkpointing(demand.checkpoint_bytes, tier).write_s
    if taken > demand.checkpoint_within_s:
        write = write_bandwidth(tier)
        what = (
            f"{_size(demand.checkpoint_bytes)} take {seconds_text(taken)} at the {_rate(write.bytes_per_s)} that tier "
            f"`{tier.name}` writes ({write.limited_by} limit it), but {seconds_text(demand.checkpoint_within_s)} are asked"
        )
        fix = f"give it {_rate(demand.checkpoint_bytes / demand.checkpoint_within_s)}, or allow more time"
        yield Problem("INF-409", context.where(("storage_demand", "checkpoint_within_s")), what, fix)


def loading_too_slow(context: Context) -> Iterator[Problem]:
    """INF-410: all accelerators together read no more than the tier with the datasets gives."""
    hall = context.hall
    tier = max(_known(context, "datasets"), key=read_speed, default=None)
    if hall.storage_demand is None or tier is None:
        return
    accelerators = estate_of(hall, context.catalogue).accelerators
    demand = loading_bytes_per_s(hall.storage_demand, accelerators)
    read = read_bandwidth(tier)
    if demand is not None and demand > read.bytes_per_s:
        what = (
            f"{accelerators} accelerators read {_rate(demand)} together, but tier `{tier.name}` gives "
            f"{_rate(read.bytes_per_s)} ({read.limited_by} limit it)"
        )
        where = context.where(("storage_demand", "load_bytes_per_s_per_accelerator"))
        yield Problem("INF-410", where, what, f"add {read.limited_by}, or keep hot data nearer to the accelerators")


CHECKS: tuple[Check, ...] = (
    unknown_storage_parts,
    devices_without_facts,
    repeated_tiers,
    wider_than_its_devices,
    a_server_takes_too_many,
    nothing_to_hold_it,
    datasets_do_not_fit,
    checkpoint_does_not_fit,
    checkpoint_too_slow,
    loading_too_slow,
)


def _code(tier: StorageTier) -> str:
    code = tier.redundancy
    return f"the code {code.data}+{code.parity}" if isinstance(code, ErasureCode) else f"keeping {code.copies} copies"


def _asked(context: Context) -> Iterator[tuple[Kept, str]]:
    """What must be kept somewhere, with the field that says so; one field for each kind."""
    demand = context.hall.storage_demand
    if demand and demand.checkpoint_bytes:
        yield "checkpoints", "checkpoint_bytes"
    if demand and demand.dataset_bytes:
        yield "datasets", "dataset_bytes"
    elif demand and demand.load_bytes_per_s_per_accelerator:
        yield "datasets", "load_bytes_per_s_per_accelerator"


def _known(context: Context, kept: Kept) -> list[Tier]:
    """Tiers that may hold this; none while a fact of one of them is lacking: with it, that one might have been enough."""
    specs = [tier for tier in context.hall.storage if holds(tier, kept)]
    if context.unread(("storage",)) or any(tier_of(tier, context.catalogue) is None for tier in specs):
        return []
    return tiers_for(kept, specs, context.catalogue)


def _largest(context: Context, kept: Kept) -> Tier | None:
    return max(_known(context, kept), key=lambda tier: tier.usable_bytes, default=None)


def _too_large(size_bytes: float, tier: Tier) -> str:
    return (
        f"{_size(size_bytes)} are asked for, but tier `{tier.name}` holds {_size(tier.usable_bytes)}: {_size(tier.raw_bytes)} "
        f"raw, {tier.data} of {tier.fragments} fragments data, {tier.fill_ratio:.0%} full"
    )


def _size(size_bytes: float) -> str:
    """Decimal, as devices are sold."""
    return f"{size_bytes / 1e15:.3g} PB" if size_bytes >= 1e15 else f"{size_bytes / 1e12:.3g} TB"


def _rate(bytes_per_s: float) -> str:
    return f"{bytes_per_s / 1e9:.3g} GB/s"
