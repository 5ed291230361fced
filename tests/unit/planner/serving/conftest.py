from collections.abc import Callable
from pathlib import Path

import pytest

from datahall.planner.load import Loaded, load
from datahall.planner.serving.request import ServeRequest

HALLS = Path(__file__).parents[4] / "halls"


@pytest.fixture(scope="session")
def h100() -> Loaded:
    """512 DGX H100."""
    return load(HALLS / "h100-512.yaml")


@pytest.fixture(scope="session")
def server() -> Loaded:
    """One machine with eight A100, without prices, grid or cooling."""
    return load(HALLS / "gpu-server.yaml")


@pytest.fixture(scope="session")
def laptop() -> Loaded:
    """One machine without accelerators."""
    return load(HALLS / "laptop.yaml")


@pytest.fixture
def asked() -> Callable[..., ServeRequest]:
    """2,000 tokens in, 500 out, within a second and 50 ms a token, unless told otherwise."""

    def make(**fields: object) -> ServeRequest:
        usual = {"input_tokens": 2000, "output_tokens": 500, "ttft_p95_s": 1.0, "tpot_p95_s": 0.05}
        return ServeRequest(**{**usual, **fields})

    return make
