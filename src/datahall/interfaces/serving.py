"""The gateway inside the platform: who may ask, where replicas run, which endpoints are wanted."""

import shutil
from typing import Any

from datahall.interfaces.bootstrap import Platform
from datahall.interfaces.sidecar import Sidecar
from datahall.platform.gateway.app import Gateway
from datahall.platform.gateway.controller import EndpointController
from datahall.platform.gateway.metrics import samples
from datahall.platform.gateway.ports import Caller
from datahall.platform.gateway.sockets import run_folder
from datahall.platform.home import Home
from datahall.platform.identity import Right
from datahall.platform.replicas import ServiceReplicas


class TokenCallers:
    """The gateway's `Authenticate` over the platform's tokens."""

    def __init__(self, platform: Platform) -> None:
        self._identity = platform.identity

    async def caller(self, token: str) -> Caller:
        """Raises Unauthenticated."""
        who = self._identity.authenticate(token)
        return Caller(who.name, who.tenant, sees_all_tenants=who.may(Right.READ_ALL))


class Serving:
    """The gateway with its controller and the tracking beside it, for as long as the server runs."""

    def __init__(self, platform: Platform, home: Home) -> None:
        self.gateway = Gateway(TokenCallers(platform))
        runner = ServiceReplicas(platform.scheduler, home.jobs)
        self._folder = run_folder(home.root)
        self.controller = EndpointController(self.gateway, runner, folder=self._folder, wanted=platform.book.all)
        self._sidecar = Sidecar(home)
        platform.book.changed = self.controller.changed
        platform.endpoint_statuses = self.statuses
        platform.samples = lambda: samples(self.gateway)
        platform.identity.changed = self.gateway.forget_tokens

    def statuses(self) -> dict[str, Any]:
        """What each endpoint is doing now."""
        return {name: status.as_dict() for name, status in self.controller.statuses().items()}

    async def start(self) -> None:
        await self.controller.start()
        self._sidecar.start()

    async def stop(self) -> None:
        """Stop comparing; replicas are jobs and end, or run on, with the other jobs."""
        await self.controller.stop()

    def clear_sockets(self) -> None:
        """Once every replica has ended: leave no sockets behind. After `down --keep-jobs` they are still in use."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def stop_tracking(self) -> None:
        """Let the tracking take in what is there, then end it."""
        self._sidecar.stop()


def summary(spec: dict[str, Any]) -> dict[str, str]:
    """An endpoint in one row."""
    now = spec["now"] or {"state": "unknown", "sentence": "", "replicas": (), "versions": (), "p50_s": None, "p99_s": None}
    served = ", ".join(f"{row['version']} ({row['share']:.0%})" for row in now["versions"] if row["share"])
    ready = sum(row["ready"] for row in now["versions"])
    return {
        "name": spec["name"],
        "served": served or "–",
        "replicas": f"{ready} of {len(now['replicas'])}",
        "state": f"{now['state']}: {now['sentence']}",
        "p50": _milliseconds(now["p50_s"]),
        "p99": _milliseconds(now["p99_s"]),
        "url": f"/predict/{spec['name']}",
    }


def _milliseconds(duration_s: float | None) -> str:
    return "–" if duration_s is None else f"{duration_s * 1000:.3g} ms"
