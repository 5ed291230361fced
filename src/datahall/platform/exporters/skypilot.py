"""A job as a SkyPilot task: `sky jobs launch FILE` (a managed job, so that retries and lost machines are looked after).

Source of fields: docs.skypilot.co, "SkyPilot YAML", and of variables: "Environment Variables and Secrets" and "Distributed
Multi-Node Jobs", stable, read 2026-11. `run` is bash, on every node alike; memory units are powers of 1024; a secret that is
null must be given when the job is launched; `workdir` is copied to every node.
"""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from datahall.foundation.units import bytes_text, seconds_text
from datahall.platform.exporters.common import (
    annotations,
    even_nodes,
    files_inside,
    idle_kind,
    program,
    some_memory,
    unused,
    work,
)
from datahall.platform.exporters.shell import array, comments, pairs, put_files, quoted
from datahall.platform.exporters.spec import (
    MOST_LISTED,
    Export,
    Note,
    Rule,
    Setting,
    Told,
    field_refused,
    gathered,
    option_refused,
    same_everywhere,
)
from datahall.platform.exporters.yaml_text import yaml_text

NAME = "SkyPilot"
GRACE_S = 10
"""As our own engine has it."""
FIND_WORKERS = """\
mapfile -t hosts <<< "$SKYPILOT_NODE_IPS"
export MASTER_ADDR="${hosts[0]}" MASTER_PORT=15000 JAX_COORDINATOR_ADDRESS="${hosts[0]}:15000"
export LOCAL_WORLD_SIZE="$per_node" DATAHALL_JOB="$SKYPILOT_TASK_ID"
export DATAHALL_STATE="$HOME/datahall-state" && mkdir -p -- "$DATAHALL_STATE"\
"""
LIST_WORKERS = """\
workers=""
for host in "${hosts[@]}"; do
  for ((n = 0; n < per_node; n++)); do workers+=",\\"$host:$((MASTER_PORT + 1 + n))\\""; done
done\
"""
RUN_WORKER = """\
  rank=$((SKYPILOT_NODE_RANK * per_node + local_rank))
  export RANK="$rank" JAX_PROCESS_ID="$rank" LOCAL_RANK="$local_rank"\
"""
TF_CONFIG = """\
  export TF_CONFIG="{\\"cluster\\":{\\"worker\\":[${workers:1}]},\\"task\\":{\\"type\\":\\"worker\\",\\"index\\":$rank}}"\
"""
DEVICES = """\
  devices=$(seq -s, "$((local_rank * accelerators))" "$((local_rank * accelerators + accelerators - 1))")
  export CUDA_VISIBLE_DEVICES="$devices"\
"""
WAIT = """\
code=0
for ((n = 0; n < per_node && code == 0; n++)); do wait -n || code=$?; done
if ((code != 0)); then kill $(jobs -p) 2> /dev/null || true; wait; fi
exit "$code"\
"""


def _run(section: str, *lines: str) -> Setting:
    return Setting(("run", section), list(lines))


def _each(export: Export) -> int:
    """Workers on one node; one, unless asked otherwise."""
    return export.per_node or 1


def _name(export: Export) -> Iterator[Told]:
    yield Setting(("name",), export.spec.name)


def _command(export: Export) -> Iterator[Told]:
    yield from program(NAME, export)
    yield _run("command", array("command", export.spec.command))


def _workers(export: Export) -> Iterator[Told]:
    yield Setting(("num_nodes",), export.options.nodes or export.spec.workers)
    if export.spec.workers > 1 and export.options.nodes is None:
        yield Note("each worker has a node of its own; --nodes puts several on one")
    if export.spec.workers > MOST_LISTED:
        yield Note(f"TF_CONFIG is left out: it would name {export.spec.workers:,} workers")


def _cpus(export: Export) -> Iterator[Told]:
    whole = math.ceil(export.spec.cpus * _each(export))
    yield Setting(("resources", "cpus"), f"{whole}+")
    if whole != export.spec.cpus * _each(export):
        yield Note(f"cpus={export.spec.cpus:g} is rounded up: machines have whole ones")


def _memory(export: Export) -> Iterator[Told]:
    yield from some_memory(NAME, export)
    size = export.spec.memory * _each(export)
    yield Setting(("resources", "memory"), f"{max(1, math.ceil(size / 2**30))}+")
    if size % 2**30:
        yield Note(f"memory={bytes_text(export.spec.memory)} a worker is rounded up to whole GiB of a node")
    yield Note("memory chooses the machine, and ends no worker that takes more")


def _accelerators(export: Export) -> Iterator[Told]:
    if not export.spec.accelerators:
        return
    if kind := export.options.accelerator:
        yield Setting(("resources", "accelerators"), f"{kind}:{export.spec.accelerators * _each(export)}")
    else:
        yield option_refused(NAME, "accelerator", "asks for accelerators by kind", "name it, such as --accelerator H100")
    yield _run("devices", f"accelerators={export.spec.accelerators}")


def _tenant(export: Export) -> Iterator[Told]:
    if export.spec.tenant != "default":
        yield Note(f"tenant={export.spec.tenant} is told to the job only: whose clouds are used is for `sky` to know")


def _priority(export: Export) -> Iterator[Told]:
    if export.spec.priority:
        yield Note(f"priority={export.spec.priority} is not told: machines are rented, not queued for")


def _time_limit(export: Export) -> Iterator[Told]:
    """Each attempt of each worker, as in our own engine."""
    if (limit_s := export.spec.time_limit) is not None:
        yield _run("limit", array("limit", ["timeout", f"--kill-after={GRACE_S}", f"{max(0.001, limit_s):.3f}"]))
        yield Note(f"time_limit={seconds_text(limit_s)}: SIGTERM, and SIGKILL {GRACE_S} s later")


def _retries(export: Export) -> Iterator[Told]:
    if retries := export.spec.retries:
        recovery = {"strategy": "EAGER_NEXT_REGION", "max_restarts_on_errors": retries}
        yield Setting(("resources", "job_recovery"), recovery)
        yield Note(f"retries={retries}: with `sky jobs launch`; `sky launch` starts nothing again")


def _backoff(export: Export) -> Iterator[Told]:
    if export.spec.retries:
        yield Note(f"backoff={seconds_text(export.spec.backoff)} is not to be set: it starts again as soon as it has machines")


def _environment(export: Export) -> Iterator[Told]:
    yield _run("environment", array("environment", pairs(same_everywhere(export.spec))))


def _secrets(export: Export) -> Iterator[Told]:
    for variable, secret in export.spec.secrets.items():
        yield Setting(("secrets", variable), None)
        yield Note(f"the secret {secret}: sky jobs launch --secret {variable}")


def _needs(export: Export) -> Iterator[Told]:
    if export.spec.needs:
        shown = ", ".join(map(str, export.spec.needs[:8]))
        fix = "export it without `needs`, and launch it once those have succeeded"
        yield field_refused(NAME, "needs", shown, "has no jobs that wait for others", fix)


def _inputs(export: Export) -> Iterator[Told]:
    for name, reference in export.spec.inputs.items():
        yield Setting(("file_mounts", f"~/sky_workdir/inputs/{name}"), f"./inputs/{name}")
        yield Note(f"before it: datahall artifacts get {quoted(reference)} inputs/{name}")


def _files(export: Export) -> Iterator[Told]:
    yield from files_inside(export)
    if export.spec.files:
        yield _run("files", *put_files(export.spec))


def _source(export: Export) -> Iterator[Told]:
    """The folder of the launch is taken along in any case, as `datahall submit` does."""
    yield Setting(("workdir",), ".")
    if export.spec.source:
        yield Note(f"before it: datahall artifacts get {quoted(export.spec.source)} FOLDER, and launch from there")


def _output_key(export: Export) -> Iterator[Told]:
    if key := export.spec.output_key:
        yield _run("checks", "mkdir -p outputs")
        yield Note("outputs/ goes with the machine: mount a bucket there, under file_mounts, at ~/sky_workdir/outputs")
        yield Note(f"after it: datahall artifacts put outputs --key {quoted(key)}")


def _service(export: Export) -> Iterator[Told]:
    if export.spec.service:
        why = "asks for a path that says whether it is ready, which a job does not name"
        fix = "export it without `service`, and add a `service:` section with its readiness_probe"
        yield field_refused(NAME, "service", True, why, fix)


def _image(export: Export) -> Iterator[Told]:
    if export.options.image:
        yield Setting(("resources", "image_id"), f"docker:{export.options.image}")


def _nodes(export: Export) -> Iterator[Told]:
    yield from even_nodes(NAME, export)


FIELDS: Mapping[str, Rule] = MappingProxyType(
    {
        "name": _name, "command": _command, "workers": _workers, "cpus": _cpus, "memory": _memory,
        "accelerators": _accelerators, "tenant": _tenant, "priority": _priority, "time_limit": _time_limit,
        "retries": _retries, "backoff": _backoff, "environment": _environment, "secrets": _secrets, "needs": _needs,
        "inputs": _inputs, "files": _files, "source": _source, "output_key": _output_key, "service": _service,
        "work": work, "annotations": annotations,
    }
)  # fmt: skip
"""Every field of a job."""
OPTIONS: Mapping[str, Rule] = MappingProxyType(
    {
        "queue": unused(NAME, "queue"), "cluster_queue": unused(NAME, "cluster_queue"), "image": _image,
        "accelerator": idle_kind(NAME), "nodes": _nodes,
    }
)  # fmt: skip


def skypilot(export: Export) -> str:
    """A task of SkyPilot. Raises Refused with every field of the job that it cannot be told."""
    told, notes = gathered(export, FIELDS, OPTIONS)
    task: dict[str, Any] = {key: told[key] for key in ("name", "num_nodes", "workdir", "resources", "secrets", "file_mounts")
                            if key in told}  # fmt: skip
    task["run"] = "\n".join(_script(export, told["run"])) + "\n"
    return "\n".join([*comments(["By Datahall: sky jobs launch THIS_FILE", *notes]), yaml_text([task])])


def _script(export: Export, run: Mapping[str, list[str]]) -> Iterator[str]:
    """What runs on every node: its workers beside each other; where one fails, all of them end."""
    yield from ("set -euo pipefail", f"per_node={_each(export)}", *run.get("checks", ()), *run.get("files", ()))
    yield from (*run["environment"], *run["command"], *run.get("limit", ["limit=()"]), *run.get("devices", ()), FIND_WORKERS)
    listed = 1 < export.spec.workers <= MOST_LISTED
    yield from [LIST_WORKERS] if listed else []
    yield from ("for ((local_rank = 0; local_rank < per_node; local_rank++)); do", RUN_WORKER)
    yield from [TF_CONFIG] if listed else []
    yield DEVICES if export.spec.accelerators else '  export CUDA_VISIBLE_DEVICES=""'
    yield from ('  "${limit[@]}" env "${environment[@]}" "${command[@]}" &', "done", WAIT)
