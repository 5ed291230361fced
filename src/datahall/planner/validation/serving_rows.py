"""Published serving rows as an architecture, a plan and a load: what they say, and what was taken where they say nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from datahall.foundation.errors import DatahallError, Missing, Problem, Refused
from datahall.infrastructure.catalog.catalogue import near
from datahall.models.cost.catalogue import aliases, architectures
from datahall.models.cost.spec import Architecture
from datahall.models.inference import Engine, InferencePlan, Load, engine_named, problems_of, throughput_of
from datahall.models.parallel.communication import Cluster
from datahall.planner.validation.architecture_rows import catalogued
from datahall.planner.validation.cells import count, is_blank, number, placed, said, why_no_count
from datahall.planner.validation.hardware import machine_of, problem_of

NEEDED = ("num_devices", "input_len", "output_len")
ENGINES: tuple[tuple[str, str], ...] = (
    (r"tensorrt[- ]?llm v?0\.17|trt-?llm v?0\.17", "tensorrt-llm-0.17"),
    (r"tensorrt[- ]?llm v?1\.|trt-?llm v?1\.", "tensorrt-llm-1"),
    (r"tensorrt[- ]?llm|trt-?llm", "tensorrt-llm"),
    (r"vllm v?0\.[0-6](\D|$)", "vllm-0.6"),
    (r"vllm", "vllm"),
)
"""Engines by the words of a row; the first that stands there counts."""
LIKE_VLLM = r"sglang|text[- ]generation[- ]inference|\btgi\b|lmdeploy"
"""Software that batches continuously on accelerators as vLLM does: taken as it, with the interval of other software. All else
that is not known has the interval of unknown software."""
PRECISIONS: tuple[tuple[str, Mapping[str, str]], ...] = (
    (r"nvfp4|fp4|mxfp4", {"precision": "nvfp4"}),
    (r"awq|gptq|int4|w4a16", {"precision": "fp16", "weight_precision": "int4"}),
    (r"w8a16|int8", {"precision": "fp16", "weight_precision": "int8"}),
    (r"fp8|w8a8", {"precision": "fp8"}),
    (r"bf16|bfloat16", {"precision": "bf16"}),
    (r"fp16|float16|half", {"precision": "fp16"}),
    (r"fp32|float32", {"precision": "fp32"}),
)
READINGS: tuple[tuple[str, str], ...] = (
    (r"int8(?!.*w8a16)", "INT8 is read as weights in 8 bits, products and keys and values in 16 (W8A16)"),
    (r"int4(?!.*w4a16)|awq|gptq", "weights in 4 bits are read with products and keys and values in 16 (W4A16)"),
    (r"w8a8", "W8A8 is read as FP8"),
)
"""What a precision leaves open, and how it is read; the first that fits counts."""
HBM3_OF_GH200_480 = (96 * 2**30, 4.0e12)
"""Bytes and bytes/s: `480GB` is the host's LPDDR5X. Source: NVIDIA GH200 Grace Hopper Superchip data sheet, 2024."""
LIMITS = ("max_batch", "step_tokens")
"""Optional columns: what the software was told, where it was (vLLM: max_num_seqs, max_num_batched_tokens)."""
TOTAL, EACH = r"(?<!output_)total_token|input_and_output|total token", r"per_(gpu|device|accelerator)|/gpu|/device"
"""Metrics that count prompts as well, and that are of one accelerator."""
ENDLESS = "no count of requests given: a load that never ends"


@dataclass(frozen=True)
class ServingCase:
    """One serving row that can be computed."""

    architecture: Architecture
    plan: InferencePlan
    cluster: Cluster
    load: Load
    engine: Engine
    assumed: tuple[str, ...]
    """What the row does not say, and was taken."""
    software: str = ""
    """The engine by name, for its interval; empty where the row's own is not known."""


def case_of(row: Mapping[str, Any]) -> ServingCase | str:
    """The row as a case, or why it is none; no row raises."""
    if why := why_no_count(row, *NEEDED):
        return placed(row, f"ROW-001 {why}")
    assumed: list[str] = []
    try:
        found = _case(row, assumed)
        problems = problems_of(found.architecture, found.plan)
    except ValidationError as error:
        first = error.errors()[0]
        return placed(row, f"ROW-001 {'.'.join(map(str, first['loc']))}: {first['msg']}")
    except DatahallError as error:
        return placed(row, problem_of(error))
    return placed(row, f"{problems[0].code} {problems[0].what}; {problems[0].fix}") if problems else found


def _case(row: Mapping[str, Any], assumed: list[str]) -> ServingCase:
    one, engine, load = model_of(row), engine_of(row, assumed), load_of(row, assumed)
    devices = count(row, "num_devices") or 1
    cluster = cluster_of_row(said(row, "hardware"), devices, assumed)
    precision = _precision(row, assumed)
    if is_blank(row, "tp"):
        plan = _best(one, precision, cluster, load, (engine, devices))
        assumed.append(f"tp is blank: tensor={plan.tensor} x data={plan.data}, which serves most")
    else:
        plan = InferencePlan(**precision, **_spread(row, devices))
    plan = plan.model_copy(update={name: found for name in LIMITS if (found := count(row, name))})
    software = engine.name if said(row, "stack") or _named(said(row, "engine").lower()) else ""
    return ServingCase(one, plan, cluster, load, engine, tuple(assumed), software)


def model_of(row: Mapping[str, Any]) -> Architecture:
    """Of the catalogue. Raises Missing, COST-001, with the near names."""
    name = said(row, "model")
    found = catalogued(name) or catalogued(re.sub(r"\bv(?=\d)", "", name))
    if found is None:
        fix = near(name[:60], (*architectures(), *aliases()), otherwise="import its config.json")
        raise Missing(Problem("COST-001", "model", f"model=`{name[:60]}` is not in the catalogue", fix))
    return found


def cluster_of_row(hardware: str, devices: int, assumed: list[str]) -> Cluster:
    machine = machine_of(hardware, alone=devices == 1)
    device = replace(machine.cluster.device, memory_bytes=int(machine.memory_bytes))
    if re.search(r"GH200.*480\s?GB", hardware):
        bytes_, rate = HBM3_OF_GH200_480
        device = replace(device, memory_bytes=bytes_, memory_bytes_per_s=rate)
        assumed.append("GH200 480GB: 96 GB of HBM3 at 4 TB/s")
    return replace(machine.cluster, device=device)


def engine_of(row: Mapping[str, Any], assumed: list[str]) -> Engine:
    """By column `stack`, or by the words of `engine`. Raises Missing, INFER-006, where `stack` names none."""
    if name := said(row, "stack"):
        return engine_named(name, "stack")
    words = said(row, "engine").lower()
    name = _named(words)
    if not any(re.search(pattern, words) for pattern, _ in ENGINES):
        why = "is taken as vllm" if name else "is not known: taken as vllm, with a wide interval"
        assumed.append(f"engine `{words[:40]}` {why}" if words else "no engine given: taken as vllm, with a wide interval")
    found = engine_named(name or "vllm")
    share = re.search(r"kv fraction (0\.\d+)", said(row, "note"), re.ASCII)
    return found.model_copy(update={"kv_ratio": float(share[1])}) if share and float(share[1]) > 0 else found


def _named(words: str) -> str:
    """The engine that these words mean or come near to; empty where nothing does."""
    found = next((name for pattern, name in ENGINES if re.search(pattern, words)), "")
    return found or ("vllm" if re.search(LIKE_VLLM, words) else "")


def load_of(row: Mapping[str, Any], assumed: list[str]) -> Load:
    pair = (count(row, "input_len") or 1, count(row, "output_len") or 1)
    at_once = None if said(row, "concurrency").lower() in ("", "-", "inf", "max") else count(row, "concurrency")
    if at_once is None and said(row, "concurrency").lower() not in ("", "-", "inf", "max"):
        raise Refused(_cell("concurrency", row, "give a count, `inf` or nothing"))
    requests = count(row, "requests") or _counted(said(row, "note"), pair)
    if requests is None and at_once is None:
        assumed.append(ENDLESS)
    return Load(input_tokens=pair[0], output_tokens=pair[1], concurrency=at_once, requests=requests)


def _counted(note: str, pair: tuple[int, int]) -> int | None:
    """Of a note such as `request counts: 30000@128/128, 3000@128/2048|2048/128, 1500 others`."""
    told = re.search(r"request counts:([^;]*)", note, re.ASCII)
    if told is None:
        return None
    for number_, pairs in re.findall(r"(\d+)@([\d/|]+)", told[1], re.ASCII):
        if f"{pair[0]}/{pair[1]}" in pairs.split("|"):
            return int(number_)
    others = re.search(r"(\d+) others", told[1], re.ASCII)
    return int(others[1]) if others else None


def _precision(row: Mapping[str, Any], assumed: list[str]) -> dict[str, Any]:
    words = said(row, "precision").lower()
    found = next((values for pattern, values in PRECISIONS if re.search(pattern, words)), None)
    if found is None and words:
        raise Refused(_cell("precision", row, "give one of fp32, bf16, fp16, fp8, nvfp4, int8, int4"))
    if found is None:
        assumed.append("no precision given: bf16")
    assumed += [why for pattern, why in READINGS if words and re.search(pattern, words) and not is_blank(row, "precision")][:1]
    narrow = {"weight_precision": weights} if (weights := said(row, "weight_precision").lower()) else {}
    return dict(found or {"precision": "bf16"}) | narrow


def _spread(row: Mapping[str, Any], devices: int) -> dict[str, int]:
    """Ranks; replicas fill the devices that are left. Raises Refused where they do not divide."""
    tensor, pipeline, expert = (count(row, column) or 1 for column in ("tp", "pp", "ep"))
    if wrong := why_no_count(row, *(column for column in ("tp", "pp", "ep") if not is_blank(row, column))):
        raise Refused(Problem("ROW-001", "tp", wrong, "give a count"))
    if devices % (tensor * pipeline):
        what = f"tp={tensor} x pp={pipeline} does not divide num_devices={devices}"
        raise Refused(Problem("ROW-001", "tp", what, "correct one of the three"))
    return {"tensor": tensor, "pipeline": pipeline, "expert": expert, "data": devices // (tensor * pipeline)}


def _best(
    one: Architecture, precision: Mapping[str, Any], cluster: Cluster, load: Load, software: tuple[Engine, int]
) -> InferencePlan:
    """Of the tensor ranks that divide the devices, those that serve most. Raises the last refusal where none can."""
    (engine, devices), found, refusal = software, list[tuple[float, InferencePlan]](), None
    for tensor in (n for n in range(1, min(devices, cluster.per_domain) + 1) if devices % n == 0):
        plan = InferencePlan(tensor=tensor, data=devices // tensor, **precision)
        try:
            found.append((throughput_of(one, plan, cluster, load, engine).output_tokens_per_s, plan))
        except Refused as error:
            refusal = error
    if not found and refusal is not None:
        raise refusal
    return max(found, key=lambda pair: pair[0])[1]


def metric_of(row: Mapping[str, Any], case: ServingCase) -> tuple[float, str]:
    """What output tokens/s of the whole are multiplied by to give the row's metric; and what is wrong with it, if anything."""
    metric, unit = said(row, "measured_metric").lower(), said(row, "unit").lower()
    if re.search(r"latency|ttft|tpot|itl", metric) or re.fullmatch(r"m?s", unit):
        return 1.0, f"ROW-004 measured_metric=`{metric[:40]}` is a latency: only throughputs are compared"
    factor, load = 1.0, case.load
    if re.search(r"req", metric + unit):
        factor = 1 / load.output_tokens
    elif re.search(TOTAL, metric):
        factor = 1 + load.input_tokens / load.output_tokens
    if re.search(EACH, metric + unit):
        factor /= case.plan.accelerators
    return factor, ""


def unit_of(row: Mapping[str, Any]) -> str:
    """What `metric_of` makes of output tokens/s: `total tokens/s of each accelerator`."""
    metric, unit = said(row, "measured_metric").lower(), said(row, "unit").lower()
    what = "requests/s" if re.search(r"req", metric + unit) else "output tokens/s"
    if what != "requests/s" and re.search(TOTAL, metric):
        what = "total tokens/s"
    return f"{what} of each accelerator" if re.search(EACH, metric + unit) else what


def measured_of(row: Mapping[str, Any]) -> float | None:
    value = number(row, "measured_value")
    return value if value is not None and value > 0 else None


def _cell(column: str, row: Mapping[str, Any], fix: str) -> Problem:
    return Problem("ROW-001", column, f"{column} is `{said(row, column)[:40]}`", fix)
