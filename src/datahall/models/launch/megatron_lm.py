"""A plan as arguments of Megatron-LM's pretrain_gpt.py.

Source of names and of what excludes what: NVIDIA/Megatron-LM, megatron/training/arguments.py at 000c4ac (core 0.15), and for
fully sharded training docs.nvidia.com/megatron-core, "Megatron FSDP"; both read 2026-11.
"""

import shlex
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from datahall.models.cost.spec import LatentAttention
from datahall.models.launch.megatron_model import MODEL_FIELDS
from datahall.models.launch.spec import Field, Launch, Note, Setting, Told, gathered, plan_refused, torchrun
from datahall.models.parallel.layout import parts_of, stack_of

NAME = "Megatron-LM"
FSDP = "--use-megatron-fsdp"


def _global_batch(launch: Launch) -> Iterator[Told]:
    yield Setting("--global-batch-size", launch.plan.global_batch)


def _sequence(launch: Launch) -> Iterator[Told]:
    yield Setting("--seq-length", launch.plan.sequence)
    yield Setting("--max-position-embeddings", max(launch.architecture.context, launch.plan.sequence))


def _micro_batch(launch: Launch) -> Iterator[Told]:
    yield Setting("--micro-batch-size", launch.plan.micro_batch)


def _tensor(launch: Launch) -> Iterator[Told]:
    yield Setting("--tensor-model-parallel-size", launch.plan.tensor)


def _pipeline(launch: Launch) -> Iterator[Told]:
    yield Setting("--pipeline-model-parallel-size", launch.plan.pipeline)


def _chunks(launch: Launch) -> Iterator[Told]:
    """Even parts need their number only; uneven ones a layout, so that the layers sit where the forecast had them."""
    plan, architecture = launch.plan, launch.architecture
    further = architecture.prediction_layers
    parts = parts_of(stack_of(architecture), plan.pipeline * plan.chunks, ends=plan.chunks > 1, further=further)
    if len({len(part) for part in parts}) > 1:
        last, ahead = len(parts) - 1, "m" * architecture.prediction_layers
        stages = ("E" * (n == 0) + f"t*{len(part)}" * bool(part) + f"{ahead}L" * (n == last) for n, part in enumerate(parts))
        yield Setting("--pipeline-model-parallel-layout", "|".join(stages))
    elif plan.chunks > 1:
        yield Setting("--num-virtual-stages-per-pipeline-rank", plan.chunks)


def _context(launch: Launch) -> Iterator[Told]:
    if launch.plan.context > 1:
        yield Setting("--context-parallel-size", launch.plan.context)
        yield Setting("--cp-comm-type", "p2p")


def _expert(launch: Launch) -> Iterator[Told]:
    if launch.architecture.experts:
        yield Setting("--expert-model-parallel-size", launch.plan.expert)


def _expert_tensor(launch: Launch) -> Iterator[Told]:
    if launch.architecture.experts:
        yield Setting("--expert-tensor-parallel-size", launch.plan.expert_tensor or launch.plan.tensor)


def _data(launch: Launch) -> Iterator[Told]:
    yield Note(f"data={launch.plan.data} follows from the number of processes: {launch.plan.accelerators:,}")


def _zero(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    if plan.zero >= 2 and plan.pipeline > 1:
        yield plan_refused(NAME, "zero", plan.zero, "shards gradients and weights only without pipeline", "pin zero=1")
    elif plan.zero == 1:
        yield Setting("--use-distributed-optimizer")
    elif plan.zero >= 2:
        yield from (Setting("--use-distributed-optimizer"), Setting(FSDP), Setting("--init-model-with-meta-device"))
        yield Setting("--data-parallel-sharding-strategy", "optim_grads" if plan.zero == 2 else "optim_grads_params")
        yield from (Setting("--ckpt-format", "fsdp_dtensor"), Setting("--no-gradient-accumulation-fusion"))


def _shard(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    across = plan.data * plan.context
    if plan.zero and plan.shard and plan.shard < across:
        yield Setting("--num-distributed-optimizer-instances", across // plan.shard)


def _sequence_parallel(launch: Launch) -> Iterator[Told]:
    if launch.plan.sequence_parallel and launch.plan.tensor > 1:
        yield Setting("--sequence-parallel")


def _recompute(launch: Launch) -> Iterator[Told]:
    way = launch.plan.recompute
    if way == "operators":
        yield plan_refused(NAME, "recompute", way, "has no such policy (torchtitan has)", "pin recompute to selective or full")
    elif way == "selective":
        yield Setting("--recompute-granularity", "selective")
        yield Setting("--recompute-modules", "core_attn")
    elif way == "full":
        yield Setting("--recompute-granularity", "full")
        yield from (Setting("--recompute-method", "uniform"), Setting("--recompute-num-layers", 1))


def _flash_attention(launch: Launch) -> Iterator[Told]:
    fused = "fused" if isinstance(launch.architecture.attention, LatentAttention) else "flash"
    yield Setting("--attention-backend", fused if launch.plan.flash_attention else "unfused")


def _schedule(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    if plan.schedule in ("zero_bubble", "dualpipe") and plan.pipeline > 1:
        why = "runs 1F1B and interleaved 1F1B"
        yield plan_refused(NAME, "schedule", plan.schedule, why, "pin schedule=interleaved with chunks=2, or schedule=1f1b")


def _precision(launch: Launch) -> Iterator[Told]:
    precision = launch.plan.precision
    if precision == "fp16":
        yield Setting("--fp16")
    elif precision != "fp32":
        yield Setting("--bf16")
    if precision == "fp8":
        yield from (Setting("--fp8-format", "hybrid"), Setting("--fp8-recipe", "tensorwise"))
        yield Note("the scaling of FP8 is yours to choose: --fp8-recipe delayed, tensorwise, blockwise or mxfp8")
    elif precision == "nvfp4":
        yield from (Setting("--fp4-format", "e2m1"), Setting("--fp4-recipe", "nvfp4"))


def _gradient_bytes(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    if plan.precision == "fp32":
        if plan.gradient_bytes == 2:
            yield plan_refused(NAME, "gradient_bytes", 2, "keeps fp32 gradients of fp32 weights", "set gradient_bytes to 4")
    elif plan.gradient_bytes == 4:
        yield Setting("--accumulate-allreduce-grads-in-fp32")
    elif plan.precision != "fp16":
        yield Setting("--grad-reduce-in-bf16")


def _optimiser_bytes(launch: Launch) -> Iterator[Told]:
    size = launch.plan.optimiser_bytes
    whole = 8 if launch.plan.precision == "fp32" else 12
    if size == whole or (size == 12 and whole == 8):
        if size != whole:
            yield Note("fp32 weights need no copy: Adam keeps 8 bytes of a parameter, not 12")
    elif size == 8:
        yield Setting("--use-precision-aware-optimizer")
        yield from (Setting("--exp-avg-dtype", "bf16"), Setting("--exp-avg-sq-dtype", "bf16"))
    else:
        yield plan_refused(NAME, "optimiser_bytes", size, "keeps 12, or 8 with bf16 moments", "set optimiser_bytes to 12 or 8")


def _offload_optimiser(launch: Launch) -> Iterator[Told]:
    if launch.plan.offload_optimiser:
        yield Setting("--optimizer-cpu-offload")
        yield Setting("--use-precision-aware-optimizer")


def _dropout(launch: Launch) -> Iterator[Told]:
    ratio = 0.1 if launch.plan.dropout else 0.0
    yield from (Setting("--attention-dropout", ratio), Setting("--hidden-dropout", ratio))


def _logit_bytes(launch: Launch) -> Iterator[Told]:
    if launch.plan.logit_bytes != 6:
        yield Note(f"logit_bytes={launch.plan.logit_bytes} is not to be set: {NAME} takes softmax in place, 6 bytes of a logit")


def _bucket_elements(launch: Launch) -> Iterator[Told]:
    if size := launch.plan.bucket_elements:
        why = "reduces gradients where they lie, and copies none into buckets"
        yield plan_refused(NAME, "bucket_elements", size, why, "set bucket_elements to 0")


def _narrow_inputs(launch: Launch) -> Iterator[Told]:
    """Transformer Engine keeps inputs narrow; what is to be said is whether 16-bit weights lie beside narrow ones."""
    if launch.plan.precision == "fp8" and launch.plan.narrow_inputs:
        yield Setting("--fp8-param-gather")
    elif launch.plan.precision in ("fp8", "nvfp4") and not launch.plan.narrow_inputs:
        yield Note("narrow_inputs=false is not to be set: Transformer Engine keeps inputs narrow, and narrow copies of weights")


def _keeps_outputs(launch: Launch) -> Iterator[Told]:
    if launch.plan.keeps_outputs:
        why = "gives a stage's output back once it is sent"
        yield plan_refused(NAME, "keeps_outputs", True, why, "set keeps_outputs to false")


def _stack(launch: Launch) -> Iterator[Told]:
    """What the forecast assumed of the software."""
    plan, stack = launch.plan, launch.stack
    if stack.data_overlap and plan.data * plan.context > 1:
        yield Setting("--overlap-grad-reduce")
        if plan.zero:
            yield Setting("--overlap-param-gather")
    if not stack.fused_accumulation and plan.zero < 2:
        yield Setting("--no-gradient-accumulation-fusion")
    if plan.chunks > 1 and not stack.send_overlap and plan.pipeline > 2:
        yield Setting("--no-overlap-p2p-communication")
    if stack.send_overlap and plan.pipeline > 1 and plan.chunks == 1:
        yield Note(f"the forecast hides sends between stages; {NAME} does so only with several chunks on a stage")
    if stack.host_kernel_s == 0 and plan.recompute != "full":
        yield Setting("--cuda-graph-impl", "local")


def _run(launch: Launch) -> Iterator[Told]:
    yield Setting("--train-iters", launch.steps)
    if launch.checkpoint_steps:
        yield from (Setting("--save", "checkpoints"), Setting("--load", "checkpoints"))
        yield Setting("--save-interval", launch.checkpoint_steps)


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "global_batch": _global_batch, "sequence": _sequence, "micro_batch": _micro_batch, "tensor": _tensor,
        "pipeline": _pipeline, "chunks": _chunks, "context": _context, "expert": _expert,
        "expert_tensor": _expert_tensor, "data": _data, "zero": _zero,
        "shard": _shard, "sequence_parallel": _sequence_parallel, "recompute": _recompute,
        "flash_attention": _flash_attention, "schedule": _schedule, "precision": _precision,
        "gradient_bytes": _gradient_bytes, "optimiser_bytes": _optimiser_bytes, "offload_optimiser": _offload_optimiser,
        "dropout": _dropout, "logit_bytes": _logit_bytes, "bucket_elements": _bucket_elements,
        "narrow_inputs": _narrow_inputs, "keeps_outputs": _keeps_outputs,
    }
)  # fmt: skip
"""Every field of a plan."""


def megatron_lm(launch: Launch) -> str:
    """A script that starts the plan on every node: `HEAD=host:port bash FILE --data-path … --lr …`.

    Raises Refused with every field of the plan and every trait of the model that Megatron-LM has no argument for.
    """
    settings, notes = gathered(launch, [*MODEL_FIELDS, *FIELDS.values(), _stack, _run])
    names = {setting.name for setting in settings}
    # Megatron asserts the one for tensor and context ranks before Blackwell, and the other for FSDP.
    single = FSDP not in names and launch.plan.tensor * launch.plan.context > 1
    lines = ["#!/usr/bin/env bash", *_head(launch, [note.text for note in notes]), "set -eu"]
    lines += [f"export CUDA_DEVICE_MAX_CONNECTIONS={1 if single else 32}", ""]
    words = [torchrun(launch), "pretrain_gpt.py", *dict.fromkeys(_word(setting) for setting in settings), '"$@"']
    return "\n".join([*lines, " \\\n  ".join(words)]) + "\n"


def _head(launch: Launch, notes: list[str]) -> Iterator[str]:
    yield f"# {launch.architecture.name} on {launch.plan.accelerators:,} accelerators: {NAME} (core 0.15), by Datahall."
    yield f"# Run it on each of the {launch.nodes:,} servers, in Megatron-LM's folder, with HEAD=host:port of the first."
    yield "# Data, tokenizer, learning rate and rotary base are yours:"
    yield "#   --data-path ... --tokenizer-type ... --tokenizer-model ... --lr ... --rotary-base ..."
    yield "# For a trial without data: --mock-data --tokenizer-type NullTokenizer --lr 1e-4"
    yield from (f"# {note}." for note in notes)


def _word(setting: Setting) -> str:
    return setting.name if setting.value is True else f"{setting.name} {shlex.quote(str(setting.value))}"
