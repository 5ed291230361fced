"""Replicas as processes: started, asked, overloaded, told to end."""

import subprocess
import sys
import time

import numpy as np
import orjson
import pytest

from datahall.platform.gateway import wire

PLUS, MINUS = [[1, 2, 3], [4, 5, 6]], [[-1, -2, -3], [-4, -5, -6]]


def tensor(data, **changes):
    return {"inputs": [{"name": "input", "shape": [1, 2, 3], "datatype": "FP32", "data": data} | changes]}


def test_it_answers_both_protocols(bundles, run_replica):
    """Given a model of sums, OIP bodies give probabilities and plain ones labels; wrong ones give their Problem."""
    with run_replica(bundles["sums"]) as (_, replica):
        status, body = replica.ask(wire.INFER, tensor(PLUS) | {"id": "q"})
        answer = orjson.loads(body)
        assert (status, answer["model_name"], answer["model_version"], answer["id"]) == (200, "m", "3", "q")
        assert answer["outputs"][0] | {"data": None} == {
            "name": "probabilities",
            "datatype": "FP32",
            "shape": [1, 3],
            "data": None,
        }
        assert sum(answer["outputs"][0]["data"]) == pytest.approx(1)

        status, body = replica.ask(wire.PREDICT, {"input": [PLUS, MINUS], "top_k": 2})
        first, second = orjson.loads(body)["predictions"]
        assert (first["label"], [row["label"] for row in second["top"]]) == ("plus", ["b", "c"])

        status, body = replica.ask(wire.INFER, tensor(PLUS, shape=[2, 3]))
        assert (status, orjson.loads(body)["problems"][0]["code"]) == (400, "SERVE-007")


def test_it_speaks_binary_tensors(bundles, run_replica):
    """Given raw bytes in and asked for, the answer is a JSON head of the stated length and raw bytes after it."""
    with run_replica(bundles["sums"]) as (_, replica):
        head = orjson.dumps(
            {
                "inputs": [{"name": "input", "shape": [1, 2, 3], "datatype": "FP32", "parameters": {"binary_data_size": 24}}],
                "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
            }
        )
        data = np.array(PLUS, "<f4").tobytes()
        replica.send(wire.frame(wire.INFER, 1, head + data, headers=wire.packed_headers({"json_bytes": len(head)})))
        _, _, status, headers, body = replica.receive()
        json_bytes = wire.unpacked_headers(headers)["json_bytes"]
        assert (status, orjson.loads(body[:json_bytes])["outputs"][0]["parameters"]) == (200, {"binary_data_size": 12})
        assert np.frombuffer(body[json_bytes:], "<f4").sum() == pytest.approx(1)


def test_a_bad_request_spoils_no_neighbour(bundles, run_replica):
    """Given 30 questions at once, one of which the graph refuses, 29 are answered and one gets 422."""
    with run_replica(bundles["lookup"]) as (_, replica):
        indices = [99 if at == 17 else at % 10 for at in range(30)]
        replica.send(*(wire.frame(wire.PREDICT, at + 1, orjson.dumps({"input": [index]})) for at, index in enumerate(indices)))
        answers = {number: (status, body) for _, number, status, _, body in (replica.receive() for _ in range(30))}
        assert [number for number, (status, _) in answers.items() if status == 422] == [18]
        for at, index in enumerate(indices):
            if index != 99:
                row = orjson.loads(answers[at + 1][1])["predictions"][0]["row"]
                assert row == [index * 2, index * 2 + 1]


def test_a_slow_model_does_not_delay_health_checks(bundles, run_replica):
    """Given five questions that keep the model busy, health checks in between are answered in a fraction of one's time."""
    with run_replica(bundles["slow"]) as (_, replica):
        started = time.monotonic()
        replica.send(*(wire.frame(wire.PREDICT, at, b'{"input": [0.001]}') for at in range(1, 6)))
        waits, answers = [], 0
        while answers < 5:
            asked = time.monotonic()
            replica.send(wire.frame(wire.HEALTH, 0))
            while (frame := replica.receive())[0] != wire.HEALTHY:
                answers += 1
                assert frame[2] == 200
            waits.append(time.monotonic() - asked)
            time.sleep(0.005)
        one_answer_s = (time.monotonic() - started) / 5
        assert len(waits) > 10
        assert np.median(waits) < one_answer_s / 5


def test_sigterm_lets_it_finish(bundles, run_replica):
    """Given questions under way, SIGTERM brings a goodbye, then all the answers, then the end with code 0."""
    with run_replica(bundles["slow"]) as (process, replica):
        replica.send(*(wire.frame(wire.PREDICT, at, b'{"input": [0.001]}') for at in range(1, 4)))
        time.sleep(0.05)
        process.terminate()
        kinds = [frame[0] for frame in iter(replica.receive, None)]
        assert sorted(kinds) == [wire.ANSWER] * 3 + [wire.GOODBYE]
        assert process.wait(10) == 0


def test_a_cancelled_question_is_not_run(bundles, run_replica):
    """Given three questions to a slow model and a cancellation of the last, only two are answered."""
    with run_replica(bundles["slow"]) as (_, replica):
        replica.send(*(wire.frame(wire.PREDICT, at, b'{"input": [0.001]}') for at in (1, 2, 3)), wire.frame(wire.CANCEL, 3))
        assert [replica.receive()[1] for _ in range(2)] == [1, 2]
        replica.send(wire.frame(wire.HEALTH, 0))
        assert replica.receive()[0] == wire.HEALTHY


@pytest.mark.parametrize(
    ("damage", "says", "code"),
    [
        (lambda folder: (folder / "model.onnx").write_bytes(b"x"), "SERVE-022 ONNX Runtime cannot load it", 2),
        (lambda folder: (folder / "bundle.json").write_text("{"), "SERVE-021 is not a bundle", 2),
        (lambda folder: (folder / "bundle.json").unlink(), "SERVE-020 the bundle lacks this file", 2),
    ],
)
def test_a_bundle_that_cannot_be_served_ends_it_with_one_problem(bundles, tmp_path, damage, says, code):
    """Given a damaged bundle, the replica ends with code 2 and one line on standard error."""
    damage(bundles["sums"])
    command = [sys.executable, "-m", "datahall.models.serve.replica", "--bundle", str(bundles["sums"])]
    ended = subprocess.run(
        [*command, "--socket", str(tmp_path / "s"), "--name", "m", "--version", "1"],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (ended.returncode, ended.stdout) == (code, "")
    [line] = ended.stderr.splitlines()
    assert says in line


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["--max-batch", "0"], "--max-batch: SERVE-024 is 0, but at least 1 is needed", 2),
        (["--socket", "/nowhere/s.sock"], "/nowhere/s.sock: SERVE-025 cannot listen here", 1),
    ],
)
def test_wrong_arguments_are_named(bundles, tmp_path, arguments, says, code):
    """Given an argument that cannot be, the replica ends with one line that says so."""
    command = [sys.executable, "-m", "datahall.models.serve.replica", "--bundle", str(bundles["sums"]), "--name", "m"]
    common = ["--socket", str(tmp_path / "s"), "--version", "1"]
    ended = subprocess.run([*command, *common, *arguments], check=False, capture_output=True, text=True, timeout=20)
    assert (ended.returncode, says in ended.stderr) == (code, True), ended.stderr


def test_it_needs_no_heavy_import():
    """Given the modules of a replica, neither torch nor pydantic is among them: it must start in a blink."""
    heavy = {"torch", "pydantic", "fastapi", "sqlalchemy", "onnx"}
    code = f"import sys, datahall.models.serve.replica; print(sorted({heavy} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert ended.stdout == "[]\n"
