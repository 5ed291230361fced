"""Single plans that a search asks for pieces of, and the rows that could be held at all."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel.communication import exchange_of
from datahall.models.parallel.expert_constants import expert_constants
from datahall.models.parallel.footprint import CONTEXT_BYTES, FRAGMENTATION, TokenBytes
from datahall.models.parallel.memory import logit_bytes, token_bytes
from datahall.models.parallel.spec import Recompute, TrainPlan
from datahall.models.parallel.step import Run
from datahall.models.parallel.step_constants import step_constants
from datahall.planner.search.exchanges import Exchanges
from datahall.planner.search.question import Question
from datahall.planner.search.space import Block, Space

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Choices of a micro-batch, of sequence parallelism and of recomputation."""

    size: NDArray[np.int64]
    """Sequences of a micro-batch."""
    parallel: NDArray[np.bool_]
    recompute: NDArray[np.int64]
    """Index into the space's."""
    place: NDArray[np.int64]
    """Among all rows of the same tensor and context ranks."""

    def at(self, chosen: Any) -> "Rows":
        """Some of the rows."""
        return Rows(self.size[chosen], self.parallel[chosen], self.recompute[chosen], self.place[chosen])


class Runs:
    """Of one question."""

    def __init__(self, question: Question, space: Space) -> None:
        self.question, self.space = question, space
        self.exchanges: dict[tuple[int | None, ...], Exchanges] = {}

    def run(self, plan: TrainPlan) -> Any:
        """What times a single plan; its exchanges take arrays of sizes, too, which its own annotations do not say."""
        question = self.question
        ranks = (plan.tensor, plan.context, plan.data, plan.pipeline, plan.expert, plan.expert_tensor, plan.shard)
        if ranks not in self.exchanges:
            self.exchanges[ranks] = Exchanges(exchange_of(plan, question.cluster).groups)
        exchange = self.exchanges[ranks]
        constants = step_constants(), expert_constants()
        return Run(question.architecture, plan, question.cluster, question.stack, exchange, *constants)

    def plan(self, block: Block, **chosen: Any) -> TrainPlan:
        """A plan on these ranks: one stage, one micro-batch of one sequence on each data rank, unless chosen otherwise."""
        fields: dict[str, Any] = {"pipeline": 1, "chunks": 1, "schedule": "1f1b", "zero": 0, "shard": None, "micro_batch": 1}
        ranks = {"tensor": block.tensor, "context": block.context, "expert": block.expert}
        fields |= ranks | {"expert_tensor": block.expert_tensor, "data": block.expert} | chosen
        fields.setdefault("global_batch", fields["data"] * fields["micro_batch"])
        return self.plain.model_copy(update=fields)

    @functools.cached_property
    def plain(self) -> TrainPlan:
        """With what is pinned: to be copied, which costs a tenth of being checked."""
        return self.question.plan()

    @functools.cache  # noqa: B019
    def rows(self, tensor: int, context: int) -> Rows:
        """Every row of these ranks whose micro-batch one accelerator could hold: see `largest`."""
        space, keys = self.space, list[tuple[int, bool, int]]()
        for parallel in space.sequence_parallels(tensor, context):
            most = self.largest(tensor, context, parallel)
            sizes = [size for size in space.micro_batches if size <= most]
            keys += [(size, parallel, index) for size in sizes for index in range(len(space.recomputes))]
        found = np.array(keys, np.int64).reshape(-1, 3)
        return Rows(found[:, 0], found[:, 1].astype(bool), found[:, 2], np.arange(len(found)))

    @functools.cache  # noqa: B019
    def largest(self, tensor: int, context: int, parallel: bool) -> float:
        """Sequences of the largest micro-batch that could fit, as work on one layer and logits alone must; not below the
        smallest."""
        question, space = self.question, self.space
        plan = self.plan(Block(tensor, context, 1, 1))
        kinds = [(split, each) for split in (None, 1) for each in space.recomputes]
        work = min(min(map(float, self.token(tensor, split, parallel, each, False).working)) for split, each in kinds)
        tokens = question.sequence / context
        each = FRAGMENTATION * max(work, float(logit_bytes(question.architecture, plan, 1.0))) * tokens
        return max((question.limit_bytes - CONTEXT_BYTES) / each, float(min(space.micro_batches, default=0)))

    @functools.cache  # noqa: B019
    def token(self, tensor: int, split: int | None, parallel: bool, recompute: Recompute, piped: bool) -> TokenBytes:
        """Bytes of one token; split: ranks that split an expert, where others than tensor's; piped: more than one stage."""
        chosen = {"sequence_parallel": parallel, "recompute": recompute, "pipeline": 1 + piped}
        plan = self.plan(Block(tensor, 1, 1, 1, expert_tensor=split), **chosen)
        return token_bytes(self.question.architecture, plan, self.question.stack.recomputed)
