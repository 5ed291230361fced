"""Rows from NetBox device types and rack types. The documents are made up, in the library's published fields."""

import pytest

from datahall.foundation.document import as_spec, parse
from datahall.foundation.errors import Refused
from datahall.infrastructure.catalog.catalogue import PartsFile
from datahall.infrastructure.catalog.netbox import Given, netbox_yaml, parts_from_netbox

SERVER = """\
---
manufacturer: Example
model: AI-8000 Gen2
slug: example-ai-8000-gen2
part_number: AI8000
u_height: 8
is_full_depth: true
airflow: front-to-rear
weight: 250
weight_unit: lb
comments: '[Datasheet](https://example.com)'
console-ports:
  - name: Console
    type: rj-45
power-ports:
  - {name: PSU1, type: iec-60320-c20, maximum_draw: 3000, allocated_draw: 2400}
  - {name: PSU2, type: iec-60320-c20, maximum_draw: 3000}
  - {name: PSU3, type: iec-60320-c20, maximum_draw: 3000}
  - {name: PSU4, type: iec-60320-c20, maximum_draw: 3000}
interfaces:
  - {name: BMC, type: 1000base-t, mgmt_only: true}
  - {name: ib0, type: infiniband-ndr}
  - {name: ib1, type: infiniband-ndr}
  - {name: eth0, type: 200gbase-x-qsfp56}
  - {name: eth1, type: 10gbase-t}
  - {name: eth2, type: 2.5gbase-t}
"""
RACK = """\
manufacturer: Example
model: R48
slug: example-r48
form_factor: 4-post-cabinet
width: 19
u_height: 48
outer_width: 23.62
outer_depth: 47.24
outer_unit: in
weight: 330
max_weight: 3750
weight_unit: lb
starting_unit: 1
"""
GIVEN = Given(
    sockets=2, cores=112, threads=224, memory_bytes=2**41, accelerator="H100 80GB HBM3", accelerators=8, cords_needed=3
)


def test_a_device_type_becomes_a_server() -> None:
    """Given a server with four supplies of which three are needed, its peak is theirs, and its ports are sorted by speed."""
    [row] = parts_from_netbox(SERVER, date="2026-11", given=GIVEN).servers
    assert (row.name, row.units, row.peak_power_w, row.cords, row.cords_needed) == ("example-ai-8000-gen2", 8, 9000, 4, 3)
    assert row.weight_kg == pytest.approx(113.4, abs=0.01)
    assert (row.compute_ports, row.storage_ports, row.management_ports) == (2, 2, 2)
    assert (row.accelerator, row.accelerators, row.scale_up) == ("H100 80GB HBM3", 8, "NVLink4")
    assert row.source == "NetBox device-type library, Example AI-8000 Gen2" and row.checked == "secondary"
    assert "front-to-rear" in str(row.note)


def test_the_file_that_is_written_is_a_catalogue() -> None:
    """Given a server and a rack, what is written loads back as a catalogue file with that row."""
    for text in (SERVER, RACK):
        written = netbox_yaml(text, date="2026-11", given=GIVEN, source="device.yaml")
        assert as_spec(parse(written), PartsFile) == parts_from_netbox(text, date="2026-11", given=GIVEN)


def test_a_rack_type_becomes_a_rack() -> None:
    """Given a rack in inches and pounds, its row is in metres and kilograms."""
    [row] = parts_from_netbox(RACK, date="2026-11").racks
    assert (row.units, row.width_m, row.depth_m) == (48, pytest.approx(0.6, abs=1e-3), pytest.approx(1.2, abs=1e-3))
    assert (row.weight_limit_kg, row.empty_weight_kg) == (pytest.approx(1701, abs=0.1), pytest.approx(149.7, abs=0.1))


def test_all_that_is_missing_is_told_at_once() -> None:
    """Given a device without draws, and nothing beside it, each missing fact is a problem of its own."""
    text = "\n".join(
        line.partition(", maximum_draw")[0] + "}" if "maximum_draw" in line else line for line in SERVER.splitlines()
    )
    with pytest.raises(Refused, match="INF-132") as caught:
        parts_from_netbox(text, date="2026-11", source="device.yaml")
    told = [(p.code, p.where) for p in caught.value.problems]
    assert told == [("INF-132", "device.yaml:15 power-ports"), *[("INF-133", "device.yaml:2")] * 4]


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"accelerator": "H100 80GB"}, "INF-134", "did you mean `H100 80GB HBM3`"),
        ({"accelerator": None}, "INF-135", "both accelerator and accelerators, or neither"),
    ],
)
def test_accelerators_that_do_not_fit(given: dict[str, object], code: str, text: str) -> None:
    """Given an unknown accelerator, or a number without its name, that is told."""
    with pytest.raises(Refused, match=code) as caught:
        parts_from_netbox(SERVER, date="2026-11", given=GIVEN.model_copy(update=given))
    assert text in str(caught.value).replace("Did", "did")


def test_a_rack_without_its_size_is_refused() -> None:
    """Given a rack type without outer sizes and weight, three problems say what to add."""
    short = "\n".join(line for line in RACK.splitlines() if not line.startswith(("outer_w", "outer_d", "weight:")))
    with pytest.raises(Refused, match="INF-136") as caught:
        parts_from_netbox(short, date="2026-11")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("text", ["- 1", "model: x", "manufacturer: [", "manufacturer: x\nmodel: y\nslug: z\nu_height: two\n"])
def test_what_is_no_device_type_is_refused(text: str) -> None:
    """Given a list, half a device type, no YAML, or a height in words, it is refused with its line."""
    with pytest.raises(Refused, match=r"device\.yaml:[124]"):
        parts_from_netbox(text, date="2026-11", source="device.yaml")


def test_values_that_make_no_row_are_told() -> None:
    """Given a date that is none, the refusal says which field of the row is at fault."""
    with pytest.raises(Refused, match="INF-131 makes no row: date"):
        parts_from_netbox(RACK, date="today")
