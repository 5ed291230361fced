"""Fit the constants of matrix products on one device and hold other models and two other devices against them.

    python -m benchmarks.models.fit_kernels [--write]

Reads `reference/kernels/gemm.csv` of DATAHALL_SHARED: products measured one at a time. Fitted: six bounded constants on the
A100, on four of its eight models. Held out: the shapes of the other four that the first four do not have, the A40 and the H100.
Every shape counts once, as the median of its repeats. Two baselines: a constant share of the peak, fitted on the same rows, and
the roofline max(compute, memory) of the data sheet. `--write` puts the constants into kernels.yaml.

Traps of the file: a third of the shapes were measured more than once, for several layers or models, and repeats differ by 1 to
69 %; times are told in half microseconds, so that rounding alone is up to 8 % of the shortest (6 us); N and K of all models
are multiples of 32, so that nothing here tells what an unaligned dimension costs.
"""

import argparse
import csv
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from datahall.models.parallel.device import Device, device_of, maker_ratio
from datahall.models.parallel.kernel_constants import MatmulConstants
from datahall.models.parallel.kernels import matmul_s

SHARED = Path(os.environ.get("DATAHALL_SHARED", "../shared")) / "reference"
TARGET = Path(__file__).parents[2] / "src/datahall/models/parallel/constants/kernels.yaml"
FITTED_ON = ("Qwen-72B", "Llama-2-7b-hf", "internlm-20b", "Llama-2-70b-hf")
CLASSES = {"m <= 64": (1, 64), "m 96-384": (65, 384), "m 512-1536": (385, 1536), "m >= 2048": (1537, 10**9)}
BOUNDS = {
    "compute_ratio": (0.5, 0.9, 1.0),
    "memory_ratio": (0.5, 0.85, 1.0),
    "launch_s": (0.0, 3e-6, 2e-5),
    "wave_ratio": (0.0, 0.3, 1.0),
    "depth": (0.0, 100.0, 1024.0),
    "tile_ratio": (0.0, 0.2, 1.0),
}
"""Lowest, first and highest value of each constant: what hardware can be."""
A40 = Device(
    name="A40",
    architecture="ampere",
    flop_per_s={"bf16": 149.7e12},
    measured_ratio={"bf16": maker_ratio("nvidia")},
    memory_bytes_per_s=696e9,
    memory_bytes=48 * 2**30,
    units=84,
    sources=("NVIDIA A40 data sheet, 2021; nobody's highest measured rate is known, so the median of NVIDIA's devices",),
)
DEVICES = {"a100": device_of("A100-SXM4-80GB"), "a40": A40, "h100": device_of("H100 80GB HBM3")}


@dataclass(frozen=True)
class Rows:
    """Shapes of one device, each once: measured_s is the median of its repeats, spread the longest over the shortest
    of them, NaN where there is one."""

    name: str
    device: Device
    shapes: np.ndarray
    measured_s: np.ndarray
    spread: np.ndarray

    def predicted(self, constants: MatmulConstants) -> np.ndarray:
        m, k, n = self.shapes.T
        return matmul_s(self.device, m, n, k, precision="bf16", constants=constants)


def measured() -> dict[tuple[str, str], dict[tuple[int, int, int], list[float]]]:
    """Seconds by device and model, and by shape (m, k, n)."""
    found: dict[tuple[str, str], dict[tuple[int, int, int], list[float]]] = defaultdict(lambda: defaultdict(list))
    with (SHARED / "kernels/gemm.csv").open() as file:
        for row in csv.DictReader(file):
            shape = int(row["M_tokens"]), int(row["K"]), int(row["N"])
            found[row["hardware"], row["model"].rpartition("/")[2]][shape].append(float(row["time_ms_median"]) / 1e3)
    return found


def rows(name: str, hardware: str, keep: Callable[[str], bool], without: set[tuple[int, int, int]] | None = None) -> Rows:
    """The shapes of the models that `keep` wants, but not those in `without`."""
    merged: dict[tuple[int, int, int], list[float]] = defaultdict(list)
    for (device, model), shapes in measured().items():
        for shape, times in shapes.items():
            if device == hardware and keep(model) and shape not in (without or set()):
                merged[shape] += times
    spread = np.array([max(times) / min(times) if len(times) > 1 else np.nan for times in merged.values()])
    medians = np.array([np.median(times) for times in merged.values()])
    return Rows(name, DEVICES[hardware], np.array(list(merged), float), medians, spread)


def constants_of(values: Sequence[float], source: str = "being fitted") -> MatmulConstants:
    return MatmulConstants(**dict(zip(BOUNDS, map(float, values), strict=True)), source=source, date="2026-11")


def fit(data: Rows) -> MatmulConstants:
    """Least squares of the logarithm within BOUNDS, outliers damped."""
    low, first, high = np.array(list(BOUNDS.values())).T

    def residuals(values: np.ndarray) -> np.ndarray:
        return np.log(data.predicted(constants_of(values)) / data.measured_s)

    return constants_of(least_squares(residuals, first, bounds=(low, high), x_scale=first, loss="soft_l1", f_scale=0.1).x)


def peak_s(data: Rows) -> np.ndarray:
    return 2 * data.shapes.prod(axis=1) / data.device.peak_flop_per_s("bf16")


def roofline_s(data: Rows) -> np.ndarray:
    m, k, n = data.shapes.T
    return np.maximum(peak_s(data), 2 * (m * k + k * n + m * n) / data.device.memory_bytes_per_s)


def table(fitted_on: Rows, every: Sequence[Rows]) -> MatmulConstants:
    """Prints errors by device and size class; returns the constants."""
    constants, share = fit(fitted_on), float(np.median(peak_s(fitted_on) / fitted_on.measured_s))
    told = ", ".join(f"{name} {getattr(constants, name):.3g}" for name in BOUNDS)
    print(f"fitted on {fitted_on.name}, {len(fitted_on.shapes)} shapes: {told}; baseline: constant {share:.3f} of the peak")
    print(
        f"{'':32} {'shapes':>6} {'mean %':>7} {'median':>7} {'bias':>6} {'roofline %':>12} {'constant %':>10} {'repeats %':>9}"
    )
    for data in every:
        ours, others = data.predicted(constants), (roofline_s(data), peak_s(data) / share)
        for size, (low, high) in {"all": (1, 10**9), **CLASSES}.items():
            mask = (data.shapes[:, 0] >= low) & (data.shapes[:, 0] <= high)
            errors = np.abs(ours / data.measured_s - 1)[mask] * 100
            bias = np.median((ours / data.measured_s - 1)[mask])
            baselines = [np.mean(np.abs(other / data.measured_s - 1)[mask]) * 100 for other in others]
            repeated = data.spread[mask & ~np.isnan(data.spread)]
            repeats = f"{np.median(repeated - 1) * 100:.1f}" if len(repeated) else "-"
            told = "fitted" if data is fitted_on else "held out"
            name = f"{data.name} ({told})" if size == "all" else f"  {size}"
            print(
                f"{name:32} {mask.sum():6} {errors.mean():7.1f} {np.median(errors):7.1f} {bias * 100:+6.1f} "
                f"{baselines[0]:12.1f} {baselines[1]:10.0f} {repeats:>9}"
            )
    return constants


def write(constants: MatmulConstants, text: str) -> None:
    lines = ["# Written by benchmarks/models/fit_kernels.py --write; do not edit."]
    lines += [f"{name}: {getattr(constants, name):.4g}" for name in BOUNDS]
    lines += [f'source: "{text}"', 'date: "2026-11"']
    TARGET.write_text("\n".join(lines) + "\n")


def error(data: Rows, constants: MatmulConstants) -> str:
    errors = np.abs(data.predicted(constants) / data.measured_s - 1) * 100
    return f"{data.name}: mean {errors.mean():.1f} %, median {np.median(errors):.1f} % of {len(errors)} shapes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the constants into kernels.yaml")
    chosen = parser.parse_args()
    fitted = rows("A100, 4 models", "a100", lambda model: model in FITTED_ON)
    seen = {(int(m), int(k), int(n)) for m, k, n in fitted.shapes}
    others = [
        rows("A100, 4 other models", "a100", lambda model: model not in FITTED_ON, seen),
        rows("A40", "a40", lambda _: True),
        rows("H100", "h100", lambda _: True),
    ]
    constants = table(fitted, [fitted, *others])
    print("\nthe other way round, to see how much the choice of device matters; nothing of it is kept:")
    table(others[2], [others[2], others[1], fitted])
    if chosen.write:
        told = "; ".join([error(fitted, constants), *(f"held out {error(data, constants)}" for data in others)])
        write(
            constants, f"fitted by benchmarks/models/fit_kernels.py on A100 SXM 80 GB, {', '.join(FITTED_ON)} (Vidur). {told}"
        )
        print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
