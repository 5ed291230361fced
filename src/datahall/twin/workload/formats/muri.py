"""Traces of Muri's simulator: iterations of eight models, each with its measured time.

Source: Zhao et al., SIGCOMM 2022, https://github.com/Rivendile/Muri (Apache-2.0), simulator/trace-data and run_sim.py.
"""

import numpy as np
from numpy.typing import NDArray

from datahall.twin.workload.draft import Draft, split
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.formats.heads import head_columns
from datahall.twin.workload.numbers import column_of, whole_of
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.table import delimited, need_columns
from datahall.twin.workload.trace import coded

COLUMNS = ("job_id", "num_gpu", "submit_time", "iterations", "model_name", "iteration_time")
SLOWER_RATIO = 1.015
"""Their simulator's factor on every measured iteration."""
GPUS = (1, 2, 4, 8, 16, 32)
RESTART_S = {
    "vgg16": (7, 7, 8, 9, 9, 10), "vgg19": (7, 7, 8, 9, 10, 10), "resnet18": (4, 5, 5, 7, 7, 7),
    "shufflenet_v2_x1_0": (4, 4, 5, 5, 7, 8), "bert": (10,) * 6, "gpt2": (10,) * 6, "a2c": (38, 39, 39, 46, 46, 46),
    "dqn": (5, 5, 6, 6, 8, 8),
}  # fmt: skip
"""Seconds that a start takes on 1, 2, 4, 8, 16, 32 GPUs (run_sim.py, overhead_dict); 10 for other models."""
OTHER_RESTART_S = 10


class Muri:
    """The service time is iterations x iteration_time x 1.015; the published `duration` is kept beside it."""

    def recognises(self, source: Source) -> bool:
        return set(COLUMNS) <= head_columns(source)

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:
        table = delimited(source.data, findings)
        need_columns(table, COLUMNS, findings, kind="Muri trace")
        names = ("job_id", "num_gpu", "submit_time", "iterations", "iteration_time")
        ids, gpus, submit, iterations, each = (column_of(table, name, findings) for name in names)
        service_ms = iterations.values * each.values * SLOWER_RATIO
        bad = np.logical_or.reduce([found.bad | found.blank for found in (ids, gpus, submit, iterations, each)])
        workers, share = split(gpus.whole(), options.accelerators_per_worker)
        models = table.texts("model_name")
        codes, model_names = coded(models)
        draft = Draft(
            table.lines, ids.whole(), submit.whole(), whole_of(service_ms), table.rows_read, bad,
            workers=workers, accelerators=share,
        )  # fmt: skip
        draft.extra = {
            "iterations": iterations.whole(),
            "iteration_time_ms": each.whole(),
            "service_ms": service_ms,
            "restart_ms": restart_ms(models, gpus.whole()),
            "model": codes,
        }
        if "duration" in table:
            draft.extra["published_duration_ms"] = column_of(table, "duration", findings, needed=False).whole()
        draft.extra_names = {"model": model_names}
        findings.note("duration is iterations x iteration_time x 1.015, as in Muri's simulator; exact in extra service_ms")
        return draft


def restart_ms(models: list[str], gpus: NDArray[np.int64]) -> NDArray[np.int64]:
    """What Muri's simulator takes off a running job at an event, ms: by model, and the largest size that is not above."""
    sizes = np.clip(np.searchsorted(GPUS, gpus, side="right") - 1, 0, len(GPUS) - 1).tolist()
    known = {model: RESTART_S.get(model, (OTHER_RESTART_S,) * len(GPUS)) for model in set(models)}
    return np.array([known[model][size] * 1000 for model, size in zip(models, sizes, strict=True)], np.int64)
