"""YAML files read into specs, with file:line on every problem and all problems at once."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.spec import Spec

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 200_000

S = TypeVar("S", bound=Spec)
Lines = dict[tuple[str | int, ...], int]


class Document:
    """Parsed YAML: plain `data`, and the line where each path stands."""

    def __init__(self, source: str, data: Any, lines: Lines) -> None:
        self.source, self.data, self.lines = source, data, lines

    def where(self, path: tuple[str | int, ...]) -> str:
        """`file:line a.b[2]` of the nearest known ancestor of `path`."""
        line = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1)
        dotted = dotted_path(path)
        return f"{self.source}:{line}" + (f" {dotted}" if dotted else "")


def dotted_path(path: tuple[str | int, ...]) -> str:
    """`("racks", 3, "name")` -> `racks[3].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read(path: Path) -> Document:
    """Read one YAML file. Raises Missing or Refused with one problem."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Refused(Problem("DOC-003", str(path), f"the file has {size} bytes, at most {MAX_BYTES} are read", "split it"))
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Missing(Problem("DOC-001", str(path), "there is no such file", _nearby(path))) from None
    except IsADirectoryError:
        raise Refused(Problem("DOC-002", str(path), "this is a folder, not a file", "name the YAML file in it")) from None
    except UnicodeDecodeError as error:
        raise Refused(
            Problem("DOC-004", str(path), f"byte {error.start} is not UTF-8 text", "save the file as UTF-8 YAML")
        ) from None
    except OSError as error:
        raise Refused(
            Problem("DOC-002", str(path), f"cannot be read: {error.strerror}", "check the path and its permissions")
        ) from None
    return parse(text, source=str(path))


def _nearby(path: Path) -> str:
    folder = path.parent if path.parent.is_dir() else Path()
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=3)
    return f"check the path; near: {', '.join(close)}" if close else "check the path"


def parse(text: str, *, source: str = "<text>") -> Document:
    """Parse YAML text. Raises Refused when it is not YAML, repeats a key, or is nested without end."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise Refused(
            Problem("DOC-005", f"{source}:{line}", f"not YAML: {error.problem or error.context}", "mend the syntax there")
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Refused(Problem("DOC-005", source, f"not YAML: {str(error)[:200]}", "mend the syntax")) from None
    lines: Lines = {}
    reader = _Reader(source, lines)
    data = reader.value(root, ()) if root is not None else None
    if reader.problems:
        raise Refused(reader.problems)
    return Document(source, data, lines)


class _Reader:
    """Walks YAML nodes, notes lines, refuses repeated keys and runaway aliases."""

    def __init__(self, source: str, lines: Lines) -> None:
        self.source, self.lines, self.problems = source, lines, list[Problem]()
        self.scalars = yaml.SafeLoader("")
        self.seen = 0

    def value(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.seen += 1
        if len(path) > MAX_DEPTH or self.seen > MAX_NODES:
            raise Refused(
                Problem(
                    "DOC-006",
                    f"{self.source}:{node.start_mark.line + 1}",
                    f"nested deeper than {MAX_DEPTH} or more than {MAX_NODES} values",
                    "flatten the file; aliases may not refer to themselves",
                )
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            line = key_node.start_mark.line + 1
            where = f"{self.source}:{line} {dotted_path((*path, key))}"
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem("DOC-008", where, "a key must be a plain word", "write `name: value`"))
            elif key in data:
                self.problems.append(Problem("DOC-007", where, f"`{key}` stands twice in the same mapping", "keep one of them"))
            self.lines[(*path, key)] = line
            data[key] = self.value(value_node, (*path, key))
        return data

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self.scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            where = f"{self.source}:{node.start_mark.line + 1}"
            self.problems.append(Problem("DOC-009", where, f"unreadable value: {str(error)[:120]}", "write it plainly"))
            return None


def load(path: Path, spec: type[S]) -> S:
    """Read a YAML file as `spec`. Raises Missing, or Refused with every problem in the file."""
    return as_spec(read(path), spec)


def as_spec(document: Document, spec: type[S]) -> S:
    """Validate a parsed document. Raises Refused with every problem, each with file:line and path."""
    data = document.data
    if not isinstance(data, Mapping):
        seen = "nothing" if data is None else f"a {type(data).__name__}"
        fields = ", ".join(list(spec.model_fields)[:6])
        raise Refused(
            Problem(
                "DOC-010", document.where(()), f"the file holds {seen}, not a mapping", f"start with fields such as {fields}"
            )
        )
    try:
        return spec.model_validate(_tuples(data))
    except ValidationError as error:
        raise Refused(problems_of(error, spec, document)) from None


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def problems_of(error: ValidationError, spec: type[BaseModel], document: Document | None = None) -> Iterator[Problem]:
    """Each pydantic error as a Problem; without a document, `where` is the field path."""
    for item in error.errors(include_url=False):
        path = tuple(part for part in item["loc"] if not _is_union_tag(part, item, document))
        where = document.where(path) if document else dotted_path(path) or spec.__name__
        yield _problem(item, path, where, spec)


def _is_union_tag(part: str | int, item: Any, document: Document | None) -> bool:
    # pydantic puts the name of a tagged union's branch into the path; a user never wrote it.
    return isinstance(part, str) and ("[" in part or (document is not None and _absent(part, item, document)))


def _absent(part: str, item: Any, document: Document) -> bool:
    if item["type"] in ("missing", "extra_forbidden") and item["loc"][-1] == part:
        return False
    return not any(part in known for known in document.lines)


def _problem(item: Any, path: tuple[str | int, ...], where: str, spec: type[BaseModel]) -> Problem:
    name = str(path[-1]) if path else spec.__name__
    if item["type"] == "extra_forbidden":
        known = fields_at(spec, path[:-1])
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known fields: {', '.join(known) or 'none'}"
        return Problem("SPEC-001", where, f"unknown field `{name}`", hint.rstrip("."))
    if item["type"] == "missing":
        return Problem("SPEC-002", where, f"`{name}` is missing", f"add `{name}: …`")
    seen = _short(item.get("input"))
    message = str(item["msg"]).removeprefix("Value error, ")
    return Problem("SPEC-003", where, f"{message[:1].lower()}{message[1:]}, but it is {seen}", f"correct `{name}`")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def fields_at(spec: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Names of the fields that may stand at `path` below `spec`; empty when the path leaves the spec."""
    here: list[type[BaseModel]] = [spec]
    for part in path:
        if isinstance(part, int):
            continue
        here = [m for model in here if part in model.model_fields for m in _models_in(model.model_fields[part].annotation)]
    return list(dict.fromkeys(name for model in here for name in model.model_fields))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
