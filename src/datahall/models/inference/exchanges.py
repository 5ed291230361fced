"""Exchanges of a serving step as its software does them: by the library, or by kernels of its own where those are faster."""

import numpy as np
from numpy.typing import NDArray

from datahall.models.inference.spec import Engine
from datahall.network.collectives import Group, time_s

Seconds = NDArray[np.float64]


def reduce_s(size_bytes: Seconds, group: Group, engine: Engine) -> Seconds:
    """One sum, s: the library's, or the engine's own in one turn, whichever is faster.

    In one turn each rank reads what all others hold, over NVLink or xGMI; over PCIe or a network there is no such kernel.
    """
    library = np.asarray(time_s("all_reduce", size_bytes, group), np.float64) / engine.reduce_ratio
    links, start_s = group.scale_up, engine.one_shot_s
    if start_s is None or links is None or group.domains > 1 or links.name.startswith("PCIe"):
        return library
    read_s = (group.ranks - 1) * size_bytes / (group.ring_bytes_per_s * engine.reduce_ratio)
    return np.minimum(library, start_s + read_s)


def all_to_all_s(size_bytes: Seconds, group: Group, engine: Engine) -> Seconds:
    """Tokens to their experts or back, one way, s; size_bytes: what one rank sends to all in all.

    One-sided: what stays in the domain goes over its links, what leaves it over the accelerator's own port, both at once.
    """
    if engine.exchange_start_s is None:
        return np.asarray(time_s("all_to_all", size_bytes, group), np.float64)
    near, far = (group.within - 1) / group.ranks, (group.ranks - group.within) / group.ranks
    links_s = near / group.ring_bytes_per_s if near else 0.0
    port_s = far * group.within / (group.port_bytes_per_s * group.nics_per_domain) if far else 0.0
    return engine.exchange_start_s + size_bytes * max(links_s, port_s)
