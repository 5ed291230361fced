"""Every name that a hall file allows makes figures of its own."""

import random
import string
from pathlib import Path

import pytest

from datahall.foundation.errors import Missing
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.planner.figures import Figures
from datahall.planner.load import load
from datahall.planner.plan import plan_of

FABRIC = "protocol: tcp, topology: leaf_spine, switch: SN2201, link_bits_per_s: 1 Gbit/s"
TIER = "devices: 8, device_capacity_bytes: 8 TB, device_read_bytes_per_s: 1 GB/s, device_write_bytes_per_s: 1 GB/s"
ALIKE = [("network", "other"), ("A", "a"), ("a-b", "a.b"), ("n-1", "n.1"), ("N1", "n1"), ("a", "a.leaf"), ("n", "n.price")]


def figures_of(folder: Path, names: tuple[str, str]) -> Figures:
    """A hall whose fabrics, tiers and machines have these names; the machines with different prices."""
    fabrics = ", ".join(
        f"{{name: '{name}', purpose: management, {FABRIC}, server_parts: [{part}]}}"
        for name, part in zip(names, ("hgx-h100-8", "cpu-2u"), strict=True)
    )
    tiers = ", ".join(f"{{name: '{n}', {TIER}, redundancy: {{kind: replicas, copies: {k}}}}}" for k, n in enumerate(names, 2))
    node = "cpu: {model: test, sockets: 1, cores: 4, threads: 8}, memory_bytes: 8 GiB"
    nodes = ", ".join(f"{{name: '{n}', {node}}}" for n in names)
    prices = ", ".join(f"'{n}': {1000 * k}" for k, n in enumerate(names, 1))
    path = folder / "hall.yaml"
    path.write_text(
        "schema_version: 1\nname: named\n"
        "racks: [{name: 'r[1-2]', contents: [{part: hgx-h100-8, count: 1}, {part: cpu-2u, count: 3}]}]\n"
        f"fabrics: [{fabrics}]\nstorage: [{tiers}]\nnodes: [{nodes}]\neconomy: {{server_price: {{{prices}}}}}\n",
        encoding="utf-8",
    )
    return plan_of(load(path)).figures


@pytest.mark.parametrize("names", ALIKE)
def test_names_that_look_alike_keep_their_own_figures(tmp_path: Path, names: tuple[str, str]) -> None:
    """Given two names that a careless spelling would make one, each has its own switches, tiers and price."""
    found = figures_of(tmp_path, names)
    for name in names:
        assert f"fabric.{name}.power_w" in found and f"storage.{name}.usable_bytes" in found
    assert found[f"fabric.{names[0]}.servers"].value == 2 and found[f"fabric.{names[1]}.servers"].value == 6
    assert [found[f"cost.servers.machine {name}.price"].value for name in names] == [1000, 2000]
    anchors = Anchors(found)
    assert len({anchors.of(name) for name in found.by_name}) == len(found.by_name)


def test_random_names_never_share_a_figure(tmp_path: Path) -> None:
    """Given random names that a hall file allows, from few characters so that they look alike, a plan is made of each."""
    draw = random.Random(7)
    planned = 0
    for _ in range(40):
        names = tuple(
            draw.choice("aA1") + "".join(draw.choices("aA1.-_", k=draw.randint(0, 3))) + draw.choice(string.ascii_letters[:2])
            for _ in range(2)
        )
        if names[0] != names[1]:
            found = figures_of(tmp_path, (names[0], names[1]))
            planned += all(f"fabric.{name}.switches" in found for name in names)
    assert planned > 30


def test_a_figure_of_a_name_is_found_by_it(tmp_path: Path) -> None:
    """Given a slip in such a figure's name, the near one is offered."""
    with pytest.raises(Missing, match=r"fabric\.a-b\.power_w"):
        figures_of(tmp_path, ("a-b", "a.b"))["fabric.a-b.power"]
