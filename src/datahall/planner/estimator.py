"""The platform's Estimator: what a job will take, predicted from what it says it trains, corrected by what was measured."""

import functools
import math
from dataclasses import dataclass

from datahall.foundation.errors import DatahallError
from datahall.infrastructure.catalog.rows import accelerator_rows, row_for
from datahall.models.parallel.correction import Correction, corrected
from datahall.models.parallel.memory import memory_of
from datahall.models.parallel.step import Step, step_of
from datahall.models.parallel.uncertainty import interval_of
from datahall.planner.calibration.store import Corrections
from datahall.planner.training.draw import COMPUTE, COMPUTING, EXCHANGE, EXCHANGING
from datahall.planner.work import Clusters, Prepared, prepared
from datahall.platform.ports import Estimate
from datahall.platform.spec import JobSpec
from datahall.platform.work import TrainingWork

TENTH = 1.2816
"""Standard deviations beyond which a tenth of a normal distribution lies, on one side."""


class PlannedEstimator:
    """Predicts jobs that say what they train; knows nothing of others. Answers are kept, so a whole queue may ask."""

    def __init__(self, clusters: Clusters, corrections: Corrections | None = None) -> None:
        self._clusters, self._corrections = clusters, corrections or Corrections()
        self._known = functools.lru_cache(maxsize=65_536)(self._of_work)

    def estimate(self, spec: JobSpec) -> Estimate | None:
        """None where the job does not say what it trains, has no accelerators, or cannot be predicted: `explain` says why."""
        try:
            return self.explain(spec)
        except DatahallError:
            return None

    def explain(self, spec: JobSpec) -> Estimate | None:
        """The same. Raises Missing or Refused where what the job says cannot be predicted."""
        accelerators = spec.workers * spec.accelerators
        if spec.work is None or not accelerators:
            return None
        return self._known(_Asked(spec.work.model_dump_json(), accelerators))

    def _of_work(self, asked: "_Asked") -> Estimate:
        found = prepared(TrainingWork.model_validate_json(asked.work), asked.accelerators, self._clusters)
        correction = self._corrections.of(found.cluster.device.name, found.stack_name)
        return _estimate(found, correction)


@dataclass(frozen=True, slots=True)
class _Asked:
    work: str
    accelerators: int


def _estimate(found: Prepared, correction: Correction | None) -> Estimate:
    cluster = found.cluster if correction is None else corrected(found.cluster, correction)
    step = step_of(found.architecture, found.plan, cluster, found.stack)
    step_s = step.seconds
    if correction is None:
        low_s, high_s = interval_of(step_s, architecture=found.architecture, plan=found.plan, stack=found.stack)
        source = f"predicted for {found.stack_name} on {cluster.device.name}"
    else:
        ratio = math.exp(TENTH * correction.spread)
        low_s, high_s = step_s / ratio, step_s * ratio
        source = f"predicted for {found.stack_name} on {cluster.device.name}, corrected by {correction.rows} measured rows"
    seconds = found.steps * step_s
    return Estimate(
        duration_s=seconds,
        low_s=found.steps * low_s,
        high_s=found.steps * high_s,
        energy_j=_energy_j(step, cluster.device.name, found.steps * found.plan.accelerators),
        memory_bytes=memory_of(found.architecture, found.plan, found.stack.recomputed).needed,
        source=source,
    )


def _energy_j(step: Step, accelerator: str, steps: float) -> float | None:
    """Of the accelerators alone, by the shares of their rated power that computing and exchanging take; none while waiting.

    steps: of all accelerators together. None where the catalogue has no row of it.
    """
    row, parts = row_for(accelerator, accelerator_rows()), step.breakdown()
    if row is None:
        return None
    seconds = sum(COMPUTING * parts[name] for name in COMPUTE) + sum(EXCHANGING * parts[name] for name in EXCHANGE)
    return steps * seconds * row.tdp_w
