"""Tables of the fields of specs, as a person would say them."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from datahall.foundation import units
from datahall.foundation.money import Amount
from datahall.foundation.spec import NAME_PATTERN
from datahall.infrastructure.spec import Hall
from datahall.models.recipe import Recipe
from datahall.planner.site.spec import Candidates


def row(*cells: str) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def spec_table(spec: type[BaseModel], *, path: str = "") -> str:
    """The fields of a spec, one a row. path: where it stands; nested specs are named by theirs."""
    rows = ["| field | what it takes | default | what it means |", "|---|---|---|---|"]
    for name, field in spec.model_fields.items():
        here = f"{path}.{name}" if path else name
        taken = _type_text(field.annotation, tuple(field.metadata), here)
        rows.append(
            row(
                f"`{name}`",
                taken,
                _default(field.get_default(call_default_factory=True)),
                " ".join((field.description or "").split()),
            )
        )
    return "\n".join(rows) + "\n"


def recipe_sections() -> str:
    """The whole recipe, section by section."""
    return _all_sections(Recipe, "The recipe")


def hall_sections() -> str:
    """The whole hall, section by section."""
    return _all_sections(Hall, "The hall")


def candidate_sections() -> str:
    """The candidates file, section by section; what a site is stands with the hall's fields."""
    return "\n".join(
        part
        for part in _all_sections(Candidates, "The candidates file").split("\n### ")
        if not part.startswith("`candidates.site")
    ).replace("\n`", "\n### `")


def _all_sections(spec: type[BaseModel], called: str) -> str:
    parts = _sections(spec, "")
    return "\n".join(dict.fromkeys(f"### {title or called}\n\n{about}\n\n{table}" for title, about, table in parts))


def _sections(spec: type[BaseModel], path: str) -> Iterator[tuple[str, str, str]]:
    yield f"`{path}`{_of_kind(spec)}" if path else "", first_paragraph(spec), spec_table(spec, path=path)
    for name, field in spec.model_fields.items():
        for inner in _specs_in(field.annotation):
            yield from _sections(inner, f"{path}.{name}" if path else name)


def _of_kind(spec: type[BaseModel]) -> str:
    """Which of several sections that may stand in one place."""
    for name in ("kind", "topology"):
        field = spec.model_fields.get(name)
        if field and field.is_required() and get_origin(field.annotation) is Literal:
            return f" of {name} {' or '.join(f'`{value}`' for value in get_args(field.annotation))}"
    return ""


def _specs_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _specs_in(part)


def first_paragraph(thing: Any) -> str:
    return " ".join((thing.__doc__ or "").strip().split("\n\n")[0].split())


def _type_text(annotation: Any, metadata: tuple[Any, ...], path: str) -> str:
    """A type as a person would say it, with its bounds."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = tuple(m for part in parts[1:] for m in getattr(part, "metadata", (part,)))
        return _type_text(parts[0], (*inner, *metadata), path)
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        texts = [_type_text(part, metadata, path) for part in parts if part is not type(None)]
        return " or ".join(dict.fromkeys(texts)) + (" or nothing" if type(None) in parts else "")
    if origin is tuple:
        return _bounded(f"list of {_type_text(parts[0], (), path)}", metadata)
    if origin is dict:
        return _bounded(f"{_type_text(parts[0], (), path)} → {_type_text(parts[1], (), path)}", metadata)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"section `{path}`"
    return _bounded(_plain(annotation, metadata), metadata)


def _plain(annotation: Any, metadata: tuple[Any, ...]) -> str:
    readers = {getattr(m, "func", None) for m in metadata}
    if units._bytes in readers:
        return "size"
    if units._seconds in readers:
        return "duration"
    if units._watts in readers:
        return "power"
    if units._bits_per_s in readers or units._bytes_per_s in readers:
        return "rate"
    if annotation is Amount:
        return "amount of money"
    if any(getattr(m, "pattern", None) == NAME_PATTERN for m in metadata):
        return "name"
    return {int: "whole number", float: "number", bool: "true or false", str: "text"}.get(annotation, str(annotation))


def _bounded(text: str, metadata: tuple[Any, ...]) -> str:
    if text in ("size", "duration", "power", "rate", "name"):
        return text
    signs = {"gt": "> ", "ge": "≥ ", "lt": "< ", "le": "≤ ", "min_length": "at least ", "max_length": "at most "}
    what = "character" if text == "text" else "entry"
    found = [(key, value) for m in metadata for key in signs if (value := getattr(m, key, None)) is not None]
    bounds = [f"{signs[key]}{_number(value)}{_counted(what, value) if key.endswith('length') else ''}" for key, value in found]
    return f"{text}, {', '.join(dict.fromkeys(bounds))}" if bounds else text


def _counted(what: str, count: int) -> str:
    return f" {what}" if count == 1 else f" {what.removesuffix('y')}ies" if what.endswith("y") else f" {what}s"


def _number(value: float) -> str:
    return f"2^{int(value).bit_length() - 1}" if value >= 2**53 else f"{value:,}"


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "**needed**"
    if value is None:
        return "nothing"
    if isinstance(value, BaseModel):
        return "its defaults"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value >= 1024**2 and value % 1024**2 == 0:
        return units.bytes_text(value).replace(".0", "")
    if isinstance(value, tuple | dict):
        return f"`{list(value)}`" if value else "empty"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`" if value != "" else "empty"
