"""Runs and models of the home's tracking store, read without MLflow."""

from typing import Any

from datahall.interfaces.cli.output import when
from datahall.models.tracking import reader
from datahall.platform.home import Home


def tracked_runs(*, limit: int) -> list[dict[str, Any]]:
    """Newest first."""
    return [run.as_dict() for run in reader.runs(Home.from_environment().root, limit=limit)]


def _short(figure: str) -> str:
    return f"{float(figure):.4f}" if figure else ""


def registered_models() -> list[dict[str, Any]]:
    """A row for each version, newest first within a model."""
    found = reader.models(Home.from_environment().root)
    return [
        {
            "name": model.name,
            "tenant": model.tenant,
            "version": version.version,
            "aliases": ", ".join(version.aliases),
            "accuracy": _short(version.tags.get("metric.accuracy", "")),
            "bundle": version.bundle,
            "made": when(version.made_s),
        }
        for model in found
        for version in model.versions
    ]
