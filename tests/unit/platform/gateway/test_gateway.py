"""Requests through the gateway, to replicas that the test controls."""

import asyncio
import json

import pytest


def test_a_body_passes_through_untouched(hall, fake_replica):
    """Given a ready replica, a body reaches it byte by byte and its answer comes back with the client's request id."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            replica = fake_replica("a", lambda body: body[::-1])
            await h.join(replica)
            answer = await h.infer(b"\x00not json\xff", headers={"x-request-id": "r-1"})
            assert (answer.status_code, answer.content) == (200, b"\xffnosj ton\x00")
            assert answer.headers["x-request-id"] == "r-1"
            assert answer.headers["content-type"] == "application/json"
            assert replica.headers == [{"request_id": "r-1"}]

    asyncio.run(scene())


def test_each_answer_has_a_request_id(hall, fake_replica):
    """Given clients that send none, each answer names its own."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            await h.join(fake_replica("a"))
            ids = {(await h.infer()).headers["x-request-id"] for _ in range(3)}
            assert len(ids) == 3

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 401, "GATE-030"),
        ("Basic abc", 401, "GATE-030"),
        ("Bearer ", 401, "GATE-030"),
        ("Bearer stale", 401, "ID-001"),
        ("Bearer theirs", 404, "GATE-010"),
        ("Bearer admin", 200, None),
        ("bearer ours", 200, None),
    ],
)
def test_only_the_owner_may_ask(hall, fake_replica, header, status, code):
    """Given a token that is missing, malformed, unknown or another tenant's, the answer says which."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            await h.join(fake_replica("a"))
            del h.client.headers["authorization"]
            answer = await h.infer(headers={"authorization": header} if header else {})
            assert answer.status_code == status
            if code:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["problems"][0]["code"] == code
            if status == 401:
                assert answer.headers["www-authenticate"] == "Bearer"

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/predict/NAME"),
        ("POST", "/v2/models/NAME/versions/1/infer"),
        ("POST", "/v2/models/NAME"),
        ("GET", "/predict/NAME"),
        ("GET", "/v2/models/NAME/ready"),
        ("GET", "/v2/models/NAME/versions/7"),
        ("PUT", "/v2/models/NAME"),
    ],
)
def test_a_stranger_learns_no_names(hall, fake_replica, method, path):
    """Given another tenant's endpoint, every way to ask for it is answered as for a name that does not exist."""

    async def scene():
        async with hall() as h:
            h.endpoint("digits", max_body_bytes=1)
            await h.join(fake_replica("a"))
            answers = [
                await h.client.request(
                    method, path.replace("NAME", name), headers={"authorization": "Bearer theirs"}, content=b"long"
                )
                for name in ("digits", "nobody")
            ]
            said = [(answer.status_code, answer.text.replace("digits", "nobody")) for answer in answers]
            assert said[0] == said[1]

    asyncio.run(scene())


def test_a_token_is_looked_up_once_for_many_requests(hall, fake_replica):
    """Given ten requests with one token, it is looked up once; after `forget_tokens`, once more."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            await h.join(fake_replica("a"))
            for _ in range(10):
                await h.infer()
            assert h.tokens.lookups == 1
            del h.tokens.callers["ours"]
            h.gateway.forget_tokens()
            assert (await h.infer()).status_code == 401

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/v2/models/digit/infer", "Did you mean digits?"),
        ("/v2/models/faces/infer", "Your endpoints: digits"),
        ("/v2/models/digits/versions/9/infer", "It serves 1, champion"),
        ("/predict/digitz", "Did you mean digits?"),
        ("/v2/nothing", "The paths are /v2/models"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(hall, path, says):
    """Given a name, version or path that is not there, the 404 lists the near ones."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            answer = await h.infer(path=path)
            assert answer.status_code == 404
            assert says in answer.json()["detail"]

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v2/models/digits"), ("GET", "/v2/models/digits/infer"), ("POST", "/v2/models/digits")]
)
def test_a_wrong_method_is_told_the_right_one(hall, method, path):
    """Given a method that the path does not take, 405 says what to use."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            answer = await h.client.request(method, path)
            assert (answer.status_code, answer.json()["problems"][0]["code"]) == (405, "GATE-015")

    asyncio.run(scene())


def test_a_large_body_is_refused_before_it_is_read(hall, fake_replica):
    """Given a limit of 10 bytes, 11 are refused by their length, and without a length as soon as they are too many."""

    async def chunks():
        yield b"12345"
        yield b"678901"

    async def scene():
        async with hall() as h:
            h.endpoint(max_body_bytes=10)
            replica = fake_replica("a")
            await h.join(replica)
            for body in (b"12345678901", chunks()):
                answer = await h.infer(body)
                assert (answer.status_code, answer.json()["problems"][0]["code"]) == (413, "GATE-044")
            assert (await h.infer(b"1234567890")).status_code == 200
            assert replica.bodies == [b"1234567890"]

    asyncio.run(scene())


def test_a_full_queue_says_come_back(hall, fake_replica):
    """Given room for two requests, the third is told to come back, and the two are answered."""

    async def scene():
        async with hall() as h:
            endpoint = h.endpoint(max_queue=2)
            replica = fake_replica("a", lambda _: None)
            await h.join(replica)
            asked = [asyncio.create_task(h.infer()) for _ in range(2)]
            await replica.holds(2)
            refused = await h.infer()
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert "2 requests are under way, and 2 are allowed" in refused.json()["detail"]
            replica.release()
            assert [(await task).status_code for task in asked] == [200, 200]
            assert (endpoint.under_way, endpoint.held_bytes) == (0, 0)

    asyncio.run(scene())


def test_a_tenant_that_sends_too_fast_is_slowed_down(hall, fake_replica):
    """Given one request per 1000 s and a burst of two, the third of our tenant waits; the operator's tenant does not."""

    async def scene():
        async with hall() as h:
            h.endpoint(rate_per_s=0.001, rate_burst=2)
            await h.join(fake_replica("a"))
            assert [(await h.infer()).status_code for _ in range(3)] == [200, 200, 429]
            assert (await h.infer(headers={"authorization": "Bearer admin"})).status_code == 200

    asyncio.run(scene())


def test_a_silent_model_is_given_up_in_time(hall, fake_replica):
    """Given a replica that never answers, the request ends with 504 and the replica is told to drop it."""

    async def scene():
        async with hall() as h:
            h.endpoint(timeout_s=0.1)
            replica = fake_replica("a", lambda _: None)
            link = await h.join(replica)
            answer = await h.infer()
            assert (answer.status_code, answer.json()["problems"][0]["code"]) == (504, "GATE-046")
            await asyncio.sleep(0.01)
            assert (replica.cancelled, link.calls) == ([1], {})

    asyncio.run(scene())


def test_a_body_that_never_comes_is_given_up_in_time(hall, fake_replica):
    """Given a client that sends half a body and stops, the request ends with 504 and holds no place in the queue."""

    async def scene():
        async with hall() as h:
            endpoint = h.endpoint(timeout_s=0.1)
            await h.join(fake_replica("a"))
            parts = iter([{"type": "http.request", "body": b"{", "more_body": True}])
            sent = []

            async def receive():
                return next(parts, None) or await asyncio.sleep(30)

            async def send(message):
                sent.append(message)

            headers = [(b"authorization", b"Bearer ours")]
            await h.gateway({"type": "http", "method": "POST", "path": "/predict/digits", "headers": headers}, receive, send)
            assert (sent[0]["status"], json.loads(sent[1]["body"])["problems"][0]["code"]) == (504, "GATE-045")
            assert endpoint.under_way == 0

    asyncio.run(scene())


def test_without_a_replica_a_request_waits_for_one(hall, fake_replica):
    """Given no replica, a request waits and is answered once one is ready."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            asked = asyncio.create_task(h.infer(b"hello"))
            await asyncio.sleep(0.02)
            await h.join(fake_replica("a"))
            assert (await asked).content == b"hello"

    asyncio.run(scene())


def test_without_a_replica_in_time_it_is_unavailable(hall):
    """Given no replica within the time limit, the answer is 503 and says what it waited for."""

    async def scene():
        async with hall() as h:
            h.endpoint(timeout_s=0.1)
            answer = await h.infer()
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "no replica of version 1 is ready" in answer.json()["detail"]

    asyncio.run(scene())


def test_requests_that_were_given_up_are_kept_nowhere(hall):
    """Given no replica, three times ten requests that time out leave neither a call nor a byte behind."""

    async def scene():
        async with hall() as h:
            endpoint = h.endpoint(timeout_s=0.05)
            for _ in range(3):
                answers = await asyncio.gather(*(h.infer(b"x" * 1000) for _ in range(10)))
                assert {answer.status_code for answer in answers} == {503}
            assert (endpoint.held_bytes, endpoint.under_way, len(endpoint.pool(1).waiting)) == (0, 0, 0)

    asyncio.run(scene())


def test_a_version_that_cannot_start_is_answered_at_once(hall):
    """Given a version whose replicas keep ending, requests are told so, those that wait already included."""

    async def scene():
        async with hall() as h:
            pool = h.endpoint().pool(1)
            waits = asyncio.create_task(h.infer())
            await asyncio.sleep(0.01)
            pool.declare("its replicas ended 3 times: SERVE-022 ONNX Runtime cannot load it")
            for answer in (await waits, await h.infer()):
                assert answer.status_code == 503
                assert "SERVE-022" in answer.json()["detail"]

    asyncio.run(scene())


def test_the_least_busy_replica_is_asked(hall, fake_replica):
    """Given one replica that holds two requests and one that is idle, the next two go to the idle one."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            busy, idle = fake_replica("a", lambda _: None), fake_replica("b", lambda _: None)
            await h.join(busy)
            asked = [asyncio.create_task(h.infer()) for _ in range(2)]
            await busy.holds(2)
            await h.join(idle)
            asked += [asyncio.create_task(h.infer()) for _ in range(2)]
            await idle.holds(2)
            assert len(busy.bodies) == 2
            busy.release()
            idle.release()
            assert [(await task).status_code for task in asked] == [200] * 4

    asyncio.run(scene())


def test_a_dead_replica_fails_no_request(hall, fake_replica):
    """Given a replica that dies with requests under way, another answers them."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            dying, other = fake_replica("a", lambda _: None), fake_replica("b", lambda _: b"from b")
            await h.join(dying)
            asked = [asyncio.create_task(h.infer()) for _ in range(5)]
            await dying.holds(5)
            dying.die()
            await asyncio.sleep(0.01)
            await h.join(other)
            assert [(await task).content for task in asked] == [b"from b"] * 5

    asyncio.run(scene())


def test_a_request_that_kills_replicas_is_stopped(hall, fake_replica):
    """Given a request that ended three replicas, the fourth does not get it."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            asked = asyncio.create_task(h.infer())
            for name in "abc":
                replica = fake_replica(name, lambda _: None)
                await h.join(replica)
                await replica.holds(1)
                replica.die()
            answer = await asked
            assert (answer.status_code, answer.json()["problems"][0]["code"]) == (503, "GATE-022")

    asyncio.run(scene())


def test_a_leaving_replica_gets_nothing_new(hall, fake_replica):
    """Given a replica that says goodbye, it still answers what it has, and the next request waits for another."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            leaving = fake_replica("a", lambda _: None)
            await h.join(leaving)
            first = asyncio.create_task(h.infer())
            await leaving.holds(1)
            leaving.goodbye()
            await asyncio.sleep(0.01)
            second = asyncio.create_task(h.infer())
            await asyncio.sleep(0.01)
            assert len(leaving.bodies) == 1
            leaving.release(b"last words")
            assert (await first).content == b"last words"
            await h.join(fake_replica("b", lambda _: b"new"))
            assert (await second).content == b"new"

    asyncio.run(scene())


def test_a_canary_gets_exactly_its_share(hall, fake_replica):
    """Given weights 3 and 1, of eight requests two go to version 2, evenly spread; a version named in the path gets all."""

    async def scene():
        async with hall() as h:
            h.endpoint(versions=((1, 3.0), (2, 1.0)))
            await h.join(fake_replica("a", lambda _: b"1"), version=1)
            await h.join(fake_replica("b", lambda _: b"2"), version=2)
            seen = [(await h.infer()).text for _ in range(8)]
            assert "".join(seen) == "11211121"
            assert (await h.infer(path="/v2/models/digits/versions/2/infer")).text == "2"
            assert (await h.infer(path="/v2/models/digits/versions/champion/infer")).text == "1"

    asyncio.run(scene())


def test_a_canary_without_replicas_costs_no_request(hall, fake_replica):
    """Given a canary that is not ready, its share is answered by the version that is."""

    async def scene():
        async with hall() as h:
            h.endpoint(versions=((1, 1.0), (2, 1.0)))
            await h.join(fake_replica("a", lambda _: b"1"), version=1)
            assert [(await h.infer()).text for _ in range(4)] == ["1"] * 4

    asyncio.run(scene())


def test_a_shadow_sees_requests_and_nobody_sees_its_answers(hall, fake_replica):
    """Given a shadow version, it gets a copy of each request; its failures are only counted."""

    async def scene():
        async with hall() as h:
            endpoint = h.endpoint(versions=((1, 1.0), (2, 0.0)), shadow=2)
            shadow = fake_replica("b", lambda _: b"2", status=422)
            await h.join(fake_replica("a", lambda _: b"1"), version=1)
            await h.join(shadow, version=2)
            assert (await h.infer(b"x")).text == "1"
            await asyncio.sleep(0.01)
            assert shadow.bodies == [b"x"]
            assert endpoint.meters[2].codes == {422: 1}

    asyncio.run(scene())


def test_a_removed_endpoint_is_gone_for_those_who_wait(hall):
    """Given a request that waits for a replica, removing the endpoint ends it with 404."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            asked = asyncio.create_task(h.infer())
            await asyncio.sleep(0.01)
            h.gateway.remove("digits")
            assert (await asked).status_code == 404
            assert (await h.infer()).status_code == 404

    asyncio.run(scene())


def test_requests_are_counted_by_version_and_status(hall, fake_replica):
    """Given two answers and one refusal, the meters know which version answered, and how fast."""

    async def scene():
        async with hall() as h:
            endpoint = h.endpoint(max_body_bytes=10)
            await h.join(fake_replica("a"))
            for body in (b"1", b"2", b"x" * 11):
                await h.infer(body)
            assert endpoint.meters[1].codes == {200: 2}
            assert endpoint.meters[0].codes == {413: 1}
            assert 0 < endpoint.meters[1].quantile_s(0.5) < 1

    asyncio.run(scene())
