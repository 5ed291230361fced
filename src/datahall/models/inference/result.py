"""What a forecast of serving says: where memory goes, where a step's time goes, throughput and latency."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class ServingMemory:
    """Bytes on one accelerator of the fullest pipeline stage."""

    weights: float
    activations: float
    """Of one step at its largest, logits included."""
    context: float
    """Driver, libraries, communicators."""
    kv: float
    """Left for keys and values after the engine's shares; 0 where nothing is left."""
    device: float
    """Of the accelerator."""
    kv_tokens: float
    """Tokens whose keys and values one replica keeps at once, over all its accelerators."""
    short: float = 0.0
    """By how much weights, activations and context alone exceed what the engine may take; 0 where they fit."""

    @property
    def fits(self) -> bool:
        return self.kv > 0

    def parts(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in ("weights", "activations", "context", "kv")}


EMPTY = ServingMemory(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds of one engine step on one replica: what passes between two tokens of a sequence."""

    products: float = 0.0
    """Matrix products of attention and feed-forward blocks: computing, or streaming weights."""
    experts: float = 0.0
    """Products of routed experts."""
    attention: float = 0.0
    """Scores and values: computing for prompts, streaming keys and values for decoding."""
    small: float = 0.0
    """Norms, activations, rotation, routing."""
    vocabulary: float = 0.0
    """Logits and sampling."""
    tensor: float = 0.0
    """Sums over tensor ranks."""
    exchange: float = 0.0
    """Tokens on their way to experts and back."""
    pipeline: float = 0.0
    """Sends between stages, and waiting for the slowest."""
    draft: float = 0.0
    """Of the model that proposes tokens."""
    host: float = 0.0
    """Waiting for the host."""

    @property
    def seconds(self) -> float:
        return float(sum(getattr(self, field.name) for field in fields(self)))

    def breakdown(self) -> dict[str, float]:
        """Seconds by name; they add up to `seconds`."""
        return {field.name: float(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Throughput:
    """A load that never lets up, or a finite run: averages over the whole plan, all replicas."""

    output_tokens_per_s: float
    input_tokens_per_s: float
    requests_per_s: float
    batch: float
    """Sequences that one replica decodes at once, on average over the steady state."""
    step: StepTime
    """Of the steady state: one step of one replica, with its share of prompts."""
    prefill_share: float
    """Of the step's time, what prompts add; 0 to 1."""
    ttft_s: float
    """To the first token, on average, without waiting for room."""
    tpot_s: float
    """Between two tokens of a sequence, on average."""
    memory: ServingMemory
    accelerators: int
    limit: str
    """What keeps it from being faster, in words: `computing`, `streaming weights`, `room for keys and values`, …"""
    notes: tuple[str, ...] = ()

    @property
    def output_tokens_per_s_per_accelerator(self) -> float:
        return self.output_tokens_per_s / self.accelerators


@dataclass(frozen=True, slots=True)
class Latency:
    """What users of a Poisson load wait, from an event simulation of one replica with its share of the arrivals."""

    ttft_s: Mapping[str, float]
    """To the first token, queueing included: `p50`, `p90`, `p95`, `p99`, `mean`."""
    tpot_s: Mapping[str, float]
    """Between two tokens, each request's average: likewise."""
    request_s: Mapping[str, float]
    """From arrival to the last token: likewise."""
    queue_s: Mapping[str, float]
    """Until the prompt is let in: likewise."""
    stable: bool
    """False: requests arrive faster than they are served, so that waiting grows as long as the load lasts."""
    busy_ratio: float
    """Of the time, how much the replica computes."""
    batch: float
    """Sequences in decoding, on average over the steps."""
    output_tokens_per_s: float
    """Over all replicas."""
    capacity_requests_per_s: float
    """What the plan would serve under a load that never lets up."""
    requests: int
    """That were simulated and counted, after the warm-up."""
    seed: int
    method: str
    """How the figures were found, in words."""
