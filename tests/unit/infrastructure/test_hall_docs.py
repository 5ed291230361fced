"""The page about halls keeps up with the code, and the examples are good halls."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from datahall.infrastructure.checks import CHECKS, load_hall
from datahall.infrastructure.discovery import discover
from datahall.infrastructure.spec import Accelerator, Cpu, Disk, Hall, Nic, Node, PlatformSettings, Reserved, Usable
from datahall.infrastructure.writer import hall_yaml

REPOSITORY = Path(__file__).parents[3]
FIELDS = (REPOSITORY / "docs/hall-fields.md").read_text(encoding="utf-8")
RULES = (REPOSITORY / "docs/checks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("spec", [Hall, Node, Cpu, Usable, Disk, Nic, Accelerator, PlatformSettings, Reserved])
def test_every_field_appears_on_the_page(spec: type[BaseModel]) -> None:
    """Given a spec of the hall, each of its fields stands on the page."""
    assert [name for name in spec.model_fields if name not in FIELDS] == []


def test_every_check_appears_on_the_page() -> None:
    """Given the table of checks, each code stands on the page with its rule."""
    assert [check.__name__ for check in CHECKS if f"| {str(check.__doc__)[:7]} |" not in RULES] == []


@pytest.mark.parametrize("path", sorted((REPOSITORY / "halls").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_halls(path: Path) -> None:
    """Given an example, it loads without a problem; one of machines alone is what `datahall init` would write."""
    hall = load_hall(path)
    if hall.nodes and not hall.racks and hall.site is None:
        assert path.read_text(encoding="utf-8") == hall_yaml(hall)


def test_a_discovered_hall_survives_the_disk(tmp_path: Path) -> None:
    """Given this machine's hall in a file, loading it gives the same hall."""
    hall = discover()
    (tmp_path / "hall.yaml").write_text(hall_yaml(hall), encoding="utf-8")
    assert load_hall(tmp_path / "hall.yaml") == hall
