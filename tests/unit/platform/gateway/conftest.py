"""A gateway with replicas that a test controls: they speak the real wire on real sockets, and answer what the test says."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from datahall.foundation.errors import Problem, Unauthenticated
from datahall.platform.gateway import wire
from datahall.platform.gateway.app import Gateway
from datahall.platform.gateway.link import ReplicaLink
from datahall.platform.gateway.ports import Caller
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec

DESCRIPTION = {
    "name": "digits",
    "version": 1,
    "platform": "onnxruntime_onnx",
    "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, 2]}],
    "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}],
    "task": "classification",
    "labels": ["no", "yes"],
    "kind": "mlp",
    "variant": "fp32",
    "example": [0.5, 1.5],
}


class Tokens:
    """Three tokens, and a count of how often they were looked up."""

    def __init__(self):
        self.lookups = 0
        self.callers = {
            "ours": Caller("ada", "home"),
            "theirs": Caller("eve", "away"),
            "admin": Caller("root", "ops", sees_all_tenants=True),
        }

    async def caller(self, token):
        self.lookups += 1
        if token not in self.callers:
            raise Unauthenticated(Problem("ID-001", "token", "is unknown or expired", "make a new one"))
        return self.callers[token]


class FakeReplica(asyncio.Protocol):
    """Answers each body with `answer(body)`; None keeps the request open until `release` or the end."""

    def __init__(self, name: str, answer: Callable[[bytes], bytes | None] = lambda body: body, *, status: int = 200):
        self.name, self.answer, self.status = name, answer, status
        self.bodies: list[bytes] = []
        self.open: list[int] = []
        self.cancelled: list[int] = []
        self.headers: list[dict] = []
        self.answers_health = True
        self.transport = None
        self._arrived = asyncio.Event()
        self._reader = wire.FrameReader(self._on_frame)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self._reader.feed(data)

    async def holds(self, count: int):
        """Wait until so many requests are open."""
        while len(self.open) < count:
            self._arrived.clear()
            await self._arrived.wait()

    def release(self, body: bytes = b"{}"):
        """Answer all that is open."""
        for request in self.open:
            self.transport.write(wire.frame(wire.ANSWER, request, body, status=200))
        self.open.clear()

    def goodbye(self):
        self.transport.write(wire.frame(wire.GOODBYE, 0))

    def die(self):
        self.transport.abort()

    def _on_frame(self, kind, request, _status, headers, body):
        if kind == wire.DESCRIBE:
            self.transport.write(wire.frame(wire.DESCRIPTION, request, orjson.dumps(DESCRIPTION)))
        elif kind == wire.HEALTH and self.answers_health:
            self.transport.write(wire.frame(wire.HEALTHY, request, b'{"queued":0}'))
        elif kind == wire.CANCEL:
            self.cancelled.append(request)
        elif kind in (wire.INFER, wire.PREDICT):
            self.bodies.append(body)
            self.headers.append(wire.unpacked_headers(headers))
            reply = self.answer(body)
            if reply is None:
                self.open.append(request)
                self._arrived.set()
            else:
                self.transport.write(wire.frame(wire.ANSWER, request, reply, status=self.status))


class Hall:
    """A gateway, a client with our token, and replicas by name."""

    def __init__(self, folder: Path):
        self.folder, self.tokens = folder, Tokens()
        self.gateway = Gateway(self.tokens)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.gateway),
            base_url="http://hall",
            headers={"authorization": "Bearer ours"},
            timeout=20,
        )
        self._servers, self._links = [], []

    def endpoint(self, name="digits", *, versions=((1, 1.0),), **limits):
        rows = tuple(VersionSpec(version=number, bundle=f"b{number}", weight=weight) for number, weight in versions)
        return self.gateway.put(EndpointSpec(name=name, tenant="home", versions=rows, **limits))

    async def listen(self, replica: FakeReplica) -> str:
        """Make it listen; the path of its socket."""
        path = str(self.folder / f"{replica.name}.sock")
        self._servers.append(await asyncio.get_running_loop().create_unix_server(lambda: replica, path))
        return path

    async def join(self, replica: FakeReplica, *, endpoint="digits", version=1) -> ReplicaLink:
        link = ReplicaLink(replica.name)
        await link.connect(await self.listen(replica))
        self._links.append(link)
        self.gateway.endpoints[endpoint].pool(version).join(link)
        return link

    async def infer(self, body: bytes = b"{}", *, path="/v2/models/digits/infer", **kwargs):
        return await self.client.post(path, content=body, **kwargs)

    async def close(self):
        await self.client.aclose()
        for link in self._links:
            link.close()
        for server in self._servers:
            server.close()
        await asyncio.sleep(0.01)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose sockets have short paths."""
    folder = Path(tempfile.mkdtemp(prefix="dh-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def hall(short_folder: Path) -> Callable[[], contextlib.AbstractAsyncContextManager[Hall]]:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Hall]:
        made = Hall(short_folder)
        try:
            yield made
        finally:
            await made.close()

    return opened


@pytest.fixture
def fake_replica() -> type[FakeReplica]:
    return FakeReplica


def write_bundle(folder: Path, *, says: int = 0, size: int = 4) -> Path:
    """A bundle whose model always answers label `says` for rows of `size` numbers."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True)
    bias = np.zeros(3, np.float32)
    bias[says] = 9
    weights = [numpy_helper.from_array(np.zeros((size, 3), np.float32), "w"), numpy_helper.from_array(bias, "b")]
    nodes = [helper.make_node("Gemm", ["input", "w", "b"], ["z"]), helper.make_node("Softmax", ["z"], ["probabilities"])]
    sides = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])]
        for name, width in (("input", size), ("probabilities", 3))
    ]
    graph = helper.make_graph(nodes, "says", *sides, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "model.onnx")
    described = DESCRIPTION | {
        "format": 1,
        "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, size]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}],
        "labels": ["zero", "one", "two"],
        "example": [0.0] * size,
    }
    (folder / "bundle.json").write_bytes(orjson.dumps(described))
    return folder


class LiveHall:
    """A gateway, its controller, and replicas as real processes of bundles b1, b2, … that answer their own number."""

    def __init__(self, folder: Path):
        from datahall.platform.gateway.controller import EndpointController
        from datahall.platform.gateway.local_runner import LocalRunner

        self.folder, self.specs = folder, {}
        self.gateway = Gateway(Tokens())
        self.runner = LocalRunner(lambda bundle: folder / bundle, logs=folder / "logs")
        self._controller_type = EndpointController
        self.controller = self.new_controller()
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.gateway),
            base_url="http://hall",
            headers={"authorization": "Bearer ours"},
            timeout=60,
        )

    def new_controller(self):
        return self._controller_type(self.gateway, self.runner, folder=self.folder, wanted=lambda: tuple(self.specs.values()))

    async def want(self, *weights, bundles=None, **fields):
        """Want these versions of `digits`, given as (number, weight). bundles: what they serve, unless b1, b2, …"""
        rows = tuple(VersionSpec(version=number, bundle=bundles or f"b{number}", weight=weight) for number, weight in weights)
        fields = {"timeout_s": 30} | fields
        self.specs["digits"] = EndpointSpec(name="digits", tenant="home", versions=rows, **fields)
        self.controller.changed()
        await asyncio.sleep(0)

    async def label(self) -> str:
        answer = await self.client.post("/predict/digits", json={"input": [0, 0, 0, 0]})
        assert answer.status_code == 200, answer.text
        return answer.json()["predictions"][0]["label"]

    async def until(self, claim: Callable[[], bool], *, within_s: float = 20.0):
        """Wait until the claim is true."""
        async with asyncio.timeout(within_s):
            while not claim():  # noqa: ASYNC110 - what is awaited changes in other processes
                await asyncio.sleep(0.02)

    def replicas(self, phase="ready") -> list[str]:
        return [name for name, member in self.controller.fleet.members.items() if member.phase == phase]

    async def close(self):
        await self.client.aclose()
        await self.controller.stop()
        await asyncio.to_thread(self.runner.close)


@pytest.fixture
def live_hall(short_folder: Path) -> Callable[[], contextlib.AbstractAsyncContextManager[LiveHall]]:
    for number in (1, 2):
        write_bundle(short_folder / f"b{number}", says=number)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[LiveHall]:
        made = LiveHall(short_folder)
        await made.controller.start()
        try:
            yield made
        finally:
            await made.close()

    return opened
