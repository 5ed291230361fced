"""The platform reads its hall as a plan does: all rules of all floors, no heavy library, and machines to run on."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.interfaces.conftest import Said

from datahall.foundation.errors import Conflict, Refused
from datahall.infrastructure.starter import starter
from datahall.interfaces.bootstrap import joined
from datahall.interfaces.live_hall import hall_of, install_hall, live_hall
from datahall.platform.home import Home

MACHINE = """\
schema_version: 1
name: mine
nodes:
  - {name: n1, cpu: {model: test, sockets: 1, cores: 4, threads: 8}, memory_bytes: 8 GiB}
"""
OWN_PART = """\
catalog: [parts/own.yaml]
rooms: [{name: hall, width_m: 10, depth_m: 10, height_m: 4, rows: [{name: a, positions: 4}]}]
racks: [{name: "r[1-2]", row: a, part: my-rack}]
"""
OWN_ROWS = """\
racks:
  - {name: my-rack, units: 42, width_m: 0.6, depth_m: 1.2, empty_weight_kg: 120,
     source: by tape measure, date: 2026-11, unit: "m, kg"}
"""
HEAVY = ("pandas", "pvlib", "scipy", "networkx", "pymcdm", "infragraph", "jinja2", "torch", "mlflow", "sqlalchemy", "fastapi")


@pytest.fixture
def own_parts(tmp_path: Path) -> Path:
    """A hall whose racks are described in a file beside it."""
    folder = tmp_path / "mine"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts/own.yaml").write_text(OWN_ROWS)
    (folder / "hall.yaml").write_text(MACHINE + OWN_PART)
    return folder / "hall.yaml"


@pytest.mark.parametrize("module", ["datahall.planner.load", "datahall.interfaces.live_hall"])
def test_reading_a_hall_loads_nothing_heavy(module: str):
    """Given the import of what checks a hall, none of the libraries that only some plans need is loaded."""
    program = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_hall_that_only_plans_is_not_started(cli: Callable[..., Said], home: Home, tmp_path: Path):
    """Given racks and no machine that is here, one problem says where, why and the way out, and the home keeps none of it."""
    path = tmp_path / "planned.yaml"
    path.write_text(starter("rented-rack-4"), encoding="utf-8")
    said = cli("up", "--hall", str(path), "--port", "0")
    line = 1 + next(i for i, text in enumerate(path.read_text().splitlines()) if text.startswith("racks:"))
    assert said.code == 2
    assert f"{path}:{line} racks: UP-008 the hall only plans" in said.err
    assert "`datahall init`" in said.err and said.err.count("✗") == 1
    assert not home.hall_file.exists()


def test_a_hall_without_anything_is_refused_too(tmp_path: Path):
    """Given a hall of a name alone, the rule of the hall file speaks, and only that."""
    path = tmp_path / "hall.yaml"
    path.write_text("schema_version: 1\nname: empty\n")
    with pytest.raises(Refused, match="INF-101 the hall has neither nodes nor racks"):
        live_hall(path)


def test_rules_of_the_network_hold_for_a_live_hall(tmp_path: Path):
    """Given machines, and a fabric of a switch that no catalogue has, the network's rule speaks before anything starts."""
    path = tmp_path / "hall.yaml"
    fabric = "{name: f, topology: leaf_spine, protocol: roce_v2, switch: QM9701, link_bits_per_s: 400 Gbit/s}"
    path.write_text(f"{MACHINE}fabrics: [{fabric}]\n")
    with pytest.raises(Refused, match=r"hall.yaml:5 .*NET-0\d\d .*QM9701"):
        live_hall(path)


def test_planned_racks_beside_machines_leave_the_nodes_as_they_are(own_parts: Path):
    """Given a hall with a machine and planned racks, jobs see the machine alone."""
    [node] = joined(live_hall(own_parts), 0.0)
    assert (node.node, node.capacity.cpu_milli) == ("n1", 8000)


def test_files_that_a_hall_names_are_found_from_the_home(home: Home, own_parts: Path):
    """Given a hall with a catalogue file beside it, it loads from the home as well, and says what is gone when it moves."""
    install_hall(home, own_parts)
    assert hall_of(home).catalog == ("parts/own.yaml",)
    (own_parts.parent / "parts/own.yaml").unlink()
    with pytest.raises(Refused, match=r"INF-121 there is no file .*/mine/parts/own\.yaml"):
        hall_of(home)


def test_a_relative_path_is_remembered_in_full(home: Home, own_parts: Path, monkeypatch: pytest.MonkeyPatch):
    """Given `up --hall hall.yaml` in the hall's folder, its files are found from anywhere."""
    monkeypatch.chdir(own_parts.parent)
    install_hall(home, Path("hall.yaml"))
    monkeypatch.chdir("/")
    assert hall_of(home).name == "mine"


def test_a_running_platform_keeps_its_hall(home: Home, own_parts: Path):
    """Given a home that is in use, another hall is not taken."""
    home.own()
    try:
        with pytest.raises(Conflict, match="UP-004"):
            install_hall(home, own_parts)
    finally:
        home.disown()
