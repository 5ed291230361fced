"""A hall is a file: read, checked and written."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.foundation.document import as_spec, parse
from datahall.foundation.errors import Refused
from datahall.infrastructure.checks import CHECKS, load_hall, problems_of_hall
from datahall.infrastructure.spec import (
    Accelerator,
    Capacity,
    Cpu,
    Disk,
    Hall,
    Nic,
    Node,
    PlatformSettings,
    Reserved,
    Usable,
    capacity_of,
)
from datahall.infrastructure.writer import hall_yaml

GIB = 1024**3
CPU = Cpu(model="AMD EPYC 7763 64-Core Processor", sockets=2, cores=128, threads=256, tdp_w=280, tdp_source="AMD")
GPU = Accelerator(index=0, model="NVIDIA H100 80GB HBM3", memory_bytes=80 * GIB, uuid="GPU-a")
NODE = Node(name="n1", cpu=CPU, memory_bytes=512 * GIB, accelerators=(GPU,))
HALL = Hall(schema_version=1, name="hall", nodes=(NODE,))

BROKEN = """\
schema_version: 1
name: hall
nodes:
  - name: n1
    cpu: {model: x, sockets: 2, cores: 1, threads: 4, tdp_w: 65}
    memory_bytes: 8 GiB
    usable: {cpus: 5, memory_bytes: 9 GiB}
    disks:
      - {mount: /, device: sda, kind: ssd, capacity_bytes: 1 TB}
      - {mount: /, device: sdb, kind: ssd, capacity_bytes: 1 TB}
    nics: [{name: eth0}, {name: eth0}]
    accelerators:
      - {index: 0, model: a, memory_bytes: 1 GiB, uuid: u}
      - {index: 0, model: a, memory_bytes: 1 GiB, uuid: u, tdp_w: 300}
  - name: n1
    cpu: {model: x, sockets: 1, cores: 1, threads: 1}
    memory_bytes: 1 GiB
platform:
  tenants: [a, b, a]
  reserved: {cpus: 2, memory_bytes: 1 GiB}
"""


def test_every_breach_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    """Given a hall that breaks all ten rules, one run names each with file, line and path."""
    path = tmp_path / "hall.yaml"
    path.write_text(BROKEN)
    with pytest.raises(Refused, match="INF-001") as caught:
        load_hall(path)
    found = [(p.code, p.where.removeprefix(f"{path}:")) for p in caught.value.problems]
    assert found == [
        ("INF-001", "15 nodes[1].name"),
        ("INF-002", "7 nodes[0].usable.cpus"),
        ("INF-003", "7 nodes[0].usable.memory_bytes"),
        ("INF-004", "20 platform.reserved.cpus"),
        ("INF-005", "20 platform.reserved.memory_bytes"),
        ("INF-006", "5 nodes[0].cpu"),
        ("INF-007", "14 nodes[0].accelerators[1].index"),
        ("INF-007", "14 nodes[0].accelerators[1].uuid"),
        ("INF-008", "10 nodes[0].disks[1].mount"),
        ("INF-008", "11 nodes[0].nics[1].name"),
        ("INF-009", "19 platform.tenants[2]"),
        ("INF-010", "5 nodes[0].cpu.tdp_w"),
        ("INF-010", "14 nodes[0].accelerators[1].tdp_w"),
    ]


def test_every_check_has_a_code_of_its_own_in_its_first_line() -> None:
    """Given the table of checks, each says in its docstring which code it gives, and no two give the same."""
    codes = [str(check.__doc__)[:8] for check in CHECKS]
    assert [code for code in codes if not re.fullmatch(r"INF-\d{3}:", code)] == []
    assert len(set(codes)) == len(codes)


def test_a_problem_says_numbers_and_the_way_out() -> None:
    """Given a reserve larger than the node, the problem says both figures and what to write."""
    hall = HALL.model_copy(update={"platform": PlatformSettings(reserved=Reserved(memory_bytes=600 * GIB))})
    [problem] = problems_of_hall(hall)
    assert problem.where == "platform.reserved.memory_bytes"
    assert "600.0 GiB are reserved, but `n1` has 512.0 GiB" in problem.what and problem.fix == "reserve less than 512.0 GiB"


def test_physical_facts_have_no_defaults() -> None:
    """Given a node that says nothing about its memory, it is refused: nothing is assumed."""
    with pytest.raises(Refused, match=r"nodes\[0\]\.memory_bytes: SPEC-002"):
        as_spec(
            parse("{schema_version: 1, name: h, nodes: [{name: n, cpu: {model: x, sockets: 1, cores: 1, threads: 1}}]}"), Hall
        )


def test_capacity_is_what_is_usable_less_the_reserve() -> None:
    """Given a node in a container of 4 CPUs, jobs can have what the reserve leaves; never less than nothing."""
    node = NODE.model_copy(update={"usable": Usable(cpus=4, memory_bytes=8 * GIB)})
    assert capacity_of(node, Reserved(cpus=1, memory_bytes=GIB)) == Capacity(cpus=3, memory_bytes=7 * GIB, accelerators=(0,))
    assert capacity_of(NODE, Reserved(cpus=999, memory_bytes=999 * GIB)) == Capacity(cpus=0, memory_bytes=0, accelerators=(0,))


def test_the_written_file_explains_itself() -> None:
    """Given a hall, its file says in comments what the fields mean and how large the sizes are."""
    text = hall_yaml(HALL)
    assert text.startswith("# The hall hall: 1 machine, 256 CPUs, 512.0 GiB of memory, 1 accelerators.\n")
    assert "memory_bytes: 549755813888  # 512.0 GiB" in text
    assert text.count("# Who runs next.") == 1


names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
sizes = st.integers(1, 2**60)
powers = st.none() | st.floats(0.001, 10_000)
cpus = st.builds(
    Cpu, model=words, sockets=st.integers(1, 64), cores=st.integers(1, 9999), threads=st.integers(1, 9999), tdp_w=powers,
    tdp_source=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)  # fmt: skip
disks = st.builds(Disk, mount=words, device=words, kind=st.sampled_from(["nvme", "virtual", "unknown"]), capacity_bytes=sizes)
nics = st.builds(Nic, name=words, speed_bits_per_s=st.none() | st.floats(1, 1e13))
accelerators = st.builds(
    Accelerator, index=st.integers(0, 15), model=words, memory_bytes=sizes, uuid=st.none() | words, tdp_w=powers
)
nodes = st.builds(
    Node, name=names, cpu=cpus, memory_bytes=sizes,
    usable=st.none() | st.builds(Usable, cpus=st.floats(0.01, 9999), memory_bytes=sizes),
    disks=st.lists(disks, max_size=2).map(tuple), nics=st.lists(nics, max_size=2).map(tuple),
    accelerators=st.lists(accelerators, max_size=2).map(tuple),
)  # fmt: skip
halls = st.builds(
    Hall, schema_version=st.just(1), name=names, nodes=st.lists(nodes, min_size=1, max_size=2).map(tuple),
    platform=st.builds(PlatformSettings, policy=names, tenants=st.lists(names, max_size=3).map(tuple)),
)  # fmt: skip


@given(halls)
def test_a_written_hall_loads_back_equal(hall: Hall) -> None:
    """Given any hall, with words such as `yes`, `1e3`, `#` or line ends in it, its file says the same hall."""
    assert as_spec(parse(hall_yaml(hall)), Hall) == hall
