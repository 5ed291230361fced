"""Ours: gateway, token check, metrics and controller in one process under uvicorn, replicas in processes of their own.

python ours.py BUNDLE PORT REPLICAS
"""

import sys
import tempfile
from pathlib import Path

import uvicorn

from datahall.foundation.errors import Problem, Unauthenticated
from datahall.platform.gateway.app import Gateway
from datahall.platform.gateway.controller import EndpointController
from datahall.platform.gateway.http import GuardedProtocol
from datahall.platform.gateway.local_runner import LocalRunner
from datahall.platform.gateway.ports import Caller
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec


class OneToken:
    """Knows the benchmark's token."""

    async def caller(self, token: str) -> Caller:
        if token == "bench":
            return Caller("bench", "home")
        raise Unauthenticated(Problem("BENCH-001", "token", "is unknown", "use the benchmark's"))


def main(bundle: str, port: str, replicas: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="dh-"))
    count = int(replicas)
    spec = EndpointSpec(
        name="m",
        tenant="home",
        versions=(VersionSpec(version=1, bundle=bundle),),
        min_replicas=count,
        max_replicas=count,
        timeout_s=30,
    )
    runner = LocalRunner(Path, logs=folder / "logs")

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] != "lifespan":
            await gateway(scope, receive, send)
            return
        await receive()
        await controller.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await controller.stop()
        runner.close()
        await send({"type": "lifespan.shutdown.complete"})

    gateway = Gateway(OneToken())
    controller = EndpointController(gateway, runner, folder=folder, wanted=lambda: (spec,))
    # As the platform's own server sets it.
    uvicorn.run(
        app, port=int(port), http=GuardedProtocol, loop="uvloop", ws="none", access_log=False, log_level="warning",
        server_header=False, date_header=False, timeout_keep_alive=75,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
