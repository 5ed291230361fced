"""Recipes and their workflows over HTTP."""

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.spec import Spec
from datahall.interfaces.api.context import ThePlatform, Who
from datahall.models.recipe import Recipe

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])


class NewWorkflow(Spec):
    """A recipe to run."""

    recipe: Recipe
    folder: str = "."
    """Folder of the server in which the recipe's relative paths are looked up."""
    file: str = Field(default="", max_length=500)
    """What the caller named the recipe's file; the report's command shows it."""
    shared: str = Field(default="", max_length=4096)
    """The caller's DATAHALL_SHARED: a folder of the server in which data files are looked up too."""


@router.post("", status_code=201)
def start(platform: ThePlatform, who: Who, body: NewWorkflow) -> dict[str, Any]:
    """Queue the steps of a recipe that are not known yet."""
    folder = _folder(body.folder)
    number = platform.workflows.start(who, body.recipe, folder.resolve(), file=body.file, shared=body.shared)
    return platform.workflows.get(who, number)


def _folder(name: str) -> FilePath:
    """Raises Refused when the server has no such folder."""
    problem = Problem("FLOW-002", "folder", f"`{name[:200]}` is not a folder of the server", "name one that is")
    try:
        folder = FilePath(name).resolve()
        if folder.is_dir():
            return folder
    except (OSError, ValueError, RuntimeError):  # too long, a NUL character, links in a circle
        raise Refused(problem) from None
    raise Refused(problem)


@router.get("")
def workflows(platform: ThePlatform, who: Who, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[dict[str, Any]]:
    """Workflows, newest first."""
    return platform.workflows.page(who, limit=limit)


@router.get("/{number}")
def workflow(platform: ThePlatform, who: Who, number: Annotated[int, Path(ge=1, le=2**53)]) -> dict[str, Any]:
    """One workflow with the state of each step."""
    return platform.workflows.get(who, number)
