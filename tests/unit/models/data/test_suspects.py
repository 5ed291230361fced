import numpy as np

from datahall.models.data.normaliser import Normaliser
from datahall.models.data.suspects import suspected


def clouds(rows=100):
    """Two clouds far apart, and their right labels."""
    x = np.random.default_rng(1).normal(size=(2 * rows, 2)).astype(np.float32)
    x[rows:] += 50
    return x, np.repeat([0, 1], rows)


def doubts(x, y):
    return suspected(x, y, Normaliser("none", 0.0, 1.0), rows=np.arange(len(y)) + 1000, names=("left", "right"), seed=0)


def test_a_swapped_label_is_suspected():
    """Given two clouds and one row labelled as the other cloud, that row is named with what its neighbours say."""
    x, y = clouds()
    y[7] = 1
    found = doubts(x, y)
    assert (found["looked_at"], found["suspected"]) == (200, 1)
    assert found["examples"] == [{"row": 1007, "label": "right", "neighbours_say": "left"}]
    assert "suspicion" in found["method"]


def test_right_labels_are_not_suspected():
    """Given two clouds with right labels, nothing is suspected."""
    assert doubts(*clouds())["suspected"] == 0


def test_too_few_rows_are_not_looked_at():
    """Given ten rows, there are not enough neighbours to ask."""
    assert doubts(*clouds(5)) | {"method": ""} == {"method": "", "looked_at": 0, "suspected": 0, "examples": []}
