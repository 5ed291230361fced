"""What is exported, and how its fields are turned into settings of another scheduler, none of them dropped."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.spec import Spec
from datahall.platform.engines.environment import thread_limits
from datahall.platform.spec import JobSpec

Word = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._/:@+-]*)?$", max_length=255)]
"""Without spaces and quotes, so that it is one word in every file; empty: not given."""


class Options(Spec):
    """What the other scheduler needs to know and a job does not say."""

    queue: Word = ""
    """A Slurm partition, or Kueue's LocalQueue."""
    cluster_queue: Word = ""
    """Kueue's ClusterQueue: with it, the LocalQueue is written as well."""
    image: Word = ""
    """The container image that holds the program."""
    accelerator: Word = ""
    """Which kind: Slurm's type of a GPU, SkyPilot's name of it, Kubernetes' resource such as `amd.com/gpu`."""
    nodes: int | None = Field(default=None, ge=1, le=100_000)
    """Spread the workers evenly over so many nodes."""


@dataclass(frozen=True, slots=True)
class Export:
    """A job on its way out."""

    spec: JobSpec
    options: Options = field(default_factory=Options)

    @property
    def per_node(self) -> int | None:
        """Workers on one node; None where that is left to the scheduler."""
        return None if self.options.nodes is None else self.spec.workers // self.options.nodes


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it goes, such as `("pod", "env")`; values of one place add up where they are lists or tables."""

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Note:
    """What the other scheduler does instead, or what is left to the reader: a comment on top of the file."""

    text: str


Told = Setting | Note | Problem
Rule = Callable[[Export], Iterator[Told]]
"""What one field of the job, or one option, becomes."""

LOCAL_ONLY = frozenset(
    {
        "HOME", "TMPDIR",  # a home and a folder of temporary files of its own: there the user's account has them
        "CUDA_VISIBLE_DEVICES",  # set there by what grants the devices
        "GLOO_SOCKET_IFNAME", "JAX_COORDINATOR_BIND_ADDRESS",  # keep a gang of one machine on the loopback
    }
)  # fmt: skip
"""Variables of our own engine's workers that mean nothing on somebody else's machines."""
RANKED = frozenset({"RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "JAX_COORDINATOR_ADDRESS",
                    "JAX_PROCESS_ID", "TF_CONFIG", "DATAHALL_JOB", "DATAHALL_ATTEMPT", "DATAHALL_STATE"})  # fmt: skip
"""Those that are known only where a worker runs; `same_everywhere` has the rest."""
MOST_LISTED = 1024
"""TF_CONFIG names every worker; a longer one would not pass as an environment variable (128 KiB)."""


def same_everywhere(spec: JobSpec) -> dict[str, str]:
    """The variables of our own engine that are alike in all workers; what the user asked for wins, and a secret over both."""
    ours = {
        "PYTHONUNBUFFERED": "1",
        "DATAHALL_TENANT": spec.tenant,
        "WORLD_SIZE": str(spec.workers),
        "JAX_NUM_PROCESSES": str(spec.workers),
        **thread_limits(spec.cpus),
    }
    return {name: value for name, value in (ours | spec.environment).items() if name not in spec.secrets}


def gathered(export: Export, fields: Mapping[str, Rule], options: Mapping[str, Rule]) -> tuple[dict[str, Any], list[str]]:
    """The settings as one nested table, and the notes. Raises Refused with everything that cannot be expressed."""
    told = [one for rule in (*fields.values(), *options.values()) for one in rule(export)]
    if problems := [one for one in told if isinstance(one, Problem)]:
        raise Refused(dict.fromkeys(problems))
    settings: dict[str, Any] = {}
    for one in told:
        if isinstance(one, Setting):
            _place(settings, one.path, one.value)
    return settings, list(dict.fromkeys(one.text for one in told if isinstance(one, Note)))


def _place(table: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        table = table.setdefault(key, {})
    last, there = path[-1], table.get(path[-1])
    if isinstance(there, list):
        table[last] = there + value
    elif isinstance(there, dict):
        table[last] = there | value
    else:
        table[last] = value


def field_refused(target: str, field: str, seen: object, why: str, fix: str) -> Problem:
    """EXPORT-010: a field of the job that the other scheduler cannot be told."""
    shown = str(seen).lower() if isinstance(seen, bool) else seen
    return Problem("EXPORT-010", f"job.{field}", f"{field}={shown}: {target} {why}", fix)


def option_refused(target: str, option: str, why: str, fix: str) -> Problem:
    """EXPORT-011: an option that the other scheduler needs, or cannot use."""
    return Problem("EXPORT-011", f"--{option.replace('_', '-')}", f"{target} {why}", fix)


def too_large(target: str, field: str, what: str, fix: str) -> Problem:
    """EXPORT-012: more text than the other scheduler takes."""
    return Problem("EXPORT-012", f"job.{field}", f"{target} takes {what}", fix)
