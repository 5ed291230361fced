import os
import socket
from pathlib import Path
from typing import Any

import pytest

from datahall.infrastructure import doctor
from datahall.infrastructure.doctor import Finding, examine
from datahall.infrastructure.limits import Delegation
from datahall.infrastructure.nvml import NoNvml, Nvml


def test_this_machine_is_examined(tmp_path: Path) -> None:
    """Given this machine, each check answers once, and whatever is not in order comes with a fix."""
    findings = list(examine(tmp_path / "home", port=1))
    assert len(findings) == 12
    assert all(finding.fix for finding in findings if finding.level != "ok")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("finding", "level", "words"),
    [
        (doctor.python_version((3, 10, 1)), "fail", "3.10.1 is too old"),
        (doctor.python_version((3, 14, 0)), "ok", "Python 3.14.0"),
        (doctor.free_space(Path("/"), free_bytes=10**8), "fail", "95.4 MiB free"),
        (doctor.free_space(Path("/"), free_bytes=10**9), "warn", "953.7 MiB free"),
        (doctor.memory(10**8), "fail", "95.4 MiB of memory available"),
        (doctor.memory(2**40), "ok", "1.0 TiB"),
        (doctor.open_files((256, 4096)), "warn", "at most 256 files may be open, 4096 if asked for"),
        (doctor.open_files((65_536, 65_536)), "ok", "65536"),
        (doctor.clock(86_400), "fail", "the clock says 1970-01-02"),
        (doctor.clock(1_790_000_000, last_event_s=1_790_003_600), "warn", "3600 s before the newest event"),
        (doctor.clock(1_790_000_000, last_event_s=1_790_000_000), "ok", "2026-09-21"),
        (doctor.port_free(0), "fail", "0 is no port"),
        (doctor.limits_enforced(Delegation(Path("/cg"), "/cg is ours to divide")), "ok", "cgroup v2 holds jobs"),
        (doctor.limits_enforced(Delegation(None, "no cgroup v2 is mounted")), "warn", "affinity, rlimits"),
        (doctor.accelerators(NoNvml("no NVIDIA driver answers")), "ok", "none: no NVIDIA driver answers"),
    ],
)
def test_each_check_says_what_it_saw(finding: Finding, level: str, words: str) -> None:
    """Given a machine in this state, the finding has this level and these words, and a fix unless all is well."""
    assert finding.level == level and words in finding.what
    assert bool(finding.fix) == (level != "ok")


def test_a_taken_port_names_its_holder() -> None:
    """Given a port on which this very test listens, the finding says which process has it and which port to take instead."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        finding = doctor.port_free(port)
    assert finding.level == "warn" and f"(process {os.getpid()})" in finding.what
    assert f"--port {port + 1}" in finding.fix
    assert doctor.port_free(port).level == "ok"


def test_packages_are_read_from_metadata() -> None:
    """Given requirements of which one is absent in the base and one in an extra, the first fails and the second warns."""
    wanted = ["pydantic>=2", "no-such-thing>=1", 'also-missing>=1; extra == "models"', 'pytest; extra == "test"']
    base, models = doctor.packages(wanted)
    assert (base.level, base.what) == ("fail", "not installed: no-such-thing")
    assert (models.level, models.fix) == ("warn", "pip install 'datahall[models]'")


def test_a_state_folder_that_others_may_write(tmp_path: Path) -> None:
    """Given a folder with mode 777, it is told with the command that mends it."""
    tmp_path.chmod(0o777)
    assert doctor.writable(tmp_path) == Finding(
        "state folder", "warn", f"{tmp_path} can be written by others", f"chmod go-w {tmp_path}"
    )
    tmp_path.chmod(0o700)
    assert doctor.writable(tmp_path).level == doctor.writable(tmp_path / "new" / "deep").level == "ok"


def test_a_state_folder_that_cannot_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a file in its place, or no permission, it fails."""
    (tmp_path / "file").write_text("")
    assert "is a file" in doctor.writable(tmp_path / "file" / "home").what
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert doctor.writable(tmp_path).level == "fail"


def test_a_runtime_folder_too_deep_for_sockets(tmp_path: Path) -> None:
    """Given a runtime folder of a hundred letters, or one that is not there, no socket can be bound, and the fix says so."""
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    for folder in (deep, tmp_path / "none"):
        finding = doctor.sockets(folder)
        assert finding.level == "fail" and "XDG_RUNTIME_DIR" in finding.fix
    assert doctor.sockets(Path("/tmp")).level == "ok"
    assert list(deep.iterdir()) == []


def test_accelerators_are_listed(library: Any) -> None:
    """Given two devices, then none behind a driver, models and driver version are told."""
    found = doctor.accelerators(Nvml(library))
    assert found.what == "2 x NVIDIA H100 80GB HBM3, Tesla P100-PCIE-16GB, driver 580.1"
    library.count = 0
    assert doctor.accelerators(Nvml(library)).level == "warn"
