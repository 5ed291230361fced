"""How a trace is read: what is strict, what fits, what is kept."""

from pydantic import Field

from datahall.foundation.spec import Spec


class Capacity(Spec):
    """What the cluster has in all: a job that asks for more can never start."""

    accelerators: int | None = Field(default=None, ge=0)
    cores: int | None = Field(default=None, ge=1)


class Options(Spec):
    """Choices of a reading. All have a default that keeps every usable row."""

    strict: bool = False
    """Refuse the file when any row is bad, naming the rows, instead of dropping or mending them."""
    capacity: Capacity | None = None
    """When given, jobs beyond it are bad rows."""
    strong: bool = False
    """SWF: the filter of published backfill results: no run or no estimate is dropped, runs are cut at the estimate."""
    keep_unrun: bool = False
    """Keep jobs that ran for no time: for studies of placement without departures."""
    accelerators_per_worker: int = Field(default=8, ge=1, le=1024)
    """A job that asks for more than this is split into equal workers: 12 becomes 3 x 4."""
    limit_bytes: int = Field(default=2 * 1024**3, ge=1024)
    """Most bytes that a file may have, unpacked."""
