"""Bus bandwidth: what nccl-tests prints, so that a figure can be held against the hardware whatever the rank count.

Source: NVIDIA/nccl-tests doc/PERFORMANCE.md@03a204a.
"""

import numpy as np
from numpy.typing import ArrayLike

from datahall.network.collectives.cost import Floats


def bus_factor(collective: str, ranks: int) -> float:
    """Bus bandwidth over algorithm bandwidth (size over time). Raises ValueError for an unknown collective or no ranks.

    All-reduces in a switch are printed with the factor of rings too, which is why they can exceed a link's bandwidth.
    """
    if ranks < 1:
        raise ValueError(f"bus_factor: ranks={ranks}, but at least 1 takes part")
    if collective == "all_reduce":
        return 2 * (ranks - 1) / ranks
    if collective in ("all_gather", "reduce_scatter", "all_to_all"):
        return (ranks - 1) / ranks
    if collective in ("broadcast", "reduce", "send_recv"):
        return 1.0
    raise ValueError(f"no bus bandwidth factor for {collective}")


def algorithm_bytes_per_s(size_bytes: ArrayLike, seconds: ArrayLike) -> Floats:
    """Size over time, bytes/s."""
    found: Floats = np.asarray(size_bytes, dtype=float) / np.asarray(seconds, dtype=float)
    return found


def bus_bytes_per_s(collective: str, size_bytes: ArrayLike, seconds: ArrayLike, *, ranks: int) -> Floats:
    """Bus bandwidth of a measured or computed time, bytes/s."""
    found: Floats = bus_factor(collective, ranks) * algorithm_bytes_per_s(size_bytes, seconds)
    return found
