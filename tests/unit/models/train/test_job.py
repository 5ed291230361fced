import numpy as np
import pytest
import torch

from datahall.foundation.errors import Missing, Refused, Unprocessable
from datahall.models.data.dataset import Dataset
from datahall.models.train.device import autocast_type, present_devices, training_device
from datahall.models.train.job import load_job
from datahall.models.train.spec import TrainSpec


def test_a_job_holds_normalised_rows_and_a_fresh_network(step_in):
    """Given images scaled by 1/255, rows arrive between 0 and 1 and the network takes their shape."""
    job = load_job(step_in())
    job.batches.deal(0)
    x, y_B = job.batches[0]
    assert x.shape == (16, 6, 6)
    assert 0 <= x.min() <= x.max() <= 1
    assert job.network()(x).shape == (16, 3)
    assert y_B.dtype == torch.int64


def test_the_fingerprint_follows_what_decides_the_result(step_in):
    """Given another seed, rate or dataset, the fingerprint differs; given the same, it does not."""
    prints = [
        load_job(step_in(name, **fields)).fingerprint
        for name, fields in {
            "a": {},
            "b": {},
            "c": {"seed": 12},
            "d": {"l2": 0.1},
            "e": {"model": {"activation": "tanh"}},
        }.items()
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


def test_no_data_is_missing(step_in):
    """Given an input folder without a dataset, the data step's own problem says so."""
    step = step_in()
    (step.input("data") / "dataset.json").unlink()
    with pytest.raises(Missing, match="DATA-001"):
        load_job(step)


def test_an_empty_training_part_is_refused(step_in):
    """Given no training rows, one problem says how to get some."""
    with pytest.raises(Refused, match="TRAIN-002 the training part has no rows"):
        load_job(step_in(rows=0))


def test_classes_beyond_the_labels_are_refused(step_in):
    """Given a class 7 among three labels, the range seen and the range allowed are named."""
    step = step_in()
    path = step.input("data") / "y_train.npy"
    y = np.load(path)
    y[4] = 7
    np.save(path, y)
    with pytest.raises(Refused, match=r"TRAIN-003 classes run from 0 to 7, but 3 are named \(0 to 2\)"):
        load_job(step)


def test_features_that_are_no_numbers_are_refused_by_row(step_in):
    """Given NaN in row 5, the problem names the row."""
    step = step_in()
    path = step.input("data") / "x_train.npy"
    x = np.load(path).astype(np.float32)
    x[5, 2, 2] = np.nan
    np.save(path, x)
    with pytest.raises(Refused, match="TRAIN-004 row 5 of the training part holds a NaN"):
        load_job(step)


def test_all_problems_come_at_once(step_in):
    """Given early stopping without validation rows and batch norm with batches of one, both are said."""
    step = step_in(validation_rows=0, early_stop={}, batch_size=1, model={"batch_norm": True})
    with pytest.raises(Refused, match="TRAIN-005") as caught:
        load_job(step)
    assert [problem.code for problem in caught.value.problems] == ["TRAIN-005", "TRAIN-006"]


@pytest.mark.parametrize(
    ("optimiser", "reason"),
    [
        ({"name": "adam", "weight_decay": 0.1}, "weight_decay belongs to adamw; with adam write `l2`"),
        ({"name": "adam", "momentum": 0.9}, "momentum belongs to sgd; adam has beta1"),
        ({"name": "sgd", "nesterov": True}, "nesterov needs a momentum above 0"),
    ],
)
def test_settings_that_would_be_ignored_are_refused(step_in, optimiser, reason):
    """Given a setting that the optimiser does not have, the problem says where it belongs."""
    with pytest.raises(Refused, match=f"SPEC-003 {reason}"):
        load_job(step_in(optimiser=optimiser))


def test_tables_are_not_augmented(step_in):
    """Given rotation asked for a table, the problem says what augmentation is for."""
    step = step_in(augment={"rotate_deg": 5})
    path = step.input("data") / "dataset.json"
    path.write_text(path.read_text().replace('"image"', '"table"'))
    with pytest.raises(Refused, match="TRAIN-007 augmentation turns and shifts images, and the data is a table"):
        load_job(step)


def test_augmented_epochs_differ_and_repeat(step_in):
    """Given rotation, two epochs see different pixels and the same epoch sees the same ones again."""
    seen = []
    for epoch in (0, 1, 0):
        batches = load_job(step_in(augment={"rotate_deg": 20})).batches
        batches.deal(epoch)
        seen.append(batches._x_ND.clone())
    assert torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[0], seen[1])


def test_a_device_that_is_not_there_is_named(monkeypatch):
    """Given a recipe that wants CUDA on a machine without, the problem says what is there."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert present_devices() == ["cpu"]
    assert training_device(TrainSpec()) == torch.device("cpu")
    with pytest.raises(Unprocessable, match="TRAIN-001 there is no cuda device here, only cpu"):
        training_device(TrainSpec(device="cuda"))


def test_precision_follows_the_spec_and_the_device(monkeypatch):
    """Given `auto`, bfloat16 is for accelerators that have it; asked for, it is used on the CPU too."""
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert autocast_type(TrainSpec(), cpu) is None
    assert autocast_type(TrainSpec(precision="bfloat16"), cpu) is torch.bfloat16
    assert autocast_type(TrainSpec(), cuda) is torch.bfloat16
    assert autocast_type(TrainSpec(precision="float32"), cuda) is None


def test_rows_of_a_part_are_mapped_not_copied(step_in):
    """Given a dataset on disk, its raw rows stay a memory map until they are normalised."""
    assert isinstance(Dataset.load(step_in().input("data")).part("train")[0], np.memmap)
