"""Paths into a document, and which fields of a spec may stand there."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

Path = tuple[str | int, ...]


def dotted_path(path: Path) -> str:
    """`("racks", 3, "name")` -> `racks[3].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@dataclass(frozen=True, slots=True)
class Place:
    """Where one of pydantic's errors stands, as its user would say it."""

    path: Path
    """Without the names of union branches, which nobody wrote."""
    models: tuple[type[BaseModel], ...]
    """The specs that may stand at the path; several when a union has not been decided."""
    in_union: bool
    """Whether the last step chose a branch of a union, so that other branches may have refused the same value."""


def place_of(spec: type[BaseModel], location: Path) -> Place:
    """Follow pydantic's error location down the types of `spec`."""
    here, path, in_union = _branches(spec), list[str | int](), False
    for part in location:
        chosen = [kind for kind in here if _is_called(kind, str(part))]
        in_union = len(here) > 1 and (bool(chosen) or not any(_takes(kind, part) for kind in here))
        if in_union:
            here = chosen or here
            continue
        path.append(part)
        here = [inner for kind in here for inner in _inside(kind, part)]
    return Place(tuple(path), tuple(kind for kind in here if _is_model(kind)), in_union)


def fields_of(models: tuple[type[BaseModel], ...]) -> list[str]:
    """Names of the fields of these specs, each once, in order."""
    return list(dict.fromkeys(field.alias or name for model in models for name, field in model.model_fields.items()))


def _branches(annotation: Any) -> list[Any]:
    """The types that a value of this annotation may have, without None and without Annotated."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _branches(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [kind for arg in get_args(annotation) for kind in _branches(arg) if kind is not type(None)]
    return [annotation]


def _takes(kind: Any, part: str | int) -> bool:
    if _is_model(kind):
        return isinstance(part, str) and part in fields_of((kind,))
    origin = get_origin(kind) or kind
    if isinstance(part, int):
        return origin in (tuple, list, set, frozenset)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_called(kind: Any, label: str) -> bool:
    """Whether pydantic means `kind` by `label`: a tag of its discriminating field, or its own name."""
    if not _is_model(kind):
        return False
    tags = (get_args(field.annotation) for field in kind.model_fields.values() if get_origin(field.annotation) is Literal)
    return label == kind.__name__ or label.endswith(f", {kind.__name__}]") or any(label in tag for tag in tags)


def _inside(kind: Any, part: str | int) -> Iterator[Any]:
    if _is_model(kind):
        known = (field for name, field in kind.model_fields.items() if part in (name, field.alias))
        yield from (branch for field in known for branch in _branches(field.annotation))
    else:
        arguments = [argument for argument in get_args(kind) if argument is not Ellipsis]
        if arguments:
            last = arguments[part] if isinstance(part, int) and part < len(arguments) else arguments[-1]
            yield from _branches(last)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
