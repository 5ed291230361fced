"""What is asked of serving: requests, how many of them, how fast they must be answered, and what is pinned."""

from typing import ClassVar, Literal

from pydantic import Field

from datahall.foundation.spec import Name, Spec
from datahall.models.inference.spec import KvPrecision, Precision, Speculation, WeightPrecision


class ServeRequest(Spec):
    """One question of `datahall plan --serve`. Lengths are means over requests."""

    input_tokens: int = Field(ge=1, le=10_000_000)
    """Of a prompt."""
    output_tokens: int = Field(ge=1, le=10_000_000)
    """Of an answer."""
    lengths: Literal["fixed", "lognormal"] = "fixed"
    """Whether all requests are alike, or how they differ."""
    length_cv_ratio: float = Field(default=0.0, ge=0, le=3)
    """Standard deviation of both lengths over their mean; only with `lengths: lognormal`."""
    requests_per_s: float | None = Field(default=None, gt=0)
    """Over all replicas, arriving independently (Poisson). Without it and `concurrency`: as many as the hall sustains."""
    concurrency: int | None = Field(default=None, ge=1)
    """Requests in flight at once over all replicas, each followed by the next: a closed loop, as benchmarks run."""
    ttft_p95_s: float | None = Field(default=None, gt=0)
    """Time to first token, 95 of 100 requests."""
    ttft_p99_s: float | None = Field(default=None, gt=0)
    tpot_p95_s: float | None = Field(default=None, gt=0)
    """Time per output token after the first, mean over one request, 95 of 100 requests."""
    tpot_p99_s: float | None = Field(default=None, gt=0)
    precision: Precision | None = None
    """Of products, and of weights unless `weight_precision` says otherwise. Without it, 16 bits: fewer change the answers, so
    they are only told as a what-if."""
    weight_precision: WeightPrecision | None = None
    """Of weights as they are kept, where narrower than the products."""
    kv_precision: KvPrecision | None = None
    """Of keys and values kept; without it, 16 bits, or 8 where the products are narrower."""
    engine: Name | None = None
    """The serving software by name; without it, the default, which the forecast names."""
    prefix_hit_ratio: float = Field(default=0.0, ge=0, lt=1)
    """Share of prompt tokens whose keys and values another request left."""
    speculative: Speculation | None = None
    accelerators: int | None = Field(default=None, ge=1)
    """At most so many of the hall; without it, all."""
    accelerator: str | None = None
    """Which kind, where the hall has several; without it, those with the highest peak together."""
    replicas: int | None = Field(default=None, ge=1)
    """Pinned: copies of the model that share the load."""
    tensor: int | None = Field(default=None, ge=1)
    """Pinned: ranks that share each product."""
    pipeline: int | None = Field(default=None, ge=1)
    expert: int | None = Field(default=None, ge=1)
    """Pinned: ranks that share the experts."""
    chunk_tokens: int | None = Field(default=None, ge=16)
    """Pinned: tokens of one step at most, prompts cut to fit (chunked prefill)."""
    batch_limit: int | None = Field(default=None, ge=1)
    """Pinned: sequences of one replica at once, at most."""
    mode: Literal["mixed", "split"] | None = None
    """Pinned: prompts and answers on the same accelerators, or each on their own (prefill and decode split)."""
    seed: int = Field(default=0, ge=0)
    """Of the simulated arrivals and lengths: the same seed gives the same forecast."""
    trials: int = Field(default=5, ge=1, le=100)
    """Seeds from `seed` on over which percentiles are reported: the chosen plan is simulated with each."""

    what_ifs: bool = True
    """Whether changes are tried: other precisions, ranks, levels, the next accelerator."""

    @property
    def has_level(self) -> bool:
        """Whether any time is asked for."""
        return any(limit is not None for limit in self.limits().values())

    LIMITS: ClassVar[tuple[str, ...]] = ("ttft_p95_s", "ttft_p99_s", "tpot_p95_s", "tpot_p99_s")
    """Names of the times that can be asked for."""

    def limits(self) -> dict[str, float | None]:
        """The times asked for, by name."""
        return {name: getattr(self, name) for name in self.LIMITS}
