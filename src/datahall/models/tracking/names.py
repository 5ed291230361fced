"""How tenants, models and keys are called inside the store. Light: no MLflow here."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

DEFAULT_TENANT = "default"
KEY_TAG, TENANT_TAG, MODEL_TAG, REQUEST_TAG = "datahall.key", "datahall.tenant", "datahall.model", "datahall.request"
NAME_LENGTH, PARAM_LENGTH, TAG_LENGTH = 250, 6000, 5000
"""MLflow's own limits, a little below them for tags."""


def experiment_name(tenant: str, experiment: str) -> str:
    """Experiments of different tenants never meet: a tenant's name holds no slash."""
    return f"{tenant}/{experiment}"[:NAME_LENGTH]


def model_name(tenant: str, model: str) -> str:
    """Models of different tenants never meet: a name holds no tilde."""
    return model if tenant == DEFAULT_TENANT else f"{tenant}~{model}"


def run_key(tenant: str, workflow: str | None, job: str) -> str:
    """The key of the run that a recipe's step, or a job, logs into."""
    return f"{tenant}/workflow/{plain_name(workflow)}" if workflow else f"{tenant}/job/{job}"


def plain_name(name: str) -> str:
    """A metric's or parameter's name within what MLflow takes."""
    safe = re.sub(r"[^\w\-. :/]", "_", name).strip("/") or "_"
    return "/".join(part if part.strip(".") else "_" for part in safe.split("/"))[:NAME_LENGTH]


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """`{"train": {"epochs": 3}}` -> `("train.epochs", "3")`; lists stay whole."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flattened(inner, f"{path}.{key}" if path else str(key))
    elif value is not None:
        yield path, str(value)[:PARAM_LENGTH]
