"""What a user asks for: a job."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Bytes, Seconds
from datahall.platform.resources import Resources
from datahall.platform.work import TrainingWork

EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
Text = Annotated[str, StringConstraints(max_length=131_072)]
Reference = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|key:.{1,200})$")]
"""An artifact of the job's tenant: by its content, or by the key of what makes it."""
MAX_FILES = 64


class JobSpec(Spec):
    """A command, how often and with what it runs, and for whom."""

    name: Name = "job"
    command: tuple[Text, ...] = Field(min_length=1, max_length=4096)
    """Program and arguments; no shell is involved."""
    workers: int = Field(default=1, ge=1, le=100_000)
    """All of them start together or none does."""
    cpus: float = Field(default=1, gt=0, le=4096)
    """CPUs of each worker; tenths are fine."""
    memory: Bytes = 1024**3
    """Memory of each worker. More than this ends it."""
    accelerators: int = Field(default=0, ge=0, le=1024)
    """Accelerators of each worker."""
    tenant: Name = "default"
    priority: int = Field(default=0, ge=-1000, le=1000)
    """Higher starts first."""
    time_limit: Seconds | None = None
    retries: int = Field(default=0, ge=0, le=1000)
    """Further attempts after a failure of the command itself. Attempts lost with a machine do not count."""
    backoff: Seconds = 5
    """Wait before the first retry; each further one waits twice as long, up to an hour."""
    environment: dict[EnvironmentName, Text] = Field(default={}, max_length=1024)
    secrets: dict[EnvironmentName, Name] = Field(default={}, max_length=64)
    """Environment variable -> name of a secret of the tenant; the value never enters the job's record."""
    needs: tuple[int, ...] = Field(default=(), max_length=1000)
    """Jobs that must have succeeded first."""
    inputs: dict[Name, Reference] = Field(default={}, max_length=64)
    """Folder under `inputs/` -> artifact (`sha256:…`, or `key:…` of a step that was or will be run)."""
    files: dict[str, Text] = Field(default={}, max_length=MAX_FILES)
    """Small text files that are put into the working folder."""
    source: Reference | None = None
    """Artifact whose files are copied into the working folder."""
    output_key: str | None = Field(default=None, max_length=200)
    """When set, the folder `outputs/` becomes an artifact under this key if the job succeeds."""
    service: bool = False
    """Runs until it is stopped; ending by itself is a failure."""
    work: TrainingWork | None = None
    """What it trains, so that its time, energy and memory can be predicted, and the prediction be learned from."""
    annotations: dict[Name, str] = Field(default={}, max_length=32)
    """Words of the caller, such as the workflow and the step."""

    @field_validator("command", "files", "environment")
    @classmethod
    def _without_nul(cls, value: tuple[str, ...] | dict[str, str]) -> tuple[str, ...] | dict[str, str]:
        words = value if isinstance(value, tuple) else (*value.keys(), *value.values())
        if any("\0" in word for word in words):
            raise ValueError("a NUL character cannot be passed to a program")
        return value

    @field_validator("command")
    @classmethod
    def _program_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value[0].strip():
            raise ValueError("the first word is the program and may not be empty")
        return value

    def per_worker(self) -> Resources:
        """What each worker is given."""
        return Resources(max(1, round(self.cpus * 1000)), self.memory, self.accelerators)
