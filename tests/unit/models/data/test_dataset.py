import numpy as np
import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.data.dataset import Dataset, Part
from datahall.models.data.normaliser import Normaliser


def part(rows: int, start: int = 0) -> Part:
    x = np.arange(rows * 4, dtype=np.uint8).reshape(rows, 2, 2)
    return Part(x, np.arange(rows, dtype=np.int64) % 2, np.arange(start, start + rows))


@pytest.fixture
def folder(tmp_path):
    dataset = Dataset(tmp_path, "image", (2, 2), ("no", "yes"), Normaliser("unit", 0.0, 1 / 255), card={"warnings": []})
    dataset.save({"train": part(6), "validation": part(0), "test": part(3, 6)})
    return tmp_path


def test_what_was_saved_is_loaded(folder):
    """Given a saved dataset, loading it gives the same rows, labels and normaliser; an empty validation part is fine."""
    dataset = Dataset.load(folder)
    x, y = dataset.part("train")
    assert isinstance(x, np.memmap)
    assert (x == part(6).x).all()
    assert y.dtype == np.int64
    assert dataset.part("validation")[0].shape == (0, 2, 2)
    assert dataset.source_rows("test").tolist() == [6, 7, 8]
    assert (dataset.labels, dataset.row_shape, dataset.card) == (("no", "yes"), (2, 2), {"warnings": []})
    assert dataset.normaliser.apply(x).max() == pytest.approx(23 / 255)


def test_a_folder_without_a_dataset_is_missing(tmp_path):
    """Given an empty folder, loading says that it is no dataset."""
    with pytest.raises(Missing, match=r"DATA-001 is no dataset: dataset\.json is missing"):
        Dataset.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 99}', '{"format": 1, "kind": "table", "row_shape": []}'])
def test_a_damaged_description_is_refused(folder, text):
    """Given a dataset.json that is cut off, of another format or half empty, loading says that it is damaged."""
    (folder / "dataset.json").write_text(text)
    with pytest.raises(Refused, match="DATA-001 the dataset is damaged"):
        Dataset.load(folder)


def test_cut_off_rows_are_refused(folder):
    """Given rows that were cut off on disk, taking the part says which file."""
    path = folder / "x_train.npy"
    path.write_bytes(path.read_bytes()[:140])
    with pytest.raises(Refused, match=r"x_train\.npy cannot be read"):
        Dataset.load(folder).part("train")


def test_rows_and_labels_that_disagree_are_refused(folder):
    """Given six rows but three labels, taking the part says both shapes."""
    np.save(folder / "y_train.npy", np.zeros(3, np.int64))
    with pytest.raises(Refused, match=r"x_train has shape \(6, 2, 2\) and y_train \(3,\)"):
        Dataset.load(folder).part("train")


def test_a_missing_part_is_named(folder):
    """Given a dataset without its test rows, taking that part names the file."""
    (folder / "x_test.npy").unlink()
    with pytest.raises(Missing, match=r"x_test\.npy is missing"):
        Dataset.load(folder).part("test")
