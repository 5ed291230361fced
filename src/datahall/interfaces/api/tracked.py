"""Tracked runs and registered models over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from datahall.interfaces.api.context import ThePlatform, Who
from datahall.interfaces.tracked import registered_models, tracked_runs
from datahall.platform.identity import Right

router = APIRouter(prefix="/v1", tags=["tracking"])


@router.get("/runs")
def runs(platform: ThePlatform, who: Who, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[dict[str, Any]]:
    """Runs with the newest value of each metric, newest first."""
    who.require(Right.READ)
    return tracked_runs(platform.home, limit=limit, tenant=who.scope)


@router.get("/models")
def models(platform: ThePlatform, who: Who) -> list[dict[str, Any]]:
    """Every version of every registered model, newest first, with its aliases."""
    who.require(Right.READ)
    return registered_models(platform.home, tenant=who.scope)
