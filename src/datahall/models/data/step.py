"""The data step of a recipe: `config["data"]` -> the dataset in `outputs/`."""

from pathlib import Path

from pydantic import ValidationError

from datahall.foundation.document import problems_of
from datahall.foundation.errors import Refused
from datahall.models.data.prepare import prepare
from datahall.models.data.spec import DataSpec
from datahall.models.steps import Step


def run(step: Step) -> None:
    """Make the dataset. Raises Refused or Missing with what is wrong with the source or the recipe."""
    try:
        spec = DataSpec.model_validate(step.config.get("data", {}))
    except ValidationError as error:
        raise Refused(problems_of(error, DataSpec)) from None
    folder = Path(step.config.get("folder", "."))
    dataset = prepare(spec, folder=folder, seed=step.seed, outputs=step.outputs, say=step.say)
    step.say(f"data set {dataset.card['digest'][:12]} is ready")
