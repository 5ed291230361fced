"""A trained network as one ONNX file that takes raw rows and gives probabilities.

Normalising and softmax are part of the graph, so whoever runs the file needs no other knowledge of the training.
PyTorch's own exporter is used rather than a graph built by hand: it costs about a second, but it says what each layer
of every family means once, in PyTorch, and folds batch norm into the layer before it.
Shapes: B rows of `row_shape`, K classes.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from datahall.foundation import files
from datahall.foundation.errors import Problem, Unprocessable
from datahall.models.families.trained import TrainedCard

INPUT, OUTPUT = "input", "probabilities"
MAX_FILE_BYTES = 2_000_000_000
"""One protobuf message ends at 2 GiB."""


class RawToProbabilities(nn.Module):
    """x_B… raw -> p_BK: normalise, the network, softmax."""

    offset: Tensor
    scale: Tensor

    def __init__(self, network: nn.Module, card: TrainedCard) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("offset", torch.tensor(card.normaliser["offset"], dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(card.normaliser["scale"], dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        p_BK: Tensor = self.network((x - self.offset) * self.scale).softmax(dim=-1)
        return p_BK


def export_onnx(network: nn.Module, card: TrainedCard, path: Path) -> None:
    """Write `network` to `path` as ONNX: FP32 `input` [-1, *row_shape] -> FP32 `probabilities` [-1, classes].

    Raises Unprocessable when the network cannot be exported (COMP-003) or is too large for one file (COMP-004).
    """
    size_bytes = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if size_bytes > MAX_FILE_BYTES:
        what = f"the weights take {size_bytes:,} bytes, an ONNX file holds at most {MAX_FILE_BYTES:,}"
        raise Unprocessable(Problem("COMP-004", "model", what, "make the network smaller, or leave `compress` out"))
    files.write_bytes(path, _graph(RawToProbabilities(network, card).eval(), card).SerializeToString())


def _graph(model: nn.Module, card: TrainedCard) -> onnx.ModelProto:
    example = torch.zeros(2, *card.row_shape)
    batch = torch.export.Dim("batch")
    try:
        with _quiet_exporter():
            program = torch.onnx.export(
                model,
                (example,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes={"x": {0: batch}},
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error).splitlines()[0]
        fix = "leave `compress` out to keep the trained model, or use layers that ONNX knows"
        raise Unprocessable(Problem("COMP-003", "model", f"cannot be exported to ONNX: {reason}", fix)) from error
    if program is None:
        raise Unprocessable(
            Problem("COMP-003", "model", "PyTorch's exporter gave nothing back", "install datahall[models] again")
        )
    return _without_traces(program.model_proto)


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the exporter's notes: stack traces with paths of this machine, which differ from run to run."""
    del model.metadata_props[:], model.graph.metadata_props[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    return model


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns about its own use of PyTorch and about vision operators that are not installed: not our news."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
