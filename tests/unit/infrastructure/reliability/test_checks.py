"""Records of failures that are half there."""

from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.checks import load_hall

FAULTY = Path(__file__).parents[1] / "faulty"


@pytest.mark.parametrize(
    ("code", "line", "field", "what"),
    [
        ("INF-701", 10, "failures_per_year", "fails 0.0024 times a year, but nothing says how long a repair takes"),
        ("INF-702", 10, "repair_h", "takes 61 h, but nothing says how often it fails"),
    ],
)
def test_half_a_record_is_told_once(code: str, line: int, field: str, what: str) -> None:
    """Given two PDUs declared together with one half of a record, there is one problem, on the line of that half."""
    with pytest.raises(Refused, match=code) as refused:
        load_hall(FAULTY / f"{code}.yaml")
    [problem] = refused.value.problems
    assert problem.code == code and f"{code}.yaml:{line} power.elements[1].{field}" in problem.where
    assert what in problem.what and "catalogue part" in problem.fix


def test_the_other_half_may_stand_in_the_part(tmp_path: Path) -> None:
    """Given a PDU whose part has a record, the hall may give one half of its own."""
    hall = tmp_path / "hall.yaml"
    text = (FAULTY / "INF-701.yaml").read_text(encoding="utf-8")
    hall.write_text(text.replace("kind: pdu\n", "kind: pdu\n      part: pdu-transformer\n"), encoding="utf-8")
    assert load_hall(hall).power is not None
