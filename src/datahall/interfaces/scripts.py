"""A user's script or notebook, as the command that runs it."""

import difflib
import json
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datahall.foundation.errors import Problem, Refused
from datahall.platform.spec import JobSpec

PYTHONS = ("python", "python3")
PAPERMILL = ("-m", "papermill", "--log-output", "--no-progress-bar")


def runnable(command: Sequence[str], folder: Path) -> list[str]:
    """`python` becomes the one meant, and a notebook, alone or after a Python, is run by papermill; all else stays.

    Raises Refused when the notebook is none.
    """
    words = list(command)
    if words and words[0] in PYTHONS:
        words[0] = chosen_python()
    if words and words[0].endswith(".ipynb"):
        words.insert(0, sys.executable)
    if len(words) > 1 and words[1].endswith(".ipynb") and _is_python(words[0]):
        python, notebook, *rest = words
        return [python, *PAPERMILL, *_kernel(notebook, folder), notebook, f"outputs/{Path(notebook).name}", *rest]
    return words


def chosen_python() -> str:
    """The Python of the environment that is active in the user's shell; otherwise the one that runs us."""
    conda = os.environ.get("CONDA_PREFIX") if os.environ.get("CONDA_DEFAULT_ENV") != "base" else None
    for root in (os.environ.get("VIRTUAL_ENV"), conda):
        if root and os.access(Path(root) / "bin" / "python", os.X_OK):
            return str(Path(root) / "bin" / "python")
    return sys.executable


def with_outputs(spec: JobSpec) -> JobSpec:
    """A notebook's job keeps what it leaves in outputs/, the executed notebook among it, under a key of its own."""
    if spec.output_key is not None or "papermill" not in spec.command:
        return spec
    return spec.model_copy(update={"output_key": f"notebooks/{spec.name}-{secrets.token_hex(4)}"})


def check_script(spec: JobSpec, folder: Path, brought: Sequence[str]) -> None:
    """Raises Refused when the command runs a script that neither lies in `folder` nor comes with the job otherwise."""
    script = _script_of(spec.command)
    if script is None or Path(script).is_absolute() or spec.source is not None or (folder / script).is_file():
        return
    if any(script == name or script.startswith(f"{name}/") for name in (*brought, *spec.files)):
        return
    here = (folder / script).parent
    names = [path.name for path in here.glob(f"*{Path(script).suffix}")] if here.is_dir() else []
    near = difflib.get_close_matches(Path(script).name, names, n=1)
    fix = f"did you mean `{Path(script).with_name(near[0])}`?" if near else "submit from its folder, or name it with --include"
    raise Refused(Problem("CLI-015", script, f"is not in {folder}", fix))


def names_module(command: Sequence[str], folder: Path) -> bool:
    """Whether `python -m` runs a module that lies in `folder`."""
    words = list(command)
    if not _is_python(words[0]) or "-m" not in words[1:-1]:
        return False
    top = words[words.index("-m") + 1].partition(".")[0]
    return top.isidentifier() and ((folder / f"{top}.py").is_file() or (folder / top).is_dir())


def _script_of(command: Sequence[str]) -> str | None:
    """The file that a Python is to run; None when it is a module, a word of code, or another program."""
    words = list(command[1:])
    if not _is_python(command[0]) or not words:
        return None
    if words[:2] == list(PAPERMILL[:2]):
        return next((word for word in words if word.endswith(".ipynb")), None)
    first = next((word for word in words if not word.startswith("-")), "")
    return first if first.endswith(".py") and words[0] not in ("-m", "-c") else None


def _is_python(program: str) -> bool:
    return Path(program).name.startswith("python")


def _kernel(notebook: str, folder: Path) -> list[str]:
    """A Python notebook runs in the Python that runs papermill, whatever kernel it was written with."""
    language = _language(_notebook(folder / notebook)) if (folder / notebook).is_file() else None
    return ["-k", "python3", "-l", "python"] if language in (None, "python") else []


def _notebook(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _no_notebook(path, f"it is not JSON: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("cells", data.get("worksheets")), list):
        raise _no_notebook(path, "it has no list of cells")
    return data


def _no_notebook(path: Path, why: str) -> Refused:
    return Refused(Problem("CLI-016", str(path), f"is not a notebook, {why[:300]}", "open it in Jupyter and save it again"))


def _language(notebook: dict[str, Any]) -> str | None:
    metadata = _mapping(notebook.get("metadata"))
    told = _mapping(metadata.get("kernelspec")).get("language") or _mapping(metadata.get("language_info")).get("name")
    return str(told).lower() if told else None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
