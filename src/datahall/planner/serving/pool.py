"""The accelerators that may serve, what joins them, and the software on them."""

from dataclasses import dataclass

from datahall.foundation.errors import Problem, Refused
from datahall.models.inference.engines import DEFAULT, engine_named
from datahall.models.inference.spec import Engine
from datahall.models.parallel.communication import Cluster
from datahall.planner.load import Loaded
from datahall.planner.serving.request import ServeRequest
from datahall.planner.training.cluster import Kind, chosen_of, kind_of, kinds_of

MOST_RANKS = 512
"""Accelerators of one replica: no published deployment is wider."""


@dataclass(frozen=True)
class Pool:
    """What the hall gives to serving."""

    kind: Kind
    cluster: Cluster
    accelerators: int
    """That may be taken."""
    joined: bool
    """Whether a network joins scale-up domains, so that one replica may stand in several."""
    fabric: str | None
    engine: Engine

    @property
    def widest(self) -> int:
        """Accelerators that one replica may take at most."""
        return min(MOST_RANKS, self.accelerators if self.joined else min(self.accelerators, self.cluster.per_domain))


def pool_of(loaded: Loaded, request: ServeRequest) -> Pool:
    """Raises Refused: SERVE-108 without accelerators, SERVE-109 where more are asked for than there are; Missing for an engine,
    a kind of accelerator or its facts that nothing knows."""
    if not kinds_of(loaded):
        what = f"{loaded.hall.name} has no accelerators, and serving on processors alone is not modelled"
        fix = "add servers that have accelerators; `datahall catalog servers` lists those that are known"
        raise Refused(Problem("SERVE-108", loaded.document.source, what, fix))
    kind = kind_of(loaded, request.accelerator)
    if request.accelerators is not None and request.accelerators > kind.count:
        what = f"accelerators={request.accelerators:,}, but {loaded.hall.name} has {kind.count:,} {kind.accelerator}"
        fix = f"set accelerators to {kind.count:,} or fewer, or leave it out"
        raise Refused(Problem("SERVE-109", "serve.accelerators", what, fix))
    # Replicas need no network between them: a hall without a compute fabric serves within its domains.
    chosen = chosen_of(loaded, kind, min(kind.count, kind.per_domain))
    engine = engine_named(request.engine or DEFAULT, "serve.engine")
    return Pool(
        kind,
        chosen.cluster,
        request.accelerators or kind.count,
        chosen.ports.nic_bytes_per_s > 0,
        chosen.ports.fabric,
        engine,
    )
