"""Which steps a recipe asks for, and when they are the same as another recipe's."""

from pathlib import Path
from typing import Any

import pytest

from datahall.models.recipe import Recipe, planned_steps

DIGITS: dict[str, Any] = {"name": "digits", "data": {"source": {"kind": "digits"}}, "model": {"family": "mlp"}}


def steps(**words: Any) -> dict[str, Any]:
    """The planned steps of the digits' recipe by name."""
    return {step.name: step for step in planned_steps(Recipe.model_validate(DIGITS | words), folder=Path("/x"))}


@pytest.mark.parametrize(
    ("words", "last"),
    [
        ({}, "package"),
        ({"compress": None}, "evaluate"),
        ({"deploy": {"endpoint": "digits"}}, "package"),
        ({"compress": None, "deploy": {"endpoint": "digits"}}, "package"),
    ],
)
def test_what_is_to_be_deployed_is_packaged(words: dict[str, Any], last: str) -> None:
    """Given a recipe with and without compression and deployment, only one that wants neither ends without a package."""
    assert list(steps(**words))[-1] == last


def test_deployed_without_compression_is_float32_alone() -> None:
    """Given `compress: null` and a deployment, the model is exported, but no int8 variant is made."""
    found = steps(compress=None, deploy={"endpoint": "digits"})
    assert found["compress"].config["compress"]["int8"] == "none"
    assert found["compress"].key == steps(compress={"int8": "none"})["compress"].key
