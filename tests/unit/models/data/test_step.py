"""The whole data step on real and small data."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.data import step as data_step
from datahall.models.data.dataset import PARTS, Dataset
from datahall.models.steps import Step

SHARED = Path(os.environ.get("DATAHALL_SHARED", Path(__file__).parents[5] / "shared"))
needs_shared = pytest.mark.skipif(not (SHARED / "data/mnist").is_dir(), reason="no reference data in DATAHALL_SHARED")


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Run the data step on a recipe's `data` and load what it wrote."""
    monkeypatch.setenv("DATAHALL_HOME", str(tmp_path / "home"))

    def run(data, *, seed=1, folder=tmp_path) -> Dataset:
        work = tmp_path / f"work{time.monotonic_ns()}"
        work.mkdir()
        step = Step(work, "data", {"data": data, "seed": seed, "folder": str(folder)})
        try:
            data_step.run(step)
        finally:
            step.metrics.close()
        return Dataset.load(step.outputs)

    return run


def test_digits(prepared):
    """Given the digits of scikit-learn, 1,797 rows are dealt out by class, with a card that adds up."""
    dataset = prepared({"source": {"kind": "digits"}})
    sizes = {name: len(dataset.part(name)[1]) for name in PARTS}
    assert sum(sizes.values()) == 1797
    assert (dataset.kind, dataset.row_shape, dataset.labels) == ("image", (8, 8), tuple("0123456789"))
    assert dataset.part("train")[0].dtype == np.uint8
    x = dataset.normaliser.apply(dataset.part("train")[0])
    assert (x.mean(), x.std()) == (pytest.approx(0, abs=1e-4), pytest.approx(1, abs=1e-4))
    assert {name: dataset.card["rows"][name] for name in PARTS} == sizes
    assert sum(row["test"] for row in dataset.card["classes"]) == sizes["test"]
    assert "CC BY 4.0" in dataset.card["source"]["licence"]
    rows = np.concatenate([dataset.source_rows(name) for name in PARTS])
    assert sorted(rows.tolist()) == list(range(1797))


def test_the_seed_decides(prepared):
    """Given the same seed, the same digest; another seed, another."""
    data = {"source": {"kind": "digits"}, "normalise": "unit"}
    first, again, other = prepared(data), prepared(data), prepared(data, seed=2)
    assert first.card["digest"] == again.card["digest"] != other.card["digest"]
    assert first.normaliser.scale == pytest.approx(1 / 16)


TABLE = "age,colour,weight,kind\n" + "".join(
    f"{20 + i % 37},{'red' if i % 3 else 'blue'},{'?' if i % 10 == 0 else i * 1.5},{'cat' if i % 2 else 'dog'}\n"
    for i in range(200)
)


def test_a_table(prepared, tmp_path):
    """Given a table with holes and texts, it is encoded, and the card says what was done."""
    (tmp_path / "t.csv").write_text(TABLE)
    source = {"kind": "csv", "file": "t.csv", "label": "kind"}
    dataset = prepared({"source": source, "clean": {"missing": "median", "outliers": "clip"}, "licence": "mine"})
    assert dataset.columns == ("age", "colour=blue", "colour=red", "weight")
    assert (dataset.kind, dataset.row_shape, dataset.labels) == ("table", (4,), ("cat", "dog"))
    assert len(dataset.normaliser.offset) == 4
    assert dataset.card["cleaning"]["missing"]["by_column"] == {"weight": 20}
    assert dataset.card["source"]["licence"] == "mine"
    assert [row["name"] for row in dataset.card["statistics"]["columns"]] == ["age", "colour", "weight"]
    assert [row["kind"] for row in dataset.encoding] == ["number", "category", "number"]


def test_outliers_are_dropped_from_training_rows_only(prepared, tmp_path):
    """Given far values on every side and `drop`, test and validation keep theirs."""
    rows = "".join(f"{(1e6 + i if i % 20 == 0 else i % 50 + i / 1e4)},{i % 2}\n" for i in range(600))
    (tmp_path / "t.csv").write_text("a,y\n" + rows)
    dataset = prepared({"source": {"kind": "csv", "file": "t.csv", "label": "y"}, "clean": {"outliers": "drop"}})
    outliers = dataset.card["cleaning"]["outliers"]
    assert outliers["rows"] == outliers["rows_dropped"] > 0
    assert dataset.part("train")[0].max() < 100 < dataset.part("test")[0].max()


def test_a_class_made_of_outliers_is_refused(prepared, tmp_path):
    """Given a class whose every row is an outlier, dropping them is refused with a way out."""
    rows = "".join(f"{i},0\n" for i in range(100)) + "".join(f"{10_000 + i},1\n" for i in range(6))
    (tmp_path / "t.csv").write_text("a,y\n" + rows)
    with pytest.raises(Refused, match=r"DATA-053 every training row of '1' has an outlier\. Raise clean\.outlier_iqr"):
        prepared({"source": {"kind": "csv", "file": "t.csv", "label": "y"}, "clean": {"outliers": "drop"}})


def test_a_test_file_with_an_unknown_category(prepared, tmp_path):
    """Given a test file with a colour that no training row has, it is counted and warned of."""
    (tmp_path / "t.csv").write_text(TABLE.replace("?", ""))
    (tmp_path / "test.csv").write_text("age,colour,weight,kind\n1,green,1,cat\n2,red,2,dog\n")
    source = {"kind": "csv", "file": "t.csv", "test_file": "test.csv", "label": "kind"}
    dataset = prepared({"source": source})
    assert dataset.card["cleaning"]["unknown_categories"] == {"test": {"colour": 1}}
    assert "test rows hold categories that no training row has: colour" in dataset.card["warnings"]
    assert dataset.part("test")[0][0].tolist() == [1, 0, 0, 1]


def test_filled_pictures(prepared, tmp_path):
    """Given float pictures with NaN and `mean`, each hole becomes the mean of training pictures there."""
    x = np.random.default_rng(1).random((60, 3, 3))
    x[5, 1, 1] = np.nan
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(60) % 2)
    source = {"kind": "numpy", "file": "d.npz"}
    dataset = prepared({"source": source, "clean": {"missing": "mean"}, "normalise": "minmax"})
    assert sum(len(dataset.part(name)[1]) for name in PARTS) == 60
    assert all(np.isfinite(dataset.part(name)[0]).all() for name in PARTS)
    assert sum(len(prepared({"source": source}).part(name)[1]) for name in PARTS) == 59


def test_nothing_held_out_is_warned_of(prepared):
    """Given no test and no validation, the card says what cannot be known."""
    dataset = prepared({"source": {"kind": "digits"}, "split": {"test_ratio": 0, "validation_ratio": 0}})
    assert len(dataset.part("test")[1]) == 0
    assert [warning.split(":")[0] for warning in dataset.card["warnings"]] == [
        "there is no test part",
        "there is no validation part",
    ]


def test_what_is_no_data_spec_is_refused(prepared):
    """Given a misspelt field in the step's configuration, the problem names it."""
    with pytest.raises(Refused, match="SPEC-001 unknown field `normalize`"):
        prepared({"source": {"kind": "digits"}, "normalize": "unit"})


MNIST = {
    "kind": "idx",
    "train_images": "data/mnist/train-images-idx3-ubyte.gz",
    "train_labels": "data/mnist/train-labels-idx1-ubyte.gz",
    "test_images": "data/mnist/t10k-images-idx3-ubyte.gz",
    "test_labels": "data/mnist/t10k-labels-idx1-ubyte.gz",
}


@needs_shared
@pytest.mark.shared
def test_mnist(prepared, monkeypatch):
    """Given MNIST, its 10,000 test images stay the test, and 60,000 are dealt into training and validation."""
    monkeypatch.setenv("DATAHALL_SHARED", str(SHARED))
    dataset = prepared({"source": MNIST})
    assert [len(dataset.part(name)[1]) for name in PARTS] == [54_000, 6_000, 10_000]
    # LeCun et al.: 980 zeros, 1,135 ones, … in the test set, as counted in the file itself by other tools too.
    assert np.bincount(dataset.part("test")[1]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert json.loads((dataset.folder / "card.json").read_text())["warnings"] == []


@needs_shared
@pytest.mark.shared
def test_real_tables_and_pictures(prepared, monkeypatch):
    """Given Titanic and the sign-language pictures, both come through; Adult's odd test labels are named."""
    monkeypatch.setenv("DATAHALL_SHARED", str(SHARED))
    drop = ["PassengerId", "Name", "Ticket", "Cabin"]
    titanic = {"kind": "csv", "file": "data/titanic/titanic.csv", "label": "Survived", "drop": drop}
    dataset = prepared({"source": titanic, "clean": {"missing": "median"}, "labels": ["died", "survived"]})
    assert dataset.labels == ("died", "survived")
    assert dataset.card["cleaning"]["missing"]["by_column"] == {"Age": 177, "Embarked": 2}
    signs = {"kind": "images", "folder": "data/sign-language-digits/sign_digits_800.zip", "size_px": 32, "grey": False}
    assert prepared({"source": signs}).row_shape == (32, 32, 3)
    columns = [f"c{i}" for i in range(14)] + ["income"]
    adult = {"kind": "csv", "file": "data/adult/adult-train.csv", "test_file": "data/adult/adult-test.csv"}
    with pytest.raises(Refused, match=r"DATA-052 test row 0 and \d+ more with a label out of range: '<=50K\.'"):
        prepared({"source": adult | {"label": "income", "columns": columns}})
