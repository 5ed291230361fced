import pytest

from datahall.foundation.errors import Missing, Unavailable
from datahall.foundation.registry import Registry

TABLE = Registry("encoder", {"json": "json:dumps", "jsonl": "json:loads", "gone": "no_such_package_here:x"})


def test_a_name_loads_its_object() -> None:
    """Given a known name, the object behind it is imported."""
    assert TABLE.load("json")({"a": 1}) == '{"a": 1}'
    assert TABLE.names() == list(TABLE) == ["gone", "json", "jsonl"]
    assert "json" in TABLE and "yaml" not in TABLE


def test_an_unknown_name_lists_near_matches() -> None:
    """Given a slip, the near names are offered; given nonsense, all are."""
    with pytest.raises(Missing, match=r"f\.yaml:3: REG-001 there is no encoder named `jsn`. Did you mean json or jsonl\?"):
        TABLE.load("jsn", where="f.yaml:3")
    assert TABLE.unknown("zzz").fix == "choose one of gone, json, jsonl"


def test_a_package_that_is_not_installed_is_named() -> None:
    """Given a row whose module is absent, the missing package is named with the way to get it."""
    with pytest.raises(Unavailable, match=r"REG-002 the encoder `gone` needs the Python package `no_such_package_here`.*pip"):
        TABLE.load("gone")


def test_entry_points_add_rows() -> None:
    """Given an entry-point group, its rows join the table; the table's own rows win."""
    table = Registry("command", {"pytest": "json:dumps"}, group="console_scripts")
    assert len(table.names()) > 1
    assert table.load("pytest")("x") == '"x"'
