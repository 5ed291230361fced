"""The network catalogue: every row says where it is from, and a user's file holds rows of both floors."""

import pytest

from datahall.foundation.document import load
from datahall.foundation.errors import Refused
from datahall.infrastructure.catalog.catalogue import Catalogue, PartsFile
from datahall.network.catalog import NetworkCatalogue, NetworkPartsFile

OURS = NetworkCatalogue()
BOTH = """\
racks:
  - {name: shelf, units: 10, empty_weight_kg: 20, width_m: 0.6, depth_m: 1, unit: "kg, m", source: made for a test,
     date: "2026-11"}
cables:
  - {name: string, kind: dac, medium: copper, bits_per_s: 400 Gbit/s, reach_m: 9, power_w: 0.1, unit: m,
     source: made for a test, date: "2026-11", price: 5 USD}
"""


def test_no_row_lacks_its_source():
    """Given all rows that ship, each has a source, a date and units, and a name of its own."""
    rows = [*OURS.switches.values(), *OURS.cables.values(), *OURS.links.values()]
    assert len(rows) > 50
    for row in rows:
        assert row.source, row.name
        assert row.date, row.name
        assert row.unit, row.name


def test_figures_that_were_not_read_say_so():
    """Given a row whose source is a figure of its class, it is not marked as read."""
    rows = [*OURS.switches.values(), *OURS.cables.values(), *OURS.links.values()]
    assert not [row.name for row in rows if "class figure" in row.source and row.checked == "read"]


def test_switches_may_stand_in_racks():
    """Given infrastructure's catalogue with ours added, a switch is a device like any other."""
    catalogue = Catalogue(more_devices=OURS.devices())
    assert catalogue.devices["QM9700"].peak_power_w == 1720


def test_scale_up_links_of_all_servers_are_known():
    """Given the servers that ship, each scale-up link that they name has a row."""
    named = {server.scale_up for server in Catalogue().servers.values() if server.scale_up}
    assert named
    assert named <= set(OURS.links)


def test_one_file_serves_both_floors(tmp_path):
    """Given a file with a rack and a cable, each floor reads its own, and the user's row stands before ours."""
    path = tmp_path / "own.yaml"
    path.write_text(BOTH.replace("string", "dac-2x400g"))
    assert [rack.name for rack in load(path, PartsFile).racks] == ["shelf"]
    own = NetworkCatalogue(load(path, NetworkPartsFile))
    assert (own.cables["dac-2x400g"].reach_m, OURS.cables["dac-2x400g"].reach_m) == (9, 2)


@pytest.mark.parametrize("spec", [PartsFile, NetworkPartsFile])
def test_a_kind_that_no_floor_reads_is_refused(tmp_path, spec):
    """Given `swiches:`, both floors refuse the file."""
    path = tmp_path / "own.yaml"
    path.write_text("swiches: []\n")
    with pytest.raises(Refused, match="SPEC-001 unknown field `swiches`"):
        load(path, spec)
