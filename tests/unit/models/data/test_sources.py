import hashlib
import json
import os

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.data import places, sources
from datahall.models.data.sources import source_digests
from datahall.models.data.spec import DataSpec


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DATAHALL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATAHALL_SHARED", raising=False)


def csv_spec(**fields) -> DataSpec:
    return DataSpec.model_validate({"source": {"kind": "csv", "file": "t.csv", "label": "y"} | fields})


def test_digits_count_by_the_version_that_carries_them(tmp_path):
    """Given digits, which are no file of ours, scikit-learn's version stands in."""
    [digest] = source_digests(DataSpec.model_validate({"source": {"kind": "digits"}}), folder=tmp_path)
    assert digest.startswith("scikit-learn 1.")


def test_every_file_that_is_read_counts(tmp_path):
    """Given a table with a test file, both digests are those of the bytes, and change with them."""
    for name in ("t.csv", "test.csv"):
        (tmp_path / name).write_text(name)
    found = source_digests(csv_spec(test_file="test.csv"), folder=tmp_path)
    assert found == tuple(hashlib.sha256(name.encode()).hexdigest() for name in ("t.csv", "test.csv"))
    (tmp_path / "t.csv").write_text("other")
    assert source_digests(csv_spec(test_file="test.csv"), folder=tmp_path)[0] != found[0]


def test_asking_again_does_not_read_the_bytes_again(tmp_path, monkeypatch):
    """Given a file that has not changed for a while, its digest is kept; a file of this very moment is read again."""
    path = tmp_path / "t.csv"
    path.write_text("a")
    source_digests(csv_spec(), folder=tmp_path)
    assert not (places.cache_folder() / "digests.json").exists()
    os.utime(path, (1e9, 1e9))
    first = source_digests(csv_spec(), folder=tmp_path)
    monkeypatch.setattr(sources, "file_digest", lambda _path: pytest.fail("read again"))
    assert source_digests(csv_spec(), folder=tmp_path) == first


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": ["x"]}', "\0"])
def test_a_damaged_cache_is_done_without(tmp_path, text):
    """Given a cache that is cut off or foreign, the bytes are read."""
    (tmp_path / "t.csv").write_text("a")
    (tmp_path / "home/cache").mkdir(parents=True)
    (tmp_path / "home/cache/digests.json").write_text(text)
    assert source_digests(csv_spec(), folder=tmp_path) == (hashlib.sha256(b"a").hexdigest(),)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    """Given a home that is a file, digests are still found."""
    (tmp_path / "t.csv").write_text("a")
    os.utime(tmp_path / "t.csv", (1e9, 1e9))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATAHALL_HOME", str(tmp_path / "file"))
    assert len(source_digests(csv_spec(), folder=tmp_path)) == 1


def test_a_folder_of_images_counts_names_and_bytes(tmp_path):
    """Given a folder, renaming a file in it changes the digest."""
    (tmp_path / "p/a").mkdir(parents=True)
    (tmp_path / "p/a/1.png").write_bytes(b"1")
    spec = DataSpec.model_validate({"source": {"kind": "images", "folder": "p"}})
    first = source_digests(spec, folder=tmp_path)
    (tmp_path / "p/a/1.png").rename(tmp_path / "p/a/2.png")
    assert source_digests(spec, folder=tmp_path) != first


def test_numpy_files_and_idx_files_are_named(tmp_path):
    """Given NumPy and IDX sources, each named file counts."""
    for name in "abcd":
        (tmp_path / name).write_text(name)
    idx = {"kind": "idx", "train_images": "a", "train_labels": "b", "test_images": "c", "test_labels": "d"}
    assert len(source_digests(DataSpec.model_validate({"source": idx}), folder=tmp_path)) == 4
    arrays = {"kind": "numpy", "x": "a", "y": "b"}
    assert len(source_digests(DataSpec.model_validate({"source": arrays}), folder=tmp_path)) == 2


def test_what_is_still_to_be_downloaded_counts_by_its_declared_checksum(tmp_path):
    """Given a file that is nowhere yet but declared, the digest is the declared one and nothing is fetched."""
    declared = {"file": "t.csv", "urls": ["http://127.0.0.1:9/t.csv"], "sha256": "a" * 64}
    assert source_digests(csv_spec(download=[declared]), folder=tmp_path) == ("a" * 64,)


def test_what_is_nowhere_is_missing(tmp_path):
    """Given a file that is nowhere and not declared, the problem names it."""
    with pytest.raises(Missing, match=r"t\.csv: DATA-002"):
        source_digests(csv_spec(), folder=tmp_path)


def test_groups_are_for_tables(tmp_path):
    """Given a group column for digits, the recipe is refused."""
    spec = DataSpec.model_validate({"source": {"kind": "digits"}, "split": {"group_column": "who"}})
    with pytest.raises(Refused, match=r"data\.split\.group_column: DATA-022 a source of kind `digits` has no columns"):
        sources.read(spec, folder=tmp_path)


def test_the_kept_digests_are_plain_json(tmp_path):
    """Given a kept digest, the cache file maps the path to state and digest."""
    (tmp_path / "t.csv").write_text("a")
    os.utime(tmp_path / "t.csv", (1e9, 1e9))
    [digest] = source_digests(csv_spec(), folder=tmp_path)
    kept = json.loads((places.cache_folder() / "digests.json").read_text())
    assert kept[str(tmp_path / "t.csv")][1] == digest


def test_a_folder_where_a_file_should_be_is_refused_before_it_is_read(tmp_path):
    """Given a table whose name is empty or a folder's, it is refused: hashing all below could take hours."""
    (tmp_path / "rows").mkdir()
    for name in ("", ".", "rows"):
        source = {"kind": "csv", "file": name, "label": "y"}
        with pytest.raises(Refused, match="DATA-003 is a folder, not a file"):
            source_digests(DataSpec.model_validate({"source": source}), folder=tmp_path)
