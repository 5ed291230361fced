"""What a recipe says about serving."""

from typing import Any

from pydantic import Field, model_validator

from datahall.foundation.spec import Name
from datahall.platform.gateway.spec import ServingSpec

FORMER_NAMES = {"timeout": "timeout_s", "max_body": "max_body_bytes", "replica_memory": "replica_memory_bytes"}
"""Still taken: recipes and recorded workflows have them."""


class DeploySpec(ServingSpec):
    """An endpoint: replicas of one or more versions of a model behind the gateway. What is not named gets its default."""

    endpoint: Name
    canary_ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of the traffic for the new version; below 1 the old version keeps the rest until `promote`."""
    shadow: bool = False
    """The new version gets a copy of each request, and nobody sees its answers until `promote`."""

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for former, name in FORMER_NAMES.items():
            if former in data and name in data:
                raise ValueError(f"`{former}` and `{name}` are one setting; keep `{name}`")
        return {FORMER_NAMES.get(name, name): value for name, value in data.items()}

    @property
    def first_ratio(self) -> float:
        """Share of the traffic that the new version begins with."""
        return 0.0 if self.shadow else self.canary_ratio
