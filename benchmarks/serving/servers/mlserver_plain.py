"""MLServer with a custom runtime in its own process, no batching.

python mlserver_plain.py BUNDLE PORT
"""

import asyncio
import sys
from typing import Any

import numpy as np
import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse


class Onnx(MLModel):
    """The model behind MLServer's two hooks."""

    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session: Any = onnxruntime.InferenceSession(f"{self.settings.parameters.uri}/model.onnx", options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        x = NumpyCodec.decode_input(payload.inputs[0])
        dtype = np.int64 if self.session.get_inputs()[0].type == "tensor(int64)" else np.float32
        [p] = self.session.run(None, {"input": x.astype(dtype)})
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("probabilities", p)])


async def main(bundle: str, port: str) -> None:
    settings = Settings(
        debug=False, host="127.0.0.1", http_port=int(port), parallel_workers=0, grpc_port=int(port) + 500, metrics_endpoint=None
    )
    server = MLServer(settings)
    await server.start([ModelSettings(name="m", implementation=Onnx, parameters=ModelParameters(uri=bundle))])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
