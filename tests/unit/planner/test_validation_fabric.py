"""Rows of fabrics that others wrote, in all the ways that they write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.planner.validation.cells import PLACE
from datahall.planner.validation.fabric import rows

ALL = dict.fromkeys(("endpoints", "switches", "edge_or_leaf", "agg_or_spine", "core", "links"), "1")


def ours(family: str, parameter: str) -> list[float | None]:
    return [line.ours for line in rows([{"family": family, "parameter": parameter, **ALL}])]


@pytest.mark.parametrize(
    ("family", "parameter", "expected"),
    [
        ("leaf-spine 2-tier 3:1", "radix=64", [3072, 80, 64, 16, 0, 4096]),
        ("Leaf-spine", "radix = 64, endpoints = 1,024", [1024, 48, 32, 16, 0, 2048]),
        ("fat-tree(k) 2-tier", "k=40", [800, 60, 40, 20, 0, 1600]),
        ("dragonfly", "p=2,a=4,h=2", [72, 36, 36, 0, 0, 162]),
        ("dragonfly+", "p=8", [4160, 1040, 520, 520, 0, 10400]),
        ("rail-only", "radix=32;gpus=256", [256, 8, 8, 0, 0, 256]),
        ("torus 3-D", "k=8", [512, 512, 512, 0, 0, 1536]),
        ("2d torus", "4x2", [8, 8, 8, 0, 0, 12]),
        ("Leaf-spine", "radix=64 gpus=1,024", [1024, 48, 32, 16, 0, 2048]),
        ("fat-tree", "k=1e1", [250, 125, 50, 50, 25, 750]),
        ("hypercube", "n=4", [16, 16, 16, 0, 0, 32]),
    ],
)
def test_families_are_read_however_they_are_written(family, parameter, expected):
    """Given a family and its parameters in another hand, the same closed form is found."""
    assert ours(family, parameter) == expected


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ({"family": "slim fly", "parameter": "q=5", "switches": "50"}, "no closed form of the family `slim fly`"),
        ({"family": "fat-tree", "parameter": "many", "switches": "50"}, "does not say `k`"),
        ({"family": "fat-tree", "parameter": "k=0", "switches": "50"}, "`k` is `0`, not a whole number from 1 to"),
        ({"family": "fat-tree", "parameter": "k=many", "switches": "50"}, "`k` is `many`, not a whole number"),
        ({"family": "fat-tree", "parameter": "k=1e9", "switches": "50"}, "more than any fabric has"),
        ({"family": "dragonfly", "parameter": "a=2p=2h, p=4", "switches": "264"}, "`a` is `2p=2h`, not a whole number"),
        ({"family": "fat-tree", "parameter": "k=7", "switches": "50"}, "even number of ports"),
        ({"family": "fat-tree", "parameter": "k=999998", "switches": "50"}, "more than any fabric has"),
        ({"family": "rail-only", "parameter": "radix=64", "switches": "8"}, "names no number of GPUs"),
        ({"system": "DGX X", "switch_radix": "", "nodes": "4", "leaf": "4"}, "switch_radix is missing"),
        ({"system": "DGX X", "switch_radix": "0", "nodes": "4", "leaf": "4"}, "switch_radix is `0`, not a whole number"),
        ({"system": "DGX X", "switch_radix": "64", "nodes": "31.5", "leaf": "4"}, "nodes is `31.5`, not a whole number"),
        ({"system": "DGX X", "switch_radix": "64", "nodes": "4", "leaf": "abc"}, "leaf is `abc`, not a finite number"),
        ({"system": "DGX X", "switch_radix": "64", "nodes": "4", "leaf": "inf"}, "leaf is `inf`, not a finite number"),
        ({"system": "DGX X", "switch_radix": "64", "nodes": "4", "leaf": ""}, "gives none of gpus, leaf"),
        ({"family": "fat-tree", "parameter": "k=4"}, "gives none of endpoints, switches"),
        ({"system": "X", "switch_radix": "64", "nodes": "3", "gpus": "25", "leaf": "4"}, "ports of a node are not known"),
        ({"system": "DGX B200", "switch_radix": "4", "nodes": "999", "leaf": "4"}, "cannot join so many"),
    ],
)
def test_a_row_that_cannot_be_computed_says_why(row, note):
    """Given a row that no closed form fits, `ours` stays empty and the note names the reason."""
    found = rows([row])
    assert found
    for line in found:
        assert (line.ours, line.hit) == (None, None)
        assert note in line.note
    [*_, last] = rows([row | {PLACE: "mine.csv:9"}])
    assert last.note.startswith("mine.csv:9: ")


@pytest.mark.parametrize(("switches", "note"), [("-128", "impossible: switches of -128 is below 0"), ("1.5", "is not whole")])
def test_an_impossible_count_is_not_judged(switches, note):
    """Given fewer switches than none, or half a switch, ours stands beside it without error or verdict."""
    [line] = rows([{"family": "fat-tree", "parameter": "k=8", "switches": switches}])
    assert (line.ours, line.hit, line.error_ratio) == (80, None, None)
    assert note in line.note


def test_systems_without_a_table_take_the_rule():
    """Given a system that is not known, leaves are endpoints over half the radix, and spines divide the uplinks."""
    row = {"system": "eight-way", "switch_radix": "64", "su": "3", "nodes": "96", "gpus": "768", "leaf": "24", "spine": "16"}
    assert [line.hit for line in rows([row])] == [True, True, True]


def test_a_wrong_figure_is_a_miss_with_its_error():
    """Given a table that prints 12 spines where 16 are needed, the row is a miss a third off."""
    [line] = rows([{"system": "DGX H100 NDR", "switch_radix": "64", "su": "3", "nodes": "95", "spine": "12"}])
    assert (line.hit, line.ours) == (False, 16)
    assert line.error_ratio == pytest.approx(1 / 3)


@given(
    st.dictionaries(
        st.sampled_from(["system", "switch_radix", "su", "nodes", "gpus", "leaf", "family", "parameter", "switches", "links"]),
        st.one_of(
            st.text(max_size=20),
            st.integers(-5, 10**12).map(str),
            st.sampled_from(
                ["fat-tree", "torus 3-D", "k=8", "p=3", "radix=64,gpus=512", "dragonfly", "DGX H100", "-", "9" * 99]
            ),
        ),
    )
)
def test_no_row_raises_or_vanishes(row):
    assert rows([row])
