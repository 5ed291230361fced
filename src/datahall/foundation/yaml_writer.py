"""Specs written as YAML that people like to read: a comment at each field's first use, sizes also in words."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from datahall.foundation.units import bytes_text

WIDTH = 10**9


def spec_yaml(spec: BaseModel, *, header: str = "", only: Collection[str] | None = None) -> str:
    """YAML of all fields that hold something, each explained once. It loads back as an equal spec.

    header: lines put on top as a comment. only: the top-level fields to write; without it, all.
    """
    top = [f"# {line}".rstrip() for line in header.splitlines()]
    return "\n".join([*top, *_Writer().model(spec, "", only)]) + "\n"


class _Writer:
    def __init__(self) -> None:
        self._explained = set[tuple[type, str]]()

    def model(self, spec: BaseModel, indent: str, only: Collection[str] | None = None) -> Iterator[str]:
        """One block for each field; fields that hold their default None are left out."""
        for name, field in type(spec).model_fields.items():
            value = getattr(spec, name)
            if (value is None and not field.is_required()) or (only is not None and name not in only):
                continue
            about = field.description or (type(value).__doc__ if isinstance(value, BaseModel) else None)
            yield from self._comment(type(spec), name, about, indent)
            yield from self._entry(f"{indent}{name}:", value, indent, note=_note(name, value))

    def _comment(self, owner: type, name: str, text: str | None, indent: str) -> Iterator[str]:
        if text and (owner, name) not in self._explained:
            self._explained.add((owner, name))
            yield f"{indent}# {' '.join(text.split())}"

    def _entry(self, start: str, value: Any, indent: str, *, note: str = "") -> Iterator[str]:
        """`start` followed by the value: on the same line if it is plain or empty, as a block below otherwise."""
        if isinstance(value, BaseModel):
            yield start
            yield from self.model(value, f"{indent}  ")
        elif isinstance(value, Mapping) and value:
            yield start
            for key, item in value.items():
                yield from self._entry(f"{indent}  {_scalar(str(key))}:", item, f"{indent}  ")
        elif isinstance(value, (tuple, list)) and any(isinstance(item, (BaseModel, Mapping)) for item in value):
            yield start
            for item in value:
                yield from self._item(item, f"{indent}  ")
        else:
            yield f"{start} {_plain(value)}{note}"

    def _item(self, item: Any, indent: str) -> Iterator[str]:
        lines = list(self._entry("", item, indent[:-2] if not isinstance(item, BaseModel) else indent))
        inner = [line for line in lines if line.strip()]
        first = next((i for i, line in enumerate(inner) if not line.lstrip().startswith("#")), 0)
        dash = f"{indent}- "
        yield from inner[:first]
        yield dash + inner[first].lstrip() if inner else f"{dash}{{}}"
        yield from inner[first + 1 :]


def _note(name: str, value: Any) -> str:
    return f"  # {bytes_text(value)}" if name.endswith("_bytes") and isinstance(value, int) and value >= 1024 else ""


def _plain(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(_plain(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """One line of YAML; quoted wherever a bare word could be taken for something else."""
    if not isinstance(value, str):
        return str(yaml.safe_dump(value, width=WIDTH)).removesuffix("\n").removesuffix("\n...")
    bare = value.replace(" ", "").replace("_", "").replace("-", "").replace("/", "").replace(".", "")
    if bare.isalnum() and bare.isascii() and value[0].isalpha() and yaml.safe_load(value) == value:
        return value
    return str(yaml.safe_dump(value, default_style='"', allow_unicode=True, width=WIDTH)).removesuffix("\n")
