"""Energy of a run over all its attempts."""

import torch

from datahall.infrastructure.discovery import discover
from datahall.infrastructure.meters import EnergyMeter
from datahall.models.train.progress import EnergyRecord


class RunMeter:
    """Counts from now on, on top of what earlier attempts took."""

    def __init__(self, before: EnergyRecord | None, *, threads: int, device: torch.device) -> None:
        index = device.index or 0
        accelerators = (index,) if device.type == "cuda" else ()
        self._before = before
        self._meter = EnergyMeter(node=discover().nodes[0], cores_given=threads, accelerators=accelerators)
        self._meter.start()

    def total(self) -> EnergyRecord:
        """All of it up to now; measured only if every part of it was."""
        now = self._meter.stop()
        if self._before is None:
            return EnergyRecord(joules=now.joules, measured=now.measured, source=now.source)
        return EnergyRecord(
            joules=self._before.joules + now.joules, measured=self._before.measured and now.measured, source=now.source
        )
