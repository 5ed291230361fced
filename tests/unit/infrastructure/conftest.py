"""A stand-in for the pynvml module: two devices, one of them too old to count its energy."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest


class FakeNvml:
    """The few calls that we make, with the types that the real library answers in."""

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        self.driver, self.count, self.millijoules = True, 2, 5_000_000

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.1"

    def nvmlDeviceGetCount(self) -> int:
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> Any:
        return "NVIDIA H100 80GB HBM3" if handle == 0 else b"Tesla P100-PCIE-16GB"

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(total=80 * 1024**3 if handle == 0 else 16 * 1024**3)

    def nvmlDeviceGetPowerManagementDefaultLimit(self, handle: int) -> int:
        if handle == 0:
            raise self.NVMLError("Not Supported")
        return 250_000

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        if handle == 1:
            raise self.NVMLError("Not Supported")
        return self.millijoules


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """The stand-in, found by whoever imports pynvml."""
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake
