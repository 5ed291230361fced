"""A replica: one process that serves one model version on a unix-domain socket.

    python -m datahall.models.serve.replica --bundle DIR --socket PATH --name digits --version 3

Imports neither torch nor pydantic, so that it listens within half a second. It ends on SIGTERM after answering what it
has; a bundle that cannot be served ends it with one Problem per fault on standard error and the Problem's exit code.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any, cast

import orjson
import uvloop

from datahall.foundation.errors import DatahallError, Problem, Refused, Unavailable
from datahall.models.serve.answers import AnswerWriter
from datahall.models.serve.batching import Job
from datahall.models.serve.bundle import Bundle, read_bundle
from datahall.models.serve.engine import Engine, Outcome
from datahall.models.serve.onnx_model import OnnxModel
from datahall.models.serve.questions import infer_question, predict_question
from datahall.platform.gateway import wire
from datahall.platform.gateway.problems import problem_body

_QUIET_S = 0.1
"""After SIGTERM: so long without a new request means that the gateway has turned elsewhere."""


class Replica:
    """The model, its queue and the connections that ask."""

    def __init__(self, bundle: Bundle, *, name: str, version: int, max_batch: int = 64, threads: int = 1) -> None:
        self.bundle, self.name, self.version = bundle, name, version
        self.writer = AnswerWriter(bundle, name=name, version=version)
        self.engine = Engine(OnnxModel(bundle, threads=threads), max_batch=max_batch, deliver=self._deliver)
        self.engine.warm_up()
        self.connections: set[Connection] = set()
        self.answered = 0

    def description(self) -> dict[str, Any]:
        """What the gateway tells about the model: OIP metadata, and what `/predict` shows."""
        bundle = self.bundle
        return {
            "name": self.name,
            "version": self.version,
            "platform": "onnxruntime_onnx",
            "inputs": [spec.as_dict() for spec in bundle.inputs],
            "outputs": [spec.as_dict() for spec in bundle.outputs],
            "task": bundle.task,
            "labels": list(bundle.labels),
            "kind": bundle.kind,
            "variant": bundle.variant,
            "example": bundle.example,
        }

    def status(self) -> dict[str, int]:
        """What a health check sees."""
        return {"queued": len(self.engine.queue), "answered": self.answered, "pid": os.getpid()}

    async def serve(self, socket: str, *, until: asyncio.Event) -> None:
        """Listen on `socket` until the event is set, then answer what is under way."""
        loop = asyncio.get_running_loop()
        os.umask(0o177)  # the socket is ours alone from its first moment
        server = await loop.create_unix_server(lambda: Connection(self), socket)
        await until.wait()
        server.close()
        for connection in self.connections:
            connection.push(wire.frame(wire.GOODBYE, 0))
            connection.flush()
        await self._fall_silent()
        for connection in tuple(self.connections):
            connection.close()
        self.engine.close()

    async def _fall_silent(self) -> None:
        seen = -1
        while not self.engine.is_idle or seen != self.answered:
            seen = self.answered
            await asyncio.sleep(_QUIET_S)

    def _deliver(self, jobs: list[Job], outcomes: list[Outcome]) -> None:
        for job, outcome in zip(jobs, outcomes, strict=True):
            job.connection.push(self._answer(job, outcome))
        self.answered += len(jobs)
        for connection in {job.connection for job in jobs}:
            connection.flush()

    def _answer(self, job: Job, outcome: Outcome) -> bytes:
        if isinstance(outcome, DatahallError):
            return problem_frame(job.request, outcome)
        write = self.writer.predict if job.is_plain else self.writer.infer
        headers, body = write(job.question, outcome)
        return wire.frame(wire.ANSWER, job.request, body, status=200, headers=headers)


class Connection(asyncio.Protocol):
    """One gateway's connection: frames in, frames out, no task per request."""

    _transport: asyncio.Transport

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._reader = wire.FrameReader(self._on_frame)
        self._out: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases
        self._replica.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._replica.connections.discard(self)
        self._replica.engine.queue.drop(lambda job: job.connection is self)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except DatahallError as error:
            _complain(error)
            self._transport.close()
            return
        self._replica.engine.turn()
        self.flush()

    def push(self, frame: bytes) -> None:
        self._out.append(frame)

    def flush(self) -> None:
        """Write what was pushed, in one go."""
        if self._out:
            if not self._transport.is_closing():
                self._transport.write(b"".join(self._out))
            self._out.clear()

    def close(self) -> None:
        self._transport.close()

    def _on_frame(self, kind: int, request: int, _status: int, headers: bytes, body: bytes) -> None:
        if kind in (wire.INFER, wire.PREDICT):
            self._ask(kind, request, headers, body)
        elif kind == wire.HEALTH:
            self.push(wire.frame(wire.HEALTHY, request, orjson.dumps(self._replica.status())))
        elif kind == wire.DESCRIBE:
            self.push(wire.frame(wire.DESCRIPTION, request, orjson.dumps(self._replica.description())))
        elif kind == wire.CANCEL:
            self._replica.engine.queue.drop(lambda job: job.connection is self and job.request == request)

    def _ask(self, kind: int, request: int, headers: bytes, body: bytes) -> None:
        try:
            if kind == wire.PREDICT:
                question = predict_question(body, self._replica.bundle)
            else:
                json_bytes = wire.unpacked_headers(headers).get(wire.JSON_BYTES) if headers else None
                question = infer_question(body, json_bytes, self._replica.bundle)
        except DatahallError as error:
            self._refuse(request, error)
            return
        except Exception as error:  # noqa: BLE001 - a fault of ours in one request must not cost the others their answer
            what = f"a fault of ours while reading the body: {type(error).__name__}: {str(error)[:200]}"
            self._refuse(request, DatahallError(Problem("SERVE-031", "body", what, "report it with the body")))
            return
        self._replica.engine.queue.put(Job(request, question, kind == wire.PREDICT, self))

    def _refuse(self, request: int, error: DatahallError) -> None:
        self.push(problem_frame(request, error))
        self._replica.answered += 1


def problem_frame(request: int, error: DatahallError) -> bytes:
    """The answer to a request that failed."""
    return wire.frame(wire.ANSWER, request, problem_body(error), status=error.http_status)


def _complain(error: DatahallError) -> None:
    for problem in error.problems:
        print(problem, file=sys.stderr, flush=True)  # noqa: T201 - the job's log is its standard error


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="replica", description="Serve one model version on a unix-domain socket.")
    parser.add_argument("--bundle", type=Path, required=True, help="folder with model.onnx and bundle.json")
    parser.add_argument("--socket", required=True, help="where to listen")
    parser.add_argument("--name", required=True, help="the endpoint's name, as answers show it")
    parser.add_argument("--version", type=int, required=True, help="the model's version, as answers show it")
    parser.add_argument("--max-batch", type=int, default=64, help="most rows to run at once")
    parser.add_argument("--threads", type=int, default=1, help="threads inside one run of the model")
    return parser.parse_args(argv)


def _checked(arguments: argparse.Namespace) -> argparse.Namespace:
    for name in ("max_batch", "threads", "version"):
        value = getattr(arguments, name)
        if value < 1:
            flag = f"--{name.replace('_', '-')}"
            raise Refused(Problem("SERVE-024", flag, f"is {value}, but at least 1 is needed", f"give {flag} 1 or more"))
    return arguments


async def _serve(arguments: argparse.Namespace) -> None:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    replica = Replica(
        read_bundle(arguments.bundle),
        name=arguments.name,
        version=arguments.version,
        max_batch=arguments.max_batch,
        threads=arguments.threads,
    )
    gc.collect()
    gc.freeze()  # what start-up made is never garbage: later collections skip it
    try:
        await replica.serve(arguments.socket, until=until)
    except OSError as error:
        problem = Problem(
            "SERVE-025", arguments.socket, f"cannot listen here: {error}", "choose a short path in a folder of yours"
        )
        raise Unavailable(problem) from None


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM; the exit code says how it ended."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(_checked(_arguments(argv))))
    except DatahallError as error:
        _complain(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
