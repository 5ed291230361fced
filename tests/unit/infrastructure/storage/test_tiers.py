import pytest

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.spec import Hall, StorageTier
from datahall.infrastructure.storage import (
    checkpointing,
    durability_of,
    mttdl_h,
    read_bandwidth,
    storage_of,
    tier_of,
    write_bandwidth,
)

EC = {"kind": "erasure_code", "data": 8, "parity": 2}
CATALOGUE = Catalogue()


def tier(**changes: object):
    base = {
        "name": "t",
        "devices": 100,
        "device_capacity_bytes": "10 TB",
        "device_read_bytes_per_s": "2 GB/s",
        "device_write_bytes_per_s": "1 GB/s",
        "redundancy": EC,
        "fill_ratio": 0.8,
    }
    return tier_of(StorageTier.model_validate({**base, **changes}), CATALOGUE)


def test_usable_is_what_is_left_of_raw_after_parity_and_room():
    """Given 1 PB raw, 8+2 and 80 % full, 640 TB fit; three copies leave 267 TB."""
    assert tier().usable_bytes == pytest.approx(640e12)
    assert tier(redundancy={"kind": "replicas", "copies": 3}).usable_bytes == pytest.approx(800e12 / 3)


def test_a_hall_s_own_figures_come_before_the_part_s():
    """Given a part and a capacity of one's own, the rest is the part's; without the facts there is no tier."""
    mixed = tier(part="hdd-24tb", device_capacity_bytes="30 TB", device_read_bytes_per_s=None, device_write_bytes_per_s=None)
    assert (mixed.device_bytes, mixed.read_bytes_per_s, mixed.annual_failure_ratio) == (30e12, 0.285e9, 0.0157)
    assert tier(device_capacity_bytes=None) is None


def test_parity_takes_its_share_of_writes_and_none_of_reads():
    """Given 100 devices of 2 and 1 GB/s with 8+2, reads reach 200 GB/s and writes 80 GB/s."""
    assert read_bandwidth(tier()).bytes_per_s == 200e9
    write = write_bandwidth(tier())
    assert (write.bytes_per_s, write.limited_by) == (80e9, "devices")


def test_the_lower_of_devices_and_network_says_which_it_is():
    """Given a network of 50 GB/s, reads are held at 50, writes at 40: parity crosses the network too."""
    narrow = tier(network_bytes_per_s="50 GB/s")
    assert (read_bandwidth(narrow).bytes_per_s, read_bandwidth(narrow).limited_by) == (50e9, "network")
    assert (write_bandwidth(narrow).bytes_per_s, write_bandwidth(narrow).limited_by) == (40e9, "network")


def test_a_checkpoint_stops_training_for_as_long_as_it_is_written():
    """Given 8 TB at 80 GB/s every 1,000 s, writing takes 100 s, a tenth of the time; never more than all of it."""
    written = checkpointing(8e12, tier(), every_s=1000)
    assert (written.write_s, written.stall_ratio) == (100, 0.1)
    assert checkpointing(8e12, tier(), every_s=50).stall_ratio == 1.0
    assert checkpointing(8e12, tier()).stall_ratio is None


def test_durability_needs_a_failure_ratio_and_a_rebuild_rate():
    """Given neither, nothing is claimed; given both, the claim carries what it rests on."""
    assert durability_of(tier()) is None and durability_of(tier(annual_failure_ratio=0.01)) is None
    assert tier().lacking_for_durability == ("annual_failure_ratio", "rebuild_bytes_per_s")
    assert tier(part="hdd-24tb").lacking_for_durability == ("rebuild_bytes_per_s",)
    found = durability_of(tier(annual_failure_ratio=0.01, rebuild_bytes_per_s="100 MB/s"))
    assert found.rebuild_h == pytest.approx(10e12 / 1e8 / 3600), "a group rebuilds the whole device"
    assert found.device_failures_per_year == pytest.approx(100 * 0.01005, rel=1e-3)
    assert 7 < found.nines < 12 and "fixed groups of 10 devices" in found.assumptions[0] and len(found.assumptions) == 5


def test_fragments_anywhere_lose_data_more_often_at_the_same_rebuild_rate():
    """Given the same devices and rate, declustering has more sets to lose; its use is that it rebuilds faster."""
    facts = {"annual_failure_ratio": 0.01, "rebuild_bytes_per_s": "100 MB/s"}
    fixed, anywhere = durability_of(tier(**facts)), durability_of(tier(**facts, placement="declustered"))
    assert anywhere.loss_per_year_ratio > 10 * fixed.loss_per_year_ratio
    faster = durability_of(tier(**{**facts, "rebuild_bytes_per_s": "2 GB/s"}, placement="declustered"))
    assert faster.loss_per_year_ratio < fixed.loss_per_year_ratio
    assert faster.rebuild_h == pytest.approx(8e12 / 2e9 / 3600), "only what was in use is rebuilt"


def test_a_certain_loss_has_no_nines():
    """Given one copy on disks that fail at 30 % a year, some data is lost almost surely."""
    bare = tier(redundancy={"kind": "replicas", "copies": 1}, annual_failure_ratio=0.3, rebuild_bytes_per_s="1 GB/s")
    assert durability_of(bare).loss_per_year_ratio == pytest.approx(1.0) and durability_of(bare).nines < 1e-9


def test_no_more_may_be_lost_than_there_is():
    """Given 3 devices of which 3 may be lost, the chain refuses."""
    with pytest.raises(ValueError, match="3 of 3 devices may be lost, but at least one must be left"):
        mttdl_h(3, tolerated=3, failures_per_h=1e-6, rebuild_h=10)


def hall(*tiers: dict[str, object], **demand: object) -> Hall:
    return Hall.model_validate({"schema_version": 1, "name": "h", "storage": tiers, "storage_demand": demand})


FAST = {"name": "fast", "part": "nvme-tlc-gen4-8tb", "devices": 100, "redundancy": EC, "holds": ["checkpoints"]}
LAKE = {"name": "lake", "part": "hdd-24tb", "devices": 1000, "redundancy": EC, "holds": ["datasets", "archive"]}


def test_each_demand_meets_the_tier_that_is_for_it():
    """Given a fast tier for checkpoints and a lake for datasets, each is judged by its own."""
    asked = hall(FAST, LAKE, checkpoint_bytes="10 TB", checkpoint_every_s="30 min", load_bytes_per_s_per_accelerator="1 GB/s")
    report = storage_of(asked, CATALOGUE, accelerators=570)
    assert (report.checkpoint_tier.name, report.dataset_tier.name) == ("fast", "lake")
    assert report.checkpoint.write_s == pytest.approx(10e12 / (100 * 4.3e9 * 0.8))
    assert (report.loading_bytes_per_s, report.loading_ratio) == (570e9, pytest.approx(2.0))
    assert [entry.tier.name for entry in report.tiers] == ["fast", "lake"]


def test_nothing_is_asked_of_a_hall_that_asks_nothing():
    """Given tiers without demands, or no tiers, the report is of what stands there."""
    report = storage_of(hall(LAKE), CATALOGUE, accelerators=8)
    assert (report.checkpoint, report.loading_bytes_per_s, report.loading_ratio) == (None, None, None)
    assert storage_of(hall(), CATALOGUE, accelerators=8).tiers == ()
