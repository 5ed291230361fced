"""Time of one engine step of one replica, s, by what it is spent on: for numbers and NumPy arrays alike.

Composed from single kernels (models/parallel/kernels.py) and single collectives (datahall.network). A step gives each decoding
sequence its next token and reads a piece of some prompts. Not modelled: uneven load of experts, kernels that overlap, clocks
that fall under load other than by the engine's `compute_ratio`.
"""

import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.cost.operations import window_of
from datahall.models.cost.parameters import attention_weights, has_experts, head_dim_of, kv_heads_of
from datahall.models.cost.spec import Architecture, LatentAttention
from datahall.models.cost.state import bytes_of
from datahall.models.inference.exchanges import all_to_all_s, reduce_s
from datahall.models.inference.result import StepTime
from datahall.models.inference.spec import Engine, InferencePlan
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.device import Device
from datahall.models.parallel.kernel_constants import attention_constants, matmul_constants
from datahall.models.parallel.kernels import attention_s, elementwise_s, matmul_s
from datahall.network.collectives import time_s

Size = float | NDArray[Any]
Seconds = NDArray[np.float64]

KERNELS_PER_LAYER = 11
"""Four products, attention and the writing of its keys, two norms, an activation, two sums: what a fused engine starts."""
KERNELS_OF_EXPERTS = 9
"""More of them in a layer with experts: router, choice, two of sorting, copies in and out, two exchanges, a sum of experts."""
WEIGHT_BYTES = {"int8": 1.0, "int4": 0.5 + 2.5 / 128}
"""Of one weight that is kept narrower than it is computed with: int4 has a scale and a zero for 128 (AWQ, arXiv:2306.00978)."""
SAMPLING_BYTES = 16
"""Moved for each logit: cast to fp32 (2 + 4), searched for the best and normalised (4 + 4), and what is left of a pass."""


def stored_bytes(precision: str) -> float:
    """Of one weight as it is kept, scales included. Raises ValueError for a precision that is not known."""
    return WEIGHT_BYTES[precision] if precision in WEIGHT_BYTES else bytes_of(precision)


@dataclass(frozen=True, slots=True)
class Work:
    """What one step takes on: numbers, or arrays that broadcast."""

    decode: Size = 0.0
    """Sequences that get their next token."""
    context: Size = 0.0
    """Tokens that each of them reads, on average."""
    prompts: Size = 0.0
    """Tokens of prompts."""
    seen: Size = 0.0
    """Tokens that a token of a prompt reads, on average."""
    ended: Size = 0.0
    """Prompts whose last token is among them: they get their first token."""


@dataclass(frozen=True)
class Replica:
    """One copy of a model on its accelerators."""

    architecture: Architecture
    plan: InferencePlan
    cluster: Cluster
    engine: Engine

    def step(self, work: Work) -> StepTime:
        """A step in numbers."""
        found = {name: float(seconds) for name, seconds in self.pieces(work).items()}
        return StepTime(**found)

    def step_s(self, work: Work) -> Seconds:
        """The time of steps, s, in the shape that `work` broadcasts to."""
        return _sum(self.pieces(work))

    def pieces(self, work: Work) -> Mapping[str, Seconds]:
        """Seconds by the names of `StepTime`. Pipeline stages each work on their share of the sequences at the same time; where
        halves take turns, both are added up."""
        checked = 1 + (self.plan.speculation.draft_tokens if self.plan.speculation else 0)
        share = 1 / self.plan.pipeline / self.turns
        decode, prompts = np.asarray(work.decode) * share, np.asarray(work.prompts) * share
        tokens, outputs = decode * checked + prompts, decode * checked + np.asarray(work.ended) * share
        once = {
            "products": self.products_s(tokens),
            "experts": self.experts_s(tokens),
            "attention": self.decode_attention_s(decode, work.context, checked) + self.prompt_attention_s(prompts, work.seen),
            "small": self.small_s(tokens),
            "vocabulary": self.vocabulary_s(outputs),
            "tensor": self.tensor_s(tokens, outputs),
        }
        found = {name: self.turns * seconds for name, seconds in once.items()}
        sent_s = self.turns * self.exchange_s(tokens)
        found["exchange"] = sent_s if self.turns == 1 else np.maximum(0.0, sent_s - _sum(found))
        gpu_s = _sum(found)
        found["pipeline"] = self.pipeline_s(gpu_s, found["vocabulary"], self.turns * tokens)
        found["draft"] = self.draft_s(gpu_s + found["pipeline"], decode, tokens)
        started_s = self.started_s(prompts)
        waited_s = np.maximum(0.0, started_s - gpu_s) + self.engine.step_host_s
        found["host"] = waited_s + self.engine.sequence_host_s * outputs / share
        return found

    def started_s(self, prompts: Size) -> Seconds:
        """Host time to start the kernels of a step, where no graph does."""
        kernels = KERNELS_PER_LAYER * self.architecture.layers + KERNELS_OF_EXPERTS * self.expert_layers
        by_hand = {"none": 1.0, "decode": np.asarray(prompts) > 0, "all": 0.0}[self.engine.graphs]
        return np.asarray(by_hand, np.float64) * (kernels * self.engine.host_kernel_s * self.turns)

    @property
    def turns(self) -> int:
        """Parts of a batch that are exchanged in turn: two where the engine hides an exchange between replicas."""
        return 2 if self.engine.exchange_overlap and self.plan.expert > self.plan.tensor else 1

    @functools.cached_property
    def kinds(self) -> Counter[tuple[bool, int | None]]:
        """Layers by whether they have experts and by their window."""
        one = self.architecture
        return Counter((has_experts(one, layer), window_of(one, layer)) for layer in range(one.layers))

    @functools.cached_property
    def expert_layers(self) -> int:
        return sum(count for (experts, _), count in self.kinds.items() if experts)

    @functools.cached_property
    def device(self) -> Device:
        """The accelerator as fast as the engine makes it."""
        device, engine = self.cluster.device, self.engine
        peaks = {name: peak * engine.compute_ratio for name, peak in device.flop_per_s.items()}
        return replace(device, flop_per_s=peaks, memory_bytes_per_s=device.memory_bytes_per_s * engine.memory_ratio)

    @functools.cached_property
    def weight_device(self) -> Device:
        """The same where weights are kept narrower than they are computed with: so much faster are they streamed."""
        narrow = stored_bytes(self.plan.stored) / bytes_of(self.plan.precision)
        return replace(self.device, memory_bytes_per_s=self.device.memory_bytes_per_s / min(1.0, narrow))

    @property
    def wide(self) -> str:
        """What is not computed in the plan's narrow precision: 16 bits, or 32 throughout."""
        return self.plan.precision if self.plan.precision in ("fp16", "fp32") else "bf16"

    def product_s(self, m: Size, n: float, k: float, batch: Size = 1) -> Seconds:
        return matmul_s(self.weight_device, m, n, k, precision=self.plan.precision, batch=batch)

    def block_s(self, rows: Size, width: float, count: Size = 1) -> Seconds:
        """Of a feed-forward block of this width, cut: its two products."""
        hidden, into = self.architecture.hidden, 2 if self.architecture.feed_forward.gated else 1
        return self.product_s(rows, into * width, hidden, count) + self.product_s(rows, hidden, width, count)

    def products_s(self, tokens: Size) -> Seconds:
        """Around attention, and of blocks that every token goes through."""
        one, tensor = self.architecture, self.plan.tensor
        made, projected = (weights / one.hidden / tensor for weights in attention_weights(one))
        around = self.product_s(tokens, made, one.hidden) + self.product_s(tokens, one.hidden, projected)
        found = one.layers * around
        if one.layers > self.expert_layers:
            found = found + (one.layers - self.expert_layers) * self.block_s(tokens, one.feed_forward.width / tensor)
        mixture = one.experts
        if mixture is None:
            return found
        router = matmul_s(self.device, tokens, mixture.count, one.hidden, precision=self.wide)
        if mixture.shared:
            router = router + self.block_s(tokens, mixture.shared * (mixture.shared_width or mixture.width) / tensor)
        return found + self.expert_layers * router

    def experts_s(self, tokens: Size) -> Seconds:
        """Of routed experts: each that any token picked streams its weights, E (1 - (1 - k/E)^tokens) of them. Where ranks hold
        experts of their own, the busiest rank's sets the pace."""
        mixture, plan = self.architecture.experts, self.plan
        if mixture is None:
            return np.zeros(np.shape(tokens))
        joined = np.asarray(tokens) * max(1.0, plan.expert / plan.tensor)
        touched = mixture.count * (1 - (1 - mixture.active / mixture.count) ** joined)
        uneven = self.engine.imbalance_ratio if plan.expert > 1 else 1.0
        rows = joined * mixture.active * uneven / np.maximum(touched, 1e-9)
        cut = max(1.0, plan.tensor / plan.expert)
        block_s = self.block_s(rows, mixture.width / cut, touched / plan.expert)
        return block_s * (self.expert_layers / self.engine.expert_ratio)

    @functools.cached_property
    def heads(self) -> tuple[float, float, float]:
        """Of one tensor rank: query heads, heads of keys and values; and the width of a head."""
        attention, tensor = self.architecture.attention, self.plan.tensor
        if isinstance(attention, LatentAttention):
            width = (attention.nope_dim + attention.rope_dim + attention.value_dim) / 2
            return attention.heads / tensor, attention.heads / tensor, width
        width = head_dim_of(attention, self.architecture.hidden)
        return attention.heads / tensor, max(1.0, kv_heads_of(attention) / tensor), width

    @functools.cached_property
    def kept_values(self) -> float:
        """Values that one tensor rank keeps of a token in one layer. A latent is kept whole by each."""
        attention = self.architecture.attention
        if isinstance(attention, LatentAttention):
            return attention.kv_rank + attention.rope_dim
        return 2 * self.heads[1] * self.heads[2]

    def decode_attention_s(self, decode: Size, context: Size, checked: int = 1) -> Seconds:
        """Keys and values are streamed once for all tokens that are checked; latent attention reads them as they are kept."""
        c, device = attention_constants(), self.device
        row = c.row(c.best(device.architecture), device.architecture)
        pairs, attention = self.read_tokens(decode, context), self.architecture.attention
        each = 4 * self.heads[0] * self.heads[2]
        if isinstance(attention, LatentAttention):
            each = 2 * self.heads[0] * (2 * attention.kv_rank + attention.rope_dim)
        compute_s = pairs * checked * (each / (device.peak_flop_per_s(self.wide) * row.forward_ratio))
        streamed = pairs * (self.kept_values * bytes_of(self.plan.kept))
        memory_s = streamed / (device.memory_bytes_per_s * matmul_constants().memory_ratio)
        started_s = self.architecture.layers * matmul_constants().launch_s * (np.asarray(decode) > 0)
        return np.asarray(started_s + np.sqrt(compute_s * compute_s + memory_s * memory_s), np.float64)

    def read_tokens(self, decode: Size, context: Size) -> Seconds:
        """Tokens read by one step, over layers and sequences; a window bounds what a layer reads."""
        long = np.asarray(context, np.float64)
        read: Seconds = sum((n * np.minimum(long, w or np.inf) for (_, w), n in self.kinds.items()), np.zeros(long.shape))
        return np.asarray(decode, np.float64) * read

    def prompt_attention_s(self, prompts: Size, seen: Size) -> Seconds:
        found = np.zeros(np.broadcast_shapes(np.shape(prompts), np.shape(seen)))
        heads, kv_heads, width = self.heads
        for (_, window), count in self.kinds.items():
            near = np.asarray(seen if window is None else np.minimum(seen, window), np.float64)
            one = attention_s(
                self.device, batch=1, heads=heads, queries=np.asarray(prompts), head_dim=width, kv_heads=kv_heads,
                keys=2 * near, seen=near, precision=self.wide,
            )  # fmt: skip
            found = found + count * one * (np.asarray(prompts) > 0)
        return found

    def small_s(self, tokens: Size) -> Seconds:
        """Norms with their sums (read two, write two), activation, rotation, 2 bytes each; routed tokens copied in and out."""
        one, mixture = self.architecture, self.architecture.experts
        into = 3 if one.feed_forward.gated else 2
        made = attention_weights(one)[0] / one.hidden / self.plan.tensor
        common = 4 * one.norms_per_layer * one.hidden + 2 * made
        dense = common + into * one.feed_forward.width / self.plan.tensor
        moved = (one.layers - self.expert_layers) * dense
        if mixture is not None:
            width = mixture.active * mixture.width + mixture.shared * (mixture.shared_width or mixture.width)
            moved += self.expert_layers * (common + into * width / self.plan.tensor + 4 * mixture.active * one.hidden)
        launches = (one.norms_per_layer + 2) * one.layers + 3 * self.expert_layers
        return elementwise_s(self.device, np.asarray(tokens) * (2 * moved), launches=launches)

    def vocabulary_s(self, outputs: Size) -> Seconds:
        """Logits of the tokens that are asked for, and choosing one of each."""
        share = self.architecture.vocab / self.plan.tensor
        logits = matmul_s(self.device, outputs, share, self.architecture.hidden, precision=self.wide)
        moved = np.asarray(outputs) * (self.architecture.vocab * SAMPLING_BYTES)
        return logits + elementwise_s(self.device, moved, launches=4)

    def tensor_s(self, tokens: Size, outputs: Size) -> Seconds:
        """Two sums in each layer and one of embeddings, and logits gathered."""
        one = self.architecture
        if self.plan.tensor == 1:
            return np.zeros(np.shape(tokens))
        group = self.cluster.group(self.plan.tensor, stride=1)
        logits = time_s("all_gather", np.asarray(outputs, np.float64) * (2.0 * one.vocab), group)
        return (2 * one.layers + 1) * self.sum_s(np.asarray(tokens, np.float64) * (2.0 * one.hidden)) + logits

    def sum_s(self, size_bytes: Seconds) -> Seconds:
        """One sum over the tensor ranks."""
        return reduce_s(size_bytes, self.cluster.group(self.plan.tensor, stride=1), self.engine)

    def exchange_s(self, tokens: Size) -> Seconds:
        """To the experts and back, where replicas share them; tensor ranks send a share of their tokens each."""
        mixture, plan = self.architecture.experts, self.plan
        if mixture is None or plan.expert <= plan.tensor:
            return np.zeros(np.shape(tokens))
        group = self.cluster.group(plan.expert, stride=1)
        sent = np.asarray(tokens, np.float64) * (mixture.active * self.architecture.hidden / plan.tensor)
        there, back = (all_to_all_s(sent * wide, group, self.engine) for wide in (min(2.0, bytes_of(plan.precision)), 2.0))
        return self.expert_layers * (there + back)

    def pipeline_s(self, gpu_s: Seconds, vocabulary_s: Seconds, tokens: Size) -> Seconds:
        """Sends, and waiting for the slowest stage: the one with most layers, or the last with its logits."""
        stages, layers = self.plan.pipeline, self.architecture.layers
        if stages == 1:
            return np.zeros(np.shape(gpu_s))
        inside = (gpu_s - vocabulary_s) / layers
        last, first = (layers // stages) * inside + vocabulary_s, -(-layers // stages) * inside
        stage = self.plan.tensor
        apart = stage if stages * stage <= self.cluster.per_domain else max(stage, self.cluster.per_domain)
        sent = np.asarray(tokens, np.float64) * (2.0 * self.architecture.hidden / self.plan.tensor)
        sends = stages * time_s("send_recv", sent, self.cluster.group(2, stride=apart))
        return stages * np.maximum(last, first) - gpu_s + sends

    def draft_s(self, step_s: Seconds, decode: Size, tokens: Size) -> Seconds:
        """Of the tokens that are proposed one after the other; where prompts share the step, of decoding's share of it."""
        spoken = self.plan.speculation
        if spoken is None:
            return np.zeros(np.shape(step_s))
        share = np.asarray(decode) * (spoken.draft_tokens + 1) / np.maximum(np.asarray(tokens), 1e-9)
        found: Seconds = spoken.draft_tokens * spoken.draft_ratio * step_s * share
        return found


def _sum(pieces: Mapping[str, Seconds]) -> Seconds:
    found: Seconds = np.sum(np.broadcast_arrays(*pieces.values()), axis=0)
    return found
