"""Datahall: the AI data centre as code. One hall file; plan it, run it, rehearse it."""

import importlib
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`datahall.Hall`, for notebooks: loaded when it is asked for, so that `import datahall` stays light."""
    if name == "Hall":
        return importlib.import_module("datahall.interfaces.notebook").Hall
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
