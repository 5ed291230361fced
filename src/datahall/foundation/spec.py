"""The base of everything a user declares in a file."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

NAME_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, min_length=1, max_length=63)]
"""Letters, digits, `.`, `_`, `-`; starts and ends with a letter or digit, so it is never a path such as `../x`."""


class Spec(BaseModel):
    """Frozen, strict about unknown fields, finite numbers only. Tuples, not lists: frozen is shallow."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_default=True,
        protected_namespaces=(),
    )
