"""What the next money should buy: the same run, searched again on a hall that differs in one thing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from datahall.foundation.readable import significant, with_unit
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.catalog.rows import accelerator_rows, row_for
from datahall.infrastructure.estate import idle_power_w
from datahall.models.parallel.communication import Cluster, cluster_of
from datahall.planner.training.cluster import doubled_ports, without_narrow_tiers
from datahall.planner.training.hall import Server
from datahall.planner.training.outcome import Outcome, outcome_of
from datahall.planner.training.prices import second_network_factor, servers_factor, wide_network_factor
from datahall.planner.training.result import WhatIf
from datahall.planner.training.trial import Trial, choices

NEXT = {
    "V100-SXM2-32GB": "A100-SXM4-80GB",
    "A100-SXM4-40GB": "H100 80GB HBM3",
    "A100-SXM4-80GB": "H100 80GB HBM3",
    "A800-SXM4-80GB": "H800",
    "H100 80GB HBM3": "B200",
    "H800": "H200",
    "H200": "B200",
    "B200": "B300",
    "GB200": "GB300",
    "MI250X": "MI300X",
    "MI300X": "MI355X",
    "MI325X": "MI355X",
    "Gaudi2": "Gaudi3",
}
"""The accelerator that the same maker sells for the same place in the next generation."""
STORAGE_FACTOR = 4.0
LIMIT_RATIO = 0.75
"""Of the rated power: what capping trades for time. Power grows as the cube of the clock, as voltage follows frequency."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different."""

    name: str
    what: str
    outcome: Outcome | None
    priced: bool
    """Whether the bill of the outcome holds the price of the change."""


def advice_of(trial: Trial, base: Outcome) -> tuple[WhatIf, ...]:
    """What saves most days first; changes that make no difference are told, too."""
    found = [_what_if(change, base, trial) for change in _changes(trial, base)]
    return tuple(sorted(found, key=lambda what_if: what_if.days_delta if what_if.days_delta is not None else 0.0))


def _changes(trial: Trial, base: Outcome) -> Iterator[Change]:
    cluster, setting, alike = trial.cluster, trial.setting, trial.around(base.candidate.plan)
    more = trial.accelerators * 5 // 4 // cluster.per_domain * cluster.per_domain
    if cluster.nic_bytes_per_s and more > trial.accelerators:
        yield Change("+25 % accelerators", f"{more:,} accelerators", alike.outcome(accelerators=more), priced=True)
    if base.accelerators > cluster.per_domain:
        yield from _network(trial)
    yield from _next_generation(alike)
    yield Change(
        "memory x2", "twice the memory on each accelerator", alike.outcome(memory_bytes=2 * trial.memory_bytes), priced=False
    )
    if trial.precision in ("bf16", "fp16") and "fp8" in cluster.device.flop_per_s:
        what = "products in fp8, on the same hall; whether the model learns as well is not judged"
        yield Change("fp8", what, alike.outcome(precision="fp8"), priced=True)
    if setting.home.storage is not None:
        yield from _storage(trial, base)
    yield from _power_limit(trial)


def _network(trial: Trial) -> Iterator[Change]:
    """By the best of the plans that were found: the network does not change what fits."""
    cluster, home = trial.cluster, trial.setting.home
    what = f"{with_unit(2 * cluster.nic_bytes_per_s * 8, 'bit/s')} for each accelerator by a second compute fabric"
    factor = second_network_factor(home)
    yield _rewired("network x2", what, trial, doubled_ports(cluster), factor)
    if cluster.oversubscription > 1:
        what = "as many uplinks as downlinks on every tier"
        yield _rewired("no oversubscription", what, trial, without_narrow_tiers(cluster), wide_network_factor(home))


def _rewired(name: str, what: str, trial: Trial, cluster: Cluster, factor: float | None) -> Change:
    lines = {**trial.setting.line_factors, **({"network": factor} if factor is not None else {})}
    paying = replace(trial, setting=replace(trial.setting, line_factors=lines))
    return Change(name, what, paying.timed_on(cluster), priced=factor is not None)


def _power_limit(trial: Trial) -> Iterator[Change]:
    """By the best of the plans that were found: clocks fall by the cube root of the limit, and draw by what it takes away."""
    device, home = trial.cluster.device, trial.setting.home
    if device.power_w is None or (server := home.server) is None:
        return
    limit = LIMIT_RATIO * min(device.power_w, device.limit_w or device.power_w)
    capped = replace(server, peak_w=server.peak_w - server.accelerators * (device.power_w - limit))
    setting = replace(trial.setting, home=replace(home, server=capped))
    limited = replace(trial, setting=setting).timed_on(replace(trial.cluster, device=replace(device, limit_w=limit)))
    what = f"each accelerator held to {limit:.0f} W, which slows its clock by the cube root"
    yield Change(f"power limit {LIMIT_RATIO:.0%}", what, limited, priced=True)


def _storage(trial: Trial, base: Outcome) -> Iterator[Change]:
    """By the same plan: a checkpoint does not change the step."""
    lines = {**trial.setting.line_factors, "storage": STORAGE_FACTOR}
    quicker = outcome_of(replace(trial.setting, line_factors=lines), base.candidate, storage_factor=STORAGE_FACTOR)
    yield Change("storage x4", "four times the devices behind checkpoints", quicker, priced=True)
    if not trial.setting.request.asynchronous_checkpoints:
        request = trial.setting.request.model_copy(update={"asynchronous_checkpoints": True})
        behind = outcome_of(replace(trial.setting, request=request), base.candidate)
        yield Change("asynchronous checkpoints", "training goes on while a checkpoint is written", behind, priced=True)


def _next_generation(trial: Trial) -> Iterator[Change]:
    """The successor in as many servers of the catalogue's; nothing where the catalogue has no such server."""
    kind, home = trial.setting.home.kind, trial.setting.home
    name = NEXT.get(kind.accelerator)
    row = row_for(name, accelerator_rows()) if name else None
    part = _server_with(trial, name) if name and row else None
    if row is None or part is None or kind.part is None:
        return
    server = Server(part.name, part.peak_power_w, idle_power_w(part), part.accelerators)
    factor = servers_factor(home, part)
    lines = {**trial.setting.line_factors, **({"servers": factor} if factor is not None else {})}
    setting = replace(trial.setting, home=replace(home, server=server), line_factors=lines)
    outcome = trial.outcome(setting=setting, cluster=_with(trial.cluster, row.name), memory_bytes=row.memory_bytes)
    yield Change(
        f"accelerator {row.name}", f"as many {row.name} in {part.name}, on the same network", outcome, priced=factor is not None
    )


def _server_with(trial: Trial, accelerator: str) -> ServerPart | None:
    """A catalogued server that holds as many of them, one with a price first."""
    devices, each = trial.setting.home.loaded.catalogue.devices.values(), trial.setting.home.kind.per_server
    alike = [d for d in devices if isinstance(d, ServerPart) and (d.accelerator, d.accelerators) == (accelerator, each)]
    return min(alike, key=lambda part: part.price is None, default=None)


def _with(cluster: Cluster, accelerator: str) -> Cluster:
    found = cluster_of(accelerator, nic_bytes_per_s=cluster.nic_bytes_per_s, per_domain=cluster.per_domain)
    return replace(cluster, device=found.device, scale_up=found.scale_up)


def _what_if(change: Change, base: Outcome, trial: Trial) -> WhatIf:
    outcome, currency = change.outcome, trial.setting.home.plan.cost.currency
    if outcome is None:
        text = f"{change.what}: no plan fits, or it is not modelled"
        return WhatIf(change.name, text, None, None, None, None, change.priced, None, {})
    days = outcome.days - base.days
    cost = _delta(outcome.cost, base.cost)
    each = cost / -days if cost is not None and change.priced and days < -1e-9 else None
    text = f"{change.what}: {_days(days, base.days)}{_money(cost, base.cost, currency, priced=change.priced)}"
    energy = _delta(outcome.energy_kwh, base.energy_kwh)
    return WhatIf(change.name, text, outcome.days, days, energy, cost, change.priced, each, choices(outcome))


def _delta(new: float | None, old: float | None) -> float | None:
    return None if new is None or old is None else new - old


def _days(delta: float, base: float) -> str:
    if abs(delta) < 0.001 * base:
        return "no difference"
    return f"{significant(abs(delta))} days {'less' if delta < 0 else 'more'} ({delta / base:+.1%})"


def _money(delta: float | None, base: float | None, currency: str, *, priced: bool) -> str:
    if delta is None or base is None or abs(delta) < 0.001 * base:
        return ""
    change = f"{with_unit(abs(delta), currency)} {'less' if delta < 0 else 'more'}"
    return f", {change}" if priced else f", {change} before the change itself is paid for"
