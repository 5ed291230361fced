"""A plan as a job file of torchtitan.

Source of names: pytorch/torchtitan, torchtitan/config/job_config.py and train_configs/llama3_70b.toml (releases 0.2.x, the last
that read TOML; later ones take configurations written in Python), and PyTorch's torch/distributed/pipelining/schedules.py; read
2026-11. Which flavours there are: torchtitan/models/{llama3,qwen3,deepseek_v3}/__init__.py.
"""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from datahall.models.cost.catalogue import architectures
from datahall.models.cost.spec import Architecture
from datahall.models.launch.spec import Field, Launch, Note, Setting, Told, gathered, model_refused, plan_refused, torchrun
from datahall.models.parallel.layout import parts_of, stack_of

NAME = "torchtitan"
FLAVOURS = MappingProxyType(
    {
        "llama3-8b": ("llama3", "8B"), "llama3-70b": ("llama3", "70B"), "llama3-405b": ("llama3", "405B"),
        "qwen3-0.6b": ("qwen3", "0.6B"), "qwen3-1.7b": ("qwen3", "1.7B"), "qwen3-4b": ("qwen3", "4B"),
        "qwen3-8b": ("qwen3", "8B"), "qwen3-14b": ("qwen3", "14B"), "qwen3-32b": ("qwen3", "32B"),
        "qwen3-30b-a3b": ("qwen3", "30B-A3B"), "deepseek-v2-lite": ("deepseek_v3", "16B"),
        "deepseek-v2": ("deepseek_v3", "236B"), "deepseek-v3": ("deepseek_v3", "671B"),
    }
)  # fmt: skip
"""Shape in our catalogue -> model and flavour in torchtitan."""
NOT_SHAPE = {"name", "context", "source", "prediction_layers"}


def _model(launch: Launch) -> Iterator[Told]:
    found = _flavour(launch.architecture)
    if found is None:
        shapes = ", ".join(sorted(FLAVOURS))
        why = f"has no flavour of the shape of {launch.architecture.name}; it has {shapes}"
        yield model_refused(NAME, "name", why, "take --launch megatron-lm, which is told any shape, or add a flavour there")
    else:
        yield from (Setting("model.name", found[0]), Setting("model.flavor", found[1]))
    if launch.architecture.prediction_layers:
        why = f"trains without the {launch.architecture.prediction_layers} layers that predict further tokens"
        yield model_refused(NAME, "prediction_layers", why, "take --launch megatron-lm")


def _flavour(architecture: Architecture) -> tuple[str, str] | None:
    def shape(one: Architecture) -> dict[str, object]:
        return one.model_dump(exclude=NOT_SHAPE)

    known = architectures()
    return next((f for name, f in FLAVOURS.items() if name in known and shape(known[name]) == shape(architecture)), None)


def _batch(launch: Launch) -> Iterator[Told]:
    """A pipeline takes all micro-batches of a step at once; without one, gradients are summed over them."""
    plan = launch.plan
    yield Setting("training.global_batch_size", plan.global_batch)
    piped = plan.micro_batches if plan.pipeline > 1 else 1
    yield Setting("training.local_batch_size", plan.micro_batch * piped)


def _micro_batch(launch: Launch) -> Iterator[Told]:
    if launch.plan.pipeline > 1:
        yield Setting("parallelism.pipeline_parallel_microbatch_size", launch.plan.micro_batch)


def _sequence(launch: Launch) -> Iterator[Told]:
    yield Setting("training.seq_len", launch.plan.sequence)


def _tensor(launch: Launch) -> Iterator[Told]:
    yield Setting("parallelism.tensor_parallel_degree", launch.plan.tensor)


def _pipeline(launch: Launch) -> Iterator[Told]:
    yield Setting("parallelism.pipeline_parallel_degree", launch.plan.pipeline)


def _chunks(launch: Launch) -> Iterator[Told]:
    """Modules of every part by name, so that the layers sit where the forecast had them."""
    plan = launch.plan
    if plan.pipeline == 1:
        return
    parts = parts_of(stack_of(launch.architecture), plan.pipeline * plan.chunks, ends=plan.chunks > 1)
    named = [[f"layers.{layer}" for layer in part] for part in parts]
    named[0].insert(0, "tok_embeddings")
    named[-1] += ["norm", "output"]
    yield Setting("parallelism.module_fqns_per_model_part", named)


def _context(launch: Launch) -> Iterator[Told]:
    yield Setting("parallelism.context_parallel_degree", launch.plan.context)
    if launch.plan.context > 1:
        yield Setting("parallelism.context_parallel_rotate_method", "alltoall")


def _expert(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    if launch.architecture.experts is None:
        return
    yield Setting("parallelism.expert_parallel_degree", plan.expert)
    if plan.expert > 1 and plan.expert % plan.context:
        why = f"takes whole groups of context={plan.context} ranks to share experts"
        yield plan_refused(NAME, "expert", plan.expert, why, f"pin expert to a multiple of {plan.context}")


def _expert_tensor(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    each = plan.expert_tensor or plan.tensor
    if launch.architecture.experts is None or plan.expert == 1:
        return
    if each not in (1, plan.tensor):
        why = f"splits each expert over all tensor={plan.tensor} ranks or over none"
        yield plan_refused(NAME, "expert_tensor", each, why, f"pin expert_tensor to 1 or {plan.tensor}")
    yield Setting("parallelism.expert_tensor_parallel_degree", each)


def _zero(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    if plan.zero == 1:
        why = "shards gradients with the optimiser's state"
        yield plan_refused(NAME, "zero", 1, why, "pin zero=2 or zero=3")
    elif plan.zero == 0 and plan.data > 1 and plan.accelerators > plan.data:
        why = "replicates weights only where data is the only kind of rank"
        yield plan_refused(NAME, "zero", 0, why, "pin zero=2 or zero=3")
    elif plan.zero:
        yield Setting("parallelism.fsdp_reshard_after_forward", "never" if plan.zero == 2 else "always")


def _shard(launch: Launch) -> Iterator[Told]:
    """Weights are sharded over data and context ranks together."""
    plan = launch.plan
    across = plan.data * plan.context
    shard = min(plan.shard or across, across) if plan.zero else plan.context
    if shard % plan.context or plan.data % max(1, shard // plan.context):
        why = f"shards over whole groups of context={plan.context} ranks"
        yield plan_refused(NAME, "shard", plan.shard, why, f"pin shard to {plan.context} or a multiple that divides {across}")
        return
    yield Setting("parallelism.data_parallel_shard_degree", shard // plan.context)


def _data(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    across = plan.data * plan.context
    yield Setting(
        "parallelism.data_parallel_replicate_degree", across // min(plan.shard or across, across) if plan.zero else plan.data
    )


def _sequence_parallel(launch: Launch) -> Iterator[Told]:
    if launch.plan.tensor > 1 and not launch.plan.sequence_parallel:
        why = "shards norms with the tensor ranks in every case"
        yield plan_refused(NAME, "sequence_parallel", False, why, "pin sequence_parallel=true")


def _recompute(launch: Launch) -> Iterator[Told]:
    way = launch.plan.recompute
    if way == "selective":
        why = "has no policy that recomputes the scores alone"
        yield plan_refused(NAME, "recompute", way, why, "pin recompute to operators, none or full")
        return
    yield Setting("activation_checkpoint.mode", "selective" if way == "operators" else way)
    if way == "operators":
        yield Setting("activation_checkpoint.selective_ac_option", "op")


def _flash_attention(launch: Launch) -> Iterator[Told]:
    if not launch.plan.flash_attention:
        yield plan_refused(NAME, "flash_attention", False, "never writes scores", "pin flash_attention=true")


def _schedule(launch: Launch) -> Iterator[Told]:
    plan = launch.plan
    if plan.pipeline == 1:
        return
    if plan.schedule in ("zero_bubble", "dualpipe"):
        other = {"zero_bubble": "zero-bubble schedules hold two stages on a rank", "dualpipe": "DualPipeV holds weights once"}
        why = f"has another schedule of that kind ({other[plan.schedule]}), which was not forecast"
        yield plan_refused(NAME, "schedule", plan.schedule, why, "pin schedule=interleaved with chunks=2, or schedule=1f1b")
        return
    name = "Interleaved1F1B" if plan.schedule == "interleaved" and plan.chunks > 1 else "1F1B"
    yield Setting("parallelism.pipeline_parallel_schedule", name)


def _precision(launch: Launch) -> Iterator[Told]:
    precision = launch.plan.precision
    if precision in ("fp16", "nvfp4"):
        yield plan_refused(NAME, "precision", precision, "trains in bf16, fp32 and fp8", "pin precision to bf16 or fp8")
        return
    yield Setting("training.mixed_precision_param", "float32" if precision == "fp32" else "bfloat16")
    if precision == "fp8":
        yield Setting("model.converters", ["quantize.linear.float8"])
        yield Setting("quantize.linear.float8.recipe_name", "rowwise")
        yield Setting("quantize.linear.float8.filter_fqns", ["output"])


def _gradient_bytes(launch: Launch) -> Iterator[Told]:
    if launch.plan.gradient_bytes != 4:
        yield plan_refused(NAME, "gradient_bytes", 2, "reduces gradients in fp32", "set gradient_bytes to 4")
    yield Setting("training.mixed_precision_reduce", "float32")


def _optimiser_bytes(launch: Launch) -> Iterator[Told]:
    if (size := launch.plan.optimiser_bytes) != 12:
        why = "keeps fp32 weights and two fp32 moments: 12 bytes of a parameter"
        yield plan_refused(NAME, "optimiser_bytes", size, why, "set optimiser_bytes to 12")


def _offload_optimiser(launch: Launch) -> Iterator[Told]:
    if launch.plan.offload_optimiser:
        why = "takes weights and gradients to the host as well"
        yield plan_refused(NAME, "offload_optimiser", True, why, "set offload_optimiser to false")


def _dropout(launch: Launch) -> Iterator[Told]:
    if launch.plan.dropout:
        yield plan_refused(NAME, "dropout", True, "has models without dropout", "set dropout to false")


def _logit_bytes(launch: Launch) -> Iterator[Told]:
    if launch.plan.logit_bytes != 12:
        yield Note(f"logit_bytes={launch.plan.logit_bytes} is not to be set: an uncompiled loss here keeps 12 bytes of a logit")


def _bucket_elements(launch: Launch) -> Iterator[Told]:
    if size := launch.plan.bucket_elements:
        why = "reduces the gradients of each layer by itself, without buckets"
        yield plan_refused(NAME, "bucket_elements", size, why, "set bucket_elements to 0")


def _narrow_inputs(launch: Launch) -> Iterator[Told]:
    if launch.plan.narrow_inputs and launch.plan.precision in ("fp8", "nvfp4"):
        why = "keeps the inputs of its products, and weights, in 16 bits or more"
        yield plan_refused(NAME, "narrow_inputs", True, why, "set narrow_inputs to false")


def _keeps_outputs(launch: Launch) -> Iterator[Told]:
    if launch.plan.pipeline > 1 and not launch.plan.keeps_outputs:
        yield Note("keeps_outputs=false is not to be set: PyTorch's pipeline keeps a stage's output until backward")


def _run(launch: Launch) -> Iterator[Told]:
    yield Setting("training.steps", launch.steps)
    yield Setting("compile.enable", launch.stack.host_kernel_s == 0)
    yield Setting("compile.components", ["model", "loss"])
    yield Setting("checkpoint.enable", bool(launch.checkpoint_steps))
    if launch.checkpoint_steps:
        yield Setting("checkpoint.interval", launch.checkpoint_steps)


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "global_batch": _batch, "sequence": _sequence, "micro_batch": _micro_batch, "tensor": _tensor,
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


def torchtitan(launch: Launch) -> str:
    """A job file, with the line that starts it on top.

    Raises Refused with every field of the plan, and the model, that torchtitan cannot be told.
    """
    settings, notes = gathered(launch, [_model, *FIELDS.values(), _run])
    lines = [*_head(launch), *(f"# {note.text}." for note in notes), ""]
    tables: dict[str, list[str]] = {}
    for setting in dict.fromkeys((s.name, json.dumps(s.value)) for s in settings):
        table, _, key = setting[0].rpartition(".")
        tables.setdefault(table, []).append(f"{key} = {setting[1]}")
    return "\n".join([*lines, "\n\n".join("\n".join([f"[{table}]", *rows]) for table, rows in tables.items())]) + "\n"


def _head(launch: Launch) -> Iterator[str]:
    yield f"# {launch.architecture.name} on {launch.plan.accelerators:,} accelerators: {NAME} 0.2.x, by Datahall."
    yield f"# On each of the {launch.nodes:,} servers:"
    yield f"#   {torchrun(launch)} -m torchtitan.train --job.config_file THIS_FILE"
    yield "# Data, tokenizer and learning rate are yours: training.dataset, model.hf_assets_path, optimizer.lr"
