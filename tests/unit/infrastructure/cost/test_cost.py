import numpy as np
import pytest

from datahall.foundation.hourly import HourlyFacility, HourlyIt
from datahall.foundation.money import Amount
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.cost import Bill, HourlyPrice, Purchase, bill_of, cost_of, energy_cost
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.spec import Economy, Hall, Operation

HOURS = 8760
OPERATION = Operation(sold_ratio=0.8, goodput_ratio=0.5)
BARE = Economy(discount_rate_ratio=0, maintenance_ratio=0, insurance_and_tax_ratio=0)


def bill(**changes: object) -> Bill:
    base: dict[str, object] = {
        "accelerators": 16,
        "critical_w": 20e3,
        "facility_w": np.full(HOURS, 25e3),
        "servers": (Purchase("box", 2, Amount(300_000.0), "economy.server_price.box"),),
        "energy_per_kwh": Amount(0.1),
    }
    return Bill(**{**base, **changes})  # type: ignore[arg-type]


def economy(**changes: object) -> Economy:
    return Economy.model_validate({**BARE.model_dump(exclude_unset=True), "build_per_critical_w": 12, **changes})


def test_every_line_by_hand_without_interest():
    """Given 0 % interest, two servers of 300,000 over 5 years, 12 a W over 15 years and 25 kW all year at 0.10 a kWh."""
    report = cost_of(bill(), economy(), OPERATION)
    assert {line.name: pytest.approx(line.per_year) for line in report.lines} == {
        "building": 12 * 20e3 / 15,
        "servers": 600_000 / 5,
        "energy": 25 * 8760 * 0.1,
    }
    assert (report.capital, report.complete) == (840_000, True)
    assert report.per_year == pytest.approx(16_000 + 120_000 + 21_900)


def test_an_hour_is_useful_when_it_is_sold_and_its_work_is_kept():
    """Given 80 % sold and half of that kept, a useful hour costs 1 / 0.4 of an installed one."""
    report = cost_of(bill(), economy(), OPERATION)
    assert report.per_installed_hour == pytest.approx(157_900 / (16 * 8760))
    assert report.per_useful_hour == pytest.approx(report.per_installed_hour / 0.4)


def test_a_hall_without_accelerators_has_no_price_per_hour():
    """Given no accelerators, the year has its cost, and an accelerator-hour has none."""
    report = cost_of(bill(accelerators=0), economy(), OPERATION)
    assert report.per_year > 0 and report.per_installed_hour is None and report.per_useful_hour is None


def test_what_has_no_price_is_told_and_not_invented():
    """Given no price for servers, energy, water and building, nothing is billed, and each says what to declare."""
    server = Purchase("box", 2, None, "economy.server_price.box")
    report = cost_of(bill(servers=(server,), energy_per_kwh=None, water_m3=5.0), BARE, OPERATION)
    assert report.per_year == 0 and not report.complete and report.per_useful_hour is None, "unknown is not free"
    assert {gap.line: gap.declare.split(",")[0] for gap in report.missing} == {
        "building": "economy.build_per_critical_w",
        "servers": "economy.server_price.box",
        "energy": "site.tariff.energy_per_kwh",
        "water": "site.water.price_per_m3",
    }


def test_foreign_prices_are_converted_by_the_declared_rate():
    """Given servers in USD, power in SEK and a hall in EUR, the bill is in EUR; a currency without a rate is a gap."""
    foreign = bill(servers=(Purchase("box", 2, Amount(300_000.0, "USD"), "x"),), energy_per_kwh=Amount(1.0, "SEK"))
    report = cost_of(foreign, economy(currency="EUR", rates={"USD": 0.9}), OPERATION)
    assert report.currency == "EUR" and report.line("servers").capital == pytest.approx(540_000)
    [gap] = report.missing
    assert (gap.line, gap.declare) == ("energy", "economy.rates.SEK, the price of one SEK in EUR")


def test_rent_takes_the_place_of_building_and_its_maintenance():
    """Given a rent of 150 per kW and month, 20 kW cost 36,000 a year, and no building is maintained."""
    report = cost_of(bill(), economy(build_per_critical_w=None, colocation_per_kw_month=150, maintenance_ratio=0.03), OPERATION)
    assert report.line("colocation").per_year == pytest.approx(36_000)
    assert report.line("building") is None and report.line("maintenance") is None


def test_running_shares_follow_what_was_bought():
    """Given 3 % of the building, 5 % of the IT and 1 % of all, each line is that share of its capital."""
    report = cost_of(
        bill(network=(Purchase("switch", 4, Amount(25_000.0), "x"),)),
        economy(maintenance_ratio=0.03, it_support_ratio=0.05, insurance_and_tax_ratio=0.01, land=1_000_000),
        OPERATION,
    )
    assert report.line("maintenance").per_year == pytest.approx(0.03 * 240_000)
    assert report.line("it_support").per_year == pytest.approx(0.05 * 700_000)
    assert report.line("insurance_and_tax").per_year == pytest.approx(0.01 * (240_000 + 700_000 + 1_000_000))


def test_land_costs_its_interest_and_staff_their_pay():
    """Given land of a million at 8 % and two and a half people at 90,000."""
    report = cost_of(
        bill(), economy(discount_rate_ratio=0.08, land=1e6, staff_count=2.5, staff_cost_per_year=90_000), OPERATION
    )
    assert (report.line("land").per_year, report.line("staff").per_year) == (pytest.approx(80_000), 225_000)
    gap = cost_of(bill(), economy(staff_count=2.5), OPERATION).missing
    assert [g.declare for g in gap] == ["economy.staff_cost_per_year"]


def test_what_servers_fetch_at_the_end_comes_back():
    """Given no interest and a tenth of 600,000 after 5 years, 12,000 a year come back; interest makes it less."""
    assert cost_of(bill(), economy(residual_ratio=0.1), OPERATION).line("residual").per_year == pytest.approx(-12_000)
    dear = cost_of(bill(), economy(residual_ratio=0.1, discount_rate_ratio=0.1), OPERATION)
    assert dear.line("residual").per_year == pytest.approx(-60_000 * 0.1 / (1.1**5 - 1))


def test_demand_is_charged_for_each_month_s_highest_hour():
    """Given 25 kW and one hour of 100 kW in February, eleven months pay for 25 kW and one for 100 kW."""
    facility_w = np.full(HOURS, 25e3)
    facility_w[31 * 24 + 5] = 100e3
    report = cost_of(bill(facility_w=facility_w, demand_per_kw_month=Amount(10.0)), economy(), OPERATION)
    assert report.line("demand").per_year == pytest.approx(10 * (11 * 25 + 100))


def test_negative_prices_pay_for_what_is_drawn():
    """Given a price of 0.10 by day and -0.05 by night, a flat 25 kW pays the mean of both."""
    per_kwh = np.tile([0.1] * 12 + [-0.05] * 12, 365)
    report = cost_of(bill(energy_per_kwh=HourlyPrice(per_kwh)), economy(), OPERATION)
    assert report.line("energy").per_year == pytest.approx(25 * 8760 * 0.025)
    [mean] = [i for i in report.line("energy").inputs if i.name == "mean_price"]
    assert mean.value == pytest.approx(0.025)


def test_hourly_prices_meet_the_hours_they_are_for():
    """Given power drawn only while it costs 0.02, the bill is 0.02 a kWh, not the mean price."""
    facility_w = np.tile([0.0] * 12 + [50e3] * 12, 365)
    price = HourlyPrice(np.tile([0.3] * 12 + [0.02] * 12, 365))
    assert energy_cost(HourlyFacility.of_w(facility_w), price) == pytest.approx(50 * 4380 * 0.02)


def test_only_the_meter_s_energy_is_billed():
    """Given the IT's energy, which leaves out cooling, the bill refuses it."""
    with pytest.raises(TypeError, match="takes a HourlyFacility"):
        energy_cost(HourlyIt.of_w(np.ones(8760)), 0.1)  # type: ignore[arg-type]


def test_a_line_says_its_formula_and_where_its_inputs_stand():
    """Given the building line, its inputs lead back to the hall file, and its formula says what was done."""
    line = cost_of(bill(), economy(build_source="Cushman & Wakefield 2025"), OPERATION).line("building")
    assert line.formula.startswith("A(discount_rate, building_life_years) x build_price x critical_power")
    assert [(i.name, i.path) for i in line.inputs][:1] == [("build_price", ("economy", "build_per_critical_w"))]
    assert line.inputs[0].source == "Cushman & Wakefield 2025"
    assert ("economy", "building_life_years") in [i.path for i in line.inputs]


HALL = Hall.model_validate(
    {
        "schema_version": 1,
        "name": "h",
        "site": {
            "tariff": {"energy_per_kwh": 0.09, "demand_per_kw_month": "9 USD", "currency": "EUR"},
            "water": {"price_per_m3": 2},
        },
        "racks": [{"name": "r[1-4]", "contents": [{"part": "dgx-h100", "count": 2}]}],
        "storage": [
            {
                "name": "a",
                "part": "hdd-24tb",
                "devices": 10,
                "redundancy": {"kind": "replicas", "copies": 2},
                "device_price": 500,
            }
        ],
        "economy": {"server_price": {"dgx-h100": "310000 USD"}},
    }
)


def test_a_hall_s_bill_holds_its_own_prices_first():
    """Given a hall that prices its servers and disks, its bill has them, and a tariff in EUR whose one charge is in USD."""
    catalogue = Catalogue()
    made = bill_of(HALL, estate_of(HALL, catalogue), catalogue, facility_w=np.ones(8760), critical_w=80e3, water_m3=7.0)
    assert [(p.name, p.count, p.price, p.path) for p in made.servers] == [
        ("dgx-h100", 8, Amount(310_000.0, "USD"), ("economy", "server_price", "dgx-h100"))
    ]
    assert [(p.count, p.price) for p in made.storage] == [(10, Amount(500.0))]
    assert (made.energy_per_kwh, made.demand_per_kw_month) == (Amount(0.09, "EUR"), Amount(9.0, "USD"))
    assert (made.accelerators, made.water_per_m3) == (64, Amount(2.0))


def test_a_hall_s_bill_takes_the_hours_read_from_its_file():
    """Given a tariff that names a file, the bill holds its hours in the tariff's currency; unread, energy is a gap."""
    tariff = {"energy_per_kwh": {"file": "p.csv", "column": "price"}, "currency": "EUR"}
    hall = HALL.model_copy(update={"site": HALL.site.model_validate({"tariff": tariff})})
    catalogue = Catalogue()
    estate = estate_of(hall, catalogue)
    made = bill_of(hall, estate, catalogue, facility_w=np.ones(8760), critical_w=1.0, energy_series=np.full(8760, 0.2))
    assert isinstance(made.energy_per_kwh, HourlyPrice) and made.energy_per_kwh.currency == "EUR"
    assert bill_of(hall, estate, catalogue, facility_w=np.ones(8760), critical_w=1.0).energy_per_kwh is None


def test_a_machine_that_is_here_needs_a_price_of_its_own():
    """Given a laptop among the nodes without a price, the gap says what to write; with one, it is billed."""
    cpu = {"model": "x", "sockets": 1, "cores": 2, "threads": 2}
    data = {"schema_version": 1, "name": "h", "nodes": [{"name": "laptop", "cpu": cpu, "memory_bytes": 2**33}]}
    catalogue = Catalogue()
    for prices, expected in (({}, None), ({"laptop": 1500}, Amount(1500.0))):
        hall = Hall.model_validate({**data, "economy": {"server_price": prices}})
        made = bill_of(hall, estate_of(hall, catalogue), catalogue, facility_w=np.ones(8760), critical_w=45.0)
        assert [(p.price, p.declare) for p in made.servers] == [(expected, "economy.server_price.laptop")]
