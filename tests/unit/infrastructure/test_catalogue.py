"""The catalogue: rows with sources, found by name; a user's own before those that come with Datahall."""

import pytest
from pydantic import ValidationError

from datahall.infrastructure.catalog.catalogue import Catalogue, PartsFile, near, shipped
from datahall.infrastructure.catalog.part_specs import Part, RackPart, ServerPart
from datahall.infrastructure.catalog.rows import accelerator_rows, row_for

ROWS: list[tuple[str, Part]] = [(kind, row) for kind in PartsFile.model_fields for row in getattr(shipped(), kind)]
SERVERS = shipped().servers


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[f"{kind}-{row.name}" for kind, row in ROWS])
def test_no_part_lacks_its_source(kind: str, row: Part) -> None:
    """Given a row of any catalogue file, it says source, date and unit, and whether the figure was read."""
    assert row.source and row.date and row.unit
    assert (row.checked == "unverified") <= (" " in row.source), (
        "an unverified figure names the data sheet that it should be checked in"
    )
    assert getattr(row, "price", None) is None or getattr(row, "price_source", row.source), "a price says where it was read"
    assert getattr(row, "embodied_kgco2e", None) is None or getattr(row, "embodied_source", None)


def test_names_stand_once_in_each_kind() -> None:
    """Given all rows that come with Datahall, no kind holds a name twice."""
    names = [(kind, row.name) for kind, row in ROWS]
    assert len(names) == len(set(names)) and len(SERVERS) >= 25


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_a_server_fits_together(server: ServerPart) -> None:
    """Given a server, its accelerators are in the catalogue, and draw less than the whole; its cords and cores add up."""
    known = {row.name: row for row in accelerator_rows()}
    assert (server.accelerator is None) == (server.accelerators == 0)
    if server.accelerator:
        row = known[server.accelerator]
        assert row_for(f"NVIDIA {server.accelerator}", accelerator_rows()) == row
        assert 0.25 < server.accelerators * row.tdp_w / server.peak_power_w < 1
        assert str(server.scale_up).startswith(row.scale_up) or server.scale_up == "NVLink-bridge"
    assert server.cords_needed <= server.cords and server.sockets <= server.cores <= server.threads
    assert server.idle_power_w is None or server.idle_power_w < server.peak_power_w
    if server.weight_kg:
        assert server.weight_kg / server.units < 60, "no machine of a rack unit weighs as much"


def test_own_rows_come_first() -> None:
    """Given a row of one's own with a name that Datahall has, it is the one that counts; the rest is still there."""
    mine = next(s for s in SERVERS if s.name == "dgx-h100").model_copy(update={"peak_power_w": 9_000.0})
    catalogue = Catalogue(own=PartsFile(servers=(mine,)))
    assert catalogue.servers["dgx-h100"].peak_power_w == 9_000
    assert catalogue.servers["dgx-b200"].peak_power_w == 14_300


def test_an_unknown_name_lists_the_near_ones() -> None:
    """Given names that are almost right, or not at all, the way out names what there is."""
    assert "`dgx-h100`" in near("DGX-H100", Catalogue().servers) and "`rack-42u-600x1200`" in near(
        "rack-42-600x1200", Catalogue().racks
    )
    assert "choose one of" in near("zzz", Catalogue().racks) and "in all)" in near("zzz", Catalogue().servers)


def test_a_row_without_a_source_is_refused() -> None:
    """Given a rack without source, date and unit, it is no row."""
    with pytest.raises(ValidationError, match=r"(?s)unit.*source.*date"):
        RackPart.model_validate({"name": "rack", "units": 42, "empty_weight_kg": 100, "width_m": 0.6, "depth_m": 1.2})
