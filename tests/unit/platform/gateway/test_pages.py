"""What the gateway tells to who looks."""

import asyncio


def test_health_needs_no_token(hall):
    """Given no token, a load balancer may still ask whether the gateway lives, and learns nothing about models."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            del h.client.headers["authorization"]
            assert (await h.client.get("/v2/health/live")).json() == {"live": True}
            assert (await h.client.get("/v2/health/ready")).json() == {"ready": True}
            assert (await h.client.get("/v2")).json()["name"] == "datahall"
            assert (await h.client.get("/v2/models")).status_code == 401

    asyncio.run(scene())


def test_the_list_shows_ones_own_endpoints(hall):
    """Given an endpoint of `home`, its members and operators see it; `away` does not."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            for token, names in (("ours", ["digits"]), ("admin", ["digits"]), ("theirs", [])):
                answer = await h.client.get("/v2/models", headers={"authorization": f"Bearer {token}"})
                assert [row["name"] for row in answer.json()["models"]] == names

    asyncio.run(scene())


def test_metadata_follows_the_protocol(hall, fake_replica):
    """Given a ready replica, the model's page names its tensors as the Open Inference Protocol asks."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            assert (await h.client.get("/v2/models/digits")).status_code == 503
            assert (await h.client.get("/v2/models/digits/ready")).status_code == 503
            await h.join(fake_replica("a"))
            page = (await h.client.get("/v2/models/digits/versions/1")).json()
            assert page["versions"] == ["1"]
            assert page["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 2]}]
            assert (await h.client.get("/v2/models/digits/ready")).json() == {"name": "digits", "ready": True}

    asyncio.run(scene())


def test_a_person_is_shown_a_call_that_works(hall, fake_replica):
    """Given a person who opens /predict/digits, the page shows a curl line with a real sample."""

    async def scene():
        async with hall() as h:
            h.endpoint()
            await h.join(fake_replica("a"))
            page = (await h.client.get("/predict/digits")).json()
            assert page["example"] == {"input": [0.5, 1.5]}
            assert page["curl"].startswith("curl -s http://hall/predict/digits")
            assert '{"input":[0.5,1.5]}' in page["curl"]

    asyncio.run(scene())
