"""The gateway: one ASGI app for all endpoints, in the control plane's own process.

    gateway = Gateway(authenticate)
    if gateway.handles(scope["path"]): await gateway(scope, receive, send)

It forwards bodies without reading them; parsing and checking happen in the replica, on another core.
"""

import time
from collections.abc import Callable, Iterator, Mapping

from datahall import __version__
from datahall.foundation.errors import DatahallError, Missing, Problem
from datahall.platform.gateway import wire
from datahall.platform.gateway.asking import Asker, Headers, Route
from datahall.platform.gateway.endpoint import LiveEndpoint
from datahall.platform.gateway.link import ClientGone
from datahall.platform.gateway.pages import (
    found_endpoint,
    found_version,
    help_page,
    model_page,
    models_page,
    parsed_path,
    ready_page,
)
from datahall.platform.gateway.ports import Authenticate, Caller
from datahall.platform.gateway.replies import (
    Receive,
    Reply,
    Scope,
    Send,
    WrongMethod,
    json_reply,
    new_request_id,
    problem_reply,
    send_reply,
)
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec
from datahall.platform.gateway.tokens import TokenCache

_OPEN_PAGES: Mapping[str, object] = {
    "/v2": {"name": "datahall", "version": __version__, "extensions": ["binary_tensor_data"]},
    "/v2/health/live": {"live": True},
    "/v2/health/ready": {"ready": True},
}
"""They say nothing about anyone's models, so that load balancers may ask without a token."""


class Gateway:
    """Endpoints by name, and the way to each."""

    def __init__(self, authenticate: Authenticate, *, keep_token_s: float = 5.0) -> None:
        """keep_token_s: a revoked token works at most so long, unless `forget_tokens` is called."""
        self.endpoints: dict[str, LiveEndpoint] = {}
        self.on_change: Callable[[], None] = lambda: None
        """Called when a replica joined or left."""
        self._tokens = TokenCache(authenticate, keep_s=keep_token_s)
        self._asker = Asker()
        self._routes: dict[str, Route] = {}

    @staticmethod
    def handles(path: str) -> bool:
        """The path belongs to the gateway."""
        return path.startswith(("/v2/", "/predict/")) or path == "/v2"

    def put(self, spec: EndpointSpec) -> LiveEndpoint:
        """Add an endpoint, or give it new limits; traffic of one that exists moves later, by `route`."""
        endpoint = self.endpoints.get(spec.name)
        if endpoint is None:
            endpoint = self.endpoints[spec.name] = LiveEndpoint(spec, on_change=self._changed)
        else:
            endpoint.reload(spec)
        self._rebuild()
        return endpoint

    def route(self, name: str, versions: tuple[VersionSpec, ...]) -> None:
        """Move an endpoint's traffic to these versions."""
        self.endpoints[name].route(versions)
        self._rebuild()

    def drop_version(self, name: str, version: int) -> None:
        """Forget a version that is neither wanted nor running."""
        self.endpoints[name].drop_pool(version)
        self._rebuild()

    def remove(self, name: str) -> None:
        """Answer 404 from now on; what waits is told that the endpoint is gone."""
        endpoint = self.endpoints.pop(name, None)
        self._rebuild()
        if endpoint is not None:
            gone = Missing(Problem("GATE-014", name, "the endpoint was removed while the request waited", "deploy it again"))
            for pool in endpoint.pools.values():
                for call in pool.drain_waiting():
                    call.fail(gone)

    def forget_tokens(self) -> None:
        """Check every token again: call it when a token or a right was taken away."""
        self._tokens.forget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_s = time.monotonic()
        headers = Headers(scope)
        try:
            route = self._routes.get(scope["path"]) if scope["method"] == "POST" else None
            if route is None:
                reply = await self._told(scope, headers)
            else:
                caller = self._tokens.known(headers.authorization, started_s) or await self._tokens.checked(
                    headers.authorization
                )
                if not caller.may_use(route.endpoint.spec.tenant):
                    raise self._no_route(scope["path"], caller)
                reply = await self._asker.ask(route, caller, headers, receive, started_s)
        except DatahallError as error:
            reply = problem_reply(error)
        except ClientGone:
            return
        await send_reply(send, reply, headers.request_id or new_request_id())

    async def _told(self, scope: Scope, headers: Headers) -> Reply:
        path, method = scope["path"], scope["method"]
        reads = method in ("GET", "HEAD")
        if reads and (page := _OPEN_PAGES.get(path.rstrip("/"))) is not None:
            return json_reply(page)
        caller = self._tokens.known(headers.authorization, time.monotonic()) or await self._tokens.checked(
            headers.authorization
        )
        if reads:
            return self._page(path, caller, _base_url(scope))
        if method == "POST":
            raise self._no_route(path, caller)
        raise WrongMethod(Problem("GATE-015", path[:200], f"cannot be asked by {method}", "use POST to ask, GET to look"))

    def _page(self, path: str, caller: Caller, base_url: str) -> Reply:
        if path.rstrip("/") == "/v2/models":
            return models_page(self.endpoints, caller)
        target = parsed_path(path)
        endpoint = found_endpoint(self.endpoints, target.name, caller)
        version = found_version(endpoint, target.version)
        if target.is_plain:
            return help_page(endpoint, version, base_url)
        if target.tail == "/ready":
            return ready_page(endpoint, version)
        if target.tail == "/infer":
            raise WrongMethod(Problem("GATE-015", path, "answers POST only", f"GET /predict/{target.name} shows how to ask"))
        return model_page(endpoint, version)

    def _no_route(self, path: str, caller: Caller) -> DatahallError:
        """What is wrong with a path that nothing can be posted to."""
        target = parsed_path(path)
        found_version(found_endpoint(self.endpoints, target.name, caller), target.version)
        ask = f"/v2/models/{target.name}/infer or /predict/{target.name}"
        return WrongMethod(
            Problem("GATE-015", path[:200], "nothing can be posted here", f"post to {ask}, without a slash at the end")
        )

    def _changed(self) -> None:
        self.on_change()

    def _rebuild(self) -> None:
        self._routes = {path: route for endpoint in self.endpoints.values() for path, route in _routes(endpoint)}


def _routes(endpoint: LiveEndpoint) -> Iterator[tuple[str, Route]]:
    name = endpoint.spec.name
    yield f"/v2/models/{name}/infer", Route(endpoint, None, wire.INFER)
    yield f"/predict/{name}", Route(endpoint, None, wire.PREDICT)
    for alias, version in endpoint.spec.version_names().items():
        if version in endpoint.pools:
            yield f"/v2/models/{name}/versions/{alias}/infer", Route(endpoint, version, wire.INFER)
            yield f"/predict/{name}/versions/{alias}", Route(endpoint, version, wire.PREDICT)


def _base_url(scope: Scope) -> str:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), None)
    return f"{scope.get('scheme', 'http')}://{host or '127.0.0.1:8700'}"
