"""The HTTP face of the platform: API, gateway, health and metrics behind one port."""

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.responses import JSONResponse, Response

from datahall import __version__
from datahall.foundation.errors import DatahallError, Problem, TooLarge, Unavailable
from datahall.interfaces.api import artifacts, endpoints, governance, jobs, problems, tracked, workflows
from datahall.interfaces.api.context import ThePlatform, Who, bearer
from datahall.interfaces.api.metrics import exposition
from datahall.interfaces.bootstrap import Platform
from datahall.platform.identity import Right

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY_BYTES = 16 * 1024 * 1024
GUARDED = ("/v1/", "/metrics")
"""Paths under which everything needs a token."""
UPLOADS = ("/v1/artifacts",)
"""Paths that stream their body to disk and have a limit of their own."""


class Gateway(Protocol):
    """The serving path: an ASGI app that says which paths are its own."""

    def handles(self, path: str) -> bool: ...
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


def api_of(platform: Platform) -> FastAPI:
    """The API of a platform."""
    app = FastAPIOffline(  # Swagger UI from the wheel, not from a CDN: a hall may have no internet
        title="Datahall",
        version=__version__,
        description="Jobs, recipes, artifacts, endpoints and their record. Send `Authorization: Bearer <token>`.",
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs-assets",
        responses={"default": problems.DOCUMENTED},
    )
    app.state.platform = platform
    problems.install(app)
    for part in (jobs, workflows, endpoints, artifacts, tracked, governance):
        app.include_router(part.router)
    app.add_api_route("/healthz", healthz, tags=["health"])
    app.add_api_route("/readyz", readyz, tags=["health"])
    app.add_api_route("/metrics", metrics, tags=["health"], response_class=Response)
    return app


async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


async def readyz(platform: ThePlatform) -> JSONResponse:
    """The scheduler turns and the database can be written."""
    trouble = platform.scheduler.trouble
    if trouble:
        raise Unavailable(Problem("API-007", "platform", trouble, "see `datahall doctor` and the server's log"))
    return JSONResponse({"status": "ready"})


def metrics(platform: ThePlatform, who: Who) -> Response:
    """Prometheus text format."""
    who.require(Right.READ_ALL)  # its labels name every tenant's endpoints
    return Response(exposition(platform), media_type="text/plain; version=0.0.4; charset=utf-8")


class Front:
    """Sends serving requests to the gateway and all others to the API: nobody unknown gets past here, and no large body."""

    def __init__(self, api: FastAPI, gateway: Gateway) -> None:
        self._api, self._gateway = api, gateway
        self._identity = api.state.platform.identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._api(scope, receive, send)
        elif self._gateway.handles(scope["path"]):
            await self._gateway(scope, receive, send)
        else:
            try:
                self._admit(scope)
            except DatahallError as error:
                await problems.answer(error)(scope, receive, send)
                return
            upload = scope["path"] in UPLOADS and scope["method"] == "PUT"
            await (self._api if upload else self._limited)(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        """Raises Unauthenticated before a byte of the body is read, TooLarge when it is announced as such."""
        if scope["path"].startswith(GUARDED):
            authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            self._identity.authenticate(bearer(authorization.decode("latin-1")))
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if scope["path"] not in UPLOADS and declared.isdigit() and int(declared) > MAX_BODY_BYTES:
            raise _too_large(f"{int(declared)} bytes")

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A body that turns out too large is answered here: the API would call it unreadable."""
        seen, began = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY_BYTES:
                raise _too_large(f"more than {MAX_BODY_BYTES} bytes")
            return message

        async def noted(message: Message) -> None:
            nonlocal began
            if began or seen <= MAX_BODY_BYTES:
                began = True
                await send(message)

        with contextlib.suppress(TooLarge):
            await self._api(scope, counted, noted)
        if seen > MAX_BODY_BYTES and not began:
            await problems.answer(_too_large(f"more than {MAX_BODY_BYTES} bytes"))(scope, receive, send)


def _too_large(size: str) -> TooLarge:
    what = f"{size}, at most {MAX_BODY_BYTES} are taken"
    return TooLarge(Problem("API-008", "body", what, "send less at once; store large files as artifacts"))
