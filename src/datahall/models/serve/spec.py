"""What a recipe says about serving."""

from pydantic import Field, model_validator

from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Bytes, Seconds
from datahall.platform.gateway.spec import MAX_BODY_BYTES


class DeploySpec(Spec):
    """An endpoint: replicas of one or more versions of a model behind the gateway."""

    endpoint: Name
    alias: Name = "champion"
    """The registry alias that moves to this version once it serves."""
    min_replicas: int = Field(default=1, ge=1, le=256)
    max_replicas: int = Field(default=1, ge=1, le=256)
    target_in_flight: float = Field(default=8, gt=0)
    """Requests under way per replica that autoscaling aims at."""
    canary_ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of the traffic for the new version; below 1 the old version keeps the rest until `promote`."""
    max_batch: int = Field(default=64, ge=1, le=4096)
    timeout: Seconds = 10
    max_body: Bytes = Field(default=4 * 1024 * 1024, le=MAX_BODY_BYTES)
    max_queue: int = Field(default=512, ge=1, le=100_000)
    replica_cpus: float = Field(default=0.1, gt=0, le=1024)
    replica_memory: Bytes = 256 * 1024 * 1024

    @model_validator(mode="after")
    def _ordered(self) -> "DeploySpec":
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"max_replicas={self.max_replicas} is below min_replicas={self.min_replicas}")
        return self
