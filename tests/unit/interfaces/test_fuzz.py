"""The API under schemathesis: whatever fits or does not fit the OpenAPI document, no fault and no undocumented answer."""

import contextlib
import os
from collections.abc import Callable, Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from datahall.interfaces.server import Server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = {"fitting": GenerationMode.POSITIVE, "unfitting": GenerationMode.NEGATIVE}


@pytest.fixture(scope="module")
def still(server: Server) -> Iterator[Server]:
    """The server with a queue that starts nothing: the fuzzer's commands are never run, and nobody can end it."""
    server.platform.scheduler._loop.paused = True
    server.platform.shut_down = lambda _keep_jobs: None
    yield server


def fuzz(server: Server, token: Callable[..., dict[str, str]], *, mode: str, examples: int) -> int:
    """Every operation with some generated requests; how many were sent. Deterministic: the same requests each time."""
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    sent: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        assert operation is not None
        headers = token("admin", "default")  # a fresh one: the operation before may have revoked it
        send(operation.as_strategy(generation_mode=MODES[mode]), headers, sent, examples=examples)
    return len(sent)


def send(cases: SearchStrategy[Case], headers: dict[str, str], sent: list[str], *, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def one(case: Case) -> None:
        sent.append(case.path)
        case.validate_response(case.call(headers=headers, timeout=30), checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # an operation without parameters has nothing that would not fit
        one()


@pytest.mark.parametrize("mode", list(MODES))
def test_every_operation_holds_its_promises(still: Server, token: Callable[..., dict[str, str]], mode: str):
    """Given a few requests for each operation, fitting the document or not, no answer is a fault or undocumented."""
    assert fuzz(still, token, mode=mode, examples=6) > 60


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", list(MODES))
def test_every_operation_holds_its_promises_for_long(still: Server, token: Callable[..., dict[str, str]], mode: str):
    """Given DATAHALL_FUZZ_EXAMPLES requests (100 unless told) for each operation, the same."""
    assert fuzz(still, token, mode=mode, examples=int(os.environ.get("DATAHALL_FUZZ_EXAMPLES", "100"))) > 600
