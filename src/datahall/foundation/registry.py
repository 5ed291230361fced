"""Plug-ins as tables: name -> `"module:attribute"`, loaded on first use; entry points add rows."""

import difflib
import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any

from datahall.foundation.errors import Missing, Problem, Unavailable


class Registry:
    """One table of one kind. `group` is the entry-point group through which other packages add rows."""

    def __init__(self, kind: str, rows: Mapping[str, str], *, group: str | None = None) -> None:
        self.kind, self._rows, self._group = kind, dict(rows), group
        self._complete = group is None

    def names(self) -> list[str]:
        return sorted(self._all())

    def __contains__(self, name: str) -> bool:
        return name in self._rows or name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def load(self, name: str, *, where: str = "") -> Any:
        """The object behind `name`.

        Raises Missing with the near matches, Unavailable when it needs a Python package that is not installed.
        """
        if name not in self:
            raise Missing(self.unknown(name, where=where))
        module, _, attribute = self._rows[name].partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            what = f"the {self.kind} `{name}` needs the Python package `{error.name}`, which is not installed"
            fix = "install it, for instance with `pip install 'datahall[models]'`"
            raise Unavailable(Problem("REG-002", where or self.kind, what, fix)) from error

    def unknown(self, name: str, *, where: str = "") -> Problem:
        """The problem to report when `name` is not in the table."""
        close = difflib.get_close_matches(name, self.names(), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(self.names())}"
        return Problem("REG-001", where or self.kind, f"there is no {self.kind} named `{name}`", hint)

    def _all(self) -> dict[str, str]:
        if not self._complete:
            found = {point.name: point.value for point in entry_points(group=self._group or "")}
            self._rows = found | self._rows
            self._complete = True
        return self._rows
