"""Fit the two free constants of the collectives' law and hold the other systems against them.

    python -m benchmarks.network.fit_collectives [--write]

Reads `reference/` of DATAHALL_SHARED. Fitted: the cycles of a ring step and the share of the latency that each chunk pays
again, on ONE system, eight A100 of one server (24 sizes). All else is published: see src/datahall/network/constants.
Prints the fitted and the held-out systems apart, beside two baselines fitted on the same A100 rows: t = a + f S / B with the
data sheet's bandwidth, and a constant share of it. `--write` puts the constants into fitted.yaml.
"""

import argparse
import csv
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from datahall.network.collectives import Group, ScaleUp, algorithms, bus_factor, cost
from datahall.network.collectives.systems import algorithm_of, group_of
from datahall.network.collectives.timing import NOT_AUTOMATIC

SHARED = Path(os.environ.get("DATAHALL_SHARED", "../shared")) / "reference"
TARGET = Path(__file__).parents[2] / "src/datahall/network/constants/fitted.yaml"
CLOCKS_HZ = {"NVLink3": 1.41e9, "NVLink4": 1.83e9, "NVLink5": 2.062e9}


@dataclass(frozen=True)
class Curve:
    """A measured all-reduce by size: bytes and bus bandwidth in GB/s."""

    name: str
    group: Group
    algorithm: str
    sizes: np.ndarray
    busbw: np.ndarray

    @property
    def links(self) -> ScaleUp:
        assert self.group.scale_up is not None
        return self.group.scale_up


def published() -> list[Curve]:
    """The three systems of nccl_busbw_curves.csv."""
    rows = defaultdict(list)
    with (SHARED / "facility/nccl_busbw_curves.csv").open() as file:
        for row in csv.DictReader(file):
            rows[row["system"], int(row["ranks"]), row["algo"]].append((float(row["bytes"]), float(row["busbw_GBps"])))
    return [_curve(system, ranks, algo, points) for (system, ranks, algo), points in rows.items()]


def profiled() -> list[Curve]:
    """All-reduces within one server of kernels/collectives.csv: other machines, another tool. Never fitted on."""
    rows = defaultdict(list)
    with (SHARED / "kernels/collectives.csv").open() as file:
        for row in csv.DictReader(file):
            whole = row["num_devices"] == row["devices_per_node"] and row["system"] in ("a100_dgx", "h100_dgx")
            if whole and row["collective"] == "all_reduce" and float(row["size_bytes"]) >= 1e6:
                system = f"{row['system'][:4].upper()} DGX profiled x{row['num_devices']}"
                rows[system, int(row["num_devices"])].append((float(row["size_bytes"]), float(row["busbw_GBps"])))
    return [_curve(system, ranks, "default", points) for (system, ranks), points in sorted(rows.items())]


def _curve(system: str, ranks: int, algo: str, points: Sequence[tuple[float, float]]) -> Curve:
    group = group_of(system, ranks).group
    assert group is not None, system
    sizes, busbw = np.array(sorted(points)).T
    algorithm = algorithm_of(algo, collective="all_reduce", group=group)
    return Curve(f"{system} {algo.partition(' ')[0]}", group, algorithm, sizes, busbw)


def predicted(curve: Curve, cycles: float, ratio: float) -> np.ndarray:
    """Bus bandwidth in GB/s of the law with these two constants."""
    clock_hz = CLOCKS_HZ[curve.links.name]
    group = replace(curve.group, scale_up=replace(curve.links, step_s=cycles / clock_hz))
    names = [name for name in algorithms("all_reduce", group) if name not in NOT_AUTOMATIC]
    names = names if curve.algorithm == "auto" else [curve.algorithm]
    times = [cost("all_reduce", group, algorithm=name).time_s(curve.sizes, pipeline_ratio=ratio) for name in names]
    return bus_factor("all_reduce", group.ranks) * curve.sizes / np.min(times, axis=0) / 1e9


def fit(curves: Sequence[Curve]) -> tuple[float, float]:
    """Cycles of a step and share of the latency per chunk: least squares of the logarithm, outliers damped."""

    def residuals(logs: np.ndarray) -> np.ndarray:
        return np.concatenate([np.log(predicted(curve, *np.exp(logs)) / curve.busbw) for curve in curves])

    found = least_squares(residuals, np.log([4000.0, 0.2]), loss="soft_l1", f_scale=0.1)
    cycles, ratio = np.exp(found.x)
    return float(cycles), float(ratio)


def plain(curve: Curve, start_s: float) -> np.ndarray:
    """Baseline: t = a + f S / B, B of the data sheet."""
    factor = bus_factor("all_reduce", curve.group.ranks)
    return factor * curve.sizes / (start_s + factor * curve.sizes / curve.links.bytes_per_s) / 1e9


def fit_plain(curves: Sequence[Curve]) -> float:
    def residuals(log: np.ndarray) -> np.ndarray:
        return np.concatenate([np.log(plain(curve, float(np.exp(log[0]))) / curve.busbw) for curve in curves])

    return float(np.exp(least_squares(residuals, [np.log(4e-5)], loss="soft_l1", f_scale=0.1).x[0]))


def error(ours: np.ndarray, curve: Curve) -> float:
    """Mean size of the relative error of the bus bandwidth, in percent."""
    return float(np.mean(np.abs(ours / curve.busbw - 1))) * 100


def table(fitted_on: Sequence[Curve], curves: Sequence[Curve]) -> None:
    cycles, ratio = fit(fitted_on)
    start_s, share = fit_plain(fitted_on), float(np.median([c.busbw.max() * 1e9 / c.links.bytes_per_s for c in fitted_on]))
    print(f"fitted on {', '.join(c.name for c in fitted_on)}: step {cycles:.0f} cycles, chunk share {ratio:.3f}")
    print(f"baselines: a = {start_s * 1e6:.1f} us; constant {share:.2f} of the data sheet")
    print(f"{'':10} {'system':44} {'rows':>4} {'ours %':>7} {'a+S/B %':>8} {'constant %':>10}")
    for curve in curves:
        told = "fitted" if curve in fitted_on else "held out"
        flat = np.full_like(curve.busbw, share * curve.links.bytes_per_s / 1e9)
        errors = error(predicted(curve, cycles, ratio), curve), error(plain(curve, start_s), curve), error(flat, curve)
        print(f"{told:10} {curve.name[:44]:44} {len(curve.sizes):4} {errors[0]:7.1f} {errors[1]:8.1f} {errors[2]:10.0f}")


def write(curve: Curve) -> None:
    cycles, ratio = fit([curve])
    source = f"fitted by benchmarks/network/fit_collectives.py on one system of three: {curve.name.rsplit(' ', 1)[0]}, 24 sizes"
    rows = {
        "hop_cycles": (round(cycles), "cycles of the accelerator's clock for one step of a ring"),
        "pipeline_ratio": (round(ratio, 3), "share of the latency that each further chunk pays"),
        "baseline_start_s": (float(f"{fit_plain([curve]):.3g}"), "s; the plain model t = a + f S / B, fitted on the same rows"),
    }
    lines = ["# Written by benchmarks/network/fit_collectives.py --write; do not edit."]
    for name, (value, unit) in rows.items():
        lines += [f"{name}:", f"  value: {value}", f'  unit: "{unit}"', f'  source: "{source}"', '  date: "2026-11"']
    TARGET.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the constants into fitted.yaml")
    chosen = parser.parse_args()
    curves, others = published(), profiled()
    a100 = curves[0]
    table([a100], [*curves, *others])
    rings = [curve for curve in curves if curve.algorithm != "nvls"]
    print("\nthe other way round, to see how much the choice of system matters:")
    for curve in rings[1:]:
        table([curve], curves)
    errors = np.concatenate([np.abs(predicted(c, *fit([a100])) / c.busbw - 1) for c in curves])
    print(f"\nall {len(errors)} rows, constants of {a100.name}:")
    print(f"mean {errors.mean() * 100:.2f} %, worst {errors.max() * 100:.0f} %")
    if chosen.write:
        write(a100)
        print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
