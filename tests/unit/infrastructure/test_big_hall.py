"""The halls that benchmarks plan are good halls, at every size."""

import runpy
from pathlib import Path

import pytest

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.checks import load_hall
from datahall.infrastructure.estate import estate_of

big_hall = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks/infrastructure/big_hall.py"))["big_hall"]


@pytest.mark.parametrize(("asked", "made"), [(1, 32), (1_000, 1_024), (20_000, 20_000), (100_000, 100_000)])
def test_a_hall_of_any_size_has_no_problem(asked: int, made: int, tmp_path: Path) -> None:
    """Given a number of accelerators, the hall has at least so many and passes every check of its floor."""
    path = tmp_path / "big.yaml"
    path.write_text(big_hall(asked), encoding="utf-8")
    assert estate_of(load_hall(path), Catalogue()).accelerators == made


def test_a_hall_of_nothing_is_refused() -> None:
    """Given no accelerators, there is no hall to make."""
    with pytest.raises(ValueError, match="accelerators=0"):
        big_hall(0)
