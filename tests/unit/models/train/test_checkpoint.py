import errno
import json
import os

import pytest
import torch

from datahall.foundation import files
from datahall.foundation.errors import Unavailable
from datahall.models.steps import Stopped
from datahall.models.train.checkpoint import Checkpoints
from datahall.models.train.progress import Progress
from datahall.models.train.step import run


@pytest.fixture
def said():
    return []


@pytest.fixture
def checkpoints(tmp_path, said):
    return Checkpoints(tmp_path, fingerprint="this run", say=said.append)


def at(updates):
    return Progress(updates=updates, epoch=1), {"w": torch.full((3,), float(updates))}


def test_the_last_two_are_kept(checkpoints, tmp_path):
    """Given five checkpoints, the files of the last two remain, and the newest is read."""
    for updates in range(1, 6):
        checkpoints.write(*at(updates))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-000000000004.json",
        "checkpoint-000000000004.safetensors",
        "checkpoint-000000000005.json",
        "checkpoint-000000000005.safetensors",
    ]
    saved = checkpoints.newest()
    assert saved.progress.updates == 5
    assert saved.tensors["w"].tolist() == [5, 5, 5]


def cut(path):
    path.write_bytes(path.read_bytes()[:-4])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("harm", [cut, flip, lambda path: path.unlink()], ids=["cut off", "bit flipped", "gone"])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(checkpoints, tmp_path, said, harm):
    """Given a newest checkpoint that was torn, damaged or half removed, the one before is taken and the log says so."""
    checkpoints.write(*at(1))
    checkpoints.write(*at(2))
    harm(tmp_path / "checkpoint-000000000002.safetensors")
    assert checkpoints.newest().progress.updates == 1
    assert said[0].startswith("checkpoint-000000000002 is unusable (")
    assert said[0].endswith("trying the one before it")


def test_a_torn_record_gives_way_too(checkpoints, tmp_path, said):
    """Given a record that is not JSON any more, the one before is taken."""
    checkpoints.write(*at(1))
    checkpoints.write(*at(2))
    cut_record = tmp_path / "checkpoint-000000000002.json"
    cut_record.write_text(cut_record.read_text()[:40])
    assert checkpoints.newest().progress.updates == 1
    assert len(said) == 1


def test_another_runs_checkpoint_is_not_taken(checkpoints, tmp_path, said):
    """Given a checkpoint of another recipe in the folder, there is none to go on from, and the log says why."""
    Checkpoints(tmp_path, fingerprint="other", say=said.append).write(*at(3))
    assert checkpoints.newest() is None
    assert said == ["checkpoint-000000000003 is unusable (it belongs to another run); trying the one before it"]


def test_what_a_killed_process_left_is_swept(checkpoints, tmp_path):
    """Given half-written files of an attempt that was killed, the next checkpoint removes them."""
    (tmp_path / ".checkpoint-000000000009.json.ab12.tmp").write_text("{")
    (tmp_path / "checkpoint-000000000009.safetensors").write_text("orphan")
    checkpoints.write(*at(1))
    assert len(list(tmp_path.iterdir())) == 2


def full_disk_after(writes, monkeypatch):
    """From the n-th file on, writing stops half-way with ENOSPC, as on a full disk."""
    seen = []
    real = os.fdopen

    def fdopen(*args, **kwargs):
        file = real(*args, **kwargs)
        seen.append(file)
        if len(seen) <= writes:
            return file
        return FullDisk(file)

    monkeypatch.setattr(files.os, "fdopen", fdopen)


class FullDisk:
    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("writes", [2, 3], ids=["in the tensors", "in the record"])
def test_a_full_disk_leaves_the_earlier_checkpoint(checkpoints, tmp_path, monkeypatch, writes):
    """Given a disk that fills up in the middle of the second checkpoint, one problem says so and the first stays whole."""
    full_disk_after(writes, monkeypatch)
    checkpoints.write(*at(1))
    with pytest.raises(Unavailable, match=r"FILE-001 could not be written: No space left on device\. Free some space"):
        checkpoints.write(*at(2))
    assert checkpoints.newest().progress.updates == 1
    assert not list(tmp_path.glob("*.tmp"))


def test_a_run_stopped_by_a_full_disk_goes_on_when_there_is_room(step_in, finish, monkeypatch, history):
    """Given a step whose second checkpoint does not fit, the retry starts from the first and ends as if never stopped."""
    whole = finish("whole")
    with monkeypatch.context() as patch:
        full_disk_after(2, patch)
        with pytest.raises(Unavailable, match="FILE-001"):
            run(step_in("work", checkpoint_interval=0))
    assert history(finish("work", checkpoint_interval=0)) == history(whole)


def test_a_damaged_checkpoint_costs_only_the_way_since_the_one_before(step_in, finish, stops_at, history, capsys):
    """Given a step stopped after a torn checkpoint, the retry goes on from the one before and ends the same."""
    whole = finish("whole", checkpoint_interval=0)
    step = step_in("work", kind=stops_at, checkpoint_interval=0)
    step.at = 8
    with pytest.raises(Stopped):
        run(step)
    newest = sorted(step.state.glob("*.safetensors"))[-1]
    cut(newest)
    assert history(finish("work", checkpoint_interval=0)) == history(whole)
    assert f"{newest.stem} is unusable" in capsys.readouterr().out


def test_a_checkpoint_holds_no_secrets_of_python(checkpoints, tmp_path):
    """Given a checkpoint, its record is plain JSON and its tensors safetensors: nothing in it is ever unpickled."""
    checkpoints.write(*at(1))
    record = json.loads((tmp_path / "checkpoint-000000000001.json").read_text())
    assert set(record) == {"format", "fingerprint", "sha256", "progress"}
