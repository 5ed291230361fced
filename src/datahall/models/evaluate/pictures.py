"""Raw rows as pictures inside the page, and table rows as named values."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_SIDE_PX = 256


def data_urls(x: NDArray[Any]) -> list[str]:
    """A PNG data URL for each image row, (N, H, W) or (N, H, W, 3).

    All rows share one grey scale, from the smallest value among them to the largest.
    """
    if len(x) == 0:
        return []
    low, high = float(x.min()), float(x.max())
    scaled = (x.astype(np.float64) - low) * (255 / (high - low or 1))
    return [_data_url(pixels) for pixels in scaled.round().astype(np.uint8)]


def _data_url(pixels: NDArray[np.uint8]) -> str:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def named_values(row: Sequence[float], columns: Sequence[str]) -> list[tuple[str, str]]:
    """(column, value) of a table row; the columns `colour=red`, `colour=blue` become one pair (`colour`, `red`)."""
    pairs = []
    for name, value in zip(columns, row, strict=True):
        category, is_category, text = name.partition("=")
        if not is_category:
            pairs.append((name, f"{value:,.6g}"))
        elif value == 1:
            pairs.append((category, text))
    return pairs
