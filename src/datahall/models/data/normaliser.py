"""An affine map fitted on training rows, as JSON: x_norm = (x - offset) * scale in float32."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused

CHUNK_ROWS = 8192


@dataclass(frozen=True, slots=True)
class Normaliser:
    """`offset` and `scale` are one number for images and one a column for tables."""

    method: str
    offset: float | list[float]
    scale: float | list[float]

    def apply(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Normalised rows, float32, same shape as `x`."""
        out = np.empty(x.shape, np.float32)
        np.subtract(x, np.asarray(self.offset, np.float32), out=out, dtype=np.float32)
        out *= np.asarray(self.scale, np.float32)
        return out

    def as_dict(self) -> dict[str, Any]:
        return {"method": self.method, "offset": self.offset, "scale": self.scale}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, width: int, where: str) -> "Normaliser":
        """Read what `as_dict` wrote. Raises Refused unless offset and scale are finite and fit `width` columns."""
        try:
            made = cls(str(data["method"]), data["offset"], data["scale"])
            pair = [np.asarray(value, np.float64) for value in (made.offset, made.scale)]
            fits = all(value.shape in ((), (width,)) and np.isfinite(value).all() for value in pair)
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            what = f"the normaliser is not one finite offset and scale, nor {width} of each"
            raise Refused(Problem("DATA-001", where, what, "run the data step again"))
        return made


Floats = NDArray[np.float64]


def fit(x: NDArray[Any], method: str, *, kind: str, value_max: float) -> Normaliser:
    """The normaliser of training rows `x`: per column when `kind` is "table", one for all pixels when it is "image".

    value_max: the largest value that a pixel can have; `unit` divides by it.
    A column (or image set) that never changes is moved to 0 and left unscaled.
    """
    if method == "none":
        return Normaliser(method, 0.0, 1.0)
    if method == "unit" and kind == "image":
        return Normaliser(method, 0.0, 1.0 / value_max)
    values, weights = (x, None) if kind == "table" else _histogram(x)
    offset, scale = _FITS[method](values, weights)
    if kind == "image":
        return Normaliser(method, float(offset[0]), float(scale[0]))
    return Normaliser(method, offset.tolist(), scale.tolist())


def _histogram(x: NDArray[Any]) -> tuple[Floats, Floats]:
    """Distinct pixel values as a one-column table, and how often each stands there."""
    if x.dtype == np.uint8:
        counts = sum(np.bincount(x[i : i + CHUNK_ROWS].ravel(), minlength=256) for i in range(0, len(x), CHUNK_ROWS))
        seen = np.flatnonzero(counts)
        return seen.astype(np.float64)[:, None], np.asarray(counts)[seen].astype(np.float64)
    values, counts = np.unique(x, return_counts=True)
    return values.astype(np.float64)[:, None], counts.astype(np.float64)


def _standard(x: NDArray[Any], weights: Floats | None) -> tuple[Floats, Floats]:
    mean = np.average(x.astype(np.float64), axis=0, weights=weights)
    square = np.average((x - mean) ** 2, axis=0, weights=weights)
    return _safe(x, mean, np.sqrt(square))


def _minmax(x: NDArray[Any], _weights: Floats | None) -> tuple[Floats, Floats]:
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    return _safe(x, low, high - low)


def _unit(x: NDArray[Any], _weights: Floats | None) -> tuple[Floats, Floats]:
    largest = np.abs(x).max(axis=0).astype(np.float64)
    return np.zeros_like(largest), _reciprocal(largest)


def _safe(x: NDArray[Any], offset: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """A column is constant when its largest value is its smallest; its rounded spread may not be exactly 0."""
    low, constant = x.min(axis=0).astype(np.float64), x.min(axis=0) == x.max(axis=0)
    return np.where(constant, low, offset), np.where(constant, 1.0, _reciprocal(spread))


def _reciprocal(spread: Floats) -> Floats:
    """1 / spread, or 1 where float32 could not hold it."""
    tiny = spread < 1 / np.finfo(np.float32).max
    return np.where(tiny, 1.0, 1.0 / np.where(tiny, 1.0, spread))


_FITS = {"standard": _standard, "minmax": _minmax, "unit": _unit}
