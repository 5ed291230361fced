"""From a hall to the cluster of a run."""

from dataclasses import replace
from pathlib import Path

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.planner.load import Loaded, load
from datahall.planner.training.cluster import chosen_of, doubled_ports, kind_of, kinds_of, without_narrow_tiers

HALLS = Path(__file__).parents[4] / "halls"


def test_servers_become_domains_with_their_ports(equipped: Loaded):
    """Given four servers of eight H100 and eight ports of 400 Gbit/s, each accelerator has 50 GB/s out of its domain."""
    chosen = chosen_of(equipped, kind_of(equipped), 32)
    assert (chosen.ports.available, chosen.cluster.per_domain, chosen.cluster.nic_bytes_per_s) == (32, 8, 50e9)
    assert (chosen.ports.fabric, chosen.cluster.tiers[-1].accelerators) == ("compute", 32)


def test_a_leaf_of_each_rail_joins_the_servers_of_a_unit():
    """Given rails of 32 servers a leaf, 256 accelerators meet below a leaf; with cores, a rail's pod holds the whole hall."""
    hall = load(HALLS / "h100-512.yaml")
    tiers = chosen_of(hall, kind_of(hall), 4096).cluster.tiers
    assert [(tier.name, tier.accelerators, tier.hops) for tier in tiers] == [
        ("leaf", 256, 1),
        ("pod", 4096, 3),
        ("plane", 4096, 5),
    ]


def test_a_rack_of_72_gives_64_where_that_is_enough():
    """Given 228 racks of 72, a run on 8,192 takes 64 of each, one on 16,416 takes all."""
    hall = load(HALLS / "gb200-16k.yaml")
    kind = kind_of(hall)
    assert [chosen_of(hall, kind, count).cluster.per_domain for count in (8192, 16416)] == [64, 72]


def test_a_machine_by_itself_needs_no_fabric():
    """Given one machine with eight A100, they are one domain; the NIC counts for nobody."""
    hall = load(HALLS / "gpu-server.yaml")
    chosen = chosen_of(hall, kind_of(hall), 8)
    assert (chosen.ports.accelerator, chosen.cluster.per_domain, chosen.build) == ("A100-SXM4-80GB", 8, None)


def test_several_domains_without_a_fabric_are_refused(loaded: Loaded):
    """Given the same servers without any fabric, 32 accelerators cannot train together, 8 can."""
    with pytest.raises(Refused, match="TRAIN-004 32 accelerators stand in several domains of 8, but no compute fabric"):
        chosen_of(loaded, kind_of(loaded), 32)
    assert chosen_of(loaded, kind_of(loaded), 8).build is None


def test_a_hall_of_processors_is_refused():
    with pytest.raises(Refused, match="TRAIN-001 laptop has no accelerators"):
        kind_of(load(HALLS / "laptop.yaml"))


def test_a_kind_that_the_hall_lacks_is_named_with_those_it_has(equipped: Loaded):
    with pytest.raises(Missing, match="TRAIN-002 small has no B200; it has H100 80GB HBM3"):
        kind_of(equipped, "B200")


def test_of_several_kinds_the_highest_peak_together_comes_first(equipped_file: Path):
    """Given four servers of H100 and one of H200, the H100 have more of the same peak."""
    text = equipped_file.read_text(encoding="utf-8")
    equipped_file.write_text(text.replace("count: 2}]", "count: 2}, {part: hgx-h200-8, count: 1}]", 1), encoding="utf-8")
    hall = load(equipped_file)
    assert [(kind.accelerator, kind.count) for kind in kinds_of(hall)] == [("H100 80GB HBM3", 32), ("H200", 16)]
    assert "the highest peak of 2 kinds" in chosen_of(hall, kind_of(hall), 32).ports.why


def test_what_ifs_of_the_network_change_nothing_else(equipped: Loaded):
    """Given twice the ports, or no narrow tier, only rates and narrowness differ."""
    cluster = chosen_of(equipped, kind_of(equipped), 32).cluster
    narrow = replace(cluster, oversubscription=2.0, tiers=tuple(replace(tier, oversubscription=2.0) for tier in cluster.tiers))
    assert without_narrow_tiers(narrow) == without_narrow_tiers(cluster)
    assert doubled_ports(cluster) == replace(cluster, nic_bytes_per_s=100e9)


def test_an_accelerator_that_nobody_knows_says_which_facts_are_needed(tmp_path: Path):
    """Given a machine with eight of a kind that no catalogue has, the problem names peaks, memory, link and power."""
    text = (HALLS / "gpu-server.yaml").read_text(encoding="utf-8").replace("NVIDIA A100-SXM4-80GB", "Qubit 9000")
    (tmp_path / "hall.yaml").write_text(text, encoding="utf-8")
    hall = load(tmp_path / "hall.yaml")
    with pytest.raises(Missing, match=r"KERN-001 accelerator `Qubit 9000` is not in the catalogue.*dense peaks by precision"):
        chosen_of(hall, kind_of(hall), 8)
