"""What stands in the hall: racks, servers, accelerators, peak power and peak arithmetic."""

from datahall.infrastructure.catalog.part_specs import Device, ServerPart
from datahall.infrastructure.catalog.rows import accelerator_rows, row_for
from datahall.infrastructure.estate import IDLE_RATIO, Estate, idle_power_w, node_peak_w
from datahall.infrastructure.spec import Node
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger


def add_capacity(ledger: Ledger) -> None:
    """Counts and peaks of all equipment."""
    estate = ledger.loaded.estate
    if entries := _racks(ledger):
        ledger.computed("racks", estate.racks, "1", formula="Σ names of each entry", inputs=entries, about="racks")
    else:
        ledger.given("racks", 0, "1", source=f"{ledger.loaded.document.source}: no racks", about="racks")
    counts = list(_servers(ledger))
    ledger.computed(
        "servers",
        sum(f.value for f in counts) + len(estate.nodes),
        "1",
        formula="servers in racks + machines outside of racks",
        inputs=(*counts, *_machines(ledger)),
        about="servers",
    )
    ledger.computed(
        "accelerators",
        estate.accelerators,
        "1",
        formula="Σ servers of each part × accelerators of one, + those of machines outside of racks",
        inputs=(*counts, *_of_one(ledger), *_machines(ledger)),
        about="accelerators",
    )
    _add_power(ledger, estate)
    _add_arithmetic(ledger, estate)


def _servers(ledger: Ledger) -> list[Figure]:
    return [
        ledger.given(
            f"servers_of_{part}",
            count,
            "1",
            about=f"servers {part}",
            source="racks × servers in one: " + "; ".join(_declared_at(ledger, part)),
        )
        for part, (_, count) in ledger.loaded.estate.servers.items()
    ]


def _racks(ledger: Ledger) -> list[Figure]:
    where = ledger.loaded.document.where
    return [
        ledger.given(f"racks_of_entry_{b.index}", len(b.names), "1", source=where(("racks", b.index)), about=b.group.name)
        for b in ledger.loaded.estate.blocks
    ]


def _machines(ledger: Ledger) -> list[Figure]:
    if not (nodes := ledger.loaded.estate.nodes):
        return []
    return [
        ledger.given("machines", len(nodes), "1", source=(place := ledger.loaded.document.where(("nodes",))), about="servers"),
        ledger.given("accelerators_of_machines", sum(len(n.accelerators) for n in nodes), "1", source=place),
    ]


def _declared_at(ledger: Ledger, part: str) -> list[str]:
    where = ledger.loaded.document.where
    places = [
        where(("racks", i, "contents", j))
        for i, group in enumerate(ledger.loaded.hall.racks)
        for j, contents in enumerate(group.contents)
        if contents.part == part
    ]
    return places[:4]


def _of_one(ledger: Ledger) -> list[Figure]:
    return [
        ledger.looked_up(f"accelerators_of_one_{part}", server.accelerators, "1", server, f"accelerators of one {part}")
        for part, (server, _) in ledger.loaded.estate.servers.items()
        if server.accelerators
    ]


def _add_power(ledger: Ledger, estate: Estate) -> None:
    parts = [figure for part in estate.devices for figure in _power_of(ledger, part)]
    nodes = [_power_of_node(ledger, index, node) for index, node in enumerate(estate.nodes)]
    formula = "Σ devices × power of one at full load, caps applied, + machines outside of racks"
    ledger.computed(
        "it_peak_in_racks_w",
        estate.peak_w,
        "W",
        formula=formula,
        inputs=[*parts, *(node for node in nodes if node)],
        about="IT equipment at full load",
    )
    guessed = [name for name, (device, _) in estate.servers.items() if device.idle_power_w is None]
    if guessed:
        ledger.assume("catalog", f"idle power of {', '.join(guessed)}: {IDLE_RATIO:.0%} of the peak, as their rows do not say")
    for name, (device, _) in estate.devices.items():
        if device.checked == "unverified":
            ledger.assume("catalog", f"{name}: {device.source} ({device.checked})")


def _power_of(ledger: Ledger, part: str) -> list[Figure]:
    """What all devices of a part draw at full load and at idle, from what one draws."""
    estate = ledger.loaded.estate
    device, count = estate.devices[part]
    held = [(len(b.names) * c.count, c) for b in estate.blocks for c in b.contents if c.device.name == part]
    devices = ledger.given(f"devices_of_{part}", count, "1", source="; ".join(_declared_at(ledger, part)), about=part)
    built = [f for b in ledger.loaded.fabrics if b.switch.name == part for f in _as_built(ledger, b.name)]
    peak = ledger.looked_up(f"peak_power_of_one_{part}_w", device.peak_power_w, "W", device, f"peak power of one {part}")
    inputs = [devices, peak, *built, *_caps(ledger, part)]
    full_w, idle_w = (sum(n * w for n, w in ((n, getattr(c, f)) for n, c in held)) for f in ("peak_w", "idle_w"))
    formula = "devices × power of one as its fabrics are built" if built else "devices × the lower of peak and cap"
    full = ledger.computed(
        f"full_power_of_{part}_w", full_w, "W", formula=formula, inputs=inputs, about=f"all {part} at full load"
    )
    ledger.computed(
        f"idle_power_of_{part}_w",
        idle_w,
        "W",
        formula="devices × idle power of one" if isinstance(device, ServerPart) else "the same as at full load",
        inputs=[devices, _idle(ledger, device)] if isinstance(device, ServerPart) else [full],
        about=f"all {part} with nothing to do",
    )
    return [full]


def _as_built(ledger: Ledger, fabric: str) -> list[Figure]:
    names = (f"fabric.{fabric}.{what}" for what in ("power_w", "switches", "switches_in_racks"))
    return [ledger.figures[name] for name in names if name in ledger.figures]


def _caps(ledger: Ledger, part: str) -> list[Figure]:
    return [
        ledger.declared(f"power_cap_{i}_{j}_w", ("racks", i, "contents", j, "power_cap_w"), contents.power_cap_w, "W")
        for i, group in enumerate(ledger.loaded.hall.racks)
        for j, contents in enumerate(group.contents)
        if contents.part == part and contents.power_cap_w is not None
    ]


def _idle(ledger: Ledger, device: Device) -> Figure:
    name = f"idle_power_of_one_{device.name}_w"
    if device.idle_power_w is not None:
        return ledger.looked_up(name, device.idle_power_w, "W", device)
    source = f"{IDLE_RATIO:.0%} of the peak: a share that stands in for what the row does not say"
    return ledger.given(name, idle_power_w(device), "W", source=source, assumed=True)


def _power_of_node(ledger: Ledger, index: int, node: Node) -> Figure | None:
    """Design power of a machine's processors and accelerators."""
    peak_w = node_peak_w(node)
    if peak_w is None:
        return None
    source = f"{ledger.loaded.document.where(('nodes', index))}: design power of its processors and accelerators"
    return ledger.given(f"power_of_machine_{node.name}_w", peak_w, "W", source=source)


def _add_arithmetic(ledger: Ledger, estate: Estate) -> None:
    """Dense bf16 peak, from the accelerators' own rows."""
    rows = {row.name: row for row in accelerator_rows()}
    found, total = [], 0.0
    for part, (server, count) in estate.servers.items():
        row = rows.get(server.accelerator or "")
        if row is None or not row.bf16_flop_per_s:
            continue
        found.append(
            ledger.given(
                f"bf16_peak_of_one_{row.name.replace(' ', '_')}_flop_per_s",
                row.bf16_flop_per_s,
                "flop/s",
                source=row.cited,
                about=f"dense bf16 peak of one {row.name}",
            )
        )
        total += count * server.accelerators * row.bf16_flop_per_s
        found += [ledger.figures[f"servers_of_{part}"], ledger.figures[f"accelerators_of_one_{part}"]]
    for node in estate.nodes:
        known = (row_for(a.model, accelerator_rows()) for a in node.accelerators)
        peak = sum(row.bf16_flop_per_s or 0.0 for row in known if row)
        if peak:
            source = "catalogue rows of its accelerators"
            found.append(ledger.given(f"bf16_peak_of_machine_{node.name}_flop_per_s", peak, "flop/s", source=source))
        total += peak
    if total:
        formula, about = "Σ accelerators × dense bf16 peak of one", "dense bf16 peak, what no job reaches"
        ledger.computed("bf16_peak_flop_per_s", total, "flop/s", formula=formula, inputs=found, about=about)
