"""The worked halls pass the rules of every floor, and are what their first lines say."""

from pathlib import Path

import pytest

from datahall.planner.load import load

HALLS = Path(__file__).parents[2] / "halls"


@pytest.mark.parametrize("path", sorted(HALLS.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_rule_of_any_floor_is_broken(path: Path) -> None:
    """Given a worked hall, loading it with all checks of infrastructure and network raises nothing."""
    assert load(path).hall.name == path.stem


@pytest.mark.parametrize(
    ("name", "accelerators", "racks", "it_mw"),
    [
        ("laptop", 0, 0, 0),
        ("rented-rack-4", 32, 2, 0.044),
        ("h100-64", 512, 36, 0.705),
        ("h100-512", 4096, 152, 5.78),
        ("gb200-16k", 16_416, 285, 28.6),
    ],
)
def test_a_hall_is_as_large_as_it_says(name: str, accelerators: int, racks: int, it_mw: float) -> None:
    """Given a worked hall, its accelerators, racks and full IT draw are those of its comments."""
    estate = load(HALLS / f"{name}.yaml").estate
    assert (estate.accelerators, estate.racks) == (accelerators, racks)
    assert estate.peak_w / 1e6 == pytest.approx(it_mw, abs=0.01 * it_mw + 0.001)
