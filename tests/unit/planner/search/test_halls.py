import pytest
from tests.unit.planner.search.shapes import DENSE, MIXED, question

from datahall.models.parallel.stack import Stack
from datahall.planner.search.halls import Change, what_if


def rows(*changes, architecture=DENSE, **fields):
    asked = question(architecture, accelerators=16, **({"pinned": {"recompute": "none"}, "memory_bytes": None} | fields))
    return {row.change.name: row for row in what_if(asked, changes)}


def test_each_change_is_a_row_beside_what_is():
    """Given more accelerators, a newer kind and a faster network, each step is faster than as it is."""
    found = rows(
        Change("twice as many", accelerators=32),
        Change("newer", accelerator="B200"),
        Change("without oversubscription", oversubscription=1.0, nic_bytes_per_s=100e9),
    )
    assert found["as it is"].step_ratio == 1.0
    assert all(row.step_ratio < 1 for name, row in found.items() if name in {"twice as many", "newer"})
    assert found["without oversubscription"].step_ratio <= 1


def test_a_power_limit_slows_by_less_than_its_share():
    """Given 60 % of the power, the clock falls with the cube root: 1 to 1.19 times as long."""
    found = rows(Change("limited", power_limit_w=420), stack=Stack(host_kernel_s=0.0), sequence=4096)
    assert 1.02 < found["limited"].step_ratio < 1 / 0.6 ** (1 / 3)


def test_smaller_domains_slow_experts():
    """Given experts that must leave servers of two, the step takes longer."""
    found = rows(Change("small", per_domain=2), architecture=MIXED, pinned={"expert": 8, "tensor": 1, "recompute": "none"})
    assert found["small"].step_ratio >= 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Change("odd", accelerator="Z9"), "KERN-001"),
        (Change("odd", power_limit_w=5000), "SEARCH-003"),
        (Change("odd", accelerators=3), "SEARCH-002"),
    ],
)
def test_what_cannot_be_asked_is_a_row_with_its_problems(change, code):
    fields = {"pinned": {"pipeline": 1, "context": 1}} if change.accelerators else {}
    row = rows(change, **fields)["odd"]
    assert row.found is None and row.step_s is None
    assert [problem.code for problem in row.problems] == [code]


def test_where_nothing_fits_the_row_says_so():
    """Given too little memory on each, there is no step, and what comes nearest is told."""
    found = rows(Change("tiny", memory_bytes=2.3e9), memory_bytes=None)
    assert found["tiny"].step_s is None and found["tiny"].found.nearest_fit is not None
