"""Halls for faults: shipped ones, and small ones made by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from datahall.network.load import load
from datahall.twin.faults.elements import Elements

HALLS = Path(__file__).parents[4] / "halls"
LOADED: dict[str, Elements] = {}


@pytest.fixture
def shipped() -> Callable[[str], Elements]:
    """A hall that comes with Datahall, read once."""

    def of(name: str) -> Elements:
        if name not in LOADED:
            LOADED[name] = Elements(load(HALLS / f"{name}.yaml"))
        return LOADED[name]

    return of


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """A fault file of this text."""

    def of(text: str) -> Path:
        path = tmp_path / "faults.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return of


N_HALL = """
schema_version: 1
name: n-hall
power:
  elements:
    - {name: feed-1, kind: utility, rating_w: 100 kW}
    - {name: "pdu-[1-2]", kind: pdu, rating_w: 60 kW, fed_by: [feed-1]}
racks:
  - {name: "r[1-4]", power_limit_w: 25 kW, heat_limit_w: 25 kW, units: 42, feeds: ["pdu-[1-2]"],
     contents: [{part: hgx-h100-8, count: 1, cords: 4}]}
"""
"""One feed, two PDUs of two racks each: nothing is spare."""


@pytest.fixture
def n_hall(tmp_path: Path) -> Elements:
    """One feed, two PDUs of two racks each."""
    path = tmp_path / "n-hall.yaml"
    path.write_text(N_HALL, encoding="utf-8")
    return Elements(load(path))
