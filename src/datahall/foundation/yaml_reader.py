"""YAML text as plain data with line numbers: repeated keys, runaway aliases and endless nesting are refused.

Works on the parser's events: building nodes first would recurse inside the C parser, where deep nesting ends the process.
"""

import re
from typing import Any, NoReturn, TypeVar

import yaml

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.paths import Path, dotted_path

MAX_DEPTH = 40
MAX_NODES = 200_000

_BARE_RANGE = re.compile(r"[\[{,:]\s*([A-Za-z0-9][\w.-]*(?:\[[\w,-]*\][\w.-]*)+)")
"""A range without quotes where a flow list or mapping may be open."""

Lines = dict[Path, int]
E = TypeVar("E", bound=yaml.Event)
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def data_and_lines(text: str, source: str, *, max_nodes: int = MAX_NODES) -> tuple[Any, Lines]:
    """The one document in `text`. Raises Refused, with every repeated key and unreadable value at once."""
    reader = _Reader(text, source, max_nodes)
    try:
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "nesting depth" in str(error.problem):  # libyaml since PyYAML 6.0.4 has a depth of its own, 1,000
            reader.refuse_size(mark)
        reader.refuse("DOC-005", mark, f"not YAML: {error.problem or error.context}", _mend(text, mark))
    except yaml.reader.ReaderError as error:
        line = text.encode(errors="replace")[: error.position].count(b"\n") + 1
        what = f"not YAML: a character that may not stand in a text file, {_character(error.character)}"
        raise Refused(Problem("DOC-005", f"{source}:{line}", what, "remove it, or write it as an escape in quotes")) from None
    except (yaml.YAMLError, ValueError) as error:
        raise Refused(Problem("DOC-005", source, f"not YAML: {str(error)[:200]}", "mend the syntax")) from None
    if reader.problems:
        raise Refused(reader.problems)
    return data, reader.lines


class _Reader:
    """Walks the events of one text, noting the line of each path."""

    def __init__(self, text: str, source: str, max_nodes: int) -> None:
        self.source, self.lines, self.problems = source, Lines(), list[Problem]()
        self._max_nodes = max_nodes
        self._events = yaml.parse(text, Loader=_PARSER)
        self._scalars = yaml.SafeLoader("")
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._seen = 0

    def refuse(self, code: str, mark: Any, what: str, fix: str) -> NoReturn:
        raise Refused(Problem(code, f"{self.source}:{_line(mark)}", what, fix)) from None

    def refuse_size(self, mark: Any) -> NoReturn:
        what = f"nested deeper than {MAX_DEPTH} or more than {self._max_nodes:,} values, aliases counted in full"
        self.refuse("DOC-006", mark, what, "flatten the file or split it")

    def document(self) -> Any:
        self._next(yaml.StreamStartEvent)
        if isinstance(self._next(yaml.Event), yaml.StreamEndEvent):
            return None
        data = self._value(self._next(yaml.Event), ())
        self._next(yaml.DocumentEndEvent)
        following = self._next(yaml.Event)
        if not isinstance(following, yaml.StreamEndEvent):
            self.refuse("DOC-009", following.start_mark, "a second document begins here", "keep one document in a file")
        return data

    def _next(self, kind: type[E]) -> E:
        event = next(self._events)
        if not isinstance(event, kind):
            raise yaml.YAMLError(f"{type(event).__name__} where {kind.__name__} should stand")
        return event

    def _value(self, event: yaml.Event, path: Path) -> Any:
        self.lines.setdefault(path, _line(event.start_mark))
        self._count(1, len(path), event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before, anchor = self._seen, getattr(event, "anchor", None)
        if anchor:
            self._anchors[anchor] = None
        value = self._content(event, path)
        if anchor:
            self._anchors[anchor] = (value, self._seen - before + 1)
        return value

    def _count(self, nodes: int, depth: int, event: yaml.Event) -> None:
        self._seen += nodes
        if depth > MAX_DEPTH or self._seen > self._max_nodes:
            self.refuse_size(event.start_mark)

    def _alias(self, event: yaml.AliasEvent, path: Path) -> Any:
        known = self._anchors.get(str(event.anchor), (None, -1))
        if known is None:
            self.refuse("DOC-006", event.start_mark, f"the alias `*{event.anchor}` stands inside itself", "write it out")
        value, nodes = known
        if nodes < 0:
            self.refuse("DOC-005", event.start_mark, f"not YAML: no anchor `&{event.anchor}` before this", "name one above")
        self._count(nodes, len(path), event)
        return value

    def _content(self, event: yaml.Event, path: Path) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event)

    def _sequence(self, path: Path) -> list[Any]:
        items = list[Any]()
        while not isinstance(event := self._next(yaml.Event), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := self._next(yaml.Event), yaml.MappingEndEvent):
            key = self._key(event, path)
            where = f"{self.source}:{_line(event.start_mark)} {dotted_path((*path, key))}"
            if key in data:
                self.problems.append(Problem("DOC-007", where, f"`{key}` stands twice in the same mapping", "keep one of them"))
            self.lines[(*path, key)] = _line(event.start_mark)
            data[key] = self._value(self._next(yaml.Event), (*path, key))
        return data

    def _key(self, event: yaml.Event, path: Path) -> str:
        if isinstance(event, yaml.ScalarEvent) and str(event.value).isprintable():
            return str(event.value)
        where = f"{self.source}:{_line(event.start_mark)} {dotted_path(path)}".rstrip()
        self.problems.append(Problem("DOC-008", where, "a key must be a plain word", "write `name: value`"))
        self._value(event, (*path, "?"))
        return f"?{self._seen}"

    def _scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark, style=event.style)
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, LookupError, OverflowError, AttributeError, TypeError) as error:
            reason = str(getattr(error, "problem", None) or error)[:120]
            where = f"{self.source}:{_line(event.start_mark)}"
            self.problems.append(Problem("DOC-005", where, f"not a readable value: {reason}", "write it plainly"))
            return None


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 1


def _mend(text: str, mark: Any) -> str:
    """The way out of a syntax error: YAML takes the `[` of a bare range for the start of a list."""
    lines = text.splitlines()[max(_line(mark) - 2, 0) : _line(mark)]
    if bare := next((match[1] for line in reversed(lines) if (match := _BARE_RANGE.search(line))), None):
        return f'quote a range inside [ ] or {{ }}: write "{bare}"'
    return "mend the syntax there"


def _character(value: str | bytes | int) -> str:
    return repr(chr(value) if isinstance(value, int) else value)
