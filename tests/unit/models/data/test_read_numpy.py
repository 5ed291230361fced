import io

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.data.read_numpy import read
from datahall.models.data.spec import NumpySource


@pytest.fixture
def load(tmp_path):
    def save_and_read(**arrays):
        np.savez(tmp_path / "d.npz", **arrays)
        return read(NumpySource(kind="numpy", file="d.npz"), folder=tmp_path)

    return save_and_read


def test_two_dimensions_make_a_table(load):
    """Given x of five rows and three columns, it is a table of float64."""
    raw = load(x=np.ones((5, 3), np.float32), y=np.arange(5))
    assert (raw.kind, raw.rows.x.dtype, [c.name for c in raw.columns]) == ("table", np.float64, ["x0", "x1", "x2"])


def test_whole_pixels_become_bytes(load):
    """Given int64 pixels from 0 to 255, they are stored as bytes; one colour channel is no channel."""
    raw = load(x=np.full((4, 6, 6, 1), 200), y=np.arange(4))
    assert (raw.kind, raw.rows.x.dtype, raw.rows.x.shape, raw.value_max) == ("image", np.uint8, (4, 6, 6), 255)


def test_fractions_stay_fractions(load):
    """Given float64 pixels from 0 to 1, they become float32 with 1 as the largest value; too large ones become infinite."""
    x = np.linspace(0, 1, 32).reshape(2, 4, 4)
    assert (load(x=x, y=np.arange(2)).rows.x.dtype, load(x=x, y=np.arange(2)).value_max) == (np.float32, 1)
    x[0, 0, 0] = 1e300
    assert np.isinf(load(x=x, y=np.arange(2)).rows.x).sum() == 1


def test_the_layout_of_keras_has_a_test_part(load):
    """Given x_train, y_train, x_test and y_test, the test part is the source's own."""
    x = np.zeros((3, 2, 2), np.uint8)
    raw = load(x_train=x, y_train=np.arange(3), x_test=x[:2], y_test=np.arange(2))
    assert (len(raw.rows), len(raw.test)) == (3, 2)


def test_two_npy_files(tmp_path):
    """Given x.npy and y.npy, they are read together."""
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    np.save(tmp_path / "y.npy", np.array(["a", "b", "a"]))
    raw = read(NumpySource(kind="numpy", x="x.npy", y="y.npy"), folder=tmp_path)
    assert raw.rows.y.tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((3, 2))}, "DATA-040 holds x. Save arrays named x and y"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(2)}, r"DATA-041 x has 3 rows, but y has shape \(2,\)"),
        ({"x": np.zeros((3, 2)), "y": np.eye(3)}, r"y has shape \(3, 3\).*by argmax"),
        ({"x": np.zeros(3), "y": np.zeros(3)}, r"DATA-041 x has shape \(3,\)"),
        ({"x": np.zeros((3, 0)), "y": np.zeros(3)}, r"DATA-041 x has shape \(3, 0\)"),
        ({"x": np.zeros((3, 2, 2, 7)), "y": np.zeros(3)}, r"x has shape \(3, 2, 2, 7\)"),
        ({"x": np.array([["a"]]), "y": np.zeros(1)}, "DATA-041 x holds <U1, not numbers"),
        ({"x": np.zeros((3, 2), complex), "y": np.zeros(3)}, "DATA-041 x holds complex128"),
        (
            {"x_train": np.zeros((3, 2)), "y_train": np.zeros(3), "x_test": np.zeros((3, 4)), "y_test": np.zeros(3)},
            r"rows of x_train have shape \(2,\), those of x_test \(4,\)",
        ),
    ],
)
def test_arrays_that_make_no_data_set_are_refused(load, arrays, message):
    """Given arrays that are missing, disagree or hold no numbers, the problem says which shapes were seen."""
    with pytest.raises(Refused, match=message):
        load(**arrays)


def test_pickled_objects_are_never_loaded(tmp_path):
    """Given an array of Python objects, which would run code when loaded, it is refused."""
    np.savez(tmp_path / "d.npz", x=np.array([{"a": 1}], dtype=object), y=np.zeros(1))
    with pytest.raises(Refused, match="DATA-040 is not a NumPy file that can be read without unpickling"):
        read(NumpySource(kind="numpy", file="d.npz"), folder=tmp_path)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"\x93NUMPY\x01\x00\xff\xff{'descr': "])
def test_other_bytes_are_refused(tmp_path, data):
    """Given a file that is no NumPy file, .npz and .npy say so."""
    (tmp_path / "d").write_bytes(data)
    for fields in ({"file": "d"}, {"x": "d", "y": "d"}):
        with pytest.raises(Refused, match="DATA-040 is not a NumPy file"):
            read(NumpySource(kind="numpy", **fields), folder=tmp_path)


def test_a_header_that_claims_more_than_there_is_is_refused(tmp_path):
    """Given an .npy whose header claims an exabyte, it is refused before memory is taken."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (2**60,)})
    (tmp_path / "x.npy").write_bytes(head.getvalue())
    with pytest.raises(Refused, match="DATA-040"):
        read(NumpySource(kind="numpy", x="x.npy", y="x.npy"), folder=tmp_path)


def test_an_npz_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    """Given an .npz that unpacks to more than the limit, it is refused with both sizes."""
    monkeypatch.setattr("datahall.models.data.read_numpy.MAX_ARRAY_BYTES", 1000)
    np.savez_compressed(tmp_path / "d.npz", x=np.zeros((100, 100)), y=np.zeros(100))
    with pytest.raises(Refused, match=r"DATA-040 unpacks to 79\.\d KiB; at most 1000 B are read"):
        read(NumpySource(kind="numpy", file="d.npz"), folder=tmp_path)


def test_an_npz_named_as_npy_is_refused(tmp_path):
    """Given an .npz under `x`, the problem says to name it as `file`."""
    np.savez(tmp_path / "d.npz", x=np.zeros(1))
    with pytest.raises(Refused, match=r"looks like an \.npz, not an \.npy\. Name it as `file`"):
        read(NumpySource(kind="numpy", x="d.npz", y="d.npz"), folder=tmp_path)


@pytest.mark.parametrize("fields", [{}, {"file": "a", "x": "b"}, {"x": "b"}])
def test_a_source_must_name_one_layout(tmp_path, fields):
    """Given neither `file` nor both of `x` and `y`, the recipe is refused."""
    with pytest.raises(Refused, match="DATA-040 names neither"):
        read(NumpySource(kind="numpy", **fields), folder=tmp_path)
