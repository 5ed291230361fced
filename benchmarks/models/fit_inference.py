"""Fit the constants of serving on half of the published models and hold the other half against them.

    python -m benchmarks.models.fit_inference [--write]

Reads `reference/serving.csv` of DATAHALL_SHARED: throughput of TensorRT-LLM 0.17 under maximal load, four models on five
accelerators. The split is by rule: models in alphabetical order, the first, third and so on are fitted, the others held out.
Two further models of the same page (datahall/planner/validation/serving_rows.yaml) are in neither half and are not used at all;
nor are other software and accelerators there, whose errors give other software its own interval. Two more constants, of models
of many experts under newer software, are fitted on half of the models of TensorRT-LLM 1.x by the same rule; that these two were
missing was seen from all of its rows.
Fitted: five bounded constants, the same for every engine, model and accelerator; least squares of log errors, soft beyond 10 %.
The model's structure was compared with all rows while it was written (how a finite run fills and empties); no constant was.
80 % intervals are symmetric in the logarithm, by class of software, each group of rows (a model, an engine) counting the same,
and as wide as one more group asks for: see planner/validation/serving_intervals.py. Of the software that was
fitted on, either half of the models is predicted by constants fitted on the other; its two further models are a blind check.
One more constant, the time of a request outside its steps, is the median of what the published times to the first token of the
online runs exceed ours by, on the model that comes first in the alphabet, up to 8 requests/s; the other model is held out.
Two baselines with one constant each, fitted on the same half: a share of a roofline, a share of the peak.
`--write` puts the constants into models/inference/constants and planner/validation/serving_baseline.yaml.
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from datahall.foundation.errors import DatahallError
from datahall.models.inference import Engine, engine_named, throughput_of
from datahall.models.inference.engines import DEFAULT, engines
from datahall.planner.validation import serving_latency
from datahall.planner.validation.serving import published
from datahall.planner.validation.serving_baseline import flop_tokens_per_s, roofline_tokens_per_s
from datahall.planner.validation.serving_intervals import half_width, left_out, ratios, spread_of
from datahall.planner.validation.serving_rows import ServingCase, case_of, metric_of

SOURCE = Path(__file__).parents[2] / "src/datahall"
FITTED = SOURCE / "models/inference/constants/fitted.yaml"
UNCERTAINTY = SOURCE / "models/inference/constants/uncertainty.yaml"
EXPERTS = SOURCE / "models/inference/constants/experts.yaml"
BASELINE = SOURCE / "planner/validation/serving_baseline.yaml"
ENGINE, NEWER = "tensorrt-llm-0.17", "tensorrt-llm-1"
TAKEN_BY = (NEWER, "vllm", "sglang-wide-ep")
"""Engines for which constants of experts are taken: the newer release, and those of its time that have no rows of experts."""
NAMELESS = (
    "all software taken as the default engine; no row is of software without continuous batches (llama.cpp, Ollama), which may "
    "be far slower"
)
EXTRA = ("LLaMA v3.1 405B", "Mixtral 8x22B")
HEAD = "# Written by benchmarks/models/fit_inference.py --write; do not edit.\n"
BOUNDS: Mapping[str, tuple[float, float, float]] = {
    "compute_ratio": (0.6, 0.95, 1.15),
    "memory_ratio": (0.7, 1.0, 1.2),
    "reduce_ratio": (0.3, 0.9, 1.0),
    "step_host_s": (0.0, 5e-4, 5e-3),
    "context_bytes": (0.5 * 2**30, 2.0 * 2**30, 5.0 * 2**30),
}
"""Lowest, first and highest value of each constant: what hardware and software can be. Above 1: kernels that were tuned for the
serving engine beat those whose rates kernels.yaml was fitted on."""
EXPERT_BOUNDS: Mapping[str, tuple[float, float, float]] = {
    "expert_ratio": (0.1, 0.7, 1.0),
    "sequence_host_s": (0.0, 5e-6, 5e-5),
}
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Published rows that can be computed."""

    models: NDArray[Any]
    cases: tuple[ServingCase, ...]
    measured: Array
    """Output tokens/s of the whole."""
    names: NDArray[Any]
    """Of the engines."""

    def where(self, mask: NDArray[np.bool_]) -> "Rows":
        cases = tuple(case for case, on in zip(self.cases, mask, strict=True) if on)
        return Rows(self.models[mask], cases, self.measured[mask], self.names[mask])

    def of(self, chosen: Sequence[str]) -> "Rows":
        return self.where(np.isin(self.models, chosen) & (self.names == ENGINE))


def rows_of_table() -> Rows:
    """All that are published. Raises SystemExit where the table is not there or a row cannot be computed."""
    if not (Path(os.environ.get("DATAHALL_SHARED", "../shared")) / "reference/serving.csv").is_file():
        raise SystemExit("set DATAHALL_SHARED to the folder that holds reference/serving.csv")
    rows = published()
    cases = [case_of(row) for row in rows]
    if wrong := [case for case in cases if isinstance(case, str)]:
        raise SystemExit(wrong[0])
    found = tuple(case for case in cases if not isinstance(case, str))
    return Rows(
        np.array([str(row["model"]) for row in rows]),
        found,
        np.array([float(row["measured_value"]) / metric_of(row, case)[0] for row, case in zip(rows, found, strict=True)]),
        np.array([case.engine.name for case in found]),
    )


def halves(rows: Rows, engine: str = ENGINE) -> tuple[list[str], list[str]]:
    """Models to fit on, and those held out: every second of the alphabet, from the first."""
    names = sorted(set(rows.where(rows.names == engine).models) - set(EXTRA))
    return names[0::2], names[1::2]


def engine_with(engine: Engine, values: Mapping[str, float]) -> Engine:
    whole = {"context_bytes": int(values["context_bytes"])} if "context_bytes" in values else {}
    return engine.model_copy(update=dict(values) | whole)


def predicted(rows: Rows, values: Mapping[str, float] | None = None) -> Array:
    """Output tokens/s of each row, with these constants, or as each row's engine has them."""
    engines = [engine_with(case.engine, values) if values else case.engine for case in rows.cases]
    return np.array(
        [
            throughput_of(case.architecture, case.plan, case.cluster, case.load, engine).output_tokens_per_s
            for case, engine in zip(rows.cases, engines, strict=True)
        ]
    )


def fit(rows: Rows, bounds: Mapping[str, tuple[float, float, float]] = BOUNDS) -> dict[str, float]:
    """The constants that these rows want, within their bounds."""
    low, first, high = (np.array(column) for column in zip(*bounds.values(), strict=True))

    def values(place: Array) -> dict[str, float]:
        return {name: float(value) for name, value in zip(bounds, low + place * (high - low), strict=True)}

    def errors(place: Array) -> Array:
        return np.log(predicted(rows, values(place)) / rows.measured)

    start = (first - low) / (high - low)
    found = least_squares(errors, start, bounds=(0, 1), loss="soft_l1", f_scale=0.1, diff_step=0.02, max_nfev=20)
    return values(found.x)


def outside_s(name: str) -> float:
    """Time of a request outside its steps that this model's published times to the first token ask for, within 0 to 50 ms."""
    found = []
    for row in serving_latency.published():
        played = serving_latency.played_of(row)
        if row["model"] == name and row.get("requests_per_s", 99) <= 8 and not isinstance(played, str):
            case = case_of(row)
            already_s = 0.0 if isinstance(case, str) else case.engine.request_s
            found.append(row["ttft_ms"] / 1e3 - played.ttft_s["mean"] + already_s)
    return float(np.clip(np.median(found), 0.0, 0.05))


def error_of(ours: Array, rows: Rows) -> Array:
    return np.abs(ours / rows.measured - 1)


def words(errors: Array) -> str:
    return f"mean {np.mean(errors):.1%}, median {np.median(errors):.1%}, worst {np.max(errors):.0%} of {len(errors)} rows"


def shares(rows: Rows) -> tuple[float, float]:
    """Measured over the roofline and over the peak, medians."""
    laws: tuple[Callable[[ServingCase], float], ...] = (roofline_tokens_per_s, flop_tokens_per_s)
    roofline, flop = (float(np.median(rows.measured / [law(case) for case in rows.cases])) for law in laws)
    return roofline, flop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the constants into the package")
    write, rows = parser.parse_args().write, rows_of_table()
    on, out = halves(rows)
    half, held, extra, other = rows.of(on), rows.of(out), rows.of(EXTRA), rows.where(rows.names != ENGINE)
    online = sorted({str(row["model"]) for row in serving_latency.published() if "requests_per_s" in row})
    values = fit(half) | {"request_s": outside_s(online[0])}
    for name in online:
        print(
            f"a request outside its steps, by {name}: {outside_s(name) * 1e3:.1f} ms{' (taken)' if name == online[0] else ''}"
        )
    ours = {name: predicted(part, values) for name, part in (("half", half), ("held", held), ("extra", extra))}
    around = fit(held)
    swapped = predicted(half, around)
    print(f"fitted on {', '.join(on)}: {words(error_of(ours['half'], half))}")
    print(f"held out {', '.join(out)}: {words(error_of(ours['held'], held))}")
    print(f"neither {', '.join(EXTRA)}: {words(error_of(ours['extra'], extra))}")
    for name, value in values.items():
        print(f"  {name:<16}{value:.4g}" + (f"   bounds {BOUNDS[name][0]:g} to {BOUNDS[name][2]:g}" if name in BOUNDS else ""))
    roofline, flop = shares(half)
    for name, part in (("half", half), ("held", held), ("extra", extra)):
        two = [np.array([law(case) for case in part.cases]) for law in (roofline_tokens_per_s, flop_tokens_per_s)]
        print(f"constants, {name}: roofline x {roofline:.3f} {words(error_of(roofline * two[0], part))}")
        print(f"constants, {name}: peak x {flop:.3f} {words(error_of(flop * two[1], part))}")
    print(f"the other way round, fitted on {', '.join(out)}, held out {', '.join(on)}: {words(error_of(swapped, half))}")
    experts, by_experts = newer(rows, values)
    elsewhere = predicted(other, values | {name: experts[name] for name in EXPERT_BOUNDS})
    print(f"other software ({', '.join(sorted(set(other.names)))}): {words(error_of(elsewhere, other))}")
    dense = np.array([case.architecture.experts is None for case in other.cases])
    print(f"other software, without experts: {words(error_of(elsewhere, other)[dense])}")
    plain = other.where(dense), elsewhere[dense]
    swaps = [(held, ours["held"]), (half, swapped)]
    constants = {name: experts[name] for name in EXPERT_BOUNDS}
    nameless = [(half, around), (held, values), (extra, values), (other, values)]
    halves_ = "either half by constants fitted on the other"
    classes = {
        "seen": (errors_of(swaps, lambda rows: rows.models), f"models of TensorRT-LLM 0.17, {halves_}"),
        "other": (errors_of([plain], lambda rows: rows.names), "other software, models without experts: no constant saw them"),
        "other_experts": (
            errors_of(by_experts, lambda rows: rows.models),
            f"models with experts of TensorRT-LLM 1.x, {halves_}",
        ),
        "unknown": (unnamed([(part, {**found, **constants}) for part, found in nameless]), NAMELESS),
    }
    told = {name: errors.told(name, about) for name, (errors, about) in classes.items()}
    by_device = errors_of(
        [*swaps, plain, *by_experts], lambda rows: np.array([case.cluster.device.name for case in rows.cases])
    )
    width = spread_of(by_device.logs, by_device.groups)
    for device, (_, covered) in left_out(by_device.logs, by_device.groups).items():
        print(f"accelerator {device}: {covered:.0%} within the interval of the others")
    told["device"] = json.dumps(dict(ratios(width)))
    print(f"one accelerator beside the others: {told['device']}")
    if write:
        found = {name: words(error_of(ours[name], part)) for name, part in (("half", half), ("held", held))}
        _write_experts(experts, halves(rows, NEWER)[0])
        _write(values, (on, out), found, (told, sorted(set(by_device.groups))), (roofline, flop))


def newer(rows: Rows, common: Mapping[str, float]) -> tuple[dict[str, float], list[tuple[Rows, Array]]]:
    """Constants of experts on half of the newer release's models, beside the common ones; and its rows with
    experts, either half predicted by constants fitted on the other."""
    on, out = halves(rows, NEWER)
    fixed = Rows(rows.models, tuple(_with(case, common) for case in rows.cases), rows.measured, rows.names)
    parts = [fixed.where(np.isin(rows.models, names) & (rows.names == NEWER)) for names in (on, out)]
    found = [fit(part, EXPERT_BOUNDS) for part in parts]
    held = [predicted(part, values) for part, values in zip(parts, reversed(found), strict=True)]
    own = predicted(parts[0], found[0])
    print(f"{NEWER}, fitted on {', '.join(on)}: {words(error_of(own, parts[0]))}; {found[0]}")
    print(f"{NEWER}, held out {', '.join(out)}: {words(error_of(held[1], parts[1]))}")
    print(f"{NEWER}, the other way round, held out {', '.join(on)}: {words(error_of(held[0], parts[0]))}; {found[1]}")
    split = [
        (part.where(mask), ours[mask])
        for part, ours in zip(parts, held, strict=True)
        if (mask := np.array([case.architecture.experts is not None for case in part.cases])).any()
    ]
    return found[0], split


def _with(case: ServingCase, values: Mapping[str, float]) -> ServingCase:
    return replace(case, engine=engine_with(case.engine, values))


@dataclass(frozen=True)
class Errors:
    """Log of measured over predicted, row by row, and the group that each row belongs to."""

    logs: Array
    groups: NDArray[np.str_]

    def told(self, name: str, about: str) -> str:
        """One line of uncertainty.yaml; says what the other groups cover of each."""
        without, width = left_out(self.logs, self.groups), half_width(self.logs, self.groups)
        covers = ", ".join(f"{group} {covered:.0%}" for group, (_, covered) in without.items())
        inside = f"{np.mean(np.abs(self.logs) <= width):.0%} of {len(self.logs)} rows within"
        print(f"interval {name}: x {np.exp(-width):.3f} to x {np.exp(width):.3f}, {inside}; left out: {covers}")
        own = {group: dict(ratios(one)) for group, (one, _) in without.items()}
        return json.dumps(
            {**ratios(width), "source": f"{about}; {inside}; of each group by the others: {covers}", "without": own}
        )


def errors_of(parts: Sequence[tuple[Rows, Array]], group: Callable[[Rows], NDArray[Any]]) -> Errors:
    logs = np.concatenate([np.log(rows.measured / ours) for rows, ours in parts])
    return Errors(logs, np.concatenate([group(rows).astype(str) for rows, _ in parts]))


def unnamed(parts: Sequence[tuple[Rows, Mapping[str, float]]]) -> Errors:
    """As if nobody had said which software it was: taken as the default. Rows that it cannot hold are left out."""
    logs, groups = [], []
    for rows, values in parts:
        for case, measured in zip(rows.cases, rows.measured, strict=True):
            engine = engine_with(engine_named(DEFAULT), values)
            try:
                ours = throughput_of(case.architecture, case.plan, case.cluster, case.load, engine).output_tokens_per_s
            except DatahallError:
                continue
            logs.append(np.log(measured / ours))
            groups.append(case.engine.name)
    return Errors(np.array(logs), np.array(groups))


def _write(
    values: Mapping[str, float],
    split: tuple[list[str], list[str]],
    found: Mapping[str, str],
    intervals: tuple[Mapping[str, str], Sequence[str]],
    constants: tuple[float, float],
) -> None:
    on, out = (", ".join(names) for names in split)
    table = "TensorRT-LLM 0.17, perf-overview.md@258c7540"
    made = "fitted by benchmarks/models/fit_inference.py"
    source = f"{made} on {on} ({table}): {found['half']}; held out {out}: {found['held']}; request_s on LLaMA 3.1 70B online"
    lines = [f"{name}: {int(value) if name == 'context_bytes' else f'{value:.4g}'}" for name, value in values.items()]
    names = ", ".join(f'"{name}"' for name in split[0])
    FITTED.write_text(HEAD + "\n".join([*lines, f"models: [{names}]", f'source: "{source}"', 'date: "2026-11"']) + "\n")
    told, devices = intervals
    described = [name for name in engines() if name not in (ENGINE, "roofline")]
    lists = (("engines", [ENGINE]), ("others", described), ("devices", devices))
    lines = [f"{name}: {json.dumps([str(one) for one in found])}" for name, found in lists]
    lines += [f"{name}: {line}" for name, line in told.items()]
    UNCERTAINTY.write_text(HEAD + "\n".join([*lines, 'date: "2026-11"']) + "\n")
    about = f"medians over {on} ({table}), by benchmarks/models/fit_inference.py"
    BASELINE.write_text(
        HEAD + f'roofline_ratio: {constants[0]:.4f}\nflop_ratio: {constants[1]:.4f}\nsource: "{about}"\ndate: "2026-11"\n'
    )


def _write_experts(values: Mapping[str, float], models: Sequence[str]) -> None:
    engines, named = (", ".join(f'"{name}"' for name in names) for names in (TAKEN_BY, models))
    table = "TensorRT-LLM 1.x, developer-guide/perf-overview.md@03e27c7"
    about = f"fitted by benchmarks/models/fit_inference.py on these models ({table}); taken over for the other engines"
    lines = [f"engines: [{engines}]", *(f"{name}: {value:.4g}" for name, value in values.items()), f"models: [{named}]"]
    EXPERTS.write_text(HEAD + "\n".join([*lines, f'source: "{about}"', 'date: "2026-11"']) + "\n")


if __name__ == "__main__":
    main()
