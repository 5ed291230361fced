"""Published sizes of fabrics: DGX SuperPOD reference architectures (docs.nvidia.com/dgx-superpod: H100 Table 4, B200, B300 and
B300 XDR Table 3) and Al-Fares et al., SIGCOMM 2008; Kim et al., ISCA 2008.

Counts are whole numbers, so nothing but equality will do.
"""

import csv
from pathlib import Path

import pytest

from datahall.planner.validation.fabric import rows
from datahall.planner.validation.fabric_families import family_rows
from datahall.planner.validation.fabric_superpod import superpod_counts

SUPERPOD = [
    # system, radix, SU, nodes, leaf, spine, core, node-leaf, leaf-spine, spine-core
    ("DGX H100 NDR", 64, 1, 31, 8, 4, 0, 252, 256, 0),
    ("DGX H100 NDR", 64, 3, 95, 24, 16, 0, 764, 768, 0),
    ("DGX H100 NDR", 64, 4, 127, 32, 16, 0, 1020, 1024, 0),
    ("DGX B200 NDR", 64, 8, 256, 64, 32, 0, 2048, 2048, 0),
    ("DGX B200 NDR", 64, 16, 512, 128, 128, 64, 4096, 4096, 4096),
    ("DGX B200 NDR", 64, 64, 2048, 512, 512, 256, 16384, 16384, 16384),
    # From memory of the A100 architecture; 40-port switches leave no other count of cores whole: 80 x 14 = 28 x 40.
    ("DGX A100 HDR", 40, 7, 140, 56, 80, 28, 1120, 1120, 1120),
    ("DGX B300 busbar", 64, 8, 512, 128, 64, 0, 4096, 4096, 0),
    ("DGX B300 busbar", 64, 16, 1024, 256, 128, 0, 8192, 8192, 0),
    ("DGX B300 XDR", 144, 4, 288, 32, 18, 0, 2304, 2304, 0),
    ("DGX B300 XDR", 144, 8, 576, 64, 36, 0, 4608, 4608, 0),
    ("DGX B300 XDR", 144, 18, 1296, 144, 72, 0, 10368, 10368, 0),
]


@pytest.mark.parametrize("row", SUPERPOD, ids=lambda row: f"{row[0]}, {row[2]} SU")
def test_superpod_counts_match_the_published_table(row):
    """Given a row of a component table, every switch and every cable of it is counted."""
    system, radix, units, nodes, leaf, spine, core, down, up, top = row
    counted = superpod_counts(system, radix=radix, nodes=nodes, ports=8, units=units)
    assert [counted.switches_of(tier) for tier in ("leaf", "spine", "core")] == [leaf, spine, core]
    assert counted.links_of("server-leaf", "manager-leaf") == down
    assert (counted.links_of("leaf-spine"), counted.links_of("spine-core")) == (up, top)


FAMILIES = [
    # family, parameter, endpoints, switches, links
    ("fat-tree(k) 3-tier", "k=4", 16, 20, 48),
    ("fat-tree(k) 3-tier", "k=48", 27648, 2880, 82944),
    ("fat-tree(k) 3-tier", "k=128", 524288, 20480, 1572864),
    ("leaf-spine 2-tier 1:1", "radix=144", 10368, 216, 20736),
    ("dragonfly a=2p=2h", "p=4", 1056, 264, 2508),
    ("dragonfly a=2p=2h", "p=16", 262656, 16416, 648432),
]


@pytest.mark.parametrize(("family", "parameter", "endpoints", "switches", "links"), FAMILIES)
def test_families_match_their_closed_forms(family, parameter, endpoints, switches, links):
    """Given a family at its largest, endpoints, switches and links are the paper's."""
    row = {"family": family, "parameter": parameter, "endpoints": endpoints, "switches": switches, "links": links}
    assert [line.ours for line in family_rows(row)] == [endpoints, switches, links]


def test_every_published_row_is_met_and_the_one_that_contradicts_itself_is_named():
    """Given all rows that ship, each figure is exact; the GPUs of one row are not its own nodes times eight."""
    found = rows()
    assert len(found) > 200
    assert not [line for line in found if line.hit is False]
    [odd] = [line for line in found if line.hit is None]
    assert (odd.row, odd.quantity, odd.published, odd.ours) == ("DGX B300 XDR, 18 SU, 1296 nodes", "gpus", 9216, 10368)
    assert "contradicts itself" in odd.note


@pytest.mark.shared
@pytest.mark.parametrize("name", ["fabric_superpod_counts.csv", "fabric_formulas.csv"])
def test_reference_tables_are_met(shared, name):
    """Given the reference tables as CSV files, no figure is missed."""
    path = Path(shared) / "reference" / "facility" / name
    with path.open(encoding="utf-8", newline="") as file:
        found = rows(list(csv.DictReader(file)))
    assert len(found) > 100
    assert not [line for line in found if line.hit is False]
