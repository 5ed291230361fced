"""A job for a Kubernetes cluster that Kueue keeps the queue of: one worker as a batch/v1 Job, a gang as a RayJob.

`kueue_job` writes a gang as an indexed Job instead, for images without Ray. Source of fields: kueue.sigs.k8s.io, "Run A
Kubernetes Job", "Run A RayJob" (shutdownAfterJobFinishes, no autoscaling), "Workload Priority Class", API v1beta2; KubeRay,
rayjob_types.go (submissionMode K8sJobMode is the default; backoffLimit makes a new cluster for each retry); kubernetes.io,
"Jobs" and "Job with Pod-to-Pod Communication" (an indexed Job's pods are called NAME-INDEX under a headless Service). Read
2026-11.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datahall.foundation.errors import Refused
from datahall.foundation.units import bytes_text
from datahall.platform.exporters import kubernetes as k8s
from datahall.platform.exporters.kueue_fields import GANG_FIELDS, JOB_FIELDS, OPTIONS, RAY_BYTES, name_of
from datahall.platform.exporters.shell import comments
from datahall.platform.exporters.spec import Export, gathered, too_large
from datahall.platform.exporters.yaml_text import yaml_text

GANG_FOLDER = "/etc/datahall"
GANG_PROGRAM = Path(__file__).with_name("ray_gang.py")


def kueue(export: Export) -> str:
    """One worker as a Job, a gang as a RayJob. Raises Refused with every field that cannot be told."""
    if export.spec.workers == 1:
        return kueue_job(export)
    told, notes = gathered(export, GANG_FIELDS, OPTIONS)
    config = {
        "gang.py": GANG_PROGRAM.read_text(encoding="utf-8"),
        "job.json": json.dumps(told["gang"]),
        **told.get("config", {}),
    }
    return _text(export, [*told.get("before", []), _config(export, config), _ray_job(export, told)], notes)


def kueue_job(export: Export) -> str:
    """An indexed Job, with a Service by which the workers of a gang find each other. Raises Refused like `kueue`."""
    told, notes = gathered(export, JOB_FIELDS, OPTIONS)
    documents = [*told.get("before", [])]
    if export.spec.files:
        documents.append(_config(export, told["config"]))
    if export.spec.workers > 1:
        documents.append(_service_of(name_of(export)))
    pod = told["pod"] | {"restartPolicy": "Never", "containers": [{"name": "worker", **told["container"]}]}
    spec = told["spec"] | {"template": {"spec": pod}}
    documents.append({"apiVersion": "batch/v1", "kind": "Job", "metadata": told["meta"], "spec": spec})
    return _text(export, documents, notes)


def _text(export: Export, documents: list[dict[str, Any]], notes: list[str]) -> str:
    head = f"By Datahall: kubectl create -f THIS_FILE, in the namespace of the LocalQueue {export.options.queue}"
    return "\n".join([*comments([head, *notes]), yaml_text(documents)])


def _config(export: Export, data: Mapping[str, str]) -> dict[str, Any]:
    if (size := sum(len(text.encode()) for text in data.values())) > k8s.CONFIG_BYTES:
        what = f"1 MiB of files and words together, and these have {bytes_text(size)}"
        raise Refused(too_large("Kubernetes", "files", what, "put large files into the image"))
    return k8s.config_map(name_of(export), data)


def _service_of(name: str) -> dict[str, Any]:
    """Names the workers while they start; `publishNotReadyAddresses`, for they wait for each other before they are ready."""
    selector = {"batch.kubernetes.io/job-name": name}
    spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": selector}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _ray_job(export: Export, told: Mapping[str, Any]) -> dict[str, Any]:
    """The entry point is a fixed word: KubeRay and Ray pass it through two shells, so nothing of the job may stand in it."""
    cluster = {"headGroupSpec": _head_group(export), "workerGroupSpecs": [_worker_group(export, told)]}
    spec = {
        "entrypoint": f"python {GANG_FOLDER}/gang.py",
        "submissionMode": "K8sJobMode",
        "shutdownAfterJobFinishes": True,
        **told["spec"],
        "rayClusterSpec": cluster,
    }
    return {"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": told["meta"], "spec": spec}


def _head_group(export: Export) -> dict[str, Any]:
    """Ray's own head, which runs the entry point and no worker: it offers no CPU."""
    items = [{"key": key, "path": key} for key in ("gang.py", "job.json")]
    sized = {"cpu": "1", "memory": str(RAY_BYTES)}
    container = {
        "name": "ray-head",
        "image": export.options.image,
        "env": [k8s.variable("RAY_USAGE_STATS_ENABLED", "0"), k8s.variable("RAY_DEDUP_LOGS", "0")],  # all that workers print
        "resources": {"requests": sized, "limits": dict(sized)},
        "volumeMounts": [{"name": "gang", "mountPath": GANG_FOLDER}],
    }
    volume = {"name": "gang", "configMap": {"name": name_of(export), "items": items}}
    return {
        "rayStartParams": {"num-cpus": "0"},
        "template": {"spec": {"containers": [container], "volumes": [volume]}},
    }


def _worker_group(export: Export, told: Mapping[str, Any]) -> dict[str, Any]:
    """One pod for each worker; each offers one CPU to Ray, and so has room for exactly one."""
    count = export.spec.workers
    return {
        "groupName": "workers",
        "replicas": count,
        "minReplicas": count,
        "maxReplicas": count,
        "rayStartParams": {"num-cpus": "1"},
        "template": {"spec": {**told["pod"], "containers": [{"name": "ray-worker", **told["container"]}]}},
    }
