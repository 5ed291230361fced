"""A document read as far as it holds: what does not fit is left out, so that the rest can be checked in the same run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from datahall.foundation.document import Document, as_spec, problems_of
from datahall.foundation.errors import Problem, Refused
from datahall.foundation.paths import Path, place_of
from datahall.foundation.spec import Spec

MAX_ROUNDS = 50

S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class Partial(Generic[S]):
    """What could be read of a document, and what could not."""

    spec: S | None
    """None when nothing is left that would make a spec."""
    problems: tuple[Problem, ...]
    document: Document
    removed: frozenset[Path] = frozenset()
    """Places that were left out; empty when all of it fits."""

    def where(self, path: Path) -> str:
        """`file:line path` of a place in `spec`, as it stands in the file: items that were left out are counted."""
        return self.document.where(self.in_file(path))

    def in_file(self, path: Path) -> Path:
        """The place in the file of a place in `spec`."""
        found: Path = ()
        for part in path:
            found = (*found, self._index(found, part) if isinstance(part, int) else part)
        return found

    def _index(self, above: Path, wanted: int) -> int:
        gone = sorted(int(path[-1]) for path in self.removed if path[:-1] == above)
        for index in gone:
            wanted += index <= wanted
        return wanted

    def words_left_out(self) -> frozenset[str]:
        """Every text in what was left out: a rule that misses one of these names is not broken, only unread."""
        return frozenset(word for path in self.removed for word in _texts(_at(self.document.data, path)))


def partly(document: Document, spec: type[S]) -> Partial[S]:
    """Read as much as fits. Raises Refused when the document is no mapping at all."""
    try:
        return Partial(as_spec(document, spec), (), document)
    except Refused:
        if not isinstance(document.data, Mapping):
            raise
    return _pruned(document, spec)


def _pruned(document: Document, spec: type[S]) -> Partial[S]:
    problems: tuple[Problem, ...] = ()
    removed = frozenset[Path]()
    for _ in range(MAX_ROUNDS):
        read = Partial[S](None, problems, document, removed)
        try:
            whole = spec.model_validate(_without(document.data, removed, ()))
        except ValidationError as error:
            # Later rounds stumble over holes that we made; only the first speaks of what the user wrote.
            problems = problems or tuple(problems_of(error, spec, document))
            more = frozenset(_to_remove(error, spec, read))
            if () in more or not more - removed:
                break
            removed |= more
        else:
            return Partial(whole, problems, document, removed)
    return Partial(None, problems, document, removed)


def _to_remove(error: ValidationError, spec: type[Spec], read: Partial[Any]) -> Iterator[Path]:
    """Places in the file whose absence would heal the errors: what is wrong itself, or what lacks a part."""
    for item in error.errors(include_url=False, include_context=False):
        path = read.in_file(place_of(spec, item["loc"]).path)
        lacks = item["type"] in ("missing", "union_tag_not_found") or path not in read.document.lines
        yield path[:-1] if lacks and item["type"] != "union_tag_not_found" else path


def _without(value: Any, removed: frozenset[Path], path: Path) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(item, removed, (*path, key)) for key, item in value.items() if (*path, key) not in removed}
    if isinstance(value, list):
        return [_without(item, removed, (*path, i)) for i, item in enumerate(value) if (*path, i) not in removed]
    return value


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _texts(item))
