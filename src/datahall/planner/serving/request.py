"""What is asked of serving: requests, how many of them, how fast they must be answered, and what is pinned."""

from typing import Literal

from pydantic import Field

from datahall.foundation.spec import Name, Spec
from datahall.models.parallel.spec import Precision


class SpeculativeDraft(Spec):
    """A draft of several tokens that the model checks in one step. Source: Leviathan et al., arXiv:2211.17192."""

    draft_tokens: int = Field(ge=1, le=16)
    """Tokens drafted before each check."""
    acceptance_ratio: float = Field(gt=0, lt=1)
    """Share of drafted tokens that the model accepts, each on its own. It depends on model, draft and text: measure it."""
    draft_ratio: float = Field(default=0.0, ge=0, lt=1)
    """Time of drafting one token as a share of the model's own step; 0 for drafts from the text itself (n-grams)."""


class ServeRequest(Spec):
    """One question of `datahall plan --serve`. Lengths are means over requests."""

    input_tokens: float = Field(ge=1, le=1e7)
    """Of a prompt."""
    output_tokens: float = Field(ge=1, le=1e7)
    """Of an answer."""
    lengths: Literal["fixed", "lognormal"] = "fixed"
    """Whether all requests are alike, or how they differ."""
    length_cv_ratio: float = Field(default=0.0, ge=0, le=10)
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
    """Of weights and products; without it, all are tried that the accelerator has and that the model may be served in
    without a change of its answers: 16 bits, or what it was published in."""
    kv_precision: Precision | None = None
    """Of keys and values kept; without it, 16 bits."""
    engine: Name | None = None
    """The serving software by name; without it, the default, which the forecast names."""
    prefix_hit_ratio: float = Field(default=0.0, ge=0, lt=1)
    """Share of prompt tokens whose keys and values another request left."""
    speculative: SpeculativeDraft | None = None
    accelerators: int | None = Field(default=None, ge=1)
    """At most so many of the hall; without it, all."""
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

    @property
    def has_level(self) -> bool:
        """Whether any time is asked for."""
        return any(limit is not None for limit in self.limits().values())

    def limits(self) -> dict[str, float | None]:
        """The times asked for, by name."""
        names = ("ttft_p95_s", "ttft_p99_s", "tpot_p95_s", "tpot_p99_s")
        return {name: getattr(self, name) for name in names}
