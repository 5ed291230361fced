"""Worked halls to start from."""

from pathlib import Path

import pytest

from datahall.foundation.errors import Missing
from datahall.infrastructure.checks import load_hall
from datahall.infrastructure.starter import FOLDER, starter, starters

HALLS = Path(__file__).parents[3] / "halls"


def test_the_package_ships_the_worked_halls_as_they_are() -> None:
    """Given the repository's halls, the package has the same files: `cp halls/*.yaml src/datahall/infrastructure/halls/`."""
    ours, shipped = ({path.name: path.read_bytes() for path in folder.glob("*.yaml")} for folder in (HALLS, FOLDER))
    assert ours == shipped
    assert {"laptop", "rented-rack-4", "h100-64", "h100-512", "gb200-16k"} <= set(starters())


@pytest.mark.parametrize("name", starters())
def test_a_starter_is_a_hall_without_problems(name: str, tmp_path: Path) -> None:
    """Given a worked hall written somewhere else, it loads with no problem: it names no file beside it."""
    path = tmp_path / "hall.yaml"
    path.write_text(starter(name), encoding="utf-8")
    hall = load_hall(path)
    assert hall.name == name and not hall.catalog


@pytest.mark.parametrize(
    ("like", "fix"), [("h100-521", "`h100-512`"), ("H100-64.yaml", "`h100-64`"), ("zzz", "choose one of gb200-16k")]
)
def test_an_unknown_name_lists_the_near_ones(like: str, fix: str) -> None:
    """Given a misspelt name, or none at all, the near ones or all are told."""
    with pytest.raises(Missing, match="INIT-002") as caught:
        starter(like)
    assert fix in caught.value.problems[0].fix
