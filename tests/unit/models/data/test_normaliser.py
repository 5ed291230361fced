import json

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.data.normaliser import Normaliser, fit


def test_standard_columns_have_mean_zero_and_deviation_one():
    """Given a table whose columns live on very different scales, each normalised column has mean 0 and deviation 1."""
    x = np.random.default_rng(1).normal([5, -2000], [0.1, 300], size=(500, 2)).astype(np.float32)
    x_norm = fit(x, "standard", kind="table", value_max=1).apply(x)
    assert x_norm.dtype == np.float32
    assert x_norm.mean(axis=0) == pytest.approx([0, 0], abs=1e-4)
    assert x_norm.std(axis=0) == pytest.approx([1, 1], abs=1e-4)


@pytest.mark.parametrize("method", ["standard", "minmax", "unit"])
def test_constant_columns_do_not_divide_by_zero(method):
    """Given a column that is always 0.1 and one that is always 0, nothing becomes NaN or infinite."""
    x = np.tile(np.array([[0.1, 0.0]], np.float32), (7, 1))
    assert np.isfinite(fit(x, method, kind="table", value_max=1).apply(x)).all()


def test_images_share_one_number_and_bytes_give_the_same_fit_as_floats():
    """Given the same pixels as bytes and as floats, the fit is one equal pair of numbers."""
    x = np.random.default_rng(2).integers(0, 256, (40, 8, 8)).astype(np.uint8)
    as_bytes = fit(x, "standard", kind="image", value_max=255)
    as_floats = fit(x.astype(np.float32), "standard", kind="image", value_max=255)
    assert as_bytes.offset == pytest.approx(x.mean())
    assert as_bytes.scale == pytest.approx(1 / x.std())
    assert (as_bytes.offset, as_bytes.scale) == pytest.approx((as_floats.offset, as_floats.scale))


def test_unit_divides_pixels_by_the_largest_they_can_be():
    """Given digits whose pixels go to 16, `unit` maps 16 to 1 even when no pixel reaches it."""
    x = np.full((3, 2, 2), 8, np.uint8)
    assert fit(x, "unit", kind="image", value_max=16).apply(x).max() == pytest.approx(0.5)


def test_minmax_fills_zero_to_one():
    """Given numbers from -3 to 7, `minmax` maps them to 0..1."""
    x = np.linspace(-3, 7, 11, dtype=np.float32)[:, None]
    x_norm = fit(x, "minmax", kind="table", value_max=1).apply(x)
    assert (x_norm.min(), x_norm.max()) == (0, 1)


def test_survives_json():
    """Given a fitted normaliser, its JSON reads back as an equal one."""
    made = fit(np.random.default_rng(3).normal(size=(20, 3)), "standard", kind="table", value_max=1)
    assert Normaliser.from_dict(json.loads(json.dumps(made.as_dict())), width=3, where="d") == made


@pytest.mark.parametrize("bad", [{}, {"method": "x", "offset": [1, 2], "scale": 1}, {"method": "x", "offset": 1, "scale": "a"}])
def test_a_damaged_normaliser_is_refused(bad):
    """Given a normaliser that lacks parts or fits other columns, reading it says so."""
    with pytest.raises(Refused, match="DATA-001 the normaliser is not one finite offset"):
        Normaliser.from_dict(bad, width=3, where="dataset.json")
