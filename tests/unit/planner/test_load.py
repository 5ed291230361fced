"""A hall file is read by all floors in one run."""

from pathlib import Path

import pytest

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.planner.load import load


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(Refused, match=r".") as refused:
        load(path)
    return tuple(refused.value.problems)


def test_faults_of_shape_and_of_rule_come_together(hall_file: Path) -> None:
    """Given a word for a number, an unknown part and a feed to nowhere, one run tells all three, in the file's order."""
    text = hall_file.read_text()
    text = text.replace("supply_c: 24", "supply_c: warm").replace("part: hgx-h100-8, count: 2", "part: hgx-h10-8, count: 2")
    hall_file.write_text(text.replace("feeds: [pdu-a, pdu-b]", "feeds: [pdu-a, pdu-x]"))
    found = problems_of(hall_file)
    assert [problem.code[:4] for problem in found] == ["SPEC", "INF-", "INF-"]
    assert [int(problem.where.split(":")[1].split(" ")[0]) for problem in found] == [17, 25, 26]
    assert "hgx-h100-8" in found[2].fix


def test_what_was_left_out_brings_no_second_problem(hall_file: Path) -> None:
    """Given a PDU that cannot be read, nobody complains that racks hang on a PDU that is not there."""
    hall_file.write_text(hall_file.read_text().replace("kind: pdu, part: pdu-transformer", "kind: pdx, part: pdu-transformer"))
    [problem] = problems_of(hall_file)
    assert problem.code == "SPEC-003" and ":14 power.elements[2].kind" in problem.where


def test_a_hall_file_that_is_not_there(tmp_path: Path) -> None:
    """Given a path to nothing, that is said."""
    with pytest.raises(Missing, match="there is no such file"):
        load(tmp_path / "nowhere.yaml")


def test_own_parts_stand_before_ours(hall_file: Path) -> None:
    """Given a catalogue file with a server and a switch of the user's own, both floors read their rows from it."""
    (hall_file.parent / "mine.yaml").write_text(
        """
servers:
  - {name: hgx-h100-8, units: 8, peak_power_w: 9 kW, sockets: 2, cores: 96, threads: 192, memory_bytes: 1 TiB, unit: W,
     source: measured at the inlet, date: "2026-11"}
switches:
  - {name: my-switch, units: 1, peak_power_w: 500, ports: 32, port_bits_per_s: 100 Gbit/s, protocols: [tcp], unit: W,
     source: data sheet 12, date: "2026-11"}
"""
    )
    hall_file.write_text(hall_file.read_text() + "catalog: [mine.yaml]\n")
    loaded = load(hall_file)
    assert loaded.estate.peak_w == 4 * 9000
    assert "my-switch" in loaded.network.switches and "my-switch" in loaded.catalogue.devices
