"""Mean time to data loss against closed forms and printed figures.

Patterson, Gibson and Katz, A Case for Redundant Arrays of Inexpensive Disks (RAID), SIGMOD 1988, doi:10.1145/50202.50214,
sections 7 to 11: 100 data disks of 30,000 h, repaired in 1 h; printed with two to four digits, typed from memory of the paper,
whose formula MTTF^2 / ((D + C n_G) (G + C - 1) MTTR) gives each of them.
Chen et al., RAID: High-Performance, Reliable Secondary Storage, ACM Computing Surveys 26(2), 1994, section 3.4 and Angus 1988,
compared by Resch and Volvovski, arXiv:1310.4702: one repair at a time against all at once, a factor m! for m parities.
"""

import math

import pytest

from datahall.infrastructure.storage import mttdl_h

DISK_H = 30_000


@pytest.mark.parametrize(
    ("level", "data", "check", "printed_h"),
    [("1", 1, 1, 4_500_000), ("2", 10, 4, 494_500), ("3, 4 and 5", 10, 1, 820_000), ("3, 4 and 5", 25, 1, 346_000)],
)
def test_raid_levels_of_1988(level: str, data: int, check: int, printed_h: float) -> None:
    """Given 100 data disks in groups, one of which may be lost in each, the array lives as long as was printed."""
    groups = 100 / data
    group_h = mttdl_h(data + check, tolerated=1, failures_per_h=1 / DISK_H, rebuild_h=1.0)
    # The paper leaves out the way to the first failure, 1/(n lambda): 0.3 % of the group's life at most; and rounds.
    assert group_h / groups == pytest.approx(printed_h, rel=5e-3)


@pytest.mark.parametrize("tolerated", [1, 2, 3, 4])
@pytest.mark.parametrize("devices", [6, 10, 16])
def test_short_repairs_near_the_closed_form(devices: int, tolerated: int) -> None:
    """Given repairs of a millionth of a life, MTTDL is m! / (n (n-1) … (n-m) failures^(m+1) repair^m)."""
    failures, repair = 1e-6, 1.0
    ways = math.prod(devices - out for out in range(tolerated + 1))
    closed = math.factorial(tolerated) / (ways * failures ** (tolerated + 1) * repair**tolerated)
    found = mttdl_h(devices, tolerated=tolerated, failures_per_h=failures, rebuild_h=repair)
    assert found == pytest.approx(closed, rel=1e-4)


def test_raid_5_of_1994_outlives_three_thousand_years() -> None:
    """Given 100 disks of 200,000 h in groups of 16 repaired in 1 h, as in Chen et al., the array outlives 3,000 years."""
    array_h = mttdl_h(16, tolerated=1, failures_per_h=1 / 200_000, rebuild_h=1.0) / (100 / 16)
    assert array_h / 8766 == pytest.approx(3042, rel=0.01) and array_h / 8766 > 3000


@pytest.mark.parametrize("copies", [2, 3, 4])
def test_replicas_that_cannot_be_repaired_live_a_harmonic_sum(copies: int) -> None:
    """Given copies that are never rebuilt, the last one is gone after (1 + 1/2 + … + 1/n) lives of a device."""
    life = mttdl_h(copies, tolerated=copies - 1, failures_per_h=1e-5, rebuild_h=1e18)
    assert life == pytest.approx(1e5 * sum(1 / n for n in range(1, copies + 1)), rel=1e-9)


def test_a_mirror_is_exactly_its_textbook_form() -> None:
    """Given two copies, MTTDL is (3 failures + repairs) / (2 failures^2), with no approximation."""
    failures, repair_h = 1e-4, 20.0
    exact = (3 * failures + 1 / repair_h) / (2 * failures**2)
    assert mttdl_h(2, tolerated=1, failures_per_h=failures, rebuild_h=repair_h) == pytest.approx(exact, rel=1e-12)
