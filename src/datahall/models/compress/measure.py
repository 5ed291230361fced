"""How large, how fast and how right an ONNX file is. Shapes: N rows, K classes."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from datahall.models.compress.export import INPUT, OUTPUT
from datahall.models.evaluate.evaluation import metrics_of

BATCHES = (1, 64)
CHUNK_ROWS = 1024
RUNS, WARM_UP_RUNS = 200, 20
MAX_MEASURE_S = 3.0
_ONLY_FATAL = 4


class Session:
    """An ONNX file loaded on one CPU thread, as a replica runs it."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ONLY_FATAL
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of one batch."""
        result: NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: x})[0]
        return result

    def probabilities(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Probabilities of all raw rows, NK, a chunk at a time."""
        starts = range(0, len(x), CHUNK_ROWS)
        return np.concatenate([self.run(np.asarray(x[i : i + CHUNK_ROWS], np.float32)) for i in starts])


def latencies_s(sessions: Mapping[str, Session], x: NDArray[Any], *, batch: int) -> dict[str, float]:
    """Median time of one batch in each session, s.

    The sessions take turns, so that a busy neighbour slows all of them alike. `x` is repeated when it is too short.
    """
    rows = np.ascontiguousarray(np.resize(np.asarray(x[:batch], np.float32), (batch, *x.shape[1:])))
    for session in sessions.values():
        _turns({"": session}, rows, runs=WARM_UP_RUNS, give_up_s=MAX_MEASURE_S / 10)
    times = _turns(sessions, rows, runs=RUNS, give_up_s=MAX_MEASURE_S)
    return {name: statistics.median(found) for name, found in times.items()}


def _turns(
    sessions: Mapping[str, Session], rows: NDArray[np.float32], *, runs: int, give_up_s: float
) -> dict[str, list[float]]:
    """Times of `runs` turns, fewer when they take longer than `give_up_s`, but at least one."""
    times: dict[str, list[float]] = {name: [] for name in sessions}
    give_up_at = time.perf_counter() + give_up_s
    for _ in range(runs):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(rows)
            times[name].append(time.perf_counter() - start)
        if time.perf_counter() > give_up_at:
            break
    return times


@dataclass(frozen=True, slots=True)
class Rows:
    """Raw rows with their classes, and where they come from, in words: `540 validation rows`."""

    name: str
    x: NDArray[Any]
    y_N: NDArray[np.int64]

    def __str__(self) -> str:
        return f"{len(self.y_N)} {self.name} rows"


def compared(
    paths: Mapping[str, Path], *, test: Rows, decision: Rows, reference_NK: NDArray[np.floating], bins: int
) -> list[dict[str, Any]]:
    """One row a variant: size, scores, agreement with the trained model, and latency at each of `BATCHES`.

    decision: the rows by whose `decision_accuracy` a variant is chosen; what is published is measured on `test`.
    reference_NK: the trained model's own probabilities for `test`. bins: of the calibration error.
    """
    x, y_N = test.x, test.y_N
    sessions = {name: Session(path) for name, path in paths.items()}
    latency = {batch: latencies_s(sessions, x, batch=batch) for batch in BATCHES}
    return [
        {
            "name": name,
            "file": path.name,
            "size_bytes": path.stat().st_size,
            **agreement(p_NK := sessions[name].probabilities(x), y_N=y_N, reference_NK=reference_NK),
            "metrics": metrics_of(y_N, p_NK, bins=bins),
            "decision_accuracy": float((sessions[name].probabilities(decision.x).argmax(axis=1) == decision.y_N).mean()),
            "latency_s": {str(batch): latency[batch][name] for batch in BATCHES},
        }
        for name, path in paths.items()
    ]


def agreement(p_NK: NDArray[np.floating], *, y_N: NDArray[np.int64], reference_NK: NDArray[np.floating]) -> dict[str, float]:
    """Accuracy, the share of rows answered as the reference does, and the largest difference of a probability."""
    answer_N, reference_N = p_NK.argmax(axis=1), reference_NK.argmax(axis=1)
    return {
        "accuracy": float((answer_N == y_N).mean()),
        "agreement": float((answer_N == reference_N).mean()),
        "max_difference": float(np.abs(p_NK.astype(np.float64) - reference_NK).max()),
    }


def speed_ratio(slower: Mapping[str, float], faster: Mapping[str, float]) -> float:
    """How many times as fast `faster` is, geometric mean over the batch sizes."""
    ratios: Sequence[float] = [slower[batch] / faster[batch] for batch in slower]
    return statistics.geometric_mean(ratios)
