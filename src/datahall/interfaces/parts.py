"""The catalogue as a person looks through it: each kind of part with the figures that tell its rows apart."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from datahall.foundation.errors import Missing, Problem
from datahall.foundation.readable import with_unit
from datahall.foundation.units import bytes_text
from datahall.infrastructure.catalog.catalogue import Catalogue, near
from datahall.infrastructure.catalog.rows import accelerator_rows
from datahall.network.catalog.catalogue import NetworkCatalogue

Facts = Callable[[Any], str]


def _server(row: Any) -> str:
    accelerators = f"{row.accelerators} × {row.accelerator}, " if row.accelerators else ""
    body = f"{with_unit(row.peak_power_w, 'W')}, {row.units} U, {row.cords_needed} of {row.cords} cords"
    return f"{accelerators}{body}, {bytes_text(row.memory_bytes)}"


def _accelerator(row: Any) -> str:
    peak = f"{with_unit(row.bf16_flop_per_s, 'flop/s')} bf16, " if row.bf16_flop_per_s else ""
    return f"{peak}{with_unit(row.memory_bytes_per_s, 'bytes/s')}, {with_unit(row.tdp_w, 'W')}"


def _rack(row: Any) -> str:
    limits = [with_unit(row.power_limit_w, "W")] if row.power_limit_w else []
    limits += [f"{row.weight_limit_kg:,.0f} kg"] if row.weight_limit_kg else []
    return ", ".join([f"{row.units} U, {row.width_m:g} × {row.depth_m:g} m", *limits])


def _power(row: Any) -> str:
    terms = f"loss {row.loss_no_load_ratio:g} + {row.loss_linear_ratio:g} x + {row.loss_square_ratio:g} x²"
    fails = f", {row.failures_per_year:g} failures a year" if row.failures_per_year is not None else ""
    return f"{row.kind}: {terms}{fails}"


def _cooling(row: Any) -> str:
    return f"{row.kind}" + (f", {row.carnot_ratio:g} of Carnot" if row.carnot_ratio else "")


def _storage(row: Any) -> str:
    speeds = f"{with_unit(row.read_bytes_per_s, 'bytes/s')} read, {with_unit(row.write_bytes_per_s, 'bytes/s')} write"
    return f"{row.kind}, {bytes_text(row.capacity_bytes)}, {speeds}"


def _switch(row: Any) -> str:
    return f"{row.ports} × {with_unit(row.port_bits_per_s, 'bit/s')}, {with_unit(row.peak_power_w, 'W')}, {row.units} U"


def _cable(row: Any) -> str:
    return f"{row.kind}, {row.links} × {with_unit(row.bits_per_s, 'bit/s')}, up to {row.reach_m:g} m"


def _link(row: Any) -> str:
    return f"{with_unit(row.bytes_per_s, 'bytes/s')} one way, {'switched' if row.switched else 'to neighbours'}"


FACTS: Mapping[str, Facts] = {
    "servers": _server,
    "accelerators": _accelerator,
    "racks": _rack,
    "power": _power,
    "cooling": _cooling,
    "storage": _storage,
    "switches": _switch,
    "cables": _cable,
    "links": _link,
}


def part_rows(catalogue: Catalogue, network: NetworkCatalogue, kind: str = "") -> list[dict[str, str]]:
    """Rows of one kind, or of all. Raises Missing for a kind that there is none of."""
    if kind and kind not in FACTS:
        raise Missing(Problem("PLAN-020", "catalog", f"there are no parts of the kind `{kind}`", near(kind, FACTS)))
    return [row for name in FACTS if not kind or name == kind for row in _rows(catalogue, network, name)]


def _rows(catalogue: Catalogue, network: NetworkCatalogue, kind: str) -> Iterator[dict[str, str]]:
    if kind == "accelerators":
        rows: Any = accelerator_rows()
    else:
        rows = getattr(network if kind in ("switches", "cables", "links") else catalogue, kind).values()
    for row in rows:
        figures = {"kind": kind, "name": row.name, "facts": FACTS[kind](row), "checked": row.checked}
        yield figures | {"source": row.source, "date": row.date}
