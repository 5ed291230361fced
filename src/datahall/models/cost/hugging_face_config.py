"""The fields of one config.json, with every problem of them collected."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from datahall.foundation.errors import Problem
from datahall.models.cost.hugging_face_types import Names, at

UNBOUNDED = 10**9
"""Where a spec sets no upper limit, a figure beyond this is a slip."""


class Fields:
    """Figures and flags by name. A bad one is noted in `problems`, and reads as None."""

    def __init__(self, config: Mapping[str, Any], *, place: str, text: str = "") -> None:
        self.config, self.problems, self.notes = config, list[Problem](), list[str]()
        self._place, self._text = place, text

    def where(self, name: str) -> str:
        """`file:line field`; the line is that of the field's first occurrence in the text."""
        found = re.search(rf'"{re.escape(name.rpartition(".")[2])}"\s*:', self._text)
        line = f":{self._text.count(chr(10), 0, found.start()) + 1}" if found else ""
        return f"{self._place}{line} {name}"

    def given(self, names: Names) -> str | None:
        """The name under which a figure stands; two that differ are a problem."""
        there = [name for name in names if at(self.config, name) is not None]
        values = [at(self.config, name) for name in there]
        if any(value != values[0] for value in values):
            what = f"`{there[0]}` is {_short(values[0])} but `{there[1]}`, its other name, is {_short(values[1])}"
            self.refuse("COST-006", there[0], what, f"keep one of `{there[0]}` and `{there[1]}`")
        return there[0] if there else None

    def optional(self, names: Names, spec: type[BaseModel], field: str) -> int | None:
        """A whole number within the limits of a spec's field; None where it is absent or bad."""
        name = self.given(names)
        if name is None:
            return None
        value, (least, most) = at(self.config, name), _limits(spec, field)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        what = f"`{name}` should be a whole number from {least} to {most}, but it is {_short(value)}"
        self.refuse("COST-004", name, what, f"correct `{name}`")
        return None

    def needed(self, names: Names, spec: type[BaseModel], field: str, *, meaning: str) -> int | None:
        """As `optional`, and absence is a problem."""
        if self.given(names) is None:
            others = f" (or `{'`, `'.join(names[1:])}`)" if len(names) > 1 else ""
            what = f"`{names[0]}`{others} is missing: {meaning}"
            self.refuse("COST-003", names[0], what, f"take the complete config.json, or add `{names[0]}`")
        return self.optional(names, spec, field)

    def flag(self, name: str | None, default: bool) -> bool:
        """True or false; `default` where it is absent."""
        value = None if name is None else at(self.config, name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        what = f"`{name}` should be true or false, but it is {_short(value)}"
        self.refuse("COST-004", str(name), what, f"correct `{name}`")
        return default

    def refuse(self, code: str, name: str, what: str, fix: str) -> None:
        """Note a problem, once for each place and code."""
        problem = Problem(code, self.where(name), what, fix)
        if all((problem.code, problem.where) != (other.code, other.where) for other in self.problems):
            self.problems.append(problem)


def _limits(spec: type[BaseModel], field: str) -> tuple[int, int]:
    """The least and the most that a spec's field takes."""
    metadata = spec.model_fields[field].metadata
    least = next((item.ge for item in metadata if hasattr(item, "ge")), 1)
    most = next((item.le for item in metadata if hasattr(item, "le")), UNBOUNDED)
    return least, most


def _short(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple):
        return "a list or mapping"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**30:
        return "a number of more than 30 digits"  # spelling a huge one out is slow, or refused by Python
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
