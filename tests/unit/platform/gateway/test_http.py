"""What the server makes of clients that no library would produce: raw bytes on real sockets."""

import asyncio
import contextlib
import json
import socket

import pytest
import uvicorn

from datahall.platform.gateway.http import GuardedProtocol

ASK = b"POST /predict/digits HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ours\r\n"
HELLO = ASK + b"Content-Length: 5\r\n\r\nhello"


class Impatient(GuardedProtocol):
    head_timeout_s = 0.15


class Restless(GuardedProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = 0.2


class Raw:
    """One connection, spoken byte by byte."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def says(self, *parts, pause_s=0.0):
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(pause_s)

    async def answer(self):
        """Status, headers and body of the next answer."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            return int(head[0].split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))

    async def refusal(self):
        """Status and code of a refusal, after which the server hangs up."""
        status, headers, body = await self.answer()
        assert (headers["content-type"], headers["connection"]) == ("application/problem+json", "close")
        async with asyncio.timeout(10):
            assert await self.reader.read() == b""
        return status, json.loads(body)["problems"][0]["code"]


@pytest.fixture
def served(hall):
    """A hall behind uvicorn on a port of its own, and raw connections to it."""

    @contextlib.asynccontextmanager
    async def opened(protocol=GuardedProtocol):
        async with hall() as h, contextlib.AsyncExitStack() as stack:
            listener = socket.create_server(("127.0.0.1", 0))
            config = uvicorn.Config(h.gateway, http=protocol, ws="none", lifespan="off", log_config=None, date_header=False)
            server = uvicorn.Server(config)
            server.capture_signals = contextlib.nullcontext
            task = asyncio.create_task(server.serve(sockets=[listener]))

            async def connect():
                reader, writer = await asyncio.open_connection(*listener.getsockname())
                stack.callback(writer.close)
                return Raw(reader, writer)

            h.connect = connect
            try:
                yield h
            finally:
                await stack.aclose()
                server.should_exit = True
                await task

    return opened


def asked(served, scene, *, protocol=GuardedProtocol, **limits):
    """Run `scene(hall, connection)` with an endpoint."""

    async def run():
        async with served(protocol) as h:
            h.endpoint(**limits)
            return await scene(h, await h.connect())

    return asyncio.run(run())


# --- heads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        (ASK, *[b"X-%d: %s\r\n" % (at, b"v" * 200) for at in range(400)]),
        (ASK + b"X-Long: " + b"v" * 90_000 + b"\r\n\r\n",),
        (ASK + b"X-Long: ", *[b"v" * 1000] * 400),
        (b"POST /predict/" + b"d" * 100_000 + b" HTTP/1.1\r\n\r\n",),
        (b"G" * 10, *[b"E" * 50_000] * 3),
        (b"GET /", *[b"e" * 50_000] * 4),
    ],
    ids=["many headers", "one huge header", "one endless header", "huge request line", "no method", "endless request line"],
)
def test_a_head_too_large_is_refused(served, parts):
    """Given more than 64 KiB before the body, in whatever form, the answer is 431 (or 400) and the connection ends."""

    async def scene(_, raw):
        await raw.says(*parts)
        return await raw.refusal()

    assert asked(served, scene) in ((431, "GATE-060"), (400, "GATE-062"))


@pytest.mark.parametrize("first_bytes", [100, 35_000, 60_000, 85_000])
def test_a_head_too_large_is_refused_however_it_is_cut(served, first_bytes):
    """Given a whole head of 90 KB in two parts, each within the limit or not, it is refused."""
    head = ASK + b"X-Long: " + b"v" * 90_000 + b"\r\n\r\n"

    async def scene(_, raw):
        await raw.says(head[:first_bytes], head[first_bytes:], pause_s=0.05)
        return await raw.refusal()

    assert asked(served, scene) == (431, "GATE-060")


def test_endless_headers_are_not_taken_in(served):
    """Given 40 MB of headers, they are refused after the first of them, and the client may send the rest in vain."""

    async def scene(_, raw):
        with contextlib.suppress(ConnectionError):
            await raw.says(ASK, *[b"X-Long: " + b"v" * 100_000 + b"\r\n"] * 400)
        return await raw.refusal()

    assert asked(served, scene) == (431, "GATE-060")


def test_headers_within_the_limit_pass(served, fake_replica):
    """Given 60 KB of headers and a body of 300 KB in the same bytes, the request is answered."""

    async def scene(h, raw):
        await h.join(fake_replica("a", lambda body: b"%d" % len(body)))
        await raw.says(ASK + b"X-Long: " + b"v" * 60_000 + b"\r\nContent-Length: 300000\r\n\r\n" + b"b" * 300_000)
        return (await raw.answer())[::2]

    assert asked(served, scene) == (200, b"300000")


def test_a_slow_head_is_given_up(served):
    """Given a client that sends a header now and then and never ends, it is told that its time is up."""

    async def scene(_, raw):
        await raw.says(ASK, *[b"X-Slow: 1\r\n"] * 3, pause_s=0.03)
        return await raw.refusal()

    assert asked(served, scene, protocol=Impatient) == (408, "GATE-061")


def test_a_silent_connection_is_closed(served):
    """Given a client that connects and says nothing, the server hangs up without a word."""

    async def scene(_, raw):
        async with asyncio.timeout(5):
            return await raw.reader.read()

    assert asked(served, scene, protocol=Impatient) == b""


def test_line_ends_keep_no_connection(served, fake_replica):
    """Given a client that sends only line ends after its request, the connection ends like any that rests."""

    async def scene(h, raw):
        await h.join(fake_replica("a"))
        await raw.says(HELLO)
        await raw.answer()
        raw.writer.write(b"\r\n\r\n")
        async with asyncio.timeout(5):
            return await raw.reader.read()

    assert asked(served, scene, protocol=Restless) == b""


def test_a_kept_connection_may_rest_longer_than_a_head(served, fake_replica):
    """Given a pause between two requests that is longer than a head may take, the second is answered too."""

    async def scene(h, raw):
        await h.join(fake_replica("a"))
        for _ in range(2):
            await raw.says(HELLO)
            assert (await raw.answer())[::2] == (200, b"hello")
            await asyncio.sleep(0.25)

    asked(served, scene, protocol=Impatient)


# --- bodies ---------------------------------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order(served, fake_replica):
    """Given three requests at once, the third of them broken, two are answered in order and the connection ends."""

    async def scene(h, raw):
        await h.join(fake_replica("a"))
        await raw.says(HELLO + HELLO.replace(b"hello", b"again") + b"\x00nonsense\r\n\r\n")
        bodies = [(await raw.answer())[2] for _ in range(2)]
        return bodies, await raw.reader.read()

    assert asked(served, scene) == ([b"hello", b"again"], b"")


def test_a_chunked_body_arrives(served, fake_replica):
    """Given a body in chunks, with pauses between them, the replica gets it whole."""

    async def scene(h, raw):
        await h.join(fake_replica("a"))
        await raw.says(ASK + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nhe\r\n", b"3\r\nllo\r\n", b"0\r\n\r\n", pause_s=0.01)
        return (await raw.answer())[2]

    assert asked(served, scene) == b"hello"


@pytest.mark.parametrize(
    "rest",
    [
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"Content-Length: -5\r\n\r\nhello",
        b"Bad Header: 1\r\n\r\n",
        b"X: \x00\r\n\r\n",
    ],
    ids=["bad chunk", "two framings", "two lengths", "negative length", "bad name", "bad value"],
)
def test_what_is_not_http_is_refused(served, fake_replica, rest):
    """Given framing that two servers could read differently, the answer is 400 and nothing of it reaches a replica."""

    async def scene(h, raw):
        replica = fake_replica("a")
        await h.join(replica)
        await raw.says(ASK + rest)
        return await raw.refusal(), replica.bodies

    assert asked(served, scene) == ((400, "GATE-062"), [])


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("OPTIONS", 405)])
def test_other_methods(served, method, status):
    """Given HEAD, the length without the body; given OPTIONS, 405 with what is allowed. The connection stays."""

    async def scene(_, raw):
        for _ in range(2):
            await raw.says(f"{method} /v2/models HTTP/1.1\r\nAuthorization: Bearer ours\r\n\r\n".encode())
            head = await raw.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(f"HTTP/1.1 {status} ".encode())
            if method == "OPTIONS":
                assert b"allow: GET, HEAD, POST" in head
                await raw.reader.readuntil(b"}]}")

    asked(served, scene)


def test_an_offer_to_upgrade_is_not_taken(served, fake_replica):
    """Given the upgrade to HTTP/2 that Java's client offers by default, the request is answered in HTTP/1.1."""

    async def scene(h, raw):
        await h.join(fake_replica("a"))
        for _ in range(2):
            await raw.says(ASK + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello")
            assert (await raw.answer())[::2] == (200, b"hello")

    asked(served, scene)


def test_a_tunnel_is_refused(served):
    """Given CONNECT, as for a proxy, the answer is 400."""

    async def scene(_, raw):
        await raw.says(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n")
        return await raw.refusal()

    assert asked(served, scene) == (400, "GATE-062")


# --- clients that leave -----------------------------------------------------------------------------------------------


def test_a_client_that_leaves_within_its_body(served, fake_replica):
    """Given a client that hangs up after half its body, nothing is asked and nothing is held."""

    async def scene(h, raw):
        replica = fake_replica("a")
        await h.join(replica)
        endpoint = h.gateway.endpoints["digits"]
        await raw.says(ASK + b"Content-Length: 5\r\n\r\nhe", pause_s=0.05)
        assert endpoint.under_way == 1
        raw.writer.close()
        await asyncio.sleep(0.05)
        assert (endpoint.under_way, replica.bodies, endpoint.meters[0].codes) == (0, [], {499: 1})

    asked(served, scene)


def test_a_client_that_leaves_before_its_answer(served, fake_replica):
    """Given a client that hangs up while its request is computed, the replica is told to drop it; others are answered."""

    async def scene(h, raw):
        replica = fake_replica("a", lambda _: None)
        await h.join(replica)
        endpoint = h.gateway.endpoints["digits"]
        other = await h.connect()
        await raw.says(HELLO)
        await replica.holds(1)
        await other.says(HELLO)
        await replica.holds(2)
        raw.writer.close()
        await asyncio.sleep(0.05)
        assert (replica.cancelled, endpoint.under_way, endpoint.held_bytes) == ([1], 1, 5)
        replica.release(b"here")
        assert (await other.answer())[2] == b"here"
        assert endpoint.meters[1].codes == {499: 1, 200: 1}

    asked(served, scene)


def test_a_client_that_leaves_while_it_waits_for_a_replica(served):
    """Given no replica, a client that hangs up is waited for no longer."""

    async def scene(h, raw):
        pool = h.gateway.endpoints["digits"].pool(1)
        await raw.says(HELLO, pause_s=0.05)
        assert len(pool.waiting) == 1
        raw.writer.close()
        await asyncio.sleep(0.05)
        assert len(pool.waiting) == 0

    asked(served, scene)
