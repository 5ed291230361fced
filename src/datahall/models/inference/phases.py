"""Time of the two phases of serving on their own: reading a prompt, and writing the next token."""

from datahall.models.cost.spec import Architecture
from datahall.models.inference.checks import refuse
from datahall.models.inference.engines import default_engine
from datahall.models.inference.replica import Replica, Work
from datahall.models.inference.spec import Engine, InferencePlan
from datahall.models.parallel.communication import Cluster


def prefill_s(
    architecture: Architecture,
    plan: InferencePlan,
    cluster: Cluster,
    *,
    tokens: int,
    sequences: int = 1,
    cached: int = 0,
    engine: Engine | None = None,
) -> float:
    """To read `sequences` prompts of `tokens` new tokens each on an idle replica, s; in pieces of the step's limit.

    cached: tokens before them whose keys and values are kept. Raises Refused where the plan cannot be run.
    """
    refuse(architecture, plan)
    replica = Replica(architecture, plan, cluster, engine or default_engine())
    whole = tokens * sequences
    piece = min(whole, plan.step_tokens or replica.engine.step_tokens)
    work = Work(prompts=piece, seen=cached + tokens / 2, ended=piece / tokens)
    return whole / piece * replica.step(work).seconds


def decode_s(
    architecture: Architecture,
    plan: InferencePlan,
    cluster: Cluster,
    *,
    batch: int,
    context: float,
    engine: Engine | None = None,
) -> float:
    """Of one step in which `batch` sequences of one replica, `context` tokens long, each get their next token, s.

    Raises Refused where the plan cannot be run; whether the batch has room is not asked here.
    """
    refuse(architecture, plan)
    replica = Replica(architecture, plan, cluster, engine or default_engine())
    return replica.step(Work(batch, context)).seconds
