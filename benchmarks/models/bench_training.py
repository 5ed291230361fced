"""Seconds per epoch of 784-128-64-10 with Adam, ours beside others', in one run.

    python -m benchmarks.models.bench_training [--json] [--peers torch,jax,keras-jax] [--batch 128,32] [--epochs 8]

Ours and the hand-written PyTorch loop take turns, epoch by epoch, in this process, one thread each. The others run one
after the other in the interpreter that DATAHALL_PEERS_PYTHON names. An epoch is the shuffle, all updates and validation.
Data: MNIST from DATAHALL_SHARED (48,000 rows train, 12,000 validate), otherwise scikit-learn's digits. Results go to
stdout, progress to stderr.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.models.peers.torch_loop import TorchLoop
from numpy.typing import NDArray

import datahall
from datahall.foundation.document import load
from datahall.models.data.sources import read
from datahall.models.families.build import build
from datahall.models.families.spec import MlpSpec
from datahall.models.recipe import Recipe
from datahall.models.train.batches import Batches
from datahall.models.train.progress import EpochRecord
from datahall.models.train.spec import TrainSpec
from datahall.models.train.training import Outside, Training

PEERS = {
    "torch": (None, {}),
    "jax": ("jax_scan.py", {}),
    "keras-jax": ("keras_fit.py", {"KERAS_BACKEND": "jax"}),
    "keras-tensorflow": ("keras_fit.py", {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}),
    "lightning": ("lightning_fit.py", {}),
    "hf": ("hf_trainer.py", {}),
}
FOLDER = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True)
class Rows:
    """Pixels 0..1 as float32, shuffled once, split as the Keras tutorial does."""

    name: str
    x: NDArray[np.float32]
    y: NDArray[np.int64]
    vx: NDArray[np.float32]
    vy: NDArray[np.int64]

    @property
    def classes(self) -> int:
        return int(self.y.max()) + 1


@dataclass(frozen=True, slots=True)
class Result:
    """One contestant at one batch size; seconds are per epoch, validation included."""

    peer: str
    version: str
    batch_size: int
    best_s: float
    median_s: float
    ours_over_peer_ratio: float
    accuracy: float


def rows() -> Rows:
    """MNIST where DATAHALL_SHARED has it, otherwise digits."""
    shared = os.environ.get("DATAHALL_SHARED")
    recipe = "mnist" if shared and (Path(shared) / "data/mnist").is_dir() else "digits"
    folder = Path(__file__).parents[2] / "recipes"
    raw = read(load(folder / f"{recipe}.yaml", Recipe).data, folder=folder).rows
    order = np.random.default_rng(0).permutation(len(raw))
    x, y = (raw.x[order] / np.float32(raw.x.max())).astype(np.float32), raw.y[order].astype(np.int64)
    cut = len(x) * 4 // 5
    return Rows(recipe, x[:cut], y[:cut], x[cut:], y[cut:])


def in_turns(data: Rows, *, batch_size: int, epochs: int) -> tuple[list[EpochRecord], list[float], float]:
    """Our epochs, the PyTorch loop's seconds, and its last accuracy; each of our epochs is followed by one of the loop's."""
    x, y, vx, vy = (torch.from_numpy(part) for part in (data.x, data.y, data.vx, data.vy))
    spec = TrainSpec(batch_size=batch_size, epochs=epochs)
    network = build(MlpSpec(family="mlp"), row_shape=tuple(x.shape[1:]), classes=data.classes, seed=0)
    ours = Training(network, spec, batches=Batches(x, y, batch_size=batch_size, seed=0), validation=(vx, vy))
    peer = TorchLoop(x, y, (vx, vy), classes=data.classes, batch_size=batch_size)
    theirs_s: list[float] = []
    accuracy = [0.0]

    def their_turn(_record: EpochRecord) -> None:
        start_s = time.perf_counter()
        accuracy[0] = peer.epoch()
        theirs_s.append(time.perf_counter() - start_s)

    def our_clock_s() -> float:
        """Stands still while the peer runs."""
        return time.perf_counter() - sum(theirs_s)

    ours.run(Outside(lambda: False, lambda _: None, lambda _: None, their_turn, our_clock_s))
    return ours.progress.history, theirs_s, accuracy[0]


def elsewhere(peer: str, data_file: Path, *, batch_size: int, epochs: int) -> dict[str, Any] | None:
    """What the peer's script printed, or None when its interpreter or its library is not there."""
    python = os.environ.get("DATAHALL_PEERS_PYTHON")
    script, environment = PEERS[peer]
    if not python or script is None:
        print(f"{peer}: not installed (DATAHALL_PEERS_PYTHON names no interpreter)", file=sys.stderr)
        return None
    command = [python, str(FOLDER / script), str(data_file), str(batch_size), str(epochs)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"{peer}: {'not installed' if 'ModuleNotFoundError' in last else last}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def compare(data: Rows, peers: Sequence[str], *, batch_size: int, epochs: int, data_file: Path) -> list[Result]:
    """Ours first, then each peer that is there."""
    print(f"batch {batch_size}: ours and torch in turns …", file=sys.stderr)
    history, torch_s, torch_accuracy = in_turns(data, batch_size=batch_size, epochs=epochs)
    ours_s = [record.seconds for record in history]

    def result(peer: str, version: str, seconds: Sequence[float], accuracy: float) -> Result:
        ratio = min(ours_s) / min(seconds)
        return Result(peer, version, batch_size, min(seconds), statistics.median(seconds), ratio, accuracy)

    results = [
        result("datahall", datahall.__version__, ours_s, history[-1].validation_accuracy or 0.0),
        result("torch", str(torch.__version__), torch_s, torch_accuracy),
    ]
    for peer in peers:
        print(f"batch {batch_size}: {peer} …", file=sys.stderr)
        if found := elsewhere(peer, data_file, batch_size=batch_size, epochs=epochs):
            results.append(result(peer, found["version"], found["seconds"], found["accuracy"]))
    return results


def table(results: Sequence[Result]) -> str:
    """The results as text, three significant digits."""
    lines = [f"{'peer':18}{'version':28}{'batch':>6}{'best s/epoch':>14}{'median':>9}{'ours/peer':>11}{'accuracy':>10}"]
    lines += [
        f"{r.peer:18}{r.version:28}{r.batch_size:6}{r.best_s:14.3g}{r.median_s:9.3g}{r.ours_over_peer_ratio:11.2f}{r.accuracy:10.4f}"
        for r in results
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="results as JSON")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {', '.join(PEERS)}; torch always runs")
    parser.add_argument("--batch", default="128,32", help="batch sizes")
    parser.add_argument("--epochs", type=int, default=8)
    chosen = parser.parse_args()
    peers = [peer for peer in chosen.peers.split(",") if peer != "torch"]
    if unknown := [peer for peer in peers if peer not in PEERS]:
        parser.error(f"no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    torch.set_num_threads(1)
    data = rows()
    with tempfile.TemporaryDirectory() as folder:
        data_file = Path(folder) / "rows.npz"
        np.savez(data_file, x=data.x, y=data.y, vx=data.vx, vy=data.vy)
        results = [
            result
            for size in chosen.batch.split(",")
            for result in compare(data, peers, batch_size=int(size), epochs=chosen.epochs, data_file=data_file)
        ]
    if chosen.json:
        machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs"
        print(json.dumps({"data": data.name, "machine": machine, "results": [asdict(result) for result in results]}, indent=1))
    else:
        print(f"{data.name}: {len(data.x):,} rows train, {len(data.vx):,} validate; {chosen.epochs} epochs\n{table(results)}")


if __name__ == "__main__":
    main()
