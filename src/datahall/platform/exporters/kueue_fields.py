"""What each field of a job becomes in Kubernetes, under Kueue: in an indexed Job, and in a RayJob's gang.

Source: see kueue.py.
"""

import json
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from datahall.foundation.units import bytes_text, seconds_text
from datahall.platform.exporters import kubernetes as k8s
from datahall.platform.exporters.common import idle_kind, some_memory, unused, work
from datahall.platform.exporters.shell import quoted
from datahall.platform.exporters.spec import (
    MOST_LISTED,
    Export,
    Note,
    Rule,
    Setting,
    Told,
    field_refused,
    option_refused,
    same_everywhere,
    too_large,
)

NAME = "Kueue"
API = "kueue.x-k8s.io/v1beta2"
PORT = 15000
INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
RAY_BYTES = 2 * 1024**3
"""What Ray itself is given in a worker's pod."""
LONGEST_NAME = 47
"""KubeRay's; an indexed Job with its Service would take ten more."""
ANNOTATION_BYTES = 256 * 1024


def name_of(export: Export) -> str:
    """What the job and all that belongs to it is called."""
    return k8s.object_name(export.spec.name, longest=LONGEST_NAME)


def _name(export: Export) -> Iterator[Told]:
    name = name_of(export)
    yield Setting(("meta", "name"), name)
    if name != export.spec.name:
        yield Note(f"the job {export.spec.name} is called {name} here")


def _command(export: Export) -> Iterator[Told]:
    yield Setting(("container", "command"), [k8s.literal(word) for word in export.spec.command])


def _gang_command(export: Export) -> Iterator[Told]:
    yield Setting(("gang", "command"), list(export.spec.command))


def _workers(export: Export) -> Iterator[Told]:
    count = export.spec.workers
    yield Setting(("spec",), {"completions": count, "parallelism": count, "completionMode": "Indexed"})
    yield Setting(("container", "env"), list(_job_variables(export)))
    if count > 1:
        yield Setting(("pod", "subdomain"), name_of(export))
        yield Note("a gang that loses a machine ends, and is not started again: as a RayJob (--to kueue) it is")
    if count > MOST_LISTED:
        yield Note(f"TF_CONFIG is left out: it would name {count:,} workers")


def _job_variables(export: Export) -> Iterator[dict[str, Any]]:
    """What each worker is told of the others. Values may name only variables that stand before them."""
    name, count = name_of(export), export.spec.workers
    head = f"{name}-0.{name}" if count > 1 else "127.0.0.1"
    ranked = [{"name": word, "valueFrom": {"fieldRef": {"fieldPath": INDEX}}} for word in ("RANK", "JAX_PROCESS_ID")]
    facts = {
        "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": head, "MASTER_PORT": str(PORT),
        "JAX_COORDINATOR_ADDRESS": f"{head}:{PORT}", "DATAHALL_JOB": name, "DATAHALL_STATE": k8s.STATE,
    }  # fmt: skip
    yield from (*ranked, *(k8s.variable(word, value) for word, value in facts.items()))
    if 1 < count <= MOST_LISTED:
        workers = json.dumps([f"{name}-{index}.{name}:{PORT + 1}" for index in range(count)])
        task = '{"type": "worker", "index": $(RANK)}'
        yield {"name": "TF_CONFIG", "value": f'{{"cluster": {{"worker": {workers}}}, "task": {task}}}'}


def _gang_workers(export: Export) -> Iterator[Told]:
    yield Setting(("gang", "workers"), export.spec.workers)
    yield Note(f"the image needs Ray and Python; each worker's pod has {bytes_text(RAY_BYTES)} more, for Ray itself")
    yield Note("each worker has a pod of its own, so its LOCAL_RANK is 0")


def _cpus(export: Export) -> Iterator[Told]:
    yield Setting(("container", "resources"), k8s.resources(export.spec, accelerator=export.options.accelerator))


def _gang_cpus(export: Export) -> Iterator[Told]:
    sized = k8s.resources(export.spec, accelerator=export.options.accelerator, extra_bytes=RAY_BYTES)
    yield Setting(("container", "resources"), sized)


def _memory(export: Export) -> Iterator[Told]:
    yield from some_memory(NAME, export)


def _accelerators(export: Export) -> Iterator[Told]:
    if export.spec.accelerators and not export.options.accelerator:
        yield Note(f"accelerators are asked for as {k8s.GPU}; --accelerator names another resource")


def _gang_accelerators(export: Export) -> Iterator[Told]:
    yield from _accelerators(export)
    yield Setting(("gang", "accelerators"), export.spec.accelerators)


def _tenant(export: Export) -> Iterator[Told]:
    yield Setting(("meta", "labels"), {"datahall/tenant": export.spec.tenant})


def _priority(export: Export) -> Iterator[Told]:
    if priority := export.spec.priority:
        name = f"datahall-{'minus-' * (priority < 0)}{abs(priority)}"
        yield Setting(("meta", "labels"), {"kueue.x-k8s.io/priority-class": name})
        row = {"apiVersion": API, "kind": "WorkloadPriorityClass", "metadata": {"name": name}, "value": priority}
        yield Setting(("before",), [row | {"description": "A priority of Datahall's jobs."}])
        yield Note(f"priority={priority}: its WorkloadPriorityClass is for an administrator to create")


def _time_limit(export: Export) -> Iterator[Told]:
    if (limit_s := export.spec.time_limit) is not None:
        yield Setting(("pod", "activeDeadlineSeconds"), max(1, math.ceil(limit_s)))
        yield Note(f"time_limit={seconds_text(limit_s)} of each attempt, the pull of its image included")


def _gang_time_limit(export: Export) -> Iterator[Told]:
    yield Setting(("gang", "time_limit_s"), export.spec.time_limit)


def _retries(export: Export) -> Iterator[Told]:
    """A pod that was lost with its machine is replaced without being counted; of a gang only as a whole, so not at all."""
    retries, workers = export.spec.retries, export.spec.workers
    if retries and workers > 1:
        why = "starts a failed pod of an indexed Job again, but not its whole gang"
        yield field_refused(NAME, "retries", retries, why, "take --to kueue, a RayJob, or export it without `retries`")
    yield Setting(("spec", "backoffLimit"), retries)
    if workers == 1:
        rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
        yield Setting(("spec", "podFailurePolicy"), {"rules": [rule]})


def _gang_retries(export: Export) -> Iterator[Told]:
    yield Setting(("spec", "backoffLimit"), export.spec.retries)
    yield Note(f"retries={export.spec.retries}: an attempt lost with a machine counts as well, and each has a new Ray cluster")


def _backoff(export: Export) -> Iterator[Told]:
    if export.spec.retries:
        yield Note(f"backoff={seconds_text(export.spec.backoff)} is not to be set: Kubernetes waits 10 s, 20 s, … up to 6 min")


def _gang_backoff(export: Export) -> Iterator[Told]:
    if export.spec.retries:
        yield Note(f"backoff={seconds_text(export.spec.backoff)} is not to be set: KubeRay retries at once")


def _environment(export: Export) -> Iterator[Told]:
    yield Setting(("container", "env"), [k8s.variable(*pair) for pair in same_everywhere(export.spec).items()])


def _gang_environment(export: Export) -> Iterator[Told]:
    """In job.json, not in the pod: Ray itself is to see none of it."""
    told = {"DATAHALL_JOB": name_of(export), "DATAHALL_STATE": k8s.STATE} | same_everywhere(export.spec)
    yield Setting(("gang", "environment"), told)
    yield Setting(("container", "env"), [k8s.variable("RAY_USAGE_STATS_ENABLED", "0")])


def _secrets(export: Export) -> Iterator[Told]:
    yield Setting(("container", "env"), k8s.secret_variables(export.spec))
    for secret in export.spec.secrets.values():
        yield Note(
            f"the secret {secret}: a key of the Secret {k8s.SECRETS}, kubectl create secret generic --from-file={secret}=FILE"
        )


def _needs(export: Export) -> Iterator[Told]:
    if export.spec.needs:
        shown = ", ".join(map(str, export.spec.needs[:8]))
        fix = "export it without `needs`, and create it once those have succeeded"
        yield field_refused(NAME, "needs", shown, "has no jobs that wait for others", fix)


def _inputs(export: Export) -> Iterator[Told]:
    for name, reference in export.spec.inputs.items():
        fix = f"put what `datahall artifacts get {quoted(reference)}` brings into the image, and export it without `inputs`"
        yield field_refused(NAME, f"inputs.{name}", ascii(reference), "cannot read the store of artifacts", fix)


def _files(export: Export) -> Iterator[Told]:
    yield from k8s.refused_files(NAME, export)
    yield Setting(("pod", "volumes"), [{"name": "state", "emptyDir": {}}])
    yield Setting(("container", "volumeMounts"), [{"name": "state", "mountPath": k8s.STATE}])
    yield Note(f"DATAHALL_STATE is {k8s.STATE}, and goes with its pod: put a volume there to keep it over retries")
    if export.spec.files:
        volumes = [{"name": "work", "emptyDir": {}}, {"name": "files", "configMap": {"name": name_of(export)}}]
        yield Setting(("pod", "volumes"), volumes)
        mounts = [{"name": "work", "mountPath": k8s.WORK}, *k8s.file_mounts(export.spec)]
        yield Setting(("container", "volumeMounts"), mounts)
        yield Setting(("config",), k8s.file_data(export.spec))
        yield Note(f"the working folder is {k8s.WORK}, with the job's files, not the image's own")


def _job_folder(export: Export) -> Iterator[Told]:
    yield from _files(export)
    if export.spec.files:
        yield Setting(("container", "workingDir"), k8s.WORK)


def _gang_files(export: Export) -> Iterator[Told]:
    yield from _files(export)
    yield Setting(("gang", "folder"), k8s.WORK if export.spec.files else None)


def _source(export: Export) -> Iterator[Told]:
    if source := export.spec.source:
        fix = f"build an image with what `datahall artifacts get {quoted(source)}` brings, and export it without `source`"
        yield field_refused(NAME, "source", ascii(source), "cannot read the store of artifacts", fix)


def _output_key(export: Export) -> Iterator[Told]:
    if key := export.spec.output_key:
        fix = "write results to a bucket or a volume, and export it without `output_key`"
        yield field_refused(NAME, "output_key", ascii(key), "keeps nothing of a pod that has ended", fix)


def _service(export: Export) -> Iterator[Told]:
    if export.spec.service:
        fix = "write a Deployment with the same label kueue.x-k8s.io/queue-name, or export it without `service`"
        yield field_refused(NAME, "service", True, "runs a Job to its end", fix)


def _annotations(export: Export) -> Iterator[Told]:
    words = export.spec.annotations
    if sum(len(text.encode()) for text in words.values()) > ANNOTATION_BYTES:
        yield too_large("Kubernetes", "annotations", "256 KiB of annotations", "shorten them")
    if words:
        yield Setting(("meta", "annotations"), {f"datahall/{name}": text for name, text in words.items()})


def _queue(export: Export) -> Iterator[Told]:
    queue = export.options.queue
    if not queue or queue != k8s.object_name(queue, longest=63):
        yield option_refused(
            NAME, "queue", f"needs the name of a LocalQueue, not {queue!r}", "name it, such as --queue user-queue"
        )
    yield Setting(("meta", "labels"), {"kueue.x-k8s.io/queue-name": queue})


def _cluster_queue(export: Export) -> Iterator[Told]:
    if cluster_queue := export.options.cluster_queue:
        row = {"apiVersion": API, "kind": "LocalQueue", "metadata": {"name": export.options.queue}}
        yield Setting(("before",), [row | {"spec": {"clusterQueue": cluster_queue}}])


def _image(export: Export) -> Iterator[Told]:
    if not export.options.image:
        yield option_refused(NAME, "image", "runs containers", "name one, such as --image registry.example/train:1")
    yield Setting(("container", "image"), export.options.image)


def _accelerator(export: Export) -> Iterator[Told]:
    kind = export.options.accelerator
    if kind and "/" not in kind:
        yield option_refused(
            NAME, "accelerator", f"knows accelerators by resource, not as {kind}", f"name it, such as {k8s.GPU}"
        )
    else:
        yield from idle_kind(NAME)(export)


JOB_FIELDS: Mapping[str, Rule] = MappingProxyType(
    {
        "name": _name, "command": _command, "workers": _workers, "cpus": _cpus, "memory": _memory,
        "accelerators": _accelerators, "tenant": _tenant, "priority": _priority, "time_limit": _time_limit,
        "retries": _retries, "backoff": _backoff, "environment": _environment, "secrets": _secrets, "needs": _needs,
        "inputs": _inputs, "files": _job_folder, "source": _source, "output_key": _output_key, "service": _service,
        "work": work, "annotations": _annotations,
    }
)  # fmt: skip
"""Every field of a job."""
GANG_FIELDS: Mapping[str, Rule] = MappingProxyType(
    {
        **JOB_FIELDS, "command": _gang_command, "workers": _gang_workers, "cpus": _gang_cpus,
        "accelerators": _gang_accelerators, "time_limit": _gang_time_limit, "retries": _gang_retries,
        "backoff": _gang_backoff, "environment": _gang_environment, "files": _gang_files,
    }
)  # fmt: skip
OPTIONS: Mapping[str, Rule] = MappingProxyType(
    {
        "queue": _queue, "cluster_queue": _cluster_queue, "image": _image, "accelerator": _accelerator,
        "nodes": unused(NAME, "nodes"),
    }
)  # fmt: skip
