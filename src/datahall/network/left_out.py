"""What the rules say only because a part of the file could not be read: that part is told already, and is all there is."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from datahall.foundation.errors import Problem
from datahall.foundation.partial import Partial
from datahall.foundation.paths import Path
from datahall.foundation.ranges import names_of
from datahall.infrastructure.spec import Hall

ABSENCE: Mapping[str, Path] = {
    "INF-113": ("rooms",),
    "INF-115": ("racks",),
    "INF-117": ("platform", "tenants"),
    "INF-205": ("power", "elements"),
    "INF-206": ("power", "elements"),
    "INF-507": ("racks",),
    "NET-013": ("racks",),
    "NET-018": ("racks",),
}
"""Rules that say that a name is not there, with where it would stand: it may be one that was written and not read."""

_QUOTED = re.compile(r"`([^`]+)`")


class LeftOut:
    """What of a hall file could not be read, and what follows from it."""

    def __init__(self, part: Partial[Hall]) -> None:
        self._part = part
        found = [word for path in part.removed for word in _declared(_at(part.document.data, path), path)]
        self._names = _names(found)
        self._patterns = [_pattern(word) for word in found if not _is_readable(word)]

    def holds(self, place: Path) -> bool:
        """Whether anything at or below a place of the hall was left out."""
        return self._in_file(self._part.in_file(place))

    def _in_file(self, place: Path) -> bool:
        return any(gap[: len(place)] == place for gap in self._part.removed)

    def explains(self, problem: Problem, place: Path | None) -> bool:
        """Whether a problem at a place of the file only says that something was left out."""
        if place is not None and self._in_file(place):
            return True
        if (list_ := ABSENCE.get(problem.code)) is None:
            return False
        missing = _names(_QUOTED.findall(problem.what))
        return self._may_hold_any(list_) or any(
            name in self._names or any(p.fullmatch(name) for p in self._patterns) for name in missing
        )

    def _may_hold_any(self, list_: Path) -> bool:
        """Whether the list, or an entry of it without a name that is text, was left out: that may have had any name."""
        if any(list_[: len(gap)] == gap for gap in self._part.removed):
            return True
        entries = [gap for gap in self._part.removed if gap[:-1] == list_]
        found = [_at(self._part.document.data, entry) for entry in entries]
        return any(not isinstance(e, str) and not (isinstance(e, Mapping) and isinstance(e.get("name"), str)) for e in found)


def _declared(value: Any, path: Path) -> Iterator[str]:
    """Names that stand in what was left out, and parts that stand there: what others may name."""
    if isinstance(value, str) and any(key in ("name", "part") or isinstance(key, int) for key in path[-1:]):
        yield value
    elif isinstance(value, Mapping):
        yield from (word for key, item in value.items() for word in _declared(item, (*path, key)))
    elif isinstance(value, list):
        yield from (word for i, item in enumerate(value) if isinstance(item, Mapping) for word in _declared(item, (*path, i)))


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _names(words: Iterable[str]) -> set[str]:
    """The words, and the names that those stand for which are ranges."""
    found = set(words)
    for word in tuple(found):
        with contextlib.suppress(ValueError):
            found.update(names_of(word))
    return found


def _is_readable(word: str) -> bool:
    try:
        names_of(word)
    except ValueError:
        return False
    return True


def _pattern(word: str) -> re.Pattern[str]:
    """Names that a text which cannot be read may have been meant for: with a number or a word in place of brackets, and
    without the characters that no name has, or with others for them.
    """
    before, bracket, rest = word.partition("[")
    after = rest.rpartition("]")[2] if "]" in rest else ""
    return re.compile(_loosely(before) + (r"([A-Za-z]+|\d+)" if bracket else "") + _loosely(after))


def _loosely(text: str) -> str:
    return "[._-]?".join(re.escape(part) for part in re.split(r"[^A-Za-z0-9._-]+", text))
