"""What a recipe says about making the model portable and small."""

from typing import Literal

from pydantic import Field, model_validator

from datahall.foundation.spec import Spec


class CompressSpec(Spec):
    """ONNX export with a parity check, then int8; one of the two is packaged."""

    int8: Literal["none", "dynamic", "static"] = "static"
    """`static` calibrates activations on training rows; `dynamic` quantises them at run time."""
    calibration_rows: int = Field(default=512, ge=1, le=100_000)
    max_accuracy_drop_ratio: float = Field(default=0.01, ge=0, le=1)
    """A quantised variant that loses more accuracy than this on the validation rows is not served."""
    serve: Literal["float32", "int8", "auto"] = "auto"
    """Which variant is packaged. `auto` takes int8 if it is within the limit and no slower; `int8` past it stops the run."""
    parity_tolerance: float = Field(default=1e-4, gt=0)
    """Largest difference of a probability between the trained model and its ONNX export."""

    @model_validator(mode="after")
    def _can_serve(self) -> "CompressSpec":
        if self.serve == "int8" and self.int8 == "none":
            raise ValueError("serve: int8 needs an int8 variant; set int8 to static or dynamic, or serve to auto")
        return self
