"""Published efficiencies of power elements, and of chains of them.

Rows: efficiencies of the three-term form of Schneider Electric White Paper 108, with coefficients from
memory (so the rows check our arithmetic and not the equipment), and ExaDigiT/RAPS, raps/power.py.
Chains: computed for a chain of named elements: at 70 % utilisation 2N double conversion loses 6.7 % of IT, N+1 eco 3.2 %.
"""

import pytest
from tests.unit.infrastructure.power.halls import graph_of

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.power.losses import efficiency_ratio, rectifier_terms

LOADS = (0.10, 0.25, 0.50, 0.75, 1.00)
ROWS = [
    ("ups-double-conversion", (0.8997, 0.949, 0.9639, 0.9666, 0.9662)),
    ("ups-eco-mode", (0.9677, 0.9843, 0.9891, 0.9901, 0.9901)),
    ("ups-legacy-1990s", (0.7025, 0.8412, 0.8949, 0.9094, 0.9132)),
    ("transformer-mv-lv", (0.9794, 0.9896, 0.9911, 0.9899, 0.9881)),
    ("pdu-transformer", (0.9697, 0.9852, 0.9881, 0.9872, 0.9852)),
    ("busway", (0.9942, 0.996, 0.995, 0.9934, 0.9916)),
    ("rectifier-frontier", (0.9482, 0.9552, 0.9576, 0.9584, 0.9588)),
]


@pytest.mark.parametrize(("part", "published"), ROWS)
def test_efficiencies_match_the_table(part: str, published: tuple[float, ...]) -> None:
    """Given a row of the catalogue, its efficiency at five loads is the table's, to half of the digit that it prints."""
    row = Catalogue().power[part]
    ours = [
        efficiency_ratio(
            x, no_load_ratio=row.loss_no_load_ratio, linear_ratio=row.loss_linear_ratio, square_ratio=row.loss_square_ratio
        )
        for x in LOADS
    ]
    assert ours == pytest.approx(published, abs=0.00005)


def test_the_rectifier_of_raps_is_the_special_case_without_a_square_term() -> None:
    """Given RAPS's (P + 17 W) / 0.96 at 13,670 W, its three terms are the catalogue's, and its input is RAPS's at any load."""
    row = Catalogue().power["rectifier-frontier"]
    terms = rectifier_terms(17.0, 0.96, rating_w=13_670)
    assert terms == pytest.approx((row.loss_no_load_ratio, row.loss_linear_ratio, row.loss_square_ratio), rel=1e-12)
    for output_w in (500.0, 6_000.0, 13_670.0):
        efficiency = efficiency_ratio(output_w / 13_670, no_load_ratio=terms[0], linear_ratio=terms[1], square_ratio=terms[2])
        assert output_w / efficiency == pytest.approx((output_w + 17) / 0.96)


CHAIN = """\
schema_version: 1
name: chain
power:
  elements:
    - {name: "grid-[a,b]", kind: utility, rating_w: 100 MW}
    - {name: "tx-[a,b]", kind: transformer, part: transformer-mv-lv, rating_w: TX kW, fed_by: ["grid-[a,b]"]}
    - {name: "ups-[a,b]", kind: ups, part: PART, rating_w: UPS kW, fed_by: ["tx-[a,b]"]}
    - {name: "pdu-[a,b]", kind: pdu, part: pdu-transformer, rating_w: PDU kW, fed_by: ["ups-[a,b]"]}
racks: [{name: "r[1-2]", feeds: [FEEDS], contents: [{part: server, count: 35}]}]
"""


def lost_ratio(part: str, ratings_kw: tuple[float, float, float], feeds: str) -> tuple[float, list[float]]:
    """Loss over IT, and the loads of transformer, UPS and PDU over their ratings; 700 kW of IT in all."""
    text = CHAIN.replace("PART", part).replace("FEEDS", feeds)
    for word, rating_kw in zip(("TX", "UPS", "PDU"), ratings_kw, strict=True):
        text = text.replace(f"{word} kW", f"{rating_kw} kW")
    graph = graph_of(text)
    flow = graph.solve(1.0)
    loads = [float(flow.peak_load_ratio[graph.index[name]]) for name in ("tx-a", "ups-a", "pdu-a")]
    return float(flow.loss_w[0] / flow.it_w[0]), loads


def test_two_sides_with_double_conversion_lose_what_the_notes_say() -> None:
    """Given transformer, UPS and PDU on each of two sides, every one at half of 70 %: 6.7 % of IT, as printed."""
    lost, loads = lost_ratio("ups-double-conversion", (1057.15, 1012.77, 1000.0), "pdu-a, pdu-b")
    assert loads == pytest.approx([0.35] * 3, abs=1e-5) and lost == pytest.approx(0.067, abs=0.0005)


def test_one_spare_in_eco_mode_loses_what_the_notes_say() -> None:
    """Given one path with five for four, every element at 4/5 of 70 %, and the UPS in eco mode: 3.2 % of IT, as printed.

    The notes do not say how many stand for how many; 4+1 of everything is our reading (none spare would be 3.3 %).
    """
    lost, loads = lost_ratio("ups-eco-mode", (639.25, 632.55, 625.0), '"pdu-[a,b]"')
    assert loads == pytest.approx([0.56] * 3, abs=1e-4) and lost == pytest.approx(0.032, abs=0.0005)


def test_no_row_of_the_catalogue_lacks_its_source() -> None:
    """Given the power rows that come with Datahall, each says source, date and unit, and whether it was checked."""
    rows = Catalogue().power.values()
    assert len(rows) >= 11 and all(row.source and row.date == "2026-11" and row.unit for row in rows)
    assert {row.name for row in rows if row.checked != "unverified"} == {"rectifier-frontier"}
