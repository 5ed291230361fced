"""Serving throughput and latency against published tables, by model and accelerator, and what one prediction costs.

    python -m benchmarks.models.bench_inference_accuracy [--json] [--runs N]

Reads the rows of `datahall validate --tables serving,latency`: the whole table where DATAHALL_SHARED has it. `held out`: no
constant was fitted on the model or the software (benchmarks/models/fit_inference.py tells the rule). The baseline is one share
of a roofline, fitted on the same half as ours. Limits: mean error of held-out models of the fitted table 20 %, a prediction
20 ms.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean, median

from benchmarks.measured import Row, arguments, median_s, shown

from datahall.models.cost.catalogue import architecture
from datahall.models.inference import InferencePlan, Load, engine_named, latency_of, throughput_of
from datahall.models.parallel.communication import cluster_of
from datahall.planner.validation import serving, serving_latency
from datahall.planner.validation.rows import ValidationRow

HELD_LIMIT_RATIO, PREDICTION_LIMIT_S = 0.20, 0.020
HELD_OUT_TABLE = "output tokens/s, TensorRT-LLM 0.17 in-flight batching, held out: ALL"


def accuracy() -> Iterator[Row]:
    """By software, whether it was held out, model and accelerator; then each software as a whole."""
    groups: dict[str, list[ValidationRow]] = defaultdict(list)
    for row in serving.rows():
        model, hardware = row.row.split(", ")[:2]
        groups[f"{row.quantity}: {model}, {hardware}"].append(row)
        groups[f"{row.quantity}: ALL"].append(row)
    for name, found in sorted(groups.items()):
        ours, constant = _errors(found, "error_ratio"), _errors(found, "baseline_error_ratio")
        yield Row(f"{name}: mean error", fmean(ours), HELD_LIMIT_RATIO if name == HELD_OUT_TABLE else None, len(ours), "of 1")
        yield Row(f"{name}: mean error of the constant", fmean(constant), None, len(constant), "of 1")
        if name.endswith("ALL"):
            yield Row(f"{name}: median error", median(ours), None, len(ours), "of 1")
            yield Row(f"{name}: within the 80 % interval", fmean(bool(row.hit) for row in found), None, len(found), "of 1")


def latencies() -> Iterator[Row]:
    rows = serving_latency.rows()
    for quantity in sorted({row.quantity for row in rows}):
        found = _errors([row for row in rows if row.quantity == quantity], "error_ratio")
        yield Row(f"latency, {quantity}: mean error", fmean(found), None, len(found), "of 1")


def _errors(rows: Sequence[ValidationRow], name: str) -> list[float]:
    return [abs(error) for row in rows if (error := getattr(row, name)) is not None]


def speed(runs: int) -> Iterator[Row]:
    """Warm: the same question again."""
    cluster, engine = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9), engine_named("vllm")
    load = Load(input_tokens=2000, output_tokens=500)
    for name in ("llama3.1-70b", "deepseek-v3"):
        one, plan = architecture(name), InferencePlan(tensor=8, pipeline=2, precision="fp8")

        def throughput(one=one, plan=plan) -> object:  # type: ignore[no-untyped-def]
            return throughput_of(one, plan, cluster, load, engine)

        def latency(one=one, plan=plan) -> object:  # type: ignore[no-untyped-def]
            return latency_of(one, plan, cluster, load.model_copy(update={"requests_per_s": 2.0}), engine)

        throughput()
        yield Row(f"throughput of {name}", median_s(throughput, runs), PREDICTION_LIMIT_S, runs)
        yield Row(f"latency of {name}, 2,000 requests played", median_s(latency, max(1, runs // 5)), None, max(1, runs // 5))


def main() -> int:
    chosen = arguments(__doc__, runs=20)
    return shown([*accuracy(), *latencies(), *speed(chosen.runs)], as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
