"""Runs and models of a home's tracking store, read without MLflow."""

from typing import Any

from datahall.models.tracking import reader
from datahall.platform.home import Home


def tracked_runs(home: Home, *, limit: int, tenant: str | None) -> list[dict[str, Any]]:
    """Newest first; of one tenant, or of all."""
    return [run.as_dict() for run in reader.runs(home.root, limit=limit, tenant=tenant)]


def registered_models(home: Home, *, tenant: str | None) -> list[dict[str, Any]]:
    """A row for each version, newest first within a model; of one tenant, or of all."""
    return [
        {
            "name": model.name,
            "tenant": model.tenant,
            "version": version.version,
            "aliases": ", ".join(version.aliases),
            "accuracy": _figure(version.tags.get("metric.accuracy", "")),
            "bundle": version.bundle,
            "made_s": version.made_s,
        }
        for model in reader.models(home.root, tenant=tenant)
        for version in model.versions
    ]


def _figure(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
