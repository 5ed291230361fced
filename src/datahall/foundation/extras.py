"""Libraries that only some users need: they come with an extra, are imported late, and are missed in one sentence."""

import contextlib
from collections.abc import Iterator

from datahall.foundation.errors import Problem, Unavailable


@contextlib.contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around late imports: `with needs("plan"): import networkx`.

    extra: the optional dependency that brings the library, as pyproject.toml calls it.
    Raises Unavailable naming the package that is missing and the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or str(error)).partition(".")[0]
        if package == "datahall":
            raise
        what = f"the Python package `{package}` is not installed"
        raise Unavailable(Problem("EXTRA-001", package, what, f"run `pip install 'datahall[{extra}]'`")) from None
