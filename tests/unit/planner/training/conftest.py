"""A hall of 32 accelerators with all that a run asks of it: fabric, storage, cooling, prices."""

from pathlib import Path

import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.cost.spec import Architecture
from datahall.planner.load import Loaded, load

MORE = """
fabrics:
  - name: compute
    protocol: infiniband
    topology: leaf_spine
    switch: QM9700
    link_bits_per_s: 400 Gbit/s
    cable_length_m: 10
  - name: storage
    purpose: storage
    protocol: roce_v2
    topology: leaf_spine
    switch: SN5400
    link_bits_per_s: 200 Gbit/s
    cable_length_m: 10
storage:
  - name: fast
    part: nvme-tlc-gen4-15tb
    devices: 24
    device_price: 2000
    network_bytes_per_s: 40 GB/s
    redundancy: {kind: replicas, copies: 2}
    holds: [checkpoints]
"""


@pytest.fixture
def equipped_file(hall_file: Path) -> Path:
    """The small hall with a fabric and storage."""
    hall_file.write_text(hall_file.read_text(encoding="utf-8") + MORE, encoding="utf-8")
    return hall_file


@pytest.fixture
def equipped(equipped_file: Path) -> Loaded:
    return load(equipped_file)


@pytest.fixture
def model() -> Architecture:
    return architecture("llama2-7b")
