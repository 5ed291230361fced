"""The hall of a running platform: a hall file that all floors accept, with machines that jobs can run on."""

from pathlib import Path

from datahall.foundation import files
from datahall.foundation.errors import Conflict, Problem, Refused
from datahall.infrastructure.discovery import discover
from datahall.infrastructure.spec import Hall
from datahall.infrastructure.writer import hall_yaml
from datahall.planner.load import load
from datahall.platform.home import Home


def live_hall(path: Path, *, folder: Path | None = None) -> Hall:
    """Read and check a hall that jobs are to run on. Raises Missing, or Refused with every problem.

    folder: what the paths in it are relative to; without it, the folder that it lies in.
    """
    loaded = load(path, folder=folder)
    if not loaded.hall.nodes:
        where = loaded.document.where(("racks",))
        what = "the hall only plans: it names no machine that is here, so jobs would have nowhere to run"
        fix = "add the `nodes` that `datahall init` writes on this machine; the racks may stay, for `datahall plan`"
        raise Refused(Problem("UP-008", where, what, fix))
    return loaded.hall


def hall_of(home: Home) -> Hall:
    """The hall file of the home; written for this machine when there is none. Raises Refused with all its problems."""
    if not home.hall_file.exists():
        files.write_text(home.hall_file, hall_yaml(discover()))
    return live_hall(home.hall_file, folder=home.hall_folder)


def install_hall(home: Home, path: Path) -> None:
    """Check a hall file and make it the home's. Raises Refused with every problem, Conflict while the platform runs.

    The files that it names stay where they are: the home remembers from where to look.
    """
    live_hall(path)
    if home.in_use():
        raise Conflict(Problem("UP-004", str(path), "the platform is running with another hall", "`datahall down` first"))
    files.write_text(home.hall_file, path.read_text(encoding="utf-8"))
    files.write_text(home.hall_folder_file, f"{path.parent.absolute()}\n")
