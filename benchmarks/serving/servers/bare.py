"""Bare ASGI + orjson + ONNX Runtime in one process: no gateway, no token, no check of anything. The floor for Python.

python bare.py BUNDLE PORT
"""

import sys

import numpy as np
import onnxruntime
import orjson
import uvicorn


def main(bundle: str, port: str) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(f"{bundle}/model.onnx", options)
    dtype = np.int64 if session.get_inputs()[0].type == "tensor(int64)" else np.float32

    async def app(_scope, receive, send):  # type: ignore[no-untyped-def]
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)
        row = orjson.loads(body)["inputs"][0]
        [p] = session.run(None, {"input": np.array(row["data"], dtype).reshape(row["shape"])})
        answer = orjson.dumps(
            {"outputs": [{"name": "probabilities", "datatype": "FP32", "shape": p.shape, "data": p.ravel().tolist()}]}
        )
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    uvicorn.run(app, port=int(port), lifespan="off", access_log=False, log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
