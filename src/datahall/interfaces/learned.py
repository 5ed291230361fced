"""What a home can learn from: the clusters of its hall, and its jobs."""

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from datahall.foundation.errors import Problem, Refused
from datahall.models.parallel.communication import Cluster
from datahall.planner.validation.hardware import machine_of
from datahall.planner.work import Clusters
from datahall.platform.home import Home

if TYPE_CHECKING:
    from datahall.interfaces.client import Client

MAX_JOBS = 1000
"""The newest that succeeded are looked at."""


def clusters_of(home: Home) -> Clusters:
    """Of a name, that accelerator with its usual ports; of the empty name, the hall's. Raises Missing or Refused."""

    @functools.cache
    def found(name: str) -> Cluster:
        return machine_of(name).cluster if name else _of_hall(home)

    return found


def _of_hall(home: Home) -> Cluster:
    from datahall.planner.load import load
    from datahall.planner.training.cluster import chosen_of, kind_of

    if not home.hall_file.exists():
        what, fix = "there is no hall here yet", "name the job's accelerator (`work.accelerator`), or `datahall up` first"
        raise Refused(Problem("CAL-002", "work.accelerator", what, fix))
    loaded = load(home.hall_file, folder=home.hall_folder)
    kind = kind_of(loaded)
    return chosen_of(loaded, kind, kind.count).cluster


def jobs_of(client: "Client") -> Iterator[dict[str, Any]]:
    """The newest jobs that succeeded, in full."""
    before, left = None, MAX_JOBS
    while left > 0:
        page = client.get("/v1/jobs", state="succeeded", limit=min(left, 200), **({"before": before} if before else {}))
        for row in page:
            yield client.get(f"/v1/jobs/{row['id']}")
        if not page:
            return
        left, before = left - len(page), page[-1]["id"]
