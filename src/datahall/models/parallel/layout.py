"""What sits on each pipeline stage, and how many micro-batches are in flight there at once."""

from dataclasses import dataclass
from itertools import accumulate, pairwise

from datahall.models.cost.spec import Architecture
from datahall.models.parallel.spec import TrainPlan


@dataclass(frozen=True, slots=True)
class Stage:
    """What one pipeline rank holds."""

    index: int
    layers: tuple[range, ...]
    """Runs of layers, counted over the whole stack: an encoder's first, then the decoder's."""
    embedding: bool
    output: bool
    """The output layer and the loss."""
    in_flight: float
    """Micro-batches whose activations of all `layers` are kept at the fullest moment; a part where chunks differ."""

    @property
    def layer_count(self) -> int:
        return sum(len(run) for run in self.layers)


def stack_of(architecture: Architecture) -> int:
    """Layers in a row: of an encoder-decoder, both stacks."""
    return architecture.layers + (architecture.encoder_layers if architecture.kind == "encoder_decoder" else 0)


def stages_of(architecture: Architecture, plan: TrainPlan) -> list[Stage]:
    """All pipeline stages, the first first. Embedding on the first, output layer on the last.

    DualPipe runs the pipeline from both ends, so a rank holds its stage and the one that mirrors it, and weights twice.
    Source: DeepSeek-V3, arXiv:2412.19437, table 2.
    """
    parts = parts_of(stack_of(architecture), plan.pipeline * plan.chunks, ends=plan.chunks > 1)
    stages, last = [], plan.pipeline - 1
    for index in range(plan.pipeline):
        mirror = plan.schedule == "dualpipe" and last > 0
        runs = (parts[index], parts[last - index]) if mirror else tuple(parts[index :: plan.pipeline])
        ends = {index, last - index} if mirror else {index}
        stages.append(Stage(index, runs, 0 in ends, last in ends, in_flight(plan, index)))
    return stages


def parts_of(layers: int, parts: int, *, ends: bool = False) -> list[range]:
    """Layers over parts, as even as can be; the first parts take one more, as DeepSpeed's partition_uniform has it.

    ends: where that would be uneven, embedding and output layer may count as layers, as Llama 3 405B has it (126 layers
    and 2 are 64 x 2; arXiv:2407.21783, 3.3.2): the last part, or the first and the last, have one fewer.
    """
    short = 2 if (layers + 2) % parts == 0 else 1 if (layers + 1) % parts == 0 else 0
    if ends and layers % parts and short:
        sizes = [(layers + short) // parts] * parts
        sizes[-1] -= 1
        sizes[0] -= short - 1
    else:
        size, more = divmod(layers, parts)
        sizes = [size + (i < more) for i in range(parts)]
    starts = [0, *accumulate(sizes)]
    return [range(start, end) for start, end in pairwise(starts)]


def in_flight(plan: TrainPlan, stage: int) -> float:
    """Micro-batches that a stage keeps activations of at once, in units of all its layers.

    1F1B: one for each stage from here to the end. Narayanan et al., arXiv:2104.04473, 2.2.1.
    Interleaved: 2 (p - stage - 1) + (v - 1) p + 1 chunks of 1/v of the layers: on the first stage p (1 + (p - 1)/(p v)).
    Korthikanti et al., arXiv:2205.05198, 4.2.3.
    Zero-bubble (ZB-H1): no more than 1F1B. Qi et al., arXiv:2401.10241, 2.1.
    DualPipe: p + 1 of one stage's layers, of the two stages that a rank holds. DeepSeek-V3, arXiv:2412.19437, table 2.
    Never more than there are in a step.
    """
    p, v, count = plan.pipeline, plan.chunks, max(1, plan.micro_batches)
    if plan.schedule == "dualpipe" and p > 1:
        return min(p + 1, count) / 2
    if plan.schedule == "interleaved" and p > 1:
        return min(2 * (p - stage - 1) + (v - 1) * p + 1, count * v) / v
    return float(min(p - stage, count))
