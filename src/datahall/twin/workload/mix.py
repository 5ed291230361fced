"""What jobs come: kinds of jobs with their shares, sizes and durations."""

import math
from pathlib import Path

from pydantic import Field, model_validator

from datahall.foundation.document import load
from datahall.foundation.spec import Name, Spec
from datahall.twin.workload.trace import STATUSES

LLM = Path(__file__).parent / "constants" / "llm_mix.yaml"


class Kind(Spec):
    """One sort of job: how many of all jobs, how large, how long."""

    name: Name
    share_ratio: float = Field(gt=0, le=1)
    """Of all jobs, by number."""
    sizes: dict[int, float] = Field(min_length=1)
    """Accelerators of a job -> weight."""
    mean_s: float = Field(gt=0)
    """Mean duration, after the cut at `max_s`. The size says nothing about the duration within a kind."""
    sigma: float = Field(ge=0, le=4)
    """Spread of the duration's logarithm; the duration is log-normal."""
    max_s: float = Field(gt=0)
    requested_ratio: float | None = Field(default=None, ge=1)
    """Mean of requested over true time, drawn evenly between 1 and twice that less 1, then rounded up to minutes."""
    cpus_per_accelerator: int = Field(default=16, ge=0, le=1024)

    @model_validator(mode="after")
    def _reachable(self) -> "Kind":
        if self.mean_s > 0.9 * self.max_s:
            raise ValueError(
                f"a mean of {self.mean_s:g} s is too near the maximum of {self.max_s:g} s: keep it below 0.9 of it"
            )
        if min(self.sizes) < 0 or min(self.sizes.values()) < 0 or not sum(self.sizes.values()):
            raise ValueError("sizes and weights may not be negative, and some weight must be above zero")
        return self

    @property
    def mean_accelerators(self) -> float:
        return sum(size * weight for size, weight in self.sizes.items()) / sum(self.sizes.values())


class Mix(Spec):
    """Kinds of jobs that together are all jobs, and how they end."""

    source: str
    note: str
    kinds: tuple[Kind, ...] = Field(min_length=1)
    status_ratio: dict[str, float] = Field(default={})
    """How jobs end, by the words of STATUSES; drawn without regard to kind. None: all complete."""

    @model_validator(mode="after")
    def _whole(self) -> "Mix":
        total = sum(kind.share_ratio for kind in self.kinds)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares of the kinds add up to {total:g}, not 1")
        if not set(self.status_ratio) <= set(STATUSES):
            raise ValueError(f"a status is one of {', '.join(STATUSES)}")
        return self


def llm_mix() -> Mix:
    """LLM development in a pre-training cluster: few giant long jobs, many short evaluations."""
    return load(LLM, Mix)


def scaled_to(mix: Mix, *, accelerators: int) -> Mix:
    """The mix with no job above `accelerators`: larger ones ask for all of them. What that moves is not made up for."""

    def cut(kind: Kind) -> Kind:
        sizes: dict[int, float] = {}
        for size, weight in kind.sizes.items():
            sizes[min(size, accelerators)] = sizes.get(min(size, accelerators), 0) + weight
        return kind.model_copy(update={"sizes": sizes})

    return mix.model_copy(update={"kinds": tuple(cut(kind) for kind in mix.kinds)})


def clipped_median_s(mean_s: float, sigma: float, max_s: float) -> float:
    """Median of the log-normal whose mean is `mean_s` once all that is above `max_s` is set to it.

    E[min(X, c)] = e^(mu + s^2/2) Phi((ln c - mu)/s - s) + c (1 - Phi((ln c - mu)/s)), solved for mu by halving.
    """
    if sigma == 0:
        return mean_s
    low, high = math.log(mean_s) - sigma**2, math.log(max_s) + 10 * sigma
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _clipped_mean_s(middle, sigma, max_s) < mean_s else (low, middle)
    return math.exp(low)


def _clipped_mean_s(mu: float, sigma: float, max_s: float) -> float:
    at = (math.log(max_s) - mu) / sigma
    return math.exp(mu + sigma**2 / 2) * _normal(at - sigma) + max_s * (1 - _normal(at))


def _normal(at: float) -> float:
    return (1 + math.erf(at / math.sqrt(2))) / 2
