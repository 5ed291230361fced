import base64
import io

import numpy as np
import pytest
from PIL import Image

from datahall.models.evaluate.pictures import data_urls, named_values


def decoded(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,"))))


@pytest.mark.parametrize(("shape", "mode"), [((6, 5), "L"), ((6, 5, 1), "L"), ((6, 5, 3), "RGB")])
def test_rows_become_pictures_of_their_shape(shape, mode):
    """Given grey or colour rows, each is a PNG of the same width and height."""
    [url] = data_urls(np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape))
    assert (decoded(url).size, decoded(url).mode) == ((5, 6), mode)


def test_all_pictures_share_one_scale():
    """Given values from 0 to 16, as in scikit-learn's digits, 16 is white and 8 is grey in each picture."""
    first, second = data_urls(np.array([[[0, 16]], [[8, 8]]], np.uint8))
    assert [decoded(first).getpixel((x, 0)) for x in (0, 1)] == [0, 255]
    assert decoded(second).getpixel((0, 0)) == 128


def test_large_pictures_are_made_small_and_flat_ones_do_not_divide_by_zero():
    """Given a flat image of 1,000 pixels a side, the PNG is 256 pixels wide; no rows give no picture."""
    [url] = data_urls(np.full((1, 1000, 1000), 7, np.uint8))
    assert decoded(url).size == (256, 256)
    assert data_urls(np.zeros((0, 4, 4))) == []


def test_categories_are_put_together_again():
    """Given `colour=red` 0 and `colour=blue` 1, the row has colour blue."""
    columns = ["age", "colour=red", "colour=blue"]
    assert named_values([41.5, 0, 1], columns) == [("age", "41.5"), ("colour", "blue")]
