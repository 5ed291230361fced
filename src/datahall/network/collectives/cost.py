"""The law of one collective: steps that wait, bytes that flow, and chunks that wait while bytes flow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from datahall.network import constants

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an algorithm asks of a group, apart from the size: steps in a row, and seconds per byte on links and network."""

    latency_s: float
    """All steps in a row, each with nothing to send."""
    link_s_per_byte: float
    """On the busiest scale-up link."""
    network_s_per_byte: float = 0.0
    """On the busiest domain's network ports."""

    @property
    def s_per_byte(self) -> float:
        """Links and network work at the same time, chunk after chunk: the slower one sets the pace."""
        return max(self.link_s_per_byte, self.network_s_per_byte)

    def time_s(self, size_bytes: ArrayLike, *, pipeline_ratio: float | None = None) -> Floats:
        """Duration by size, s, of the shape of `size_bytes`; pipeline_ratio: r, without it the fitted one.

        t = start + L + 2 sqrt(r L x) + x, with L the latency, x the bytes' own time, and r the share of L that each further
        chunk pays. The middle term is what is left when the number of chunks is the best one: c chunks cost c r L + x / c
        beyond x, least at c = sqrt(x / (r L)). It is the t = a + g sqrt(S) + f S / B of the field, with g from a and f.
        """
        flow_s = np.asarray(size_bytes, dtype=float) * self.s_per_byte
        ratio = constants.fitted().pipeline_ratio.value if pipeline_ratio is None else pipeline_ratio
        again_s = ratio * self.latency_s
        return constants.collectives().start_s.value + self.latency_s + 2 * np.sqrt(again_s * flow_s) + flow_s

    def limit(self, size_bytes: float) -> str:
        """What takes the longest: `latency`, `scale-up links` or `network`."""
        flow_s = size_bytes * self.s_per_byte
        if constants.collectives().start_s.value + self.latency_s > flow_s:
            return "latency"
        return "network" if self.network_s_per_byte > self.link_s_per_byte else "scale-up links"
