"""Endpoints with real replica processes: killed, hung, replaced, rolled out, adopted."""

import asyncio
import os
import signal

import pytest


@pytest.fixture
def load():
    """Keeps asking for a label from several clients at once until told to stop; then the labels seen, in order."""

    async def asking(h, stop, labels):
        while not stop.is_set():
            labels.append(await h.label())

    class Load:
        def __init__(self, h, clients=8):
            self.stop, self.labels = asyncio.Event(), []
            self.tasks = [asyncio.create_task(asking(h, self.stop, self.labels)) for _ in range(clients)]

        async def end(self):
            self.stop.set()
            await asyncio.gather(*self.tasks)
            return self.labels

    return Load


def test_an_endpoint_comes_up_and_goes(live_hall):
    """Given a wanted endpoint, a replica starts and answers; when it is wanted no longer, the replica ends and 404 is said."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            assert await h.label() == "one"
            status = h.controller.status("digits")
            assert (status.state, status.sentence) == ("ready", "1 of 1 replicas are ready")
            h.specs.clear()
            h.controller.changed()
            await h.until(lambda: not h.controller.fleet.members)
            assert (await h.client.get("/v2/models/digits")).status_code == 404

    asyncio.run(scene())


def test_killed_replicas_fail_no_request(live_hall, load):
    """Given eight clients and two replicas, kill -9 of three replicas in a row fails not one request."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0), min_replicas=2, max_replicas=2)
            await h.until(lambda: len(h.replicas()) == 2)
            running = load(h)
            for _ in range(3):
                await asyncio.sleep(0.2)
                os.kill(h.runner.pid(h.replicas()[0]), signal.SIGKILL)
                await h.until(lambda: len(h.replicas()) == 1)
                await h.until(lambda: len(h.replicas()) == 2)
            labels = await running.end()
            assert set(labels) == {"one"}
            assert len(labels) > 100
            assert h.controller.status("digits").errors == 0

    asyncio.run(scene())


def test_the_only_replica_killed_fails_no_request(live_hall, load):
    """Given one replica, its death makes requests wait for the next one, but none fails."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            await h.label()
            running = load(h)
            await asyncio.sleep(0.2)
            first = h.replicas()[0]
            os.kill(h.runner.pid(first), signal.SIGKILL)
            await h.until(lambda: h.replicas() not in ([], [first]))
            await asyncio.sleep(0.1)
            assert set(await running.end()) == {"one"}

    asyncio.run(scene())


def test_a_terminated_replica_says_goodbye_first(live_hall, load):
    """Given SIGTERM from outside under load, what the replica has is answered, and a new one takes over."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            await h.label()
            running = load(h)
            await asyncio.sleep(0.1)
            first = h.replicas()[0]
            os.kill(h.runner.pid(first), signal.SIGTERM)
            await h.until(lambda: h.replicas() not in ([], [first]))
            await running.end()
            assert h.controller.status("digits").errors == 0

    asyncio.run(scene())


def test_a_hung_replica_is_replaced(live_hall, monkeypatch):
    """Given a stopped process (SIGSTOP), the request under way is answered by its successor, and it is killed."""
    monkeypatch.setattr("datahall.platform.gateway.fleet.HEALTH_TIMEOUT_S", 0.5)

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            await h.label()
            hung = h.replicas()[0]
            pid = h.runner.pid(hung)
            os.kill(pid, signal.SIGSTOP)
            assert await h.label() == "one"
            await h.until(lambda: hung not in h.controller.fleet.members)

    asyncio.run(scene())


def test_a_roll_out_fails_no_request_and_goes_forward_only(live_hall, load):
    """Given clients during a roll-out from 1 to 2, all are answered, and after the first `two` only stragglers say `one`."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            await h.label()
            running = load(h, clients=4)
            await h.want((2, 1.0))
            await h.until(lambda: h.controller.status("digits").state == "rolling out")
            await h.until(lambda: h.controller.status("digits").state == "ready")
            await h.until(lambda: len(h.controller.fleet.members) == 1)
            await asyncio.sleep(0.05)
            labels = await running.end()
            first_two = labels.index("two")
            assert labels[first_two:].count("one") <= 4
            assert labels[-1] == "two"
            assert h.controller.status("digits").errors == 0

    asyncio.run(scene())


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(live_hall, load):
    """Given a corrupt model.onnx in version 2, version 1 keeps answering and the status says what is wrong."""

    async def scene():
        async with live_hall() as h:
            (h.folder / "b2" / "model.onnx").write_bytes(b"not onnx")
            await h.want((1, 1.0))
            await h.label()
            running = load(h, clients=2)
            await h.want((2, 1.0))
            await h.until(lambda: h.controller.status("digits").state == "failing")
            assert set(await running.end()) == {"one"}
            sentence = h.controller.status("digits").sentence
            assert sentence.startswith("version 2: its last 3 replicas ended soon after they started")
            assert "SERVE-022 ONNX Runtime cannot load it" in sentence
            assert sentence.endswith("requests are answered by the versions before")

    asyncio.run(scene())


def test_an_endpoint_that_never_starts_says_why(live_hall):
    """Given a broken bundle.json and nothing served before, requests are told at once what is wrong."""

    async def scene():
        async with live_hall() as h:
            (h.folder / "b1" / "bundle.json").write_text('{"format": 1}')
            await h.want((1, 1.0))
            await h.until(lambda: h.controller.status("digits").state == "failing")
            answer = await h.client.post("/predict/digits", json={"input": [0, 0, 0, 0]})
            assert answer.status_code == 503
            assert "SERVE-021 is not a bundle: it lacks 'name'" in answer.json()["detail"]

    asyncio.run(scene())


@pytest.mark.parametrize("is_seen_gone", [True, False])
def test_a_name_deployed_anew_inherits_no_fault(live_hall, is_seen_gone):
    """Given version 1 that cannot start, removed and deployed anew with a good bundle as version 1, it starts at once."""

    async def scene():
        async with live_hall() as h:
            (h.folder / "b1" / "model.onnx").write_bytes(b"not onnx")
            await h.want((1, 1.0))
            await h.until(lambda: h.controller.status("digits").state == "failing")
            if is_seen_gone:
                h.specs.clear()
                h.controller.changed()
                await asyncio.sleep(0.3)
            await h.want((1, 1.0), bundles="b2")
            assert h.controller.status("digits").state == "starting"
            async with asyncio.timeout(10):
                assert await h.label() == "two"

    asyncio.run(scene())


def test_a_name_deployed_anew_is_not_answered_by_the_model_before(live_hall):
    """Given another bundle under the same name and number, the replica of the earlier one gets nothing any more."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            assert await h.label() == "one"
            await h.want((1, 1.0), bundles="b2")
            assert await h.label() == "two"
            await h.until(lambda: len(h.controller.fleet.members) == 1)

    asyncio.run(scene())


def test_a_roll_out_goes_on_after_a_restart(live_hall, load):
    """Given a control plane that ends while version 2 starts, the next one lets version 1 answer until 2 is ready."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            await h.label()
            [one] = h.replicas()
            await h.controller.stop()
            old = h.specs["digits"].versions
            await h.want((2, 1.0), previous=old)
            (h.folder / "b2" / "bundle.json").rename(h.folder / "b2" / "away.json")
            h.gateway.remove("digits")
            h.controller = h.new_controller()
            await h.controller.start()
            await h.until(lambda: h.replicas() == [one])
            running = load(h, clients=2)
            await asyncio.sleep(0.3)
            assert h.controller.status("digits").state in ("rolling out", "failing")
            (h.folder / "b2" / "away.json").rename(h.folder / "b2" / "bundle.json")
            await h.until(lambda: h.controller.status("digits").state == "ready")
            await h.until(lambda: len(h.controller.fleet.members) == 1)
            labels = await running.end()
            assert (labels[0], labels[-1]) == ("one", "two")
            assert h.controller.status("digits").errors == 0

    asyncio.run(scene())


def test_replicas_outlive_the_control_plane(live_hall):
    """Given a new controller on the same runner, it adopts the replica that runs, instead of starting another."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            await h.label()
            [before] = h.replicas()
            await h.controller.stop()
            h.controller = h.new_controller()
            await h.controller.start()
            await h.until(lambda: h.replicas() == [before])
            assert await h.label() == "one"

    asyncio.run(scene())


def test_a_new_limit_replaces_replicas_without_a_gap(live_hall, load):
    """Given a change of max_batch, a replica with the new setting is ready before the old one goes."""

    async def scene():
        async with live_hall() as h:
            await h.want((1, 1.0))
            await h.label()
            [before] = h.replicas()
            running = load(h, clients=2)
            await h.want((1, 1.0), max_batch=8)
            await h.until(lambda: len(h.controller.fleet.members) == 1 and before not in h.controller.fleet.members)
            await running.end()
            assert h.controller.status("digits").errors == 0

    asyncio.run(scene())
