"""Worked halls to start from, as `datahall init --like h100-512` writes them."""

import difflib
from pathlib import Path

from datahall.foundation.errors import Missing, Problem

FOLDER = Path(__file__).parent / "halls"
"""Copies of the repository's halls/, so that an installed package has them; a test holds them equal."""


def starters() -> tuple[str, ...]:
    """Names of the worked halls, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def starter(like: str) -> str:
    """The text of a worked hall. Raises Missing with the near names."""
    known = starters()
    if like not in known:
        close = difflib.get_close_matches(like.removesuffix(".yaml").lower(), known, n=3, cutoff=0.4)
        fix = f"did you mean {' or '.join(f'`{name}`' for name in close)}?" if close else f"choose one of {', '.join(known)}"
        raise Missing(Problem("INIT-002", "--like", f"there is no worked hall `{like}`", fix))
    return (FOLDER / f"{like}.yaml").read_text(encoding="utf-8")
