"""When each pipeline stage computes what in one step: a schedule played out, to be looked at.

It is played with a forward and a backward time that all stages share, those of the slowest one, exchange included; the step's
own time is the sum in step.py, here only the order is added. Orders: 1F1B and interleaved, Narayanan et al., arXiv:2104.04473,
figure 4; DualPipe, DeepSeek-V3, arXiv:2412.19437, figure 5, where a forward and a backward that overlap stand side by side;
zero-bubble, found greedily within 1F1B's memory, Qi et al., arXiv:2401.10241, figure 3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from datahall.models.parallel.spec import TrainPlan

Kind = Literal["forward", "backward", "weights"]


@dataclass(frozen=True, slots=True)
class Work:
    """One micro-batch through one chunk of the model. chunk: counted along the model, over all stages."""

    kind: Kind
    micro_batch: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of work on a stage, from when until when."""

    stage: int
    start_s: float
    end_s: float
    work: Work


@dataclass(frozen=True, slots=True)
class Timeline:
    """One step. Where not all micro-batches are played, the middle is left out: it repeats."""

    blocks: tuple[Block, ...]
    seconds: float
    stages: int
    chunks: int
    """On each stage."""
    played: int
    micro_batches: int

    @property
    def idle_ratio(self) -> float:
        """Of the time that was played: of all stages together."""
        busy = sum(block.end_s - block.start_s for block in self.blocks)
        return 1 - busy / (self.seconds * self.stages) if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one micro-batch through a whole stage."""

    forward: float
    backward: float
    """What passes gradients on; with `weights` the whole backward pass."""
    weights: float = 0.0
    """Gradients of weights, where they are computed apart (zero-bubble)."""

    def of(self, work: Work, chunks: int) -> float:
        return {"forward": self.forward, "backward": self.backward, "weights": self.weights}[work.kind] / chunks


def timeline_of(plan: TrainPlan, *, forward_s: float, backward_s: float, most: int = 24) -> Timeline:
    """The schedule of a step, of at most about `most` micro-batches, and of no fewer than fill the pipeline.

    forward_s, backward_s: of one micro-batch through all chunks of a stage, above 0.
    """
    played = _played(plan, most)
    apart = plan.schedule == "zero_bubble" and plan.pipeline > 1
    times = Times(forward_s, backward_s / 2, backward_s / 2) if apart else Times(forward_s, backward_s)
    blocks = _greedy(plan, played, times) if apart else _in_order(plan, played, times)
    end = max(block.end_s for block in blocks)
    return Timeline(tuple(blocks), end, plan.pipeline, plan.chunks, played, plan.micro_batches)


def _played(plan: TrainPlan, most: int) -> int:
    """Micro-batches to be played: whole rounds where the schedule goes by rounds."""
    p, dual = plan.pipeline, plan.schedule == "dualpipe"
    count = min(plan.micro_batches, max(most, 2 * p + 4 if dual else p + 4))
    step = 2 if dual else p if plan.chunks > 1 else 1
    return count - count % step if count > step else count


# --- orders that are given --------------------------------------------------------------------------------------


def _in_order(plan: TrainPlan, count: int, times: Times) -> list[Block]:
    """Each stage works through its list; nothing starts before what it needs has ended."""
    order = _both_ends if plan.schedule == "dualpipe" and plan.pipeline > 1 else _order
    lists = [list(order(plan, stage, count)) for stage in range(plan.pipeline)]
    ended: dict[Work, float] = {}
    free, at, blocks = [0.0] * plan.pipeline, [0] * plan.pipeline, list[Block]()
    while any(at[stage] < len(lists[stage]) for stage in range(plan.pipeline)):
        moved = False
        for stage, works in enumerate(lists):
            while at[stage] < len(works) and (ready := _ready(plan, works[at[stage]], ended)) is not None:
                work = works[at[stage]]
                start = max(free[stage], ready)
                free[stage] = ended[work] = start + times.of(work, plan.chunks)
                blocks.append(Block(stage, start, free[stage], work))
                at[stage] += 1
                moved = True
        if not moved:
            raise ValueError(f"timeline_of: {plan.schedule} with {count} micro-batches waits for itself")
    return blocks


def _ready(plan: TrainPlan, work: Work, ended: Mapping[Work, float]) -> float | None:
    """When all that it needs has ended; None while it has not."""
    last = plan.pipeline * plan.chunks - 1
    needs = list[Work]()
    if work.kind == "forward" and work.chunk:
        needs.append(Work("forward", work.micro_batch, work.chunk - 1))
    if work.kind == "backward":
        after = Work("backward", work.micro_batch, work.chunk + 1)
        needs.append(after if work.chunk < last else Work("forward", work.micro_batch, last))
    return max((ended[need] for need in needs), default=0.0) if all(need in ended for need in needs) else None


def _order(plan: TrainPlan, stage: int, count: int) -> Iterator[Work]:
    """Forwards ahead, then one forward and one backward in turn, then the backwards that are left."""
    total = count * plan.chunks
    if plan.chunks > 1:
        ahead = min(2 * (plan.pipeline - stage - 1) + (plan.chunks - 1) * plan.pipeline, total)
    else:
        ahead = min(plan.pipeline - stage - 1, total)
    yield from (_nth(plan, stage, "forward", n) for n in range(ahead))
    for n in range(ahead, total):
        yield _nth(plan, stage, "forward", n)
        yield _nth(plan, stage, "backward", n - ahead)
    yield from (_nth(plan, stage, "backward", n) for n in range(total - ahead, total))


def _nth(plan: TrainPlan, stage: int, kind: Kind, n: int) -> Work:
    """The n-th forward or backward of a stage: p micro-batches through one chunk, then through the next."""
    p, v = plan.pipeline, plan.chunks
    chunk = n // p % v
    own = v - 1 - chunk if kind == "backward" else chunk
    micro_batch = n // (p * v) * p + n % p if v > 1 else n
    return Work(kind, micro_batch, own * p + stage)


def _both_ends(plan: TrainPlan, stage: int, count: int) -> Iterator[Work]:
    """DualPipe: even micro-batches enter at the first stage, odd ones at the last; `near` is the end that is closer.

    count: even, and at least two for each stage.
    """
    half, rank = plan.pipeline // 2, min(stage, plan.pipeline - 1 - stage)
    near = int(stage >= half)
    made: dict[tuple[Kind, int], int] = {}

    def nth(kind: Kind, end: int) -> Work:
        n = made.get((kind, end), 0)
        made[kind, end] = n + 1
        return Work(kind, 2 * n + end, plan.pipeline - 1 - stage if end else stage)

    inner = half - rank - 1
    rounds: list[tuple[int, tuple[tuple[Kind, int], ...]]] = [
        (2 * inner, (("forward", near),)),
        (rank + 1, (("forward", near), ("forward", 1 - near))),
        (inner, (("backward", 1 - near), ("forward", 1 - near))),
        (
            count // 2 - plan.pipeline + rank + 1,
            (("forward", near), ("backward", 1 - near), ("forward", 1 - near), ("backward", near)),
        ),
        (inner, (("backward", 1 - near), ("forward", 1 - near), ("backward", near))),
        (rank + 1, (("backward", 1 - near), ("backward", near))),
        (inner, (("backward", near),)),
    ]
    for times, works in rounds:
        for _ in range(times):
            yield from (nth(kind, end) for kind, end in works)


# --- an order that is found -------------------------------------------------------------------------------------


def _greedy(plan: TrainPlan, count: int, times: Times) -> list[Block]:
    """Zero-bubble: a free stage takes a backward if one is there, else a forward while memory allows, else weights."""
    stages = [_Stage(stage, plan.pipeline, count) for stage in range(plan.pipeline)]
    ended: dict[Work, float] = {}
    free, blocks = [0.0] * plan.pipeline, list[Block]()
    while left := [stage for stage in range(plan.pipeline) if stages[stage].left]:
        now_s = min(free[stage] for stage in left)
        idle, later = list[int](), [free[stage] for stage in left if free[stage] > now_s]
        for stage in (stage for stage in left if free[stage] == now_s):
            starts = {work: at for work in stages[stage].offers() if (at := _when(work, ended, plan.pipeline - 1)) is not None}
            if (work := next((work for work, at in starts.items() if at <= now_s), None)) is None:
                idle.append(stage)
                later += starts.values()
                continue
            free[stage] = ended[work] = now_s + times.of(work, 1)
            stages[stage].done(work)
            blocks.append(Block(stage, now_s, free[stage], work))
            later.append(free[stage])
        if not later:
            raise ValueError(f"timeline_of: {plan.schedule} with {count} micro-batches waits for itself")
        for stage in idle:
            free[stage] = min(later)
    return blocks


def _when(work: Work, ended: Mapping[Work, float], last: int) -> float | None:
    """When what it needs has ended; weights need their own backward, after which alone they are offered."""
    n, chunk = work.micro_batch, work.chunk
    if work.kind == "weights" or (work.kind == "forward" and chunk == 0):
        return 0.0
    if work.kind == "forward":
        return ended.get(Work("forward", n, chunk - 1))
    return ended.get(Work("backward", n, chunk + 1) if chunk < last else Work("forward", n, last))


class _Stage:
    """What one stage still has to do, as many micro-batches in flight as 1F1B has there."""

    def __init__(self, stage: int, stages: int, count: int) -> None:
        self.stage, self.most, self.left, self.in_flight = stage, stages - stage, 3 * count, 0
        self.todo: dict[Kind, list[int]] = {"backward": list(range(count)), "forward": list(range(count)), "weights": []}

    def offers(self) -> Iterator[Work]:
        """The next of each kind, the most urgent first."""
        for kind, todo in self.todo.items():
            if todo and not (kind == "forward" and self.in_flight >= self.most):
                yield Work(kind, todo[0], self.stage)

    def done(self, work: Work) -> None:
        self.todo[work.kind].pop(0)
        self.left -= 1
        self.in_flight += {"forward": 1, "backward": -1, "weights": 0}[work.kind]
        if work.kind == "backward":
            self.todo["weights"].append(work.micro_batch)
