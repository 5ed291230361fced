"""A library that is not installed is missed in one sentence that names the extra."""

import sys

import pytest

from datahall.foundation.errors import Unavailable
from datahall.foundation.extras import needs


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a Python without networkx, the problem names the package, the command that brings it, and exit code 1."""
    monkeypatch.setitem(sys.modules, "networkx", None)
    with (
        pytest.raises(Unavailable, match=r"networkx: EXTRA-001 .* Run `pip install 'datahall\[plan\]'`") as caught,
        needs("plan"),
    ):
        import networkx  # noqa: F401
    assert caught.value.exit_code == 1


def test_a_package_of_a_package_is_told_by_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a Python without scipy, asking for scipy.sparse says that scipy is missing."""
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.delitem(sys.modules, "scipy.sparse", raising=False)
    with pytest.raises(Unavailable, match="the Python package `scipy` is not installed"), needs("plan"):
        import scipy.sparse  # noqa: F401


def test_a_module_of_our_own_that_is_missing_is_our_fault() -> None:
    """Given a broken installation of Datahall itself, no extra would help, so none is advised."""
    with pytest.raises(ModuleNotFoundError, match=r"datahall\.nowhere"), needs("plan"):
        import datahall.nowhere  # noqa: F401


def test_other_errors_pass() -> None:
    """Given an import that fails in another way, it is told as it is."""
    with pytest.raises(ImportError, match="nothing"), needs("plan"):
        from datahall.foundation.extras import nothing  # noqa: F401
