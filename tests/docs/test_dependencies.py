import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def required(section: str) -> list[str]:
    """Requirements of an extra; of the project itself for `Always`."""
    declared: list[str] = PROJECT["dependencies"] if section == "Always" else PROJECT["optional-dependencies"][section]
    return declared


def explained(section: str) -> list[str]:
    """First cells of the table under the heading that begins with `section`."""
    parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [text] = [part for part in parts if part.startswith((f"{section}\n", f"`{section}`"))]
    return ROW.findall(text)


def imported() -> set[str]:
    """Top-level names that the source imports from outside itself and the standard library."""
    names: set[str] = set()
    for path in ROOT.glob("src/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"datahall"}


def plain(name: str) -> str:
    """A distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=]", name)[0]).lower()


def test_each_requirement_is_explained_with_its_range():
    """Given pyproject.toml, each part of dependencies.md names exactly its requirements, ranges included."""
    for section in ("Always", *PROJECT["optional-dependencies"]):
        assert explained(section) == required(section), section


def test_each_import_is_declared():
    """Given all imports of the source, each is of a requirement, or stands among those that another brings."""
    declared = {plain(line) for part in ("Always", *PROJECT["optional-dependencies"]) for line in required(part)}
    brought = set(explained("Imported, and declared by another"))
    origins = packages_distributions()
    undeclared = {name for name in imported() if not {plain(o) for o in origins.get(name, [name])} & declared}
    assert undeclared == brought
