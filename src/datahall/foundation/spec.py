"""The base of everything a user declares in a file."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

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

    @field_validator("*")
    @classmethod
    def _is_text(cls, value: object) -> object:
        """No half of a surrogate pair: JSON can spell one, but no database, file or terminal takes it."""
        for text in _strings(value):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise ValueError(f"character {error.start} is half of a surrogate pair, which is no text") from None
        return value


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _strings(pair)
    elif isinstance(value, tuple):
        for item in value:
            yield from _strings(item)
