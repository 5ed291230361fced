"""FastAPI + pydantic + ONNX Runtime inline: what most people write first.

python fastapi_inline.py BUNDLE PORT
"""

import sys
from typing import Any

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Body(BaseModel):
    inputs: list[Tensor]


def main(bundle: str, port: str) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(f"{bundle}/model.onnx", options)
    dtype = np.int64 if session.get_inputs()[0].type == "tensor(int64)" else np.float32
    app = FastAPI()

    @app.post("/v2/models/m/infer")
    async def infer(body: Body) -> dict[str, Any]:
        row = body.inputs[0]
        [p] = session.run(None, {"input": np.array(row.data, dtype).reshape(row.shape)})
        return {"outputs": [{"name": "probabilities", "datatype": "FP32", "shape": p.shape, "data": p.ravel().tolist()}]}

    uvicorn.run(app, port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
