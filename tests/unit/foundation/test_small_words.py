"""Clock, dice, digests and the error tree."""

import time
from pathlib import Path

import pytest

from datahall.foundation import errors
from datahall.foundation.clock import ManualClock, SystemClock
from datahall.foundation.dice import stream, stream_seed
from datahall.foundation.digest import canonical_json, digest_of, file_digest
from datahall.foundation.errors import DatahallError, Problem, Refused


def test_the_clock_is_not_turned_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a machine whose clock is set back an hour, time goes on, in this process and in the next."""
    clock = SystemClock()
    before_s = clock.now_s()
    hour_ago_s = time.time() - 3600
    monkeypatch.setattr(time, "time", lambda: hour_ago_s)
    assert clock.now_s() >= before_s
    assert SystemClock(not_before_s=before_s).now_s() >= before_s


def test_a_clock_turned_by_hand() -> None:
    """Given a manual clock, it moves forward only."""
    clock = ManualClock(5)
    clock.advance(2.5)
    assert clock.now_s() == 7.5
    with pytest.raises(ValueError, match="-1 s would turn time back"):
        clock.advance(-1)


def test_streams_do_not_disturb_each_other() -> None:
    """Given two named streams of one seed, draws from one leave the other's sequence as it was."""
    alone = [stream(7, "data").random() for _ in range(3)]
    data, other = stream(7, "data"), stream(7, "weights")
    mixed = [(other.random(), data.random())[1] for _ in range(3)]
    assert mixed[0] == alone[0] and stream_seed(7, "data") != stream_seed(7, "weights") != stream_seed(8, "weights")
    assert 0 <= stream_seed(0, "") < 2**63


def test_digests(tmp_path: Path) -> None:
    """Given equal content in another order, the digest is the same; NaN has none."""
    assert digest_of({"b": 1, "a": [1, "é"]}) == digest_of({"a": [1, "é"], "b": 1})
    assert canonical_json({"b": 1, "a": 2}) == b'{"a":2,"b":1}'
    with pytest.raises(ValueError, match="JSON compliant"):
        digest_of(float("nan"))
    (tmp_path / "f").write_bytes(b"abc")  # the SHA-256 of "abc": FIPS 180-2, appendix B.1
    assert file_digest(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_problem_reads_as_a_sentence() -> None:
    """Given problems, they read as sentences and an error carries all of them."""
    one, two = Problem("X-001", "f:1 a", "it is wrong", "mend it"), Problem("X-002", "f:2 b", "it is odd", "did you mean c?")
    assert str(one) == "f:1 a: X-001 it is wrong. Mend it."
    assert str(two).endswith("Did you mean c?")
    assert str(Refused([one, two])) == f"{one}\n{two}"
    assert one.as_dict()["code"] == "X-001"


def test_each_error_of_the_tree_is_drawn_with_its_exit_code_and_status() -> None:
    """Given the drawing in errors.py, each class in the file stands in it with the codes that it really has."""
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DatahallError)]
    assert len(classes) > 8
    for kind in classes:
        row = next(line for line in str(errors.__doc__).splitlines() if f"{kind.__name__} " in line)
        assert f"exit {kind.exit_code}, HTTP {kind.http_status}" in row
