"""An endpoint: versions of a model behind one name, and how much of everything they may have."""

from typing import Any, Self

from pydantic import Field, model_validator

from datahall.foundation.errors import Conflict, Missing, Problem
from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Bytes, Seconds

MAX_VERSIONS = 8
MAX_BODY_BYTES = 1 << 27
"""Half of what one frame to a replica may hold: answers may be larger than questions."""


class VersionSpec(Spec):
    """One version of the model and its share of the traffic."""

    version: int = Field(ge=1, lt=2**31)
    bundle: str = Field(min_length=1, max_length=200)
    """Artifact id of the folder with `model.onnx` and `bundle.json`."""
    weight: float = Field(default=1.0, ge=0, le=1e6)
    """Share of the requests that name no version, beside the others' weights; 0 is served only by name."""
    aliases: tuple[Name, ...] = ()
    """More names under `/versions/`, besides the number and the endpoint's `alias`."""


class ServingSpec(Spec):
    """How an endpoint serves: the settings that a recipe, a command and the gateway share."""

    alias: Name = "champion"
    """Names the version with the greatest weight (the older one when equal) in the gateway, and the latest in the registry."""
    min_replicas: int = Field(default=1, ge=1, le=256)
    max_replicas: int = Field(default=1, ge=1, le=256)
    target_in_flight: float = Field(default=8, gt=0)
    """Requests under way per replica that autoscaling aims at."""
    max_batch: int = Field(default=64, ge=1, le=4096)
    """Samples that run at once at most; how many do is measured."""
    timeout_s: Seconds = Field(default=10, ge=0.05)
    """From the first byte to the answer, waiting for a replica included."""
    max_body_bytes: Bytes = Field(default=4 * 1024 * 1024, le=MAX_BODY_BYTES)
    max_queue: int = Field(default=512, ge=1, le=100_000)
    """Requests under way at once; the next one is told to come back (429)."""
    rate_per_s: float | None = Field(default=None, gt=0)
    """Requests per second that one tenant may send; nothing is no limit."""
    rate_burst: int = Field(default=50, ge=1)
    """Requests that a tenant may send at once when it was quiet before."""
    replica_cpus: float = Field(default=0.1, gt=0, le=1024)
    replica_memory_bytes: Bytes = 256 * 1024 * 1024

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"max_replicas={self.max_replicas} is below min_replicas={self.min_replicas}")
        return self

    def settings(self) -> dict[str, Any]:
        """The shared ones of this spec's fields."""
        return {name: getattr(self, name) for name in ServingSpec.model_fields}


class EndpointSpec(ServingSpec):
    """What is wanted of one endpoint; the controller makes it so."""

    name: Name
    tenant: Name
    versions: tuple[VersionSpec, ...] = Field(min_length=1, max_length=MAX_VERSIONS)
    previous: tuple[VersionSpec, ...] = ()
    """The versions before the last change: what `rollback` returns to."""
    shadow: int | None = None
    """A version that gets a copy of each request whose answer nobody sees."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        numbers = [row.version for row in self.versions]
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"versions {numbers} name one version twice")
        if not any(row.weight for row in self.versions):
            raise ValueError("all weights are 0, so no request could be answered; give one version a weight")
        if self.shadow is not None and self.shadow not in numbers:
            raise ValueError(f"shadow={self.shadow} is none of the versions {numbers}")
        return self

    @property
    def leading(self) -> VersionSpec:
        """The version that `alias` points to."""
        return max(self.versions, key=lambda row: (row.weight, -row.version))

    def version_names(self) -> dict[str, int]:
        """Every name that a version goes by under `/versions/`."""
        names = {alias: row.version for row in self.versions for alias in row.aliases}
        return {self.alias: self.leading.version} | names | {str(row.version): row.version for row in self.versions}


def rolled_out(spec: EndpointSpec, version: VersionSpec, *, canary_ratio: float = 1.0) -> EndpointSpec:
    """`spec` with the new version taking `canary_ratio` of the traffic.

    At 1 the old versions go once it is ready. At 0 it is a shadow: it gets a copy of each request.
    """
    others = tuple(row for row in spec.versions if row.version != version.version)
    if canary_ratio >= 1 or not others:
        return _changed(spec, (version.model_copy(update={"weight": 1.0}),))
    kept_weight = sum(row.weight for row in others) or 1.0
    scaled = [row.model_copy(update={"weight": row.weight / kept_weight * (1 - canary_ratio)}) for row in others]
    versions = (*_lightest_left_out(scaled), version.model_copy(update={"weight": canary_ratio}))
    return _changed(spec, versions, shadow=spec.shadow if canary_ratio else version.version)


def _lightest_left_out(rows: list[VersionSpec]) -> list[VersionSpec]:
    """As many as leave room for one more."""
    kept = sorted(rows, key=lambda row: (row.weight, row.version))[-(MAX_VERSIONS - 1) :]
    return [row for row in rows if row in kept]


def promoted(spec: EndpointSpec, version: int) -> EndpointSpec:
    """`spec` with all traffic on one of its versions. Raises Missing when it has no such version."""
    for row in spec.versions:
        if row.version == version:
            return _changed(spec, (row.model_copy(update={"weight": 1.0}),))
    served = ", ".join(str(row.version) for row in spec.versions)
    raise Missing(Problem("GATE-011", spec.name, f"serves no version {version}", f"it serves {served}; deploy {version} first"))


def rolled_back(spec: EndpointSpec) -> EndpointSpec:
    """`spec` with the versions before the last change; rolling back twice returns here. Raises Conflict without any."""
    if not spec.previous:
        raise Conflict(Problem("GATE-012", spec.name, "has no earlier versions to return to", "deploy the version you want"))
    return _changed(spec, spec.previous, shadow=spec.shadow)


def _changed(spec: EndpointSpec, versions: tuple[VersionSpec, ...], *, shadow: int | None = None) -> EndpointSpec:
    previous = spec.versions if versions != spec.versions else spec.previous
    kept = shadow if shadow in {row.version for row in versions if not row.weight} else None
    return EndpointSpec.model_validate({**dict(spec), "versions": versions, "previous": previous, "shadow": kept})
