"""Step times of step_of against published training tables. Its five constants were fitted to these tables (fit_steps.py, which
also tells errors of tables held out); nothing else is tuned to them.

    python -m benchmarks.models.bench_step_accuracy [TABLE ...] [--rows] [--json]

Reads `reference/training/*.csv` of DATAHALL_SHARED. What each source's software does is stated in SOURCES from its documents
and notes, not from its errors. Errors are of iteration seconds. The baseline is one utilisation of the data sheet's peak, the
median over the other tables of each table's median, on the same hardware FLOPs (recomputation counted, causal half where
attention is fused). Rows that contradict themselves, that the checks refuse, or that lack a time are skipped, and told.
"""

import argparse
import csv
import json
import os
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from datahall.foundation.errors import DatahallError
from datahall.models.cost.operations import operations_of
from datahall.models.cost.spec import Architecture, Attention, FeedForward
from datahall.models.parallel.communication import Cluster, cluster_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import Step, step_of

SHARED = Path(os.environ.get("DATAHALL_SHARED", "../shared")) / "reference/training"
MEGATRON_2021 = Stack(tensor_overlap=False, data_overlap=False, fused_accumulation=False)
INTERNEVO = Stack(
    attention_kernel="flash1", fused=False, fused_accumulation=False, broadcasts_shards=True, recomputed=("norms",)
)


@dataclass(frozen=True)
class Source:
    """What a table does not say row by row. `nic_bits_per_s`: each accelerator's share of its node's ports."""

    nic_bits_per_s: float
    stack: Stack
    why: str
    accelerator: str = "A100-SXM4-80GB"
    protocol: str = "infiniband"
    shape: Mapping[str, object] = field(default_factory=dict)
    """Of the architecture."""
    plan: Mapping[str, object] = field(default_factory=dict)
    every: int = 1
    """Take each so many-th row."""


GPT = {"positions": "learned", "norm": "layernorm", "tied_embeddings": True}
LLAMA = {"positions": "rotary", "norm": "rmsnorm", "tied_embeddings": False}
DEEPSPEED = {"gradient_bytes": 2, "dropout": True}
SOURCES = {
    "sc21_table1": Source(200e9, MEGATRON_2021, "eight 200 Gb/s ports a node", shape=GPT, plan={"dropout": True}),
    "korthikanti_tab5": Source(
        200e9, Stack(data_overlap=False), "overlaps backward, section 4.2.2", shape=GPT, plan={"dropout": True}
    ),
    "bloom_tuning": Source(
        50e9, replace(MEGATRON_2021, blocking=True), "four 100 Gb/s ports a node; Megatron-DeepSpeed, 16-bit gradients, ZeRO 1",
        shape=GPT | {"positions": "alibi", "embedding_norm": True}, plan={"gradient_bytes": 2},
    ),
    "vtrain_multi": Source(100e9, MEGATRON_2021, "800 Gb/s a node; Megatron-DeepSpeed", shape=GPT, plan=DEEPSPEED),
    "vtrain_single": Source(100e9, MEGATRON_2021, "one node; Megatron-DeepSpeed", shape=GPT, plan=DEEPSPEED, every=8),
    "llm_foundry": Source(
        200e9, Stack(attention_kernel="flash1", fused=False, fused_accumulation=False, stops_early=True),
        "FSDP prefetches; norms not fused; fp32 reduction", protocol="roce_v2", shape=GPT | {"positions": "alibi"},
    ),
    "internevo": Source(
        50e9, INTERNEVO,
        "gradients and weights overlapped; FlashAttention 1.0.5, by its installation page; eager but for its norms",
        protocol="roce_v2", shape=LLAMA,
        plan={"zero": 1, "gradient_bytes": 2, "bucket_elements": 2**28},
    ),
    "torchtitan": Source(
        400e9, Stack(attention_kernel="sdpa", fused_accumulation=False, stops_early=True),
        "FSDP2 prefetches; compiled is fused, eager is not; fp32 reduction; selective is by operator",
        accelerator="H100 80GB HBM3", protocol="roce_v2", shape=LLAMA,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    table: str
    text: Mapping[str, str]
    architecture: Architecture
    plan: TrainPlan
    cluster: Cluster
    stack: Stack

    @property
    def measured_s(self) -> float:
        return float(self.text["iter_time_s"])

    @property
    def peak_s(self) -> float:
        """At the data sheet's peak, all FLOPs that the hardware does."""
        plan = self.plan
        causal = plan.flash_attention
        flop = operations_of(self.architecture, sequence=plan.sequence, batch=plan.global_batch, causal=causal)
        rate = self.cluster.device.peak_flop_per_s(plan.precision) * plan.accelerators
        half = (flop.forward - flop.scores - flop.values - flop.output) / 2
        all_of_it = flop.model + half if plan.recompute == "operators" else flop.hardware(plan.recompute)
        return all_of_it / rate


def rows_of(table: str, skipped: Counter[str]) -> Iterator[Row]:
    """Rows that can be predicted; why others cannot goes into `skipped`."""
    with (SHARED / f"{table}.csv").open(newline="") as lines:
        found = list(csv.DictReader(lines))[:: SOURCES[table].every]
    for text in found:
        if "INCONSISTENT" in text["note"]:
            skipped["contradicts itself"] += 1
        elif not text["iter_time_s"]:
            skipped["no iteration time"] += 1
        else:
            yield _row(table, text)


def _row(table: str, text: Mapping[str, str]) -> Row:
    source = SOURCES[table]
    cluster, stack = _machine(source, text)
    return Row(table, text, _architecture(source, text), _plan(source, text), cluster, stack)


def _machine(source: Source, text: Mapping[str, str]) -> tuple[Cluster, Stack]:
    hopper = "H100" in text["hardware"]
    accelerator = "H100 80GB HBM3" if hopper else source.accelerator
    nic = 400e9 if hopper else source.nic_bits_per_s
    cluster = cluster_of(accelerator, nic_bytes_per_s=nic / 8, protocol=source.protocol)
    if "2.4TB/s 500W" in text["hardware"]:
        cluster = replace(cluster, device=replace(cluster.device, memory_bytes_per_s=2.4e12, limit_w=500))
    stack = source.stack
    if text["zero_fsdp"] == "FSDP2":
        stack = replace(stack, tensor_overlap="AsyncTP" in text["note"])
    if "eager" in text["precision"]:
        stack = replace(stack, fused=False)
    if "compile" in text["precision"]:
        stack = replace(stack, host_kernel_s=0.0)
    return cluster, stack


def _architecture(source: Source, text: Mapping[str, str]) -> Architecture:
    heads = int(text["heads"])
    gated = source.shape["norm"] == "rmsnorm"
    bias = source.shape["norm"] == "layernorm"
    return Architecture.model_validate(
        {
            "name": text["model"].replace(" ", "-").replace(".", "-").lower(), "layers": int(text["layers"]),
            "hidden": int(text["hidden"]), "vocab": int(text["vocab"]), "context": int(text["seq_len"]),
            "attention": Attention(heads=heads, kv_heads=int(text["kv_heads"] or heads), bias=bias),
            "feed_forward": FeedForward(width=int(text["ffn"]), gated=gated, bias=bias),
            "source": text["source"], **source.shape,
        }
    )  # fmt: skip


def _plan(source: Source, text: Mapping[str, str]) -> TrainPlan:
    chunks = int(text["vpp"] or 1)
    said = text["zero_fsdp"]
    zero = 3 if "FSDP" in said else int(said[4]) if said.startswith("zero") else 0
    flash = "Flash" in text["note"] or "FSDP" in said or "zero1=" in said
    precision = next(p for p in ("fp8", "bf16", "fp16") if p in text["precision"])
    fields: dict[str, object] = {
        "global_batch": int(text["global_batch"]), "sequence": int(text["seq_len"]), "micro_batch": int(text["micro_batch"]),
        "tensor": int(text["tp"]), "pipeline": int(text["pp"]), "chunks": chunks, "context": int(text["cp"] or 1),
        "data": int(text["dp"]), "zero": zero, "flash_attention": flash, "precision": precision,
        "sequence_parallel": "sequence-parallel" in text["recompute"] or said == "FSDP2",
        "recompute": _recompute(text["recompute"]),
        "schedule": "interleaved" if chunks > 1 else "1f1b", "shard": 8 if said == "zero1=8" else None,
    }  # fmt: skip
    return TrainPlan.model_validate(fields | dict(source.plan))


def _recompute(said: str) -> str:
    """ "selective AC" is torchtitan's; the others mean attention by selective."""
    kind = next((kind for kind in ("full", "selective") if kind in said), "none")
    return "operators" if said == "selective AC" else kind


@dataclass(frozen=True)
class Result:
    row: Row
    step: Step

    @property
    def error(self) -> float:
        """Signed, of the measured time: above 0, predicted slower than it was."""
        return self.step.seconds / self.row.measured_s - 1


def measure(table: str, skipped: Counter[str]) -> list[Result]:
    found = []
    for row in rows_of(table, skipped):
        try:
            found.append(Result(row, step_of(row.architecture, row.plan, row.cluster, row.stack)))
        except DatahallError as refused:
            skipped[refused.problems[0].code] += 1
    return found


def utilisation(results: list[Result]) -> float:
    return statistics.median(result.row.peak_s / result.row.measured_s for result in results)


def summary(table: str, results: Mapping[str, list[Result]], skipped: Counter[str]) -> dict[str, object]:
    """Of one table: errors in percent, ours (`bias` is their signed median) and the baseline's."""
    own = results[table]
    others = [utilisation(rows) for name, rows in results.items() if name != table and rows]
    ours = [100 * result.error for result in own]
    found: dict[str, object] = {"table": table, "rows": len(own), "skipped": dict(skipped)}
    found |= {
        "mean": statistics.fmean(map(abs, ours)), "median": statistics.median(map(abs, ours)), "bias": statistics.median(ours)
    }  # fmt: skip
    if others:
        ratio = statistics.median(others)
        constant = [100 * abs(result.row.peak_s / ratio / result.row.measured_s - 1) for result in own]
        found |= {"baseline_mean": statistics.fmean(constant), "baseline_median": statistics.median(constant)}
    return found


def show(found: Mapping[str, object]) -> str:
    figures = [found.get(key) for key in ("mean", "median", "bias", "baseline_mean", "baseline_median")]
    texts = ["      -" if x is None else f"{x:+7.1f}" if i == 2 else f"{x:7.1f}" for i, x in enumerate(figures)]
    return f"{found['table']!s:<18}{found['rows']:>5}  {'  '.join(texts)}   {found['skipped'] or ''}"


def show_row(result: Result) -> str:
    plan, total = result.row.plan, result.step.seconds
    parts = ", ".join(f"{name} {part / total:.0%}" for name, part in result.step.breakdown().items() if part / total > 0.005)
    shape = f"t{plan.tensor} p{plan.pipeline}x{plan.chunks} d{plan.data} b{plan.micro_batch} s{plan.sequence}"
    time = f"{result.row.measured_s:8.3f} s {total:8.3f} s {100 * result.error:+6.1f} %"
    return f"  {result.row.architecture.name:<20} {shape:<28} {time}  {parts}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("tables", nargs="*", choices=[*SOURCES, []], help="all, when none is named; the baseline needs several")
    parser.add_argument("--rows", action="store_true", help="each row: measured, predicted, error, where the time goes")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    skipped: dict[str, Counter[str]] = {table: Counter() for table in asked.tables or SOURCES}
    results = {table: measure(table, skipped[table]) for table in skipped}
    found = [summary(table, results, skipped[table]) for table in results if results[table]]
    if asked.json:
        json.dump(found, sys.stdout, indent=2)
        return 0
    print("table              rows   mean %   median     bias  constant   median   skipped")
    for each in found:
        print(show(each))
        if asked.rows:
            print("\n".join(show_row(result) for result in results[str(each["table"])]))
    for key, name in (("mean", "mean over tables"), ("baseline_mean", "of a constant utilisation")):
        figures = [float(str(each[key])) for each in found if key in each]
        print(f"{name}: {statistics.fmean(figures):.1f} %" if figures else f"{name}: needs two tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
