"""Numbers stay numbers, arrays stay arrays: so that one formula serves a single plan and many side by side."""

from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """A Python number where there is one value, else the array."""
    return value if isinstance(value, np.ndarray) and value.ndim else float(value)


def larger(one: Any, other: Any) -> Any:
    """Of two, at each place."""
    return np.maximum(one, other) if _several(one, other) else max(one, other)


def smaller(one: Any, other: Any) -> Any:
    """Of two, at each place."""
    return np.minimum(one, other) if _several(one, other) else min(one, other)


def _several(one: Any, other: Any) -> bool:
    return isinstance(one, np.ndarray) or isinstance(other, np.ndarray)
