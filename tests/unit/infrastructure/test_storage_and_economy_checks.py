"""Rules about storage and money: each has a hall that must fail it, on the line that says `# fault`."""

from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.checks import economy, load_hall, problems_of_hall, storage
from datahall.infrastructure.spec import Hall

FAULTY = Path(__file__).parent / "faulty"
CODES = [str(check.__doc__)[:7] for check in (*storage.CHECKS, *economy.CHECKS)]


@pytest.mark.parametrize("code", CODES)
def test_a_hall_with_one_fault_gives_one_problem_on_its_line(code: str) -> None:
    """Given a hall with one planted fault, exactly that rule speaks, on the line of the fault."""
    path = FAULTY / f"{code}.yaml"
    [line] = [n for n, text in enumerate(path.read_text().splitlines(), 1) if "# fault" in text]
    with pytest.raises(Refused, match=code) as caught:
        load_hall(path)
    assert [(p.code, p.where.split(" ")[0]) for p in caught.value.problems] == [(code, f"{path}:{line}")]
    assert caught.value.problems[0].fix


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("INF-401", "no catalogue has `nvme-tlc-gen5-16tb`. Did you mean `nvme-tlc-gen5-31tb` or `nvme-tlc-gen5-15tb`"),
        ("INF-402", "tier `scratch` does not say device_read_bytes_per_s, device_write_bytes_per_s. Add them"),
        ("INF-404", "the code 8+2 takes 10 devices, but tier `scratch` has 9. Use at least 10"),
        ("INF-405", "the code 8+2 on 3 servers puts 4 fragments in one, but only 2 may be lost. Spread it over 5"),
        ("INF-406", "`dataset_bytes` is declared, but no storage tier holds datasets. Add a tier"),
        ("INF-407", "100 TB are asked for, but tier `scratch` holds 98.3 TB: 154 TB raw, 8 of 10 fragments data, 80% full"),
        (
            "INF-409",
            "6 TB take 2 min 30 s at the 40 GB/s that tier `scratch` writes (network limit it), but 2 min 0 s are asked",
        ),
        ("INF-410", "64 accelerators read 64 GB/s together, but tier `lake` gives 28.5 GB/s (devices limit it)"),
        ("INF-501", "a price is in EUR, but the hall counts in USD and has no rate for it. Add `rates: {EUR: …}`"),
        ("INF-502", "-11.7 is below zero"),
        ("INF-503", "one USD is said to cost 1 USD, the hall's own currency"),
        ("INF-505", "there are 8 factors for the 24 hours of a day"),
        ("INF-506", "all 7 factors are zero"),
        ("INF-507", "a price is given for `dgx-h200`, but no rack holds one and no node is called so. Did you mean `dgx-h100`"),
        ("INF-508", "a rent of 180 and building at 11.7 are both declared"),
    ],
)
def test_a_problem_says_what_was_seen_and_the_limit(code: str, text: str) -> None:
    """Given a planted fault, its problem has the figures and the way out."""
    with pytest.raises(Refused, match=code) as caught:
        load_hall(FAULTY / f"{code}.yaml")
    assert text in str(caught.value.problems[0])


NODE = {"name": "n1", "cpu": {"model": "x", "sockets": 1, "cores": 2, "threads": 2}, "memory_bytes": 2**33}


def codes(**parts: object) -> list[str]:
    hall = Hall.model_validate({"schema_version": 1, "name": "h", "nodes": [NODE], **parts})
    return [problem.code for problem in problems_of_hall(hall)]


DISKS = {"name": "t", "part": "hdd-24tb", "devices": 12}
RAID6 = {"kind": "erasure_code", "data": 8, "parity": 2}


@pytest.mark.parametrize(
    "parts",
    [
        {"site": {"tariff": {"energy_per_kwh": "-0.02 EUR"}}, "economy": {"rates": {"EUR": 1.08}}},
        {"site": {"tariff": {"energy_per_kwh": 0.02, "currency": "EUR"}}, "economy": {"currency": "EUR"}},
        {"economy": {"server_price": {"n1": 1500}}},
        {"operation": {"daily_profile": [0] * 23 + [1]}},
        {"storage": [{**DISKS, "servers": 4, "redundancy": {"kind": "replicas", "copies": 1}}]},
        {"storage": [{**DISKS, "servers": 1, "redundancy": RAID6}]},
    ],
    ids=["negative energy", "tariff in the own currency", "a node's price", "one busy hour", "no redundancy", "one server"],
)
def test_what_is_odd_but_right_passes(parts: dict[str, object]) -> None:
    """Given prices that may be negative, a node with a price, RAID in one server or scratch without copies, nothing is said."""
    assert codes(**parts) == []


def test_a_tariff_in_a_currency_without_a_rate_is_told() -> None:
    """Given a tariff whose currency the hall does not know, the missing rate is one problem, however many prices wait."""
    tariff = {"energy_per_kwh": 0.1, "demand_per_kw_month": "9 SEK", "currency": "SEK"}
    assert codes(site={"tariff": tariff}) == ["INF-501"]
    assert codes(site={"tariff": {"energy_per_kwh": "0.1 USD", "currency": "SEK"}}) == [], "no price waits for it"


def test_a_device_price_is_a_price_like_others() -> None:
    """Given a device at -5 NOK in a hall that counts in USD, the rate is lacking and the price is below zero."""
    tier = {"name": "t", "part": "hdd-24tb", "devices": 4, "redundancy": {"kind": "replicas", "copies": 2}}
    assert codes(storage=[{**tier, "device_price": "-5 NOK"}]) == ["INF-501", "INF-502"]


def test_a_price_waits_for_parts_that_are_known() -> None:
    """Given a rack whose part no catalogue has, no rule guesses what a server's price was meant for."""
    racks = [{"name": "r1", "contents": [{"part": "dgx-h10O", "count": 1}]}]
    assert codes(racks=racks, economy={"server_price": {"dgx-h100": 300_000}}) == ["INF-102"]
