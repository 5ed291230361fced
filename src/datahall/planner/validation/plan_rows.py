"""The plan of a row: what its columns pin, and what they leave open."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from datahall.models.cost.spec import Architecture
from datahall.planner.validation.architecture_rows import refused
from datahall.planner.validation.cells import count, is_blank, said, why_no_count
from datahall.planner.validation.software import Software

COLUMNS = {
    "tensor": "tp", "pipeline": "pp", "context": "cp", "expert": "ep", "chunks": "vpp", "data": "dp",
    "micro_batch": "micro_batch",
}  # fmt: skip
"""Fields of a plan by the columns that give them."""
RANKS = ("tensor", "pipeline", "context", "data")
PRECISIONS = (
    (r"nvfp4|fp4", "nvfp4"), (r"fp8|e4m3|float8", "fp8"), (r"bf16|bfloat16", "bf16"), (r"fp16|float16|half", "fp16"),
    (r"fp32|float32|single", "fp32"),
)  # fmt: skip
RECOMPUTE = (
    (r"selective ac|\bsac\b|operators|norm, act", "operators"), (r"selective", "selective"),
    (r"\bnone\b|\bno\b|\bwithout\b|\bfalse\b|\boff\b|^0$|\bdisabled\b", "none"),
    (r"full|remat|checkpoint|\bac\b|every layer|all layers|uniform|\byes\b|\btrue\b|\bon\b|^1$|\benabled\b", "full"),
)  # fmt: skip
"""Words of a cell; the first that stands in it counts. Checkpointing without more is of each layer, as PyTorch's is."""
_STAGE = re.compile(r"zero[\s_=:-]*(?:stage[\s_=:-]*)?([0-3])(?!\d)", re.ASCII)
_SHARE = re.compile(r"zero[\s_-]*[0-3]\s*=\s*(\d+)|fsdp2?\s*=\s*(\d+)|fsdp[\s-]*(\d{2,}|[3-9])\b", re.ASCII)
"""Ranks that share: `zero1=8`, `fsdp=8`, `fsdp64`; FSDP1 and FSDP2 are releases."""
PARTS = "norm"
"""In a cell that names parts of a layer, such as `norm, act`."""
RECOMPUTE_OPEN = "recompute not given: none, or more where only that fits"
MOST = {"num_devices": 2**21, "global_batch": 2**24, "seq_len": 2**26, "micro_batch": 2**20}
"""What no run has: above it a cell is a slip of the hand."""
LONG = 16_384
"""Tokens from which a blank `cp` may be more than 1 where the other ranks leave room: shorter ones are not split."""
BATCH_TOKENS = 4 * 2**20
"""Of a step, where a row gives no batch: what dense models of 2023 and later are trained with (Llama 2, arXiv:2307.09288)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A plan as far as a row says it."""

    accelerators: int
    pinned: Mapping[str, Any]
    """Fields of a plan that the row, or its software, sets."""
    open: tuple[str, ...]
    """Fields that the row leaves to the planner."""
    notes: tuple[str, ...]


def asked_of(row: Mapping[str, Any], architecture: Architecture, software: Software) -> Asked:
    """What the row pins and leaves open. Raises Refused, ROW-001, with the column that is wrong, or both that contradict."""
    wrong = [c for c in (*COLUMNS.values(), "num_devices", "global_batch") if not is_blank(row, c) and count(row, c) is None]
    if wrong:
        raise refused(wrong[0], why_no_count(row, wrong[0]), "give a count, or leave the cell empty")
    for column, most in MOST.items():
        if (value := count(row, column)) is not None and value > most:
            raise refused(column, f"{column}={value:,} is more than {most:,}", "correct it")
    notes = list[str]()
    given = {field: value for field, column in COLUMNS.items() if (value := count(row, column)) is not None}
    devices = _devices(row, given)
    _derive(row, given, devices, architecture, notes)
    pinned = {**software.plan, **_sharding(row, given, software, notes), **_recompute(row, software, notes), **given}
    pinned |= {"precision": _precision(row, notes), **_batch(row, architecture, given, devices, notes)}
    pinned |= _experts(given, notes)
    open_fields = [field for field in COLUMNS if field not in given] + ([] if "recompute" in pinned else ["recompute"])
    return Asked(devices, pinned, tuple(open_fields), tuple(notes))


def _devices(row: Mapping[str, Any], given: Mapping[str, int]) -> int:
    devices = count(row, "num_devices")
    if devices is not None:
        return devices
    if {"tensor", "pipeline", "data"} <= given.keys():
        return prod(given.get(field, 1) for field in RANKS)
    raise refused("num_devices", "num_devices is missing", "fill it, or tp, pp, cp and dp")


def _derive(row: Mapping[str, Any], given: dict[str, int], devices: int, architecture: Architecture, notes: list[str]) -> None:
    """Ranks that follow from the others; contradictions are refused with both columns."""
    fixed = {"tensor", "pipeline", "data"} <= given.keys()
    if fixed and "context" not in given and (count(row, "seq_len") or 0) >= LONG:
        rest = devices / (given["tensor"] * given["pipeline"] * given["data"])
        given["context"] = int(rest) if rest >= 1 and rest == int(rest) else 1
        notes.append(f"context={given['context']} from num_devices")
    if {"tensor", "pipeline"} <= given.keys() and "context" not in given:
        _take_one("context", given, notes)
    if {"tensor", "pipeline", "context"} <= given.keys() and "data" not in given:
        others = given["tensor"] * given["pipeline"] * given["context"]
        if devices % others:
            words = " x ".join(f"{COLUMNS[field]}={given[field]}" for field in RANKS[:3])
            raise refused("num_devices", f"num_devices={devices} is not a multiple of {words}", "correct either")
        given["data"] = devices // others
        notes.append(f"data={given['data']} from num_devices")
    held = [field for field in RANKS if field in given]
    product = prod(given[field] for field in held)
    if product != devices if len(held) == 4 else devices % product:
        words = " x ".join(f"{COLUMNS[field]}={given[field]}" for field in held)
        verb = "is" if len(held) == 4 else "do not divide:"
        raise refused("num_devices", f"{words} {verb} {product}, but num_devices={devices}", "correct either")
    if "expert" not in given and architecture.experts is None:
        _take_one("expert", given, notes)
    if "chunks" not in given and given.get("pipeline") == 1:
        _take_one("chunks", given, notes)


def _take_one(field: str, given: dict[str, int], notes: list[str]) -> None:
    given[field] = 1
    notes.append(f"{COLUMNS[field]} not given: 1")


def _experts(given: Mapping[str, int], notes: list[str]) -> dict[str, int]:
    """Experts that no tensor rank splits, where the expert ranks only fit so: arXiv:2504.14960, parallel folding."""
    expert, tensor = given.get("expert", 1), given.get("tensor", 1)
    across = given.get("data", 1) * given.get("context", 1)
    if across % expert == 0 or tensor * across % expert:
        return {}
    notes.append(f"ep={expert} takes tensor ranks too: experts are not split")
    return {"expert_tensor": 1}


def _sharding(row: Mapping[str, Any], given: Mapping[str, int], software: Software, notes: list[str]) -> dict[str, Any]:
    """What is sharded over data ranks, in the row's words; blank: as the stack does, else the optimiser."""
    words = said(row, "zero_fsdp").lower()
    if is_blank(row, "zero_fsdp"):
        told = _STAGE.search(said(row, "stack").lower())
        zero = int(told[1]) if told else software.plan.get("zero", 1)
        if given.get("data", 2) > 1:
            notes.append(f"sharding not given: zero={zero}")
        return {"zero": zero, "shard": None}
    zero = _zero(words)
    if zero is None:
        zero = software.plan.get("zero", 1)
        notes.append(f"zero_fsdp `{words[:40]}` not understood: zero={zero}")
    elif zero == 3 and given.get("pipeline", 1) > 1 and re.search("fsdp|hsdp", words):
        # Gathering them for each micro-batch would cost as many gathers: torchtitan and Llama 3 keep weights whole then.
        zero = 2
        notes.append(f"`{words[:40]}` with pp={given['pipeline']}: weights stay whole through the step, as trainers do then")
    return {"zero": zero, "shard": _shard(words, given, notes)}


def _zero(words: str) -> int | None:
    """The stage that is named, otherwise all for FSDP; None for words that name nothing.

    Llama 3's FSDP keeps weights whole (arXiv:2407.21783, 3.3.2).
    """
    if "zero-1/2" in words:
        return 2
    if bare := re.search(r"^(?:stage[\s_-]*)?([0-3])$", words):
        return int(bare[1])
    if told := _STAGE.search(words):
        return int(told[1])
    if re.search(r"fsdp|hsdp|full_shard|hybrid_shard|weight sharding", words):
        return 3
    if "distributed opt" in words or "zero" in words:
        return 1
    return 0 if re.search(r"\b(?:none|no|ddp|off|false|replicated)\b", words) else None


def _shard(words: str, given: Mapping[str, int], notes: list[str]) -> int | None:
    """Ranks that share, where fewer than all: `zero1=8`, `fsdp64`, `HSDP`; None for all of them.

    Raises Refused, ROW-001, where they do not divide the data ranks. Without data ranks in the row nothing is known of them.
    """
    if "data" not in given:
        return None
    across, told = given["data"] * given.get("context", 1), _SHARE.search(words)
    if told is None:
        return _hybrid(words, across, notes)
    ranks = int(told[1] or told[2] or told[3])
    if ranks < 1 or across % ranks:
        what = f"zero_fsdp=`{words[:40]}` shares among {ranks} ranks, which do not divide dp x cp = {across}"
        raise refused("zero_fsdp", what, f"name a divisor of {across}, or leave the count out for all of them")
    return ranks if ranks < across else None


def _hybrid(words: str, across: int, notes: list[str]) -> int | None:
    """A server's eight ranks for HSDP, which says no count."""
    if not re.search(r"hsdp|hybrid_shard", words):
        return None
    divides = across > 8 and across % 8 == 0
    notes.append(f"ranks of a shard not given: {8 if divides else across}")
    return 8 if divides else None


def _recompute(row: Mapping[str, Any], software: Software, notes: list[str]) -> dict[str, Any]:
    """What the row says is computed again; with "seq-par" or "sequence-parallel" that, too."""
    text = said(row, "recompute").lower() or said(row, "measured_metric").lower()
    kind = next((kind for words, kind in RECOMPUTE if re.search(words, text)), None)
    found: dict[str, Any] = {"sequence_parallel": True} if "seq" in text and "par" in text else {}
    if "recompute" in software.plan and (kind is None or PARTS in text):
        return found  # the recipe says it: none, or the parts that stand in its stack
    if kind is None:
        strange = "" if is_blank(row, "recompute") or "recipe" in text else said(row, "recompute")[:40]
        notes.append(f"recompute `{strange}` not understood: none, or more where only that fits" if strange else RECOMPUTE_OPEN)
        return found
    return found | {"recompute": kind}


def _precision(row: Mapping[str, Any], notes: list[str]) -> str:
    words = said(row, "precision").lower()
    if is_blank(row, "precision"):
        notes.append("precision not given: bf16")
        return "bf16"
    found = next((name for pattern, name in PRECISIONS if re.search(pattern, words)), None)
    if found is None:
        allowed = ", ".join(name for _, name in PRECISIONS)
        raise refused("precision", f"precision is `{words[:40]}`, none of {allowed}", "name one of them")
    return found


def _batch(
    row: Mapping[str, Any], architecture: Architecture, given: Mapping[str, int], devices: int, notes: list[str]
) -> dict[str, int]:
    sequence = count(row, "seq_len")
    if sequence is None:
        sequence = architecture.context
        notes.append(f"seq_len not given: {sequence}, the longest of {architecture.name}")
    batch = count(row, "global_batch")
    if batch is None:
        least = given.get("data", devices) * given.get("micro_batch", 1)
        batch = max(1, round(BATCH_TOKENS / sequence / least)) * least
        notes.append(f"global_batch not given: {batch}, about {BATCH_TOKENS >> 20} Mi tokens")
    return {"global_batch": batch, "sequence": sequence}
