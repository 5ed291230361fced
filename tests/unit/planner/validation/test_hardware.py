"""Machines from the words of published rows and of people."""

import pytest

from datahall.foundation.errors import Missing
from datahall.planner.validation.hardware import accelerator_named, device_bytes_of, machine_of


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("A100", "A100-SXM4-80GB"), ("A100-40GB (12x Supermicro)", "A100-SXM4-40GB"), ("a100 80GB pcie", "A100 80GB PCIe"),
        ("H100-SXM5-80GB", "H100 80GB HBM3"), ("H100 PCIe", "H100 PCIe"), ("H100 NVL", "H100 NVL"), ("GB200 NVL72", "GB200"),
        ("B200-SXM-180GB", "B200"), ("MI300X", "MI300X"), ("8x H800 (NVLink 400GB/s)", "H800"),
        ("A100-SXM4-80GB (A800 class), 4x100Gb RoCE per node", "A100-SXM4-80GB"), ("TPU v5e (pod of 256)", "TPU v5e"),
    ],
)  # fmt: skip
def test_accelerators_are_found_by_what_people_call_them(words, name):
    """Given words of a row, the catalogue's name comes back, or the words themselves where it has none."""
    assert accelerator_named(words) == name


@pytest.mark.parametrize(
    ("words", "gbit_per_s"),
    [
        ("A100-SXM4-80GB (Jean Zay: 8/node NVLink, 4x Omni-Path 100Gb/node)", 50), ("A100 (DGX A100, 8x200Gb HDR)", 200),
        ("A100, 8/node, 4x200Gb HDR IB (800 Gb/s per node)", 100), ("A100-SXM-80GB (1600 Gbps/node RoCE)", 200),
        ("H100 (Grand Teton, 400Gb/s/GPU RDMA)", 400), ("H100 (400Gb RoCE)", 400),
        ("A100-40GB (AWS p4d, 400Gb EFA per node)", 50),
        ("A100-40GB (4xHDR per node)", 100), ("GB200 NVL72, 1.6 Tb/s per node", 400),
        ("H800 (NVLink 400GB/s, 8x400Gb IB)", 400),
    ],
)  # fmt: skip
def test_each_accelerators_share_of_the_network_is_read(words, gbit_per_s):
    """Given ports, a rate per node or per accelerator, each accelerator's share comes out; bytes are never taken for bits."""
    machine = machine_of(words)
    assert machine.cluster.nic_bytes_per_s * 8 / 1e9 == pytest.approx(gbit_per_s)
    assert not any("no network" in text for text in machine.assumed)


def test_what_the_words_leave_out_is_assumed_and_told():
    """Given a bare H100, its usual port is taken, and said."""
    machine = machine_of("H100")
    assert machine.cluster.nic_bytes_per_s == 50e9 and "400 Gbit/s" in machine.assumed[0]


def test_a_variant_overrides_what_the_catalogue_says():
    """Given an H100 with slower memory, more of it and a lower limit, memory follows the words and the limit is told."""
    machine = machine_of("H100-SXM 96GB HBM2e 2.4TB/s 500W (Grand Teton, 400Gb/s/GPU RDMA)")
    assert (machine.cluster.device.memory_bytes_per_s, machine.memory_bytes) == (2.4e12, 96 * 2**30)
    assert any("500 W" in text for text in machine.assumed)


def test_domains_follow_the_words():
    """Given NVL72, four per node, and nothing, the scale-up domain has 72, 4 and 8 accelerators."""
    words = ("GB200 NVL72", "A100-SXM4-80GB, 4/node, 2x200Gb", "A100")
    assert [machine_of(text).cluster.per_domain for text in words] == [72, 4, 8]


def test_an_unknown_accelerator_says_which_facts_are_needed():
    """Given a TPU v5e, the problem names it and what its row would have to hold; alone, a card without known links will do."""
    with pytest.raises(Missing, match=r"KERN-001.*`TPU v5e`.*peaks by precision, memory and its bandwidth"):
        machine_of("TPU v5e")
    assert machine_of("RTX 4090", alone=True).cluster.per_domain == 1


def test_memory_is_that_of_the_words_before_the_catalogues():
    """Given a size in the words it counts; a bandwidth in GB/s is none."""
    assert device_bytes_of("H800 (NVLink 400GB/s)") == 80 * 2**30 == device_bytes_of("H100 80 GB")


@pytest.mark.parametrize(
    ("words", "gib"),
    [
        ("8x A100-SXM4 (640GB per node)", 80),
        ("A100, 512 GB RAM", 80),
        ("8x A100 640GB", 80),
        ("GH200 480GB", 96),
        ("B200 192GB", 180),
        ("H100-SXM 96GB HBM2e 2.4TB/s 500W (Grand Teton)", 96),
        ("A100-SXM4-40GB", 40),
    ],
)
def test_memory_of_a_server_or_host_is_not_the_devices(words: str, gib: int) -> None:
    """Given the memory of a server, a host or a chip before its reserve, the device has what its row says."""
    assert device_bytes_of(words) == gib * 2**30
