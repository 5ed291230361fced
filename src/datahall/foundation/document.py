"""YAML files read into specs, with file:line on every problem and all problems at once."""

import difflib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.paths import Place, fields_of, place_of
from datahall.foundation.paths import dotted_path as dotted_path
from datahall.foundation.spec import Spec
from datahall.foundation.yaml_reader import MAX_DEPTH as MAX_DEPTH
from datahall.foundation.yaml_reader import MAX_NODES as MAX_NODES
from datahall.foundation.yaml_reader import Lines, data_and_lines

MAX_BYTES = 8 * 1024 * 1024

S = TypeVar("S", bound=Spec)


class Document:
    """Parsed YAML: plain `data`, and the line where each path stands."""

    def __init__(self, source: str, data: Any, lines: Lines) -> None:
        self.source, self.data, self.lines = source, data, lines

    def where(self, path: tuple[str | int, ...]) -> str:
        """`file:line a.b[2]` of the nearest known ancestor of `path`."""
        line = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1)
        dotted = dotted_path(path)
        return f"{self.source}:{line}" + (f" {dotted}" if dotted else "")


def read(path: Path) -> Document:
    """Read one YAML file. Raises Missing or Refused with one problem."""
    return parse(read_text(path), source=str(path))


def read_text(path: Path) -> str:
    """The text of one file of at most 8 MiB. Raises Missing or Refused with one problem."""
    try:
        return _bounded_bytes(path).decode("utf-8")
    except FileNotFoundError:
        raise Missing(Problem("DOC-001", str(path), "there is no such file", _nearby(path))) from None
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not UTF-8 text"
        raise Refused(Problem("DOC-004", str(path), what, "save the file as UTF-8 YAML")) from None
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise Refused(Problem("DOC-002", str(path), what, "check the path and its permissions")) from None
    except ValueError as error:
        raise Refused(Problem("DOC-002", repr(str(path)), f"cannot be read: {error}", "check the path")) from None


def _bounded_bytes(path: Path) -> bytes:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise Refused(Problem("DOC-002", str(path), "this is a folder, not a file", "name the YAML file in it"))
    if not stat.S_ISREG(status.st_mode):
        raise Refused(Problem("DOC-002", str(path), "this is a device or a pipe, not a file", "name a YAML file"))
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        what = f"the file has {status.st_size} bytes, at most {MAX_BYTES} are read"
        raise Refused(Problem("DOC-003", str(path), what, "split it"))
    return data


def _nearby(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        names = []
    close = difflib.get_close_matches(path.name, names, n=3)
    return f"check the path; near: {', '.join(close)}" if close else "check the path"


def parse(text: str, *, source: str = "<text>", max_nodes: int = MAX_NODES) -> Document:
    """Parse YAML text. Raises Refused when it is not YAML, repeats a key, is nested without end, or holds too many values."""
    data, lines = data_and_lines(text, source, max_nodes=max_nodes)
    return Document(source, data, lines)


def load(path: Path, spec: type[S]) -> S:
    """Read a YAML file as `spec`. Raises Missing, or Refused with every problem in the file."""
    return as_spec(read(path), spec)


def as_spec(document: Document, spec: type[S]) -> S:
    """Validate a parsed document. Raises Refused with every problem, each with file:line and path."""
    data = document.data
    if not isinstance(data, Mapping):
        what = f"the file holds {_kind(data)}, not a mapping"
        fields = ", ".join(list(spec.model_fields)[:6])
        raise Refused(Problem("DOC-010", document.where(()), what, f"start with fields such as {fields}"))
    try:
        return spec.model_validate(data)
    except ValidationError as error:
        raise Refused(problems_of(error, spec, document)) from None


def _kind(value: Any) -> str:
    kinds = {type(None): "nothing", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def problems_of(error: ValidationError, spec: type[BaseModel], document: Document | None = None) -> Iterator[Problem]:
    """Pydantic's errors as Problems, one for each place; without a document, `where` is the field path.

    What the branches of a union say about the same value becomes one problem.
    """
    groups: dict[tuple[tuple[str | int, ...], object], list[tuple[Place, Any]]] = {}
    for number, item in enumerate(error.errors(include_url=False)):
        place = place_of(spec, item["loc"])
        groups.setdefault((place.path, "union" if place.in_union else number), []).append((place, item))
    for members in groups.values():
        yield _problem(members[0][0], [item for _, item in members], spec, document)


def _problem(place: Place, items: list[Any], spec: type[BaseModel], document: Document | None) -> Problem:
    item, path = items[0], place.path
    if item["type"].startswith("union_tag"):
        path = (*path, item["ctx"]["discriminator"].strip("'"))
    where = document.where(path) if document else dotted_path(path) or spec.__name__
    name = str(path[-1]) if path else spec.__name__
    if item["type"] == "extra_forbidden":
        known = fields_of(place_of(spec, item["loc"][:-1]).models)
        return Problem("SPEC-001", where, f"unknown field `{name}`", _near(name, known, "known fields: "))
    if item["type"] in ("missing", "union_tag_not_found"):
        return Problem("SPEC-002", where, f"`{name}` is missing", f"add `{name}: …`")
    field = next((str(part) for part in reversed(path) if isinstance(part, str)), name)
    return Problem("SPEC-003", where, _what(items), _fix(items, field))


def _what(items: list[Any]) -> str:
    item = items[0]
    if item["type"] == "union_tag_invalid":
        return f"there is no {_short(item['ctx']['tag'])} to choose here"
    if item["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"should be a mapping of fields, but it is {_short(item.get('input'))}"
    if item["type"] in ("tuple_type", "list_type", "set_type", "frozen_set_type"):
        return f"should be a list, but it is {_short(item.get('input'))}"
    messages = dict.fromkeys(str(item["msg"]).removeprefix("Value error, ") for item in items)
    joined = ", or ".join(f"{message[:1].lower()}{message[1:]}" for message in messages)
    return f"{joined}, but it is {_short(item.get('input'))}"


def _fix(items: list[Any], name: str) -> str:
    for item in items:
        details = item.get("ctx", {})
        if allowed := details.get("expected_tags") or (item["type"] == "literal_error" and details["expected"]):
            names = [part.strip("' ") for part in allowed.replace(" or ", ", ").split(",")]
            otherwise = "choose one of " if len(items) == 1 else f"correct `{name}`; a word must be one of "
            return _near(str(details.get("tag", item.get("input"))), names, otherwise)
    return f"correct `{name}`"


def _near(name: str, known: list[str], otherwise: str) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"{otherwise}{', '.join(known) or 'none'}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def fields_at(spec: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Names of the fields that may stand at `path` below `spec`; empty when the path leaves the spec."""
    return fields_of(place_of(spec, path).models)
