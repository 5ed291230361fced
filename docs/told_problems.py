"""Every problem that the source tells: found by reading the source, not by running it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from datahall.foundation import errors

SOURCE = Path(__file__).parent.parent / "src" / "datahall"


class Told(NamedTuple):
    """One place in the source that names a problem."""

    code: str
    what: str
    fix: str
    status: str
    file: str


def told_problems() -> Iterator[Told]:
    """Every call in the source that makes a Problem, or hands a code to a function that does."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for parent in ast.walk(tree):
            for child in ast.iter_child_nodes(parent):
                child.parent = parent  # type: ignore[attr-defined]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (told := _told(node, path.relative_to(SOURCE).as_posix())):
                yield told


def _told(call: ast.Call, file: str) -> Told | None:
    given = dict(zip(("code", "where", "what", "fix"), call.args, strict=False)) | {
        k.arg: k.value for k in call.keywords if k.arg
    }
    code = given.get("code")
    if not isinstance(code, ast.Constant) or not isinstance(code.value, str) or not is_code(code.value):
        return None
    return Told(code.value, _words(given.get("what"), call), _words(given.get("fix"), call), _status(call), file)


def is_code(text: str) -> bool:
    """Whether it looks like `JOB-010`."""
    area, dash, number = text.partition("-")
    return bool(dash) and area.isalpha() and area.isupper() and len(number) == 3 and number.isdigit()


def _status(call: ast.Call) -> str:
    node: Any = call
    while node is not None and not isinstance(node, ast.stmt):
        kind = getattr(errors, getattr(getattr(node, "func", None), "id", ""), None)
        if isinstance(kind, type) and issubclass(kind, errors.DatahallError):
            return str(kind.http_status)
        node = getattr(node, "parent", None)
    return ""


def _words(node: ast.expr | None, call: ast.Call) -> str:
    """The text of an expression, `…` where it depends on the case."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_words(value, call) for value in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _words(left, call) + _words(right, call)
        case ast.IfExp(body=body, orelse=other):
            return " / ".join(text for text in (_words(body, call), _words(other, call)) if text)
        case ast.Name(id=name) if (value := _assigned(name, call)) is not None:
            return _words(value, call)
    return "…"


def _assigned(name: str, call: ast.Call) -> ast.expr | None:
    """What the variable was last given before the call, in the same function."""
    node: Any = call
    while node is not None and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        node = getattr(node, "parent", None)
    found = None
    for inner in ast.walk(node) if node is not None else ():
        if isinstance(inner, ast.Assign) and inner.lineno < call.lineno:
            targets = [target.id for target in inner.targets if isinstance(target, ast.Name)]
            found = inner.value if name in targets and (found is None or inner.lineno > found.lineno) else found
    return found
