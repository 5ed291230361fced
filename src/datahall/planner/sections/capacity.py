"""What stands in the hall: racks, servers, accelerators, peak power and peak arithmetic."""

from datahall.infrastructure.catalog.rows import accelerator_rows, row_for
from datahall.infrastructure.estate import IDLE_RATIO, Estate
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger


def add_capacity(ledger: Ledger) -> None:
    """Counts and peaks of all equipment."""
    estate = ledger.loaded.estate
    racks = ledger.computed("racks", estate.racks, "1", formula="names of all racks", inputs=(), about="racks")
    counts = list(_servers(ledger))
    ledger.computed(
        "servers",
        sum(f.value for f in counts) + len(estate.nodes),
        "1",
        formula="servers in racks + nodes",
        inputs=(racks, *counts),
        about="servers",
    )
    ledger.computed(
        "accelerators",
        estate.accelerators,
        "1",
        formula="servers of each part × accelerators of one",
        inputs=(*counts, *_of_one(ledger)),
        about="accelerators",
    )
    _add_power(ledger, estate)
    _add_arithmetic(ledger, estate)


def _servers(ledger: Ledger) -> list[Figure]:
    return [
        ledger.computed(
            f"servers_of_{part}",
            count,
            "1",
            formula="racks × servers in one",
            inputs=(),
            about=f"servers {part}",
            source="; ".join(_declared_at(ledger, part)),
        )
        for part, (_, count) in ledger.loaded.estate.servers.items()
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
    of_one = [
        ledger.looked_up(f"peak_power_of_one_{part}_w", device.peak_power_w, "W", device, f"peak power of one {part}")
        for part, (device, _) in estate.devices.items()
    ]
    formula = "Σ devices × peak power of one, caps applied"
    ledger.computed("it_peak_in_racks_w", estate.peak_w, "W", formula=formula, inputs=of_one, about="IT equipment at full load")
    if guessed := [name for name, (device, _) in estate.devices.items() if device.idle_power_w is None]:
        ledger.assume("catalog", f"idle power of {', '.join(guessed)}: {IDLE_RATIO:.0%} of the peak, as their rows do not say")
    for name, (device, _) in estate.devices.items():
        if device.checked == "unverified":
            ledger.assume("catalog", f"{name}: {device.source} ({device.checked})")


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
        found.append(ledger.figures[f"servers_of_{part}"])
    for node in estate.nodes:
        known = (row_for(a.model, accelerator_rows()) for a in node.accelerators)
        total += sum(row.bf16_flop_per_s or 0.0 for row in known if row)
    if total:
        formula, about = "Σ accelerators × dense bf16 peak of one", "dense bf16 peak, what no job reaches"
        ledger.computed("bf16_peak_flop_per_s", total, "flop/s", formula=formula, inputs=found, about=about)
