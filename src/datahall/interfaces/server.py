"""The platform's process: a socket, the API and the gateway on it, the scheduler beside them."""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import logging.handlers
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn

from datahall.foundation.errors import Conflict, DatahallError, Problem, Refused
from datahall.infrastructure.doctor import port_free
from datahall.interfaces.api.app import Front, api_of
from datahall.interfaces.bootstrap import Platform, build
from datahall.interfaces.serving import Serving
from datahall.platform.gateway.http import GuardedProtocol
from datahall.platform.home import Home

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8700
BACKLOG = 2048
LOG_BYTES, LOG_KEEP = 8 * 1024 * 1024, 3
START_S = 60.0

log = logging.getLogger(__name__)


class Server:
    """A platform with its HTTP face."""

    def __init__(self, home: Home, *, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> None:
        """Raises Conflict when the port or the home is taken, Refused on a bad host, hall file or database."""
        self.home, self.keep_jobs = home, False
        self.socket = listen(host, port)
        try:
            self.platform: Platform = build(home)
        except BaseException:
            self.socket.close()
            raise
        address = self.socket.getsockname()
        self.url = f"http://{address[0]}:{address[1]}"
        self.ready = threading.Event()
        self._uvicorn: uvicorn.Server | None = None
        self.platform.shut_down = self.shut_down

    def run(self) -> None:
        """Serve until told to stop. Jobs are suspended then, or left running after `shut_down(keep_jobs=True)`."""
        os.umask(0o077)  # whatever is written from here on, by us or by the tracking, is nobody else's to read
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        serving = Serving(self.platform, self.home)
        front = Front(api_of(self.platform), serving.gateway)
        config = uvicorn.Config(
            front,
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=10,
        )
        self._uvicorn = _Uvicorn(config)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, self.shut_down)
        try:
            await asyncio.to_thread(self.platform.start)
            await serving.start()
            self.home.announce(self.url)
            self.ready.set()
            await self._uvicorn.serve(sockets=[self.socket])
        finally:
            self.home.withdraw()
            await serving.stop()
            await asyncio.to_thread(self.platform.scheduler.stop, suspend=not self.keep_jobs)
            if not self.keep_jobs:
                serving.clear_sockets()
            await asyncio.to_thread(serving.stop_tracking)  # last: it takes in what the workers wrote as they ended
            self.platform.close()

    def shut_down(self, keep_jobs: bool = False) -> None:
        """Begin to stop, from any thread."""
        self.keep_jobs = keep_jobs
        self.platform.scheduler.pause()
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True


class _Uvicorn(uvicorn.Server):
    """Leaves signals to us: it would raise a caught one again after serving, before our workers were suspended."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ImportError):
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
        return factory
    return None


def check_reach(host: str, *, behind_tls: bool) -> None:
    """Raises Refused when others could read the tokens: an address beyond loopback without a TLS proxy before it."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback and not behind_tls:
        what = f"{host} can be reached from other machines, and tokens would travel in the clear"
        fix = "listen on 127.0.0.1; or put a proxy with TLS before it and say --behind-tls"
        raise Refused(Problem("UP-007", "host", what, fix))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Refused on a bad address, Conflict naming who has the port."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except (socket.gaierror, OverflowError, UnicodeError) as error:
        raise Refused(Problem("UP-002", "host", f"`{host}` is no address: {error}", "use 127.0.0.1")) from None
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OverflowError:
        opened.close()
        raise Refused(Problem("UP-003", "port", f"{port} is no port", "choose 1 to 65535, or 0 for any free one")) from None
    except PermissionError:
        opened.close()
        raise Refused(Problem("UP-003", "port", f"you may not use port {port}", "choose one above 1023")) from None
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refused(Problem("UP-002", "host", f"{host} is no address of this machine", "use 127.0.0.1")) from None
        seen = port_free(port, host=host).what
        fix = f"end it, or choose another port: `datahall up --port {port + 1}`, or `make run PORT={port + 1}`"
        raise Conflict(Problem("UP-001", f"{host}:{port}", seen or str(error.strerror), fix)) from None
    opened.listen(BACKLOG)
    return opened


def log_to(home: Home, *, console: bool) -> None:
    """Send the server's log to `logs/server.log`, rotated, and to the terminal if wanted."""
    home.logs.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(home.logs / "server.log", maxBytes=LOG_BYTES, backupCount=LOG_KEEP)
    ]
    if console:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO, handlers=handlers, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)


@contextlib.contextmanager
def embedded(home: Home) -> Iterator[Server]:
    """A platform in this process for as long as a command takes, on a port of its own choosing."""
    server = Server(home, port=0)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            server.run()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            failure.append(error)
            server.ready.set()

    thread = threading.Thread(target=run, name="server")
    with _default_signals():
        thread.start()
        try:
            server.ready.wait(START_S)
            if failure:
                raise failure[0]
            yield server
        finally:
            server.shut_down()
            thread.join()
    if failure and not isinstance(failure[0], DatahallError):
        raise failure[0]


@contextlib.contextmanager
def _default_signals() -> Iterator[None]:
    """SIGTERM ends the command like Ctrl-C, so that the platform inside it is shut down in order."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
