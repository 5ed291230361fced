"""Catalogue rows from a device type or a rack type of the NetBox device-type library.

What such a file does not tell (processors, memory, accelerators, often power) is given beside it; nothing is guessed.
Fields: https://github.com/netbox-community/devicetype-library, schema/devicetype.json, components.json and racktype.json.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError

from datahall.foundation.document import Document, as_spec, parse, problems_of, read_text
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.spec import Spec
from datahall.foundation.units import Bytes, Watts
from datahall.foundation.yaml_writer import spec_yaml
from datahall.infrastructure.catalog.catalogue import PartsFile, merged, near, shipped
from datahall.infrastructure.catalog.part_specs import RackPart, ServerPart
from datahall.infrastructure.catalog.rows import accelerator_rows

KG = {"kg": 1.0, "g": 1e-3, "lb": 0.45359237, "oz": 0.028349523125}
M = {"mm": 1e-3, "in": 0.0254}
INFINIBAND_GBIT_PER_S = {
    "sdr": 10,
    "ddr": 20,
    "qdr": 40,
    "fdr10": 40,
    "fdr": 56,
    "edr": 100,
    "hdr": 200,
    "ndr": 400,
    "xdr": 800,
}
"""Four lanes, as NetBox means its `infiniband-…` types."""

S = TypeVar("S", bound=Spec)


class Given(Spec):
    """What the user says beside the file."""

    peak_power_w: Watts | None = Field(default=None, gt=0)
    """At the inlets under full load; without it, from the power ports' maximum_draw."""
    cords_needed: int | None = Field(default=None, ge=0, le=16)
    """Inlets that must be alive at full load; without it, half of them."""
    cpu: str | None = None
    sockets: int | None = Field(default=None, ge=1, le=1024)
    cores: int | None = Field(default=None, ge=1)
    threads: int | None = Field(default=None, ge=1)
    memory_bytes: Bytes | None = None
    accelerator: str | None = None
    """Row of accelerators.yaml."""
    accelerators: int = Field(default=0, ge=0, le=1024)


def given_of(**words: Any) -> Given:
    """The same from words as a user types them. Raises Refused with every one that does not fit."""
    try:
        return Given.model_validate(words)
    except ValidationError as error:
        raise Refused(problems_of(error, Given)) from None


class _Netbox(Spec):
    """Fields that we use; the rest of a file is left alone."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    manufacturer: str
    model: str
    slug: str
    u_height: float = Field(ge=0, le=100)
    weight: float | None = Field(default=None, gt=0)
    weight_unit: Literal["kg", "g", "lb", "oz"] = "kg"

    @property
    def weight_kg(self) -> float | None:
        return None if self.weight is None else round(self.weight * KG[self.weight_unit], 2)


class _PowerPort(Spec):
    model_config = ConfigDict(extra="ignore")
    name: str
    maximum_draw: float | None = Field(default=None, gt=0)


class _Interface(Spec):
    model_config = ConfigDict(extra="ignore")
    name: str
    type: str
    mgmt_only: bool = False

    @property
    def gbit_per_s(self) -> float:
        """Line rate by its type, such as `400gbase-x-osfp`, `1000base-t` or `infiniband-ndr`; 0 where it does not say."""
        if self.type.startswith("infiniband-"):
            return INFINIBAND_GBIT_PER_S.get(self.type.removeprefix("infiniband-"), 0)
        number, base, _ = self.type.partition("base-")
        if base and number.removesuffix("g").replace(".", "", 1).isdigit():
            return float(number[:-1]) if number.endswith("g") else float(number) / 1000
        return 0


class _DeviceType(_Netbox):
    is_full_depth: bool = True
    is_powered: bool = True
    airflow: str | None = None
    power_ports: tuple[_PowerPort, ...] = Field(default=(), alias="power-ports")
    interfaces: tuple[_Interface, ...] = ()


class _RackType(_Netbox):
    outer_width: float | None = Field(default=None, gt=0)
    outer_depth: float | None = Field(default=None, gt=0)
    outer_height: float | None = Field(default=None, gt=0)
    outer_unit: Literal["mm", "in"] = "mm"
    max_weight: float | None = Field(default=None, gt=0)


def netbox_yaml(text: str, *, date: str, given: Given | None = None, source: str = "<text>") -> str:
    """A catalogue file with the row of one NetBox file. Raises Refused with all that is wrong or missing.

    date: when it was read, such as `2026-11`. source: where the text stands, for problems.
    """
    parts = parts_from_netbox(text, date=date, given=given, source=source)
    kind = "racks" if parts.racks else "servers"
    return spec_yaml(parts, only=(kind,), header=f"From NetBox's {source}. Name this file under `catalog:` in a hall file.")


def netbox_files_yaml(paths: Iterable[FilePath], *, date: str, given: Given | None = None) -> str:
    """A catalogue file with a row for each NetBox file. Raises Refused with all that is wrong in any of them."""
    found, problems = dict[FilePath, PartsFile](), list[Problem]()
    for path in paths:
        try:
            found[path] = parts_from_netbox(read_text(path), date=date, given=given, source=str(path))
        except (Missing, Refused) as error:
            # What is wrong with what was given is told once, not for each file.
            problems += [problem for problem in error.problems if problem not in problems]
    if problems := [*problems, *_same_slugs(found)]:
        raise Refused(problems)
    parts = merged(PartsFile, found.values())
    kinds = [kind for kind in ("racks", "servers") if getattr(parts, kind)]
    header = "From the NetBox device-type library. Name this file under `catalog:` in a hall file."
    return spec_yaml(parts, only=kinds, header=header)


def _same_slugs(found: Mapping[FilePath, PartsFile]) -> Iterator[Problem]:
    stood: dict[tuple[bool, str], FilePath] = {}
    for path, parts in found.items():
        for is_rack, rows in ((True, parts.racks), (False, parts.servers)):
            for row in rows:
                if (first := stood.setdefault((is_rack, row.name), path)) != path:
                    what = f"its slug `{row.name}` is that of {first} too"
                    yield Problem("INF-137", str(path), what, "import one of them, or give it a slug of its own")


def parts_from_netbox(text: str, *, date: str, given: Given | None = None, source: str = "<text>") -> PartsFile:
    """The row of one NetBox file: a rack for a rack type, a server for a device type."""
    document = parse(text, source=source)
    if isinstance(document.data, dict) and "form_factor" in document.data:
        rack = as_spec(document, _RackType)
        return PartsFile(racks=(_checked(RackPart, _rack(rack, date), _rack_gaps(rack, document), document),))
    device = as_spec(document, _DeviceType)
    given = given or Given()
    return PartsFile(servers=(_checked(ServerPart, _server(device, given, date), _gaps(device, given, document), document),))


def _checked(kind: type[S], fields: dict[str, Any], gaps: Iterator[Problem], document: Document) -> S:
    if problems := list(gaps):
        raise Refused(problems)
    try:
        return kind.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        raise Refused(
            Problem("INF-131", document.where(()), f"makes no row: {problem.where} {problem.what}", problem.fix)
            for problem in problems_of(error, kind)
        ) from None


def _common(netbox: _Netbox, date: str) -> dict[str, Any]:
    source = f"NetBox device-type library, {netbox.manufacturer} {netbox.model}"
    return {"name": netbox.slug, "unit": "W, kg, m", "source": source, "date": date, "checked": "secondary"}


def _server(device: _DeviceType, given: Given, date: str) -> dict[str, Any]:
    cords, needed = _cords(device, given)
    airflow = f"airflow {device.airflow}; " if device.airflow else ""
    return {
        **_common(device, date),
        "units": math.ceil(device.u_height),
        "weight_kg": device.weight_kg,
        "peak_power_w": _peak_w(device, given),
        "cords": cords,
        "cords_needed": needed,
        **_ports(device),
        **given.model_dump(include={"cpu", "sockets", "cores", "threads", "memory_bytes", "accelerator", "accelerators"}),
        "scale_up": next(
            (s.scale_up for s in shipped().servers if given.accelerator and s.accelerator == given.accelerator), None
        ),
        "note": f"{airflow}{'full' if device.is_full_depth else 'half'} depth; power: {_power_note(device, given)}",
    }


def _cords(device: _DeviceType, given: Given) -> tuple[int, int]:
    cords = len(device.power_ports) if device.is_powered else 0
    return cords, math.ceil(cords / 2) if given.cords_needed is None else given.cords_needed


def _peak_w(device: _DeviceType, given: Given) -> float | None:
    """Spare supplies carry nothing that the others could not: only as many count as must be alive."""
    draws = sorted((port.maximum_draw for port in device.power_ports if port.maximum_draw), reverse=True)
    return given.peak_power_w or sum(draws[: max(1, _cords(device, given)[1])]) or None


def _power_note(device: _DeviceType, given: Given) -> str:
    return (
        "as given"
        if given.peak_power_w
        else f"maximum_draw of the {max(1, _cords(device, given)[1])} inlets that must be alive"
    )


def _ports(device: _DeviceType) -> dict[str, int]:
    """The fastest interfaces are taken for the compute fabric, the rest from 10 Gbit/s for storage, all else for management."""
    traffic = Counter(i.gbit_per_s for i in device.interfaces if not i.mgmt_only and i.gbit_per_s >= 10)
    compute = traffic[max(traffic)] if traffic else 0
    storage = traffic.total() - compute
    return {"compute_ports": compute, "storage_ports": storage, "management_ports": len(device.interfaces) - compute - storage}


def _gaps(device: _DeviceType, given: Given, document: Document) -> Iterator[Problem]:
    if _peak_w(device, given) is None:
        where, what = document.where(("power-ports",)), "no power port says its maximum_draw"
        yield Problem("INF-132", where, what, f"give its draw with peak_power_w, as in {_option('peak_power_w')}")
    for name in ("sockets", "cores", "threads", "memory_bytes"):
        if getattr(given, name) is None:
            what = f"a NetBox device type does not say `{name}`"
            yield Problem("INF-133", document.where(()), what, f"give {name}, as in {_option(name)}")
    known = [row.name for row in accelerator_rows()]
    if given.accelerator and given.accelerator not in known:
        yield Problem("INF-134", "accelerator", f"no catalogue has `{given.accelerator}`", near(given.accelerator, known))
    if (given.accelerator is None) != (given.accelerators == 0):
        what = f"accelerator is {given.accelerator}, and there are {given.accelerators} of it"
        yield Problem("INF-135", "accelerators", what, "give both accelerator and accelerators, or neither")


def _option(name: str) -> str:
    example = {"peak_power_w": " '10.2 kW'", "memory_bytes": " '2 TiB'"}.get(name, " 2")
    return f"`--{name.replace('_', '-')}{example}`"


def _rack(rack: _RackType, date: str) -> dict[str, Any]:
    metres = M[rack.outer_unit]
    return {
        **_common(rack, date),
        "units": math.ceil(rack.u_height),
        "weight_limit_kg": rack.max_weight and round(rack.max_weight * KG[rack.weight_unit], 1),
        "empty_weight_kg": rack.weight_kg,
        "width_m": rack.outer_width and round(rack.outer_width * metres, 4),
        "depth_m": rack.outer_depth and round(rack.outer_depth * metres, 4),
        "height_m": rack.outer_height and round(rack.outer_height * metres, 4),
    }


def _rack_gaps(rack: _RackType, document: Document) -> Iterator[Problem]:
    for name in ("outer_width", "outer_depth", "weight"):
        if getattr(rack, name) is None:
            yield Problem(
                "INF-136",
                document.where(()),
                f"the rack type does not say `{name}`",
                f"add `{name}` to the file from the maker's data sheet",
            )
