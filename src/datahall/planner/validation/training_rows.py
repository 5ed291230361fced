"""Published training rows as an architecture and a plan: what they say, and what their software is known to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.spec import TrainPlan
from datahall.planner.validation.cells import count, is_blank, placed, said, why_no_count

GIB = 2**30
NEEDED = ("layers", "hidden", "heads", "seq_len", "global_batch", "num_devices")


@dataclass(frozen=True)
class Software:
    """What a source's software does, stated from its documents, never from its errors."""

    why: str
    plan: Mapping[str, Any]
    shape: Mapping[str, Any] = field(default_factory=dict)
    measures: str = "device"
    """Whether published memory is that of the `device`, or what the framework's allocator has `reserved`."""


GPT = {"positions": "learned", "norm": "layernorm", "tied_embeddings": True}
_2021 = {"flash_attention": False, "sequence_parallel": False, "dropout": True}
SOFTWARE = {
    "bigscience": Software(
        "Megatron-DeepSpeed 2022: unfused attention, 16-bit gradients, buckets of 5e8, outputs kept; memory of the device",
        {
            **_2021, "dropout": False, "gradient_bytes": 2, "bucket_elements": 500_000_000, "keeps_outputs": True,
        },
        {**GPT, "positions": "alibi", "embedding_norm": True},
    ),
    "korthikanti": Software("Megatron-LM 2022: unfused attention, dropout", _2021, {**GPT, "positions": "none"}),
    "sc21": Software("Megatron-LM 2021: unfused attention, dropout, no sequence parallelism", _2021, GPT),
    "vtrain": Software("Megatron-DeepSpeed: unfused attention, no sequence parallelism", _2021, GPT),
    "torchtitan": Software(
        "torchtitan 2024: FSDP2, selective `op`, cross entropy in fp32; memory reserved by PyTorch",
        {"logit_bytes": 12}, measures="reserved",
    ),
    "llm-foundry": Software(
        "PyTorch FSDP, flash attention, its fused cross entropy in place", {"logit_bytes": 4}, {**GPT, "positions": "alibi"}
    ),
    "mt-nlg": Software("Megatron-DeepSpeed 2021", {**_2021, "gradient_bytes": 2}, GPT),
    "neox": Software("GPT-NeoX 2022 on DeepSpeed", {**_2021, "gradient_bytes": 2}, GPT | {"tied_embeddings": False}),
    "glm-130b": Software("DeepSpeed 2022", {**_2021, "gradient_bytes": 2}, GPT),
}  # fmt: skip
OTHER = Software("software not stated: flash attention, sequence parallelism, 32-bit gradients", {})
RECOMPUTE = (
    ("selective ac", "operators"),
    ("selective", "selective"),
    ("full", "full"),
    ("remat", "full"),
    ("none", "none"),
    ("no rec", "none"),
)


RECOMPUTE_OPEN = "recompute not given: none, or full where only that fits"


@dataclass(frozen=True)
class Case:
    """One training row that can be computed."""

    architecture: Architecture
    plan: TrainPlan
    devices: int
    hardware: str
    measures: str
    contradiction: str
    """What contradicts itself in the row; empty where nothing does."""
    notes: tuple[str, ...]
    """What the row does not say, and was taken."""


def software_of(row: Mapping[str, Any]) -> Software:
    """By the words of the row's source."""
    source = said(row, "source").lower()
    return next((software for word, software in SOFTWARE.items() if word in source), OTHER)


def case_of(row: Mapping[str, Any]) -> Case | str:
    """The row as a case, or why it is none; no row raises."""
    if why := why_no_count(row, *NEEDED):
        return placed(row, why)
    software, notes = software_of(row), list[str]()
    try:
        architecture = _architecture(row, software, notes)
        plan = _plan(row, software, notes)
    except ValidationError as error:
        first = error.errors()[0]
        return placed(row, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    found = problems_of_plan(architecture, plan)
    if found:
        return placed(row, f"{found[0].code} {found[0].what}")
    devices = count(row, "num_devices") or 0
    contradiction = "INCONSISTENT" if "INCONSISTENT" in said(row, "note") else ""
    if plan.accelerators != devices:
        contradiction = f"tensor x pipeline x context x data = {plan.accelerators}, but num_devices={devices}"
    return Case(
        architecture, plan, devices, said(row, "hardware"), software.measures, contradiction, (software.why, *notes)
    )  # fmt: skip


def _architecture(row: Mapping[str, Any], software: Software, notes: list[str]) -> Architecture:
    hidden, heads = count(row, "hidden") or 0, count(row, "heads") or 0
    if is_blank(row, "vocab"):
        notes.append("no vocabulary given: embedding and logits not counted")
    width = count(row, "ffn") or 4 * hidden
    own_width = width != 4 * hidden
    gated = bool(re.search(r"llama|qwen|mistral|mixtral|deepseek|internlm|glm|palm", said(row, "model"), re.IGNORECASE))
    gated = gated and own_width
    experts = None
    if (number_of := count(row, "experts")) and (active := count(row, "topk")) and (wide := count(row, "moe_ffn")):
        experts = Experts(count=number_of, active=active, width=wide)
    shape: dict[str, Any] = {"norm": "rmsnorm", "positions": "rotary", **software.shape}
    return Architecture(
        name=re.sub(r"[^a-z0-9.-]+", "-", said(row, "model").lower()).strip("-") or "row",
        layers=count(row, "layers") or 0,
        hidden=hidden,
        vocab=count(row, "vocab") or 2,
        context=count(row, "seq_len") or 0,
        attention=Attention(heads=heads, kv_heads=count(row, "kv_heads")),
        feed_forward=FeedForward(width=width, gated=gated),
        experts=experts,
        source=said(row, "source") or "the row itself",
        **shape,
    )


def _plan(row: Mapping[str, Any], software: Software, notes: list[str]) -> TrainPlan:
    parts = {name: count(row, column) or 1 for name, column in PLAN_COLUMNS.items()}
    devices = count(row, "num_devices") or 1
    rest = parts["tensor"] * parts["pipeline"] * parts["context"]
    data = count(row, "dp") or max(1, devices // rest)
    if is_blank(row, "dp"):
        notes.append(f"data={data} from num_devices")
    batch = count(row, "global_batch") or 1
    sharding = said(row, "zero_fsdp").lower()
    if is_blank(row, "zero_fsdp") and data > 1:
        notes.append("sharding not given: the optimiser's, over the data ranks")
        sharding = "zero1"
    chunks = parts["chunks"]
    precision = said(row, "precision").lower()
    values: dict[str, Any] = {**software.plan, **parts, **_recompute(row, notes)}
    return TrainPlan(
        **values
        | {
            "global_batch": batch,
            "sequence": count(row, "seq_len") or 1,
            "data": data,
            "zero": _zero(sharding),
            "schedule": "interleaved" if chunks > 1 else "1f1b",
            "precision": "fp8" if "fp8" in precision else "nvfp4" if "nvfp4" in precision else "bf16",
        }
    )


PLAN_COLUMNS = {
    "tensor": "tp", "pipeline": "pp", "context": "cp", "expert": "ep", "chunks": "vpp", "micro_batch": "micro_batch",
}  # fmt: skip


def _zero(sharding: str) -> int:
    """What is sharded, in the words of the row: Llama 3's FSDP keeps weights whole (arXiv:2407.21783, 3.3.2)."""
    if "zero-1/2" in sharding:
        return 2
    if "fsdp" in sharding:
        return 3
    return int("zero1" in sharding or "zero-1" in sharding or "distributed optimizer" in sharding)


def _recompute(row: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """What the row says is computed again; with "seq-par" or "sequence-parallel" that, too."""
    text = said(row, "recompute").lower() or said(row, "measured_metric").lower()
    kind = next((kind for word, kind in RECOMPUTE if word in text), None)
    if kind is None:
        notes.append(RECOMPUTE_OPEN)
    return {"recompute": kind or "none"} | ({"sequence_parallel": True} if "seq" in text and "par" in text else {})
