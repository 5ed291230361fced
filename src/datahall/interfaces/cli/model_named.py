"""A model as a user names it: a row of the catalogue, or the path of its config.json."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datahall.models.cost.spec import Architecture


def model_named(model: str, where: str = "MODEL") -> "Architecture":
    """Raises Missing (COST-001) with the near names, or Refused where a file is no configuration of a model."""
    from datahall.models.cost.catalogue import architecture
    from datahall.models.cost.hugging_face import from_hugging_face

    is_path = model.endswith(".json") or "/" in model or _is_there(model)
    return from_hugging_face(model) if is_path else architecture(model, where=where)


def _is_there(model: str) -> bool:
    try:
        return bool(model) and Path(model).exists()
    except (OSError, ValueError):  # longer than a name may be, or with a null character
        return False
