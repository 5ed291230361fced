"""A hall with ten planted faults gives exactly ten problems, each with its line and a way out."""

import re
from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.planner.load import load

HALL = Path(__file__).with_name("ten_faults.yaml")
PLANTED = [
    (number, match[1])
    for number, line in enumerate(HALL.read_text(encoding="utf-8").splitlines(), 1)
    if (match := re.search(r"# fault \d+ \(([A-Z]+-\d{3})\)", line))
]


def test_ten_faults_are_told_at_once_and_nothing_else() -> None:
    """Given ten faults in all floors of one hall, one run names each with its code and line, in the order of the file."""
    with pytest.raises(Refused, match="INF-305") as caught:
        load(HALL)
    told = [(int(p.where.split(" ")[0].rpartition(":")[2]), p.code) for p in caught.value.problems]
    assert len(PLANTED) == 10
    assert told == PLANTED
    assert all(problem.fix for problem in caught.value.problems)


def test_without_its_faults_the_hall_is_a_good_one(tmp_path: Path) -> None:
    """Given the same hall with the ten lines mended, nothing is told: no rule spoke for want of another."""
    text = HALL.read_text(encoding="utf-8")
    mended = {
        "builtin: temperat}": "builtin: temperate}",
        "0.09 CHF": "0.09 USD",
        "{name: a, positions: 8}": "{name: a, positions: 10}",
        'name: "r[10-11]"': 'name: "r[20-21]"',
        "{part: hgx-h100-8, count: 3}": "{part: hgx-h100-8, count: 2}",
        "part: hgx-h10-8": "part: hgx-h100-8",
        "pdu-c4]": "pdu-b4]",
        "count: 4, cords: 1": "count: 4, cords: 2",
        "oversubscription_limit: 1": "oversubscription_limit: 3",
        "checkpoint_within_s: 5 s": "checkpoint_within_s: 30 s",
    }
    for wrong, right in mended.items():
        assert text.count(wrong) == 1
        text = text.replace(wrong, right)
    path = tmp_path / "hall.yaml"
    path.write_text(text, encoding="utf-8")
    assert load(path).estate.accelerators == 8 * (10 * 2 + 2 * 2 + 2 + 1)
