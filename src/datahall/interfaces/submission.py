"""From words on a command line to a job, with the files that it needs."""

import io
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from datahall.foundation import document
from datahall.foundation.errors import Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.interfaces.client import Client
from datahall.interfaces.scripts import check_script, names_module, runnable, with_outputs
from datahall.platform.spec import JobSpec

MAX_SOURCE_BYTES, MAX_SOURCE_FILES = 64 * 1024 * 1024, 5000
LEFT_OUT = {"__pycache__", "node_modules", "mlruns", "venv"}


def job_from_file(path: Path) -> JobSpec:
    """Raises Missing, or Refused with every problem and its line."""
    spec = document.load(path, JobSpec)
    return with_outputs(spec.model_copy(update={"command": tuple(runnable(spec.command, path.parent))}))


def job_from_words(
    command: Sequence[str],
    *,
    folder: Path,
    name: str,
    env: Sequence[str] | None,
    secret: Sequence[str] | None,
    needs: Sequence[int] | None,
    **words: Any,
) -> JobSpec:
    """folder: where the command was written, so where its script lies. Raises Refused with every problem."""
    if not command:
        raise Refused(Problem("CLI-010", "submit", "no command was given", "for example `datahall submit -- python train.py`"))
    data = words | {
        "name": name or _name_of(command),
        "command": tuple(runnable(command, folder)),
        "environment": _pairs(env, "--env"),
        "secrets": _pairs(secret, "--secret"),
        "needs": tuple(needs or ()),
    }
    try:
        return with_outputs(JobSpec.model_validate({key: value for key, value in data.items() if value is not None}))
    except ValidationError as error:
        raise Refused(document.problems_of(error, JobSpec)) from None


def _name_of(command: Sequence[str]) -> str:
    scripts = [Path(word).stem for word in command if word.endswith((".py", ".ipynb", ".sh"))]
    word = (scripts or [Path(command[0]).name])[0]
    clean = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in word)[:63].strip("._-")
    return clean or "job"


def _pairs(words: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals:
            raise Refused(Problem("CLI-011", option, f"`{word}` has no `=`", f"write {option} NAME=VALUE"))
        pairs[key] = value
    return pairs


def packed_source(client: Client, spec: JobSpec, folder: Path, include: Sequence[Path]) -> str | None:
    """Store what the job takes along: the folder of a file or module that its command names, and `include`. Raises Refused."""
    chosen = [_checked(path) for path in include]
    check_script(spec, folder, [_inside(path, folder) for path in chosen])
    named = [word for word in spec.command if not Path(word).is_absolute() and _is_file(folder / word)]
    if named or names_module(spec.command, folder):
        chosen.append(folder)
    if not chosen:
        return None
    files = {relative: path for root in chosen for relative, path in _files_of(root, folder)}
    _check_size(files, folder)
    made = client.call("PUT", "/v1/artifacts", params={"tenant": spec.tenant}, content=_tar(files)).json()
    return f"sha256:{made['digest']}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a whole program after `python -c` is no name of a file, and too long for one
        return False


def _checked(path: Path) -> Path:
    if not path.exists():
        raise Refused(Problem("CLI-012", str(path), "does not exist", "check the path after --include"))
    return path


def _files_of(root: Path, base: Path) -> list[tuple[str, Path]]:
    if root.is_file():
        return [(_inside(root, base), root)]
    found = []
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in LEFT_OUT and not f.startswith("."))
        found += [(_inside(Path(parent) / n, base), Path(parent) / n) for n in sorted(names) if not n.startswith(".")]
        if len(found) > MAX_SOURCE_FILES:
            break
    return [(relative, path) for relative, path in found if path.is_file()]


def _inside(path: Path, base: Path) -> str:
    try:
        return path.resolve().relative_to(base.resolve()).as_posix()
    except ValueError:
        return path.name


def _check_size(files: dict[str, Path], folder: Path) -> None:
    size = sum(path.stat().st_size for path in files.values())
    if size > MAX_SOURCE_BYTES or len(files) > MAX_SOURCE_FILES:
        what = f"{len(files)} files with {bytes_text(size)} would be taken along"
        most = f"at most {MAX_SOURCE_FILES} files and {bytes_text(MAX_SOURCE_BYTES)}"
        fix = f"submit from a smaller folder ({most}); store data as an artifact"
        raise Refused(Problem("CLI-013", str(folder), what, fix))


def _tar(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for relative, path in files.items():
            try:
                with path.open("rb") as file:
                    tar.addfile(_plain_entry(tar.gettarinfo(str(path), arcname=relative)), file)
            except OSError as error:
                what = f"cannot be read: {error.strerror}"
                fix = "give yourself read permission, or submit from a folder without it"
                raise Refused(Problem("CLI-014", str(path), what, fix)) from None
    return buffer.getvalue()


def _plain_entry(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """A file, whoever owns it here."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info
