import csv
from pathlib import Path

import pytest

from datahall.infrastructure.cost.published import electricity_prices, published_costs

COSTS = published_costs()


@pytest.mark.parametrize("name", COSTS)
def test_a_published_cost_says_where_it_is_from(name: str):
    """Given any row, it has source, date and unit, its range is in order, and a figure from memory says so."""
    row = COSTS[name]
    assert row.source and row.date and row.unit and row.low <= row.middle <= row.high
    assert ("memory" in row.source) == (row.checked == "unverified")
    assert row.source in row.cited and (row.checked in row.cited) == (row.checked != "read")


def test_shares_of_a_whole_add_up():
    """Given the shares of a building and those of a warehouse's cost, each set is the whole."""
    for kind in ("build-share-", "tco-share-"):
        assert sum(row.middle for name, row in COSTS.items() if name.startswith(kind)) == pytest.approx(1.0)


def test_prices_of_electricity_by_place():
    """Given a US state and a country, the price has its currency, its year and its source."""
    prices = electricity_prices()
    row, table = prices["Virginia"]
    assert (row.commercial, row.industrial, table.currency, table.date, table.checked) == (
        0.0895,
        0.0892,
        "USD",
        "2023",
        "read",
    )
    assert "Energy Information Administration" in table.source
    assert prices["Singapore"][1].checked == "unverified"
    assert len(prices) == 55 and all(table.unit and table.source for _, table in prices.values())


@pytest.mark.shared
def test_prices_are_those_of_the_reference_table(shared: Path):
    """Given the reference table of electricity prices, each of its US states has the same two figures here."""
    prices = electricity_prices()
    with (shared / "reference" / "facility" / "electricity_price.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "US state"]
    found = {row["place"]: (prices[row["place"]][0].commercial, prices[row["place"]][0].industrial) for row in rows}
    assert found == {row["place"]: (float(row["commercial"]), float(row["industrial"])) for row in rows} and len(rows) == 50
