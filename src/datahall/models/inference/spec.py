"""How a large model is served: the software, the spread over accelerators, and what users ask of it."""

from typing import Literal

from pydantic import Field

from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Bytes

Precision = Literal["fp32", "bf16", "fp16", "fp8", "nvfp4"]
WeightPrecision = Literal["fp32", "bf16", "fp16", "fp8", "nvfp4", "int8", "int4"]
KvPrecision = Literal["bf16", "fp16", "fp8", "nvfp4"]


class Engine(Spec):
    """What the serving software does: assumptions that are stated, and few constants that were fitted (see `source`)."""

    name: Name
    step_host_s: float = Field(default=0.0, ge=0, le=0.1)
    """Host time of one step that the accelerator waits for: scheduling, sampling, bookkeeping."""
    request_s: float = Field(default=0.0, ge=0, le=1.0)
    """Of a request outside its steps: HTTP, tokenising, the way to the scheduler and back. Adds to the first token."""
    sequence_host_s: float = Field(default=0.0, ge=0, le=1e-3)
    """Further host time of a step for each sequence that gets a token."""
    exchange_start_s: float | None = Field(default=None, gt=0, le=1e-2)
    """Start of an exchange between experts in the software's own one-sided kernels, as DeepEP's: all peers at once; None: the
    library's all-to-all."""
    exchange_overlap: bool = False
    """Whether two halves of the batch take turns, so that one computes while the other is exchanged. Each half streams the
    weights for itself. Source: DeepSeek-V3, arXiv:2412.19437, section 3.4."""
    expert_ratio: float = Field(default=1.0, gt=0, le=1)
    """Speed of routed experts' products, with all that sorts, casts and sums around them, against plain products."""
    imbalance_ratio: float = Field(default=1.0, ge=1, le=100)
    """Tokens of the busiest rank's experts over the mean, where experts are shared between ranks. 1: the router is even."""
    host_kernel_s: float = Field(default=0.0, ge=0, le=1e-3)
    """Host time to start one kernel of a step that no CUDA graph starts at once."""
    graphs: Literal["none", "decode", "all"] = "none"
    """Steps that are started by a graph: all, those that only decode, or none."""
    compute_ratio: float = Field(default=1.0, gt=0, le=1.5)
    """Speed of computing against what single kernels reach alone: clocks that fall, gaps between kernels."""
    memory_ratio: float = Field(default=1.0, gt=0, le=1.5)
    """Likewise, of streaming weights, keys and values."""
    reduce_ratio: float = Field(default=1.0, gt=0, le=1)
    """Speed of sums over tensor ranks against the library's alone: ranks that come late, links that other copies share."""
    one_shot_s: float | None = Field(default=1e-5, gt=0, le=1e-3)
    """Start of a small sum over tensor ranks in the software's own kernel, each rank reading all others over NVLink; None: all
    sums are the library's (NCCL). Assumed, 10 us: throughput under maximal load tells nothing of it."""
    device_ratio: float = Field(default=0.95, gt=0, le=1)
    """Share of an accelerator's memory that the software may take in all."""
    kv_ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of what weights and activations leave free that is given to keys and values."""
    context_bytes: Bytes = 2 * 1024**3
    """Driver context, libraries, buffers of communicators, on each accelerator."""
    max_batch: int = Field(default=1024, ge=1, le=1_000_000)
    """Sequences that one replica decodes at once, at most."""
    step_tokens: int = Field(default=8192, ge=1, le=10_000_000)
    """Tokens that one step takes, at most: those that decode and those of prompts."""
    tuned: bool = False
    """Whether `max_batch` and `step_tokens` are set for each load, as `trtllm-bench build --dataset` does."""
    chunked_prefill: bool = True
    """Whether a prompt is read in pieces; otherwise in one step, however long it is."""
    mixed_steps: bool = True
    """Whether prompts and decoding share a step (in-flight batching); otherwise decoding waits while prompts are read."""
    reserves_output: bool = False
    """Whether a request is let in only when its whole output has room (no eviction); otherwise as soon as its prompt has."""
    source: str = Field(min_length=8)
    """Where the figures come from, and on what any of them was fitted."""


class Speculation(Spec):
    """A draft proposes tokens, the model checks them in one step. Source: Leviathan et al., arXiv:2211.17192.

    What the draft itself holds in memory is not counted: a head or a small model beside a large one.
    """

    draft_tokens: int = Field(ge=1, le=32)
    """Proposed in each step."""
    acceptance_ratio: float = Field(ge=0, le=1)
    """Chance that a proposed token is kept, each independently."""
    draft_ratio: float = Field(default=0.05, ge=0, le=1)
    """Time of the draft for one token, over that of the model's decoding step."""

    @property
    def tokens_per_step(self) -> float:
        """Tokens that a step yields on average: (1 - a^(n+1)) / (1 - a). Source: equation 1 of the paper."""
        a, n = self.acceptance_ratio, self.draft_tokens
        return float(n + 1) if a == 1 else (1 - a ** (n + 1)) / (1 - a)


class PrefillPool(Spec):
    """Accelerators that only read prompts and send keys and values to those that decode (disaggregated serving)."""

    tensor: int = Field(default=1, ge=1)
    pipeline: int = Field(default=1, ge=1)
    expert: int = Field(default=1, ge=1)
    replicas: int = Field(default=1, ge=1)
    transfer_overlap_ratio: float = Field(default=0.0, ge=0, le=1)
    """Share of the transfer that runs while later layers are still computed."""

    @property
    def accelerators(self) -> int:
        return self.tensor * self.pipeline * self.replicas


class InferencePlan(Spec):
    """One way to serve a model. Accelerators = tensor x pipeline x data, and those of a prefill pool."""

    tensor: int = Field(default=1, ge=1)
    pipeline: int = Field(default=1, ge=1)
    data: int = Field(default=1, ge=1)
    """Replicas, each with its own requests, keys and values."""
    expert: int = Field(default=1, ge=1)
    """Ranks that share the experts: carved out of tensor x data, never multiplied. 1: every expert is cut over the tensor
    ranks. Below `tensor` it divides it, above it is a multiple of it, and then replicas step together."""
    precision: Precision = "bf16"
    """Of the products."""
    weight_precision: WeightPrecision | None = None
    """Of the weights as they are kept, where narrower than `precision` (weight-only: int8, int4 as AWQ or GPTQ)."""
    kv_precision: KvPrecision | None = None
    """Of keys and values as they are kept; without it, 16 bits, or 8 where the products are narrower."""
    max_batch: int | None = Field(default=None, ge=1)
    """Sequences of one replica; without it, the engine's."""
    step_tokens: int | None = Field(default=None, ge=1)
    """Tokens of one step (chunk of a prefill); without it, the engine's."""
    speculation: Speculation | None = None
    prefill: PrefillPool | None = None
    """Accelerators beside these that read the prompts; these then only decode."""

    @property
    def replica_accelerators(self) -> int:
        return self.tensor * self.pipeline

    @property
    def accelerators(self) -> int:
        return self.replica_accelerators * self.data + (self.prefill.accelerators if self.prefill else 0)

    @property
    def stored(self) -> WeightPrecision:
        """Precision of the weights as they are kept."""
        return self.weight_precision or self.precision

    @property
    def kept(self) -> KvPrecision:
        """Precision of keys and values."""
        if self.kv_precision:
            return self.kv_precision
        return "fp8" if self.precision in ("fp8", "nvfp4") else "fp16" if self.precision == "fp16" else "bf16"


class Load(Spec):
    """What users ask: requests of so many tokens, arriving so fast or so many at once; neither: all that has room."""

    input_tokens: int = Field(ge=1, le=10_000_000)
    """Of a prompt, on average."""
    output_tokens: int = Field(ge=1, le=10_000_000)
    """Of an answer, on average."""
    concurrency: int | None = Field(default=None, ge=1)
    """Requests in the system at once, over all replicas: one leaves, the next comes (closed loop)."""
    requests_per_s: float | None = Field(default=None, gt=0)
    """Poisson arrivals, over all replicas (open loop): what latencies are simulated for."""
    requests: int | None = Field(default=None, ge=1)
    """Of a finite run, all there from the start: its throughput includes filling and draining. Without it, for ever."""
    prefix_hit_ratio: float = Field(default=0.0, ge=0, lt=1)
    """Share of the prompt's tokens whose keys and values are still kept from earlier requests."""
    length_cv: float = Field(default=0.0, ge=0, le=3)
    """Standard deviation over mean of both lengths (log-normal): for latencies. 0: all requests alike."""

    def busy_ratio(self, replicas: int) -> float:
        """Share of the replicas that have any request, where fewer are there at once than replicas."""
        return 1.0 if self.concurrency is None else min(1.0, self.concurrency / replicas)
