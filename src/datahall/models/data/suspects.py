"""Rows whose label their nearest neighbours contradict: a suspicion that the label is wrong, not a finding.

Source of the idea: Wilson, IEEE Trans. Syst. Man Cybern. 2(3), 1972, doi:10.1109/TSMC.1972.4309137 (edited nearest
neighbours).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.dice import stream_seed
from datahall.models.data.normaliser import Normaliser

LOOKED_AT_ROWS, REFERENCE_ROWS = 2000, 10_000
NEIGHBOURS, AGREEING = 10, 8
BLOCK_ROWS = 250
MAX_EXAMPLES = 20
METHOD = (
    f"of {NEIGHBOURS} nearest neighbours (Euclidean, normalised values) none has the row's label and at least {AGREEING} "
    "agree on another one; a suspicion, to be looked at by a person"
)


def suspected(
    x: NDArray[Any], y: NDArray[np.int64], normaliser: Normaliser, *, rows: NDArray[np.int64], names: tuple[str, ...], seed: int
) -> dict[str, Any]:
    """How many of a sample of training rows have a label that their neighbours contradict, with examples.

    x, y: training rows. rows: their numbers in the source. Looks at 2,000 rows among 10,000 at most.
    """
    dice = np.random.default_rng(stream_seed(seed, "data/suspects"))
    reference = dice.permutation(len(y))[:REFERENCE_ROWS]
    if len(reference) <= NEIGHBOURS:
        return {"method": METHOD, "looked_at": 0, "suspected": 0, "examples": []}
    looked_at = reference[:LOOKED_AT_ROWS]
    width = int(np.prod(x.shape[1:]))
    flat = normaliser.apply(x[reference]).reshape(len(reference), width)
    votes = _votes(flat, y[reference], len(looked_at), len(names))
    most = votes.argmax(axis=1)
    odd = np.flatnonzero((votes[np.arange(len(votes)), y[looked_at]] == 0) & (votes.max(axis=1) >= AGREEING))
    examples = [
        {"row": int(rows[looked_at[i]]), "label": names[y[looked_at[i]]], "neighbours_say": names[most[i]]}
        for i in odd[:MAX_EXAMPLES]
    ]
    return {"method": METHOD, "looked_at": len(looked_at), "suspected": len(odd), "examples": examples}


def _votes(flat: NDArray[np.float32], y: NDArray[np.int64], looked_at: int, classes: int) -> NDArray[np.int64]:
    """For each of the first `looked_at` rows, how many of its neighbours stand in each class. A row is not its own."""
    # Squared distance without the row's own square, which does not change the order of its neighbours.
    squares = np.einsum("nd,nd->n", flat, flat)
    votes = np.zeros((looked_at, classes), np.int64)
    for start in range(0, looked_at, BLOCK_ROWS):
        block = np.arange(start, min(start + BLOCK_ROWS, looked_at))
        distance = squares - 2 * (flat[block] @ flat.T)
        distance[np.arange(len(block)), block] = np.inf
        nearest = np.argpartition(distance, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        np.add.at(votes, (np.repeat(block, NEIGHBOURS), y[nearest].ravel()), 1)
    return votes
