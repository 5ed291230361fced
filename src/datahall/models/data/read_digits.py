"""The digits that come with scikit-learn."""

from pathlib import Path

import numpy as np

from datahall.models.data.rows import Raw, Rows
from datahall.models.data.spec import DigitsSource


def read(_source: DigitsSource, *, folder: Path) -> Raw:  # noqa: ARG001 - readers share one signature
    """1,797 grey 8x8 digits with pixels 0..16."""
    from sklearn.datasets import load_digits  # 1.5 s, and only needed here

    x, y = load_digits(return_X_y=True)
    notes = {
        "name": "Optical recognition of handwritten digits (test part), as shipped with scikit-learn",
        "citation": "Alpaydin and Kaynak, 1998, doi:10.24432/C50P49",
        "licence": "CC BY 4.0 (UCI Machine Learning Repository)",
    }
    rows = Rows(x.reshape(-1, 8, 8).astype(np.uint8), y.astype(np.int64))
    return Raw("image", rows, value_max=16.0, where="digits", notes=notes)
