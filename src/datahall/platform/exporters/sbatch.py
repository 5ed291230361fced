"""A job as a batch script of Slurm, with one `srun` that starts all workers or none.

Source of options and variables: Slurm's manual pages sbatch(1), srun(1) and scontrol(1), slurm.schedmd.com/sbatch.html:
directives end at the first line that is neither empty nor a comment; `--mem=0` and `--time=0` mean without a limit; `K M G T`
are powers of 1024; `--signal` may come up to 60 s early; `srun` of 22.05 and 23.02 does not take over `--cpus-per-task`
(release notes), so it is told again; a script may hold 4 MB (slurm.conf, max_script_size). Read 2026-11.
"""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from datahall.foundation.errors import Refused
from datahall.foundation.units import seconds_text
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
from datahall.platform.exporters.shell import GIVEN_WORDS, array, comments, pairs, put_files, quoted
from datahall.platform.exporters.spec import (
    MOST_LISTED,
    Export,
    Note,
    Rule,
    Setting,
    Told,
    field_refused,
    gathered,
    same_everywhere,
    too_large,
)

NAME = "Slurm"
SCRIPT_BYTES = 4 * 1024 * 1024
EARLY_S, GRACE_S = 60, 30
"""How much too early Slurm may send a signal, and what a worker is left with to end in order."""
FIND_WORKERS = """\
mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
export DATAHALL_HOSTS="${hosts[*]}" MASTER_ADDR="${hosts[0]}" MASTER_PORT="$((15000 + SLURM_JOB_ID % 15000))"
export DATAHALL_JOB="$SLURM_JOB_ID" DATAHALL_ATTEMPT="$((${SLURM_RESTART_COUNT:-0} + 1))"
export DATAHALL_STATE="$PWD/datahall-state-$SLURM_JOB_ID" && mkdir -p -- "$DATAHALL_STATE"\
"""
COUNT_TASKS = f"""\
{GIVEN_WORDS}
IFS=" " read -ra hosts <<< "$DATAHALL_HOSTS"
IFS=, read -ra groups <<< "$SLURM_STEP_TASKS_PER_NODE"
tasks=() workers=""
for group in "${{groups[@]}}"; do
  times=1; [[ $group == *"(x"* ]] && times="${{group#*x}}" && times="${{times%)}}"
  for ((n = 0; n < times; n++)); do tasks+=("${{group%%(*}}"); done
done
export RANK="$SLURM_PROCID" LOCAL_RANK="$SLURM_LOCALID" LOCAL_WORLD_SIZE="${{tasks[SLURM_NODEID]}}"
export JAX_COORDINATOR_ADDRESS="$MASTER_ADDR:$MASTER_PORT" JAX_PROCESS_ID="$SLURM_PROCID\""""
LIST_WORKERS = """
for node in "${!tasks[@]}"; do
  for ((n = 0; n < tasks[node]; n++)); do workers+=",\\"${hosts[node]}:$((MASTER_PORT + 1 + n))\\""; done
done
task="{\\"type\\":\\"worker\\",\\"index\\":$SLURM_PROCID}"
export TF_CONFIG="{\\"cluster\\":{\\"worker\\":[${workers:1}]},\\"task\\":$task}\""""
RUN_WORKER = '\nexec env "${environment[@]}" "$@"'
RETRY = """\
if ((code != 0 && ${{SLURM_RESTART_COUNT:-0}} < {retries})); then
  echo "ended with code $code; starting again" >&2
  scontrol requeue "$SLURM_JOB_ID"
fi"""


def _directive(name: str, value: object = None) -> Setting:
    return Setting(("directives", name), value)


def _body(section: str, *lines: str) -> Setting:
    return Setting(("body", section), list(lines))


def _name(export: Export) -> Iterator[Told]:
    yield _directive("--job-name", export.spec.name)


def _command(export: Export) -> Iterator[Told]:
    yield from program(NAME, export)
    yield _body("command", array("command", export.spec.command))


def _workers(export: Export) -> Iterator[Told]:
    yield _directive("--ntasks", export.spec.workers)
    if export.spec.workers > MOST_LISTED:
        yield Note(f"TF_CONFIG is left out: it would name {export.spec.workers:,} workers")


def _cpus(export: Export) -> Iterator[Told]:
    yield _directive("--cpus-per-task", _whole_cpus(export))
    if export.spec.cpus != _whole_cpus(export):
        yield Note(f"cpus={export.spec.cpus:g} is rounded up: Slurm gives whole ones")


def _whole_cpus(export: Export) -> int:
    return math.ceil(export.spec.cpus)


def _memory(export: Export) -> Iterator[Told]:
    yield from some_memory(NAME, export)
    yield _directive("--mem-per-cpu", f"{max(1, math.ceil(export.spec.memory / 2**20 / _whole_cpus(export)))}M")


def _accelerators(export: Export) -> Iterator[Told]:
    if count := export.spec.accelerators:
        kind = export.options.accelerator
        yield _directive("--gpus-per-task", f"{kind}:{count}" if kind else count)


def _tenant(export: Export) -> Iterator[Told]:
    if export.spec.tenant != "default":
        yield _directive("--account", export.spec.tenant)


def _priority(export: Export) -> Iterator[Told]:
    priority = export.spec.priority
    if priority < 0:
        yield _directive("--nice", -priority)
    elif priority:
        yield Note(f"priority={priority}: only an operator may raise it, with sbatch --nice=-{priority}")


def _time_limit(export: Export) -> Iterator[Told]:
    """A signal to the workers at the limit, and Slurm's own limit late enough after it that the script can start again."""
    if (limit_s := export.spec.time_limit) is not None:
        minutes = math.ceil((limit_s + EARLY_S + GRACE_S) / 60)
        days, rest = divmod(minutes, 24 * 60)
        yield _directive("--time", f"{days}-{rest // 60:02}:{rest % 60:02}:00")
        yield _directive("--signal", f"TERM@{minutes * 60 - math.ceil(limit_s) - EARLY_S}")
        yield Note(f"time_limit={seconds_text(limit_s)}: SIGTERM to workers 0 to {EARLY_S} s later, SIGKILL as --time is over")


def _retries(export: Export) -> Iterator[Told]:
    """Slurm starts again what was lost with a node; a failure of the command itself is for the script to count."""
    yield from (_directive("--requeue"), _directive("--open-mode", "append"))
    if retries := export.spec.retries:
        yield _body("retry", RETRY.format(retries=retries))
        yield Note(f"retries={retries}: starts again after the loss of a node count as well")


def _backoff(export: Export) -> Iterator[Told]:
    if export.spec.retries:
        yield Note(
            f"backoff={seconds_text(export.spec.backoff)} is not to be set: Slurm decides when a requeued job is eligible"
        )


def _environment(export: Export) -> Iterator[Told]:
    yield _body("environment", array("environment", pairs(same_everywhere(export.spec))))


def _secrets(export: Export) -> Iterator[Told]:
    """The value comes with the environment of whoever calls sbatch, and never enters the script."""
    for variable, secret in export.spec.secrets.items():
        yield _body("checks", f': "${{{variable}:?is the secret {secret}: export it before sbatch}}"')
        yield Note(f"the secret {secret}: export {variable} before sbatch")


def _needs(export: Export) -> Iterator[Told]:
    if needs := export.spec.needs:
        jobs = ":".join(f"<Slurm's number of job {job}>" for job in needs)
        yield Note(f"submit with: sbatch --dependency=afterok:{jobs} --kill-on-invalid-dep=yes")


def _inputs(export: Export) -> Iterator[Told]:
    for name, reference in export.spec.inputs.items():
        fetch = f"datahall artifacts get {quoted(reference)} inputs/{name}"
        yield _body("checks", f"[[ -d inputs/{name} ]] || {{ echo {quoted(f'missing inputs/{name}: {fetch}')} >&2; exit 1; }}")
        yield Note(f"before sbatch: {fetch}")


def _files(export: Export) -> Iterator[Told]:
    yield from files_inside(export)
    if export.spec.files:
        yield _body("files", *put_files(export.spec))


def _source(export: Export) -> Iterator[Told]:
    if export.spec.source:
        yield Note(f"before sbatch: datahall artifacts get {quoted(export.spec.source)} FOLDER, and call sbatch from there")


def _output_key(export: Export) -> Iterator[Told]:
    if key := export.spec.output_key:
        yield _body("checks", "mkdir -p outputs")
        yield Note(f"after it: datahall artifacts put outputs --key {quoted(key)}")


def _service(export: Export) -> Iterator[Told]:
    if export.spec.service:
        why = "has jobs that end, and no services"
        yield field_refused(NAME, "service", True, why, "export it without `service`, with a time_limit")


def _queue(export: Export) -> Iterator[Told]:
    if export.options.queue:
        yield _directive("--partition", export.options.queue)


def _nodes(export: Export) -> Iterator[Told]:
    yield from even_nodes(NAME, export)
    if export.options.nodes is not None:
        yield from (_directive("--nodes", export.options.nodes), _directive("--ntasks-per-node", export.per_node))


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
        "queue": _queue, "cluster_queue": unused(NAME, "cluster_queue"), "image": unused(NAME, "image"),
        "accelerator": idle_kind(NAME), "nodes": _nodes,
    }
)  # fmt: skip


def sbatch(export: Export) -> str:
    """A script for sbatch. Raises Refused with every field of the job that Slurm cannot be told."""
    told, notes = gathered(export, FIELDS, OPTIONS)
    told["directives"] = {name: told["directives"][name] for name in sorted(told["directives"])}
    text = "\n".join([*_head(told["directives"], notes), *_script(export, told)]) + "\n"
    if len(text.encode()) > SCRIPT_BYTES:
        size = f"scripts of {SCRIPT_BYTES:,} bytes, and this one has {len(text.encode()):,}"
        raise Refused(too_large(NAME, "files", size, "keep large files beside the script, not in it"))
    return text


def _head(directives: Mapping[str, object], notes: list[str]) -> Iterator[str]:
    yield "#!/bin/bash"
    yield from (f"#SBATCH {name}" + ("" if value is None else f"={value}") for name, value in directives.items())
    yield from comments(["By Datahall. The working folder is the one where sbatch is called.", *notes])


def _script(export: Export, told: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
    """What runs on the first node. Directives have ended before its first word."""
    body = told["body"]
    yield from ("set -euo pipefail", *body.get("checks", ()), *body.get("files", ()))
    yield from (*body["environment"], *body["command"], FIND_WORKERS)
    listed = 1 < export.spec.workers <= MOST_LISTED
    yield f"worker='{COUNT_TASKS}{LIST_WORKERS if listed else ''}{RUN_WORKER}'"  # ours, and without a single quote
    yield "code=0"
    words = [f"{name}={told['directives'][name]}" for name in ("--ntasks", "--cpus-per-task", "--gpus-per-task")
             if name in told["directives"]]  # fmt: skip
    yield f'srun {" ".join(words)} --kill-on-bad-exit=1 bash -c "$worker" worker \\'
    yield '  "${#environment[@]}" "${environment[@]}" "${command[@]}" || code=$?'
    yield from (*body.get("retry", ()), 'exit "$code"')
