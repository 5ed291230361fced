"""What sits on each pipeline stage, and how many micro-batches are in flight there at once."""

from dataclasses import dataclass
from itertools import accumulate, pairwise

from datahall.models.cost.spec import Architecture
from datahall.models.parallel import footprint
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


def predicting_on(architecture: Architecture, stage: Stage) -> int:
    """Layers that predict further tokens: they sit with the output layer, and use it once more each."""
    return architecture.prediction_layers if stage.output else 0


def stack_of(architecture: Architecture) -> int:
    """Layers in a row: of an encoder-decoder, both stacks."""
    return architecture.layers + (architecture.encoder_layers if architecture.kind == "encoder_decoder" else 0)


def stages_of(architecture: Architecture, plan: TrainPlan) -> list[Stage]:
    """All pipeline stages, the first first. Embedding on the first, output layer on the last.

    DualPipe runs the pipeline from both ends, so a rank holds its stage and the one that mirrors it, and weights twice.
    Source: DeepSeek-V3, arXiv:2412.19437, table 2.
    """
    further = architecture.prediction_layers
    parts = parts_of(stack_of(architecture), plan.pipeline * plan.chunks, ends=plan.chunks > 1, further=further)
    stages, last = [], plan.pipeline - 1
    for index in range(plan.pipeline):
        mirror = plan.schedule == "dualpipe" and last > 0
        runs = (parts[index], parts[last - index]) if mirror else tuple(parts[index :: plan.pipeline])
        ends = {index, last - index} if mirror else {index}
        stages.append(Stage(index, runs, 0 in ends, last in ends, in_flight(plan, index)))
    return stages


def parts_of(layers: int, parts: int, *, ends: bool = False, further: int = 0) -> list[range]:
    """Layers over parts, as even as can be; the first parts take one more, as DeepSpeed's partition_uniform has it.

    ends: all parts are of one size but the last, which may have fewer layers or none beside the output layer, and where that
    is not enough the first, beside the embedding; as NVIDIA's layouts of DeepSeek-V3 (61 layers, with and without one that
    predicts further tokens: in 16 parts 4 and at last 1, in 32 parts 1, 2 and at last 0). Two that are short are one at
    either end, as Llama 3 405B has it (126 layers and 2 are 64 x 2; arXiv:2407.21783, 3.3.2).
    further: layers that predict further tokens; they sit with the output layer, so that it gives way for two, too.
    """
    short = short_of(layers, parts)
    if ends and short:
        sizes = [(layers + short) // parts] * parts
        last = 1 if short == 2 and not further else min(short, sizes[-1])
        sizes[-1] -= last
        sizes[0] -= short - last
    else:
        size, more = divmod(layers, parts)
        sizes = [size + (i < more) for i in range(parts)]
    starts = [0, *accumulate(sizes)]
    return [range(start, end) for start, end in pairwise(starts)]


def short_of(layers: int, parts: int) -> int:
    """How many layers are short of parts of one size; 0 where it is none, or more than the two ends can give way for.

    Megatron Core runs any layout (--pipeline-model-parallel-layout); those that are uneven in between are slower than even.
    """
    size = -(-layers // parts)
    short = size * parts - layers
    return short if short <= 2 * size else 0


def in_flight(plan: TrainPlan, stage: int) -> float:
    """Micro-batches that a stage keeps activations of at once, in units of all its layers."""
    counts = {"pipeline": plan.pipeline, "chunks": plan.chunks, "micro_batches": plan.micro_batches}
    return float(footprint.in_flight(plan.schedule, stage, **counts))
