"""What measured runs said of a platform: how much slower it computes and exchanges than it was predicted to.

A correction changes the description of the cluster, not the predictions: everything that reads the cluster (step, search, run,
schedule) is corrected at once, and no formula has a second form.
"""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from datahall.foundation.spec import Spec
from datahall.models.parallel.communication import Cluster

LEAST_RATIO, MOST_RATIO = 0.25, 4.0
"""Beyond this it is not the platform that differs but what was written down of the run."""

Ratio = Annotated[float, Field(ge=LEAST_RATIO, le=MOST_RATIO)]


class Correction(Spec):
    """Of one platform: an accelerator with a software stack."""

    accelerator: str
    """By its name in the catalogue."""
    stack: str
    """Of the software, by its name."""
    compute_ratio: Ratio = 1.0
    """Measured over predicted time of computing."""
    exchange_ratio: Ratio = 1.0
    """Measured over predicted time of exchanging data."""
    spread: float = Field(gt=0)
    """Standard deviation of the logarithm of measured over corrected time: how far rows that were not fitted lay off."""
    rows: int = Field(ge=1)
    before_ratio: float = Field(ge=0)
    """Mean size of the errors before."""
    after_ratio: float = Field(ge=0)
    """The same after, of each row by what the other rows say; of a single row, as before."""
    source: str = ""
    """Which rows, in words."""
    date: str = ""


def corrected(cluster: Cluster, correction: Correction) -> Cluster:
    """The cluster with slower or faster accelerators and links. Starting a kernel or a message takes as long as before."""
    compute, exchange = correction.compute_ratio, correction.exchange_ratio
    device, links = cluster.device, cluster.scale_up
    return replace(
        cluster,
        device=replace(
            device,
            flop_per_s={precision: rate / compute for precision, rate in device.flop_per_s.items()},
            memory_bytes_per_s=device.memory_bytes_per_s / compute,
        ),
        nic_bytes_per_s=cluster.nic_bytes_per_s / exchange,
        scale_up=None if links is None else replace(links, bytes_per_s=links.bytes_per_s / exchange),
    )
