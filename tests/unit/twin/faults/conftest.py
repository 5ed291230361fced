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
