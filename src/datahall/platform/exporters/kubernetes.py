"""Words of Kubernetes: names, variables, resources, files.

Source: kubernetes.io/docs, "Object Names and IDs", "Resource Management for Pods and Containers", "ConfigMaps" (at most 1
MiB), and for `$(NAME)` in values and `$$`, a dollar that stays one, "Define Dependent Environment Variables". Read 2026-11.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from datahall.platform.exporters.common import files_inside
from datahall.platform.exporters.spec import Export, Told, field_refused
from datahall.platform.spec import JobSpec

CONFIG_BYTES = 1024 * 1024
SECRETS = "datahall-secrets"
"""The Secret that holds a tenant's secrets, each under its own name."""
WORK, STATE = "/work", "/state"
GPU = "nvidia.com/gpu"


def object_name(name: str, *, longest: int) -> str:
    """A job's name as Kubernetes takes it: lower-case letters, digits, `-`; a letter first."""
    clean = re.sub(r"[^a-z0-9]", "-", name.lower())
    clean = clean if clean[0].isalpha() else f"job-{clean}"
    return clean[:longest].strip("-")


def variable(name: str, value: str) -> dict[str, Any]:
    """An environment variable that is exactly `value`."""
    return {"name": name, "value": literal(value)}


def literal(text: str) -> str:
    """`text`, without anything that Kubernetes would put a variable's value for."""
    return text.replace("$", "$$")


def secret_variables(spec: JobSpec) -> list[dict[str, Any]]:
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": SECRETS, "key": secret}}} for name, secret in spec.secrets.items()
    ]


def resources(spec: JobSpec, *, accelerator: str, extra_bytes: int = 0) -> dict[str, Any]:
    """What one worker is given, as request and as limit alike, so that nothing is promised twice."""
    each: dict[str, str] = {"cpu": f"{spec.per_worker().cpu_milli}m", "memory": str(spec.memory + extra_bytes)}
    if spec.accelerators:
        each[accelerator or GPU] = str(spec.accelerators)
    return {"requests": each, "limits": dict(each)}


def config_map(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)}


def file_data(spec: JobSpec) -> dict[str, str]:
    """The job's files under keys that a ConfigMap takes."""
    return {f"file-{number}": text for number, text in enumerate(spec.files.values())}


def file_mounts(spec: JobSpec) -> list[dict[str, Any]]:
    """Each file at its place in the working folder."""
    return [
        {
            "name": "files",
            "mountPath": posixpath.join(WORK, posixpath.normpath(name)),
            "subPath": f"file-{number}",
            "readOnly": True,
        }
        for number, name in enumerate(spec.files)
    ]


def refused_files(target: str, export: Export) -> Iterator[Told]:
    """Every file that cannot be put where the job wants it."""
    yield from files_inside(export)
    for name in export.spec.files:
        if ":" in name:
            yield field_refused(target, f"files.{name[:80]!a}", "…", "takes no path with a colon", "choose another name")
