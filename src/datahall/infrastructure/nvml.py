"""NVIDIA's management library, when there is one: which devices, how much memory and power, how much energy so far."""

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator as the driver tells it."""

    index: int
    model: str
    memory_bytes: int
    uuid: str
    power_limit_w: float | None


class Nvml:
    """An open session with the driver. Readings that a device does not support are None."""

    def __init__(self, library: Any) -> None:
        self._library = library

    @property
    def driver_version(self) -> str:
        return _text(self._library.nvmlSystemGetDriverVersion())

    def devices(self) -> tuple[Device, ...]:
        return tuple(self._device(index) for index in range(self._library.nvmlDeviceGetCount()))

    def energy_j(self, index: int) -> float | None:
        """Energy since the driver was loaded, J; None before the Volta generation."""
        millijoules = self._reading("nvmlDeviceGetTotalEnergyConsumption", self._handle(index))
        return None if millijoules is None else float(millijoules) / 1000

    def _device(self, index: int) -> Device:
        handle, library = self._handle(index), self._library
        limit_mw = self._reading("nvmlDeviceGetPowerManagementDefaultLimit", handle)
        return Device(
            index=index,
            model=_text(library.nvmlDeviceGetName(handle)),
            memory_bytes=int(library.nvmlDeviceGetMemoryInfo(handle).total),
            uuid=_text(library.nvmlDeviceGetUUID(handle)),
            power_limit_w=None if limit_mw is None else float(limit_mw) / 1000,
        )

    def _handle(self, index: int) -> Any:
        return self._library.nvmlDeviceGetHandleByIndex(index)

    def _reading(self, name: str, handle: Any) -> Any:
        try:
            return getattr(self._library, name)(handle)
        except self._library.NVMLError:
            return None


@dataclass(frozen=True, slots=True)
class NoNvml:
    """Why there is no session."""

    reason: str


def open_nvml() -> Nvml | NoNvml:
    """A session with the driver, or why there is none: no Python package, no library, no driver."""
    try:
        library = importlib.import_module("pynvml")
    except ImportError:
        return NoNvml("the Python package nvidia-ml-py is not installed")
    try:
        library.nvmlInit()
    except (library.NVMLError, OSError, AttributeError) as error:
        return NoNvml(f"no NVIDIA driver answers: {error}")
    return Nvml(library)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
