"""The gateway inside the platform: who may ask, where replicas run, which endpoints are wanted."""

from typing import Any

from datahall.interfaces.bootstrap import Platform
from datahall.platform.gateway.app import Gateway
from datahall.platform.gateway.ports import Caller
from datahall.platform.home import Home
from datahall.platform.identity import Right


class TokenCallers:
    """The gateway's `Authenticate` over the platform's tokens."""

    def __init__(self, platform: Platform) -> None:
        self._identity = platform.identity

    async def caller(self, token: str) -> Caller:
        """Raises Unauthenticated."""
        who = self._identity.authenticate(token)
        return Caller(who.name, who.tenant, sees_all_tenants=who.may(Right.READ_ALL))


class Serving:
    """The gateway and its controller, for as long as the server runs."""

    def __init__(self, platform: Platform, home: Home) -> None:
        self.gateway = Gateway(TokenCallers(platform))
        self._platform = platform
        del home

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def summary(spec: dict[str, Any]) -> dict[str, str]:
    """An endpoint in one row."""
    return {"name": spec["name"]}
