"""LitServe, one worker, no batching.

python litserve_plain.py BUNDLE PORT
"""

import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime


class Api(litserve.LitAPI):
    """The model behind LitServe's four hooks."""

    bundle: str

    def setup(self, _device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(f"{self.bundle}/model.onnx", options)
        self.dtype = np.int64 if self.session.get_inputs()[0].type == "tensor(int64)" else np.float32

    def decode_request(self, request: dict[str, Any]) -> Any:
        row = request["inputs"][0]
        return np.array(row["data"], self.dtype).reshape(row["shape"])

    def predict(self, x: Any) -> Any:
        return self.session.run(None, {"input": x})[0]

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"data": output.ravel().tolist()}


if __name__ == "__main__":
    api = Api(api_path="/v2/models/m/infer")
    api.bundle = sys.argv[1]  # on the instance: that is what reaches the worker process
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[2]), host="127.0.0.1", log_level="warning", generate_client_file=False)
