"""Where the files that a candidate names really are: relative to the candidates file, or in a folder from the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from datahall.foundation import files
from datahall.foundation.errors import Problem, Refused

_FROM_ENVIRONMENT = re.compile(r"^\$\{(?P<name>[A-Z][A-Z0-9_]*)(?::-(?P<default>[^{}$]*))?\}/(?P<rest>[^$]+)$")
PREFIX = "DATAHALL_"


def real_path(text: str, folder: Path, *, where: str, environment: Mapping[str, str] = os.environ) -> Path:
    """The absolute path that `text` stands for; whether a file is there is another question.

    `${DATAHALL_SHARED:-../shared}/data/x.csv`: the folder in that variable, or the default, relative to `folder`; the rest
    may not lead out of it. Only variables of Datahall's own are read: a file that came by mail should not learn others.
    Raises Refused (SITE-010).
    """
    if "$" not in text:
        return (folder / text).resolve()
    match = _FROM_ENVIRONMENT.match(text)
    if match is None:
        fix = "write `${DATAHALL_SHARED:-../shared}/file.csv`: one variable, at the start, a default if you like"
        raise Refused(Problem("SITE-010", where, f"`{text}` is no path", fix))
    if not match["name"].startswith(PREFIX):
        what = f"the variable {match['name']} may not be used in a path"
        raise Refused(Problem("SITE-010", where, what, f"use one that begins with {PREFIX}, such as DATAHALL_SHARED"))
    base = environment.get(match["name"]) or match["default"]
    if not base:
        what = f"the environment variable {match['name']} is not set, and the path gives no default"
        raise Refused(Problem("SITE-010", where, what, f"set it, or write `${{{match['name']}:-../folder}}/…`"))
    try:
        return files.confined((folder / base).resolve(), match["rest"])
    except Refused:
        what = f"`{match['rest']}` leads out of the folder in {match['name']}"
        raise Refused(Problem("SITE-010", where, what, "name a file inside it")) from None
