"""What a recipe says about its network. Further families join the union; nothing else changes."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from datahall.foundation.spec import Spec

Activation = Literal["identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus"]
Initialisation = Literal[
    "auto", "kaiming_uniform", "kaiming_normal", "xavier_uniform", "xavier_normal", "lecun_normal", "orthogonal"
]


class MlpSpec(Spec):
    """A multi-layer perceptron."""

    family: Literal["mlp"]
    hidden: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(default=(128, 64), max_length=64)
    """Units of each hidden layer, from the input on."""
    activation: Activation = "relu"
    initialisation: Initialisation = "auto"
    """`auto` follows the activation: Kaiming for the ReLU family, Xavier otherwise."""
    batch_norm: bool = False
    dropout_ratio: float = Field(default=0, ge=0, lt=1)

    @model_validator(mode="after")
    def _within_reason(self) -> "MlpSpec":
        sizes = sum(a * b for a, b in zip(self.hidden, self.hidden[1:], strict=False))
        if sizes > 2_000_000_000:
            raise ValueError(f"the hidden layers alone hold {sizes:,} weights; at most 2,000,000,000")
        return self


ModelSpec = MlpSpec
"""The union of all families, told apart by `family`."""
