"""Time of one training step of a plan on a cluster, s, and where it goes.

    step = micro-batches x slowest stage + filling and draining the pipeline + sends + exposed reduction + optimiser

Every term is composed from single kernels (kernels.py) and single collectives (datahall.network) by combine.py; what overlaps
what is said by the `Stack`. What kernels and collectives timed alone do not show (clocks at the power limit, kernels slowed by
exchanges beside them, stragglers, the host between steps, unaligned rows) has one global constant each, in step_constants.py.
Not modelled: data loading that falls behind, and the sum of tied embeddings' gradients over the pipeline's ends.
"""

import functools
from collections import Counter
from dataclasses import dataclass
from typing import Any

from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.parameters import has_experts
from datahall.models.cost.spec import Architecture
from datahall.models.parallel import combine
from datahall.models.parallel.alike import larger, plain
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.combine import Parts as Parts
from datahall.models.parallel.combine import Step as Step
from datahall.models.parallel.communication import Axis, Cluster, Exchange, exchange_of
from datahall.models.parallel.expert_constants import ExpertConstants, expert_constants
from datahall.models.parallel.experts import expert_pass, lone_ratio, overlaps
from datahall.models.parallel.kernels import elementwise_s, optimiser_s
from datahall.models.parallel.layer_time import Pass, embedding_pass, joining_pass, kv_width, layer_pass, output_pass
from datahall.models.parallel.layout import Stage, predicting_on, stages_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.states import layer_on_rank, rank_parameters
from datahall.models.parallel.step_constants import StepConstants, step_constants
from datahall.network.collectives import time_s

WEIGHT_BYTES = 2.0
"""Of a weight as it is gathered, and of an activation as it is exchanged."""


def step_of(
    architecture: Architecture,
    plan: TrainPlan,
    cluster: Cluster,
    stack: Stack | None = None,
    *,
    constants: StepConstants | None = None,
    experts: ExpertConstants | None = None,
) -> Step:
    """One training step. Raises Refused, with every reason, where the plan cannot be run or is not modelled (STEP-001).

    constants, experts: others than the fitted ones.
    """
    if problems := problems_of_plan(architecture, plan) or unmodelled(architecture, plan):
        raise Refused(problems)
    c = constants or step_constants()
    run = Run(architecture, plan, cluster, stack or Stack(), exchange_of(plan, cluster), c, experts or expert_constants())
    stages = stages_of(architecture, plan)
    found = [run.stage(stage) for stage in stages]
    slow = max(range(len(found)), key=lambda i: found[i].seconds)
    return combine.step_from(
        found[slow],
        micro_batches=plan.micro_batches,
        bubble=run.bubble_s(found),
        send=run.send_s(),
        data=run.data_s(stages[slow], found[slow]),
        optimiser=run.optimiser_s(stages[slow]),
        accelerators=plan.accelerators,
        straggler_ratio=c.straggler_ratio,
        host_s=c.step_s,
    )


def unmodelled(architecture: Architecture, plan: TrainPlan) -> list[Problem]:
    """STEP-001: what of a possible plan has no time here; empty where all has."""
    what = []
    if architecture.kind == "encoder_decoder":
        what.append(
            (
                "architecture.kind",
                "kind=encoder_decoder: the time of a decoder that reads an encoder",
                "take a decoder or an encoder",
            )
        )
    if plan.offload_optimiser:
        what.append(("plan.offload_optimiser", "offload_optimiser=true: the host's memory and its link", "set it to false"))
    return [Problem("STEP-001", where, f"{seen} is not modelled", fix) for where, seen, fix in what]


@dataclass(frozen=True)
class Run:
    """A plan on a cluster by a software, and the time of each piece of its step."""

    architecture: Architecture
    plan: TrainPlan
    cluster: Cluster
    stack: Stack
    exchange: Exchange
    constants: StepConstants
    experts: ExpertConstants

    @property
    def moved_bytes(self) -> float:
        """Activations of one micro-batch between two layers, of one context rank."""
        plan = self.plan
        return plan.micro_batch * plan.sequence / plan.context * self.architecture.hidden * WEIGHT_BYTES

    def stage(self, stage: Stage) -> Parts:
        """One micro-batch through all that the rank holds."""
        layers = [(count, self.layers[kind]) for kind, count in self.counts(stage).items()]
        around = Parts(vocabulary=self.vocabulary_s(stage), gather=self.first_gather_s(stage))
        return combine.stage_parts(layers, around=around, dual=self.dual)

    @functools.cached_property
    def firsts(self) -> dict[bool, int]:
        """The first layer with experts, and the first without."""
        count = self.architecture.layers
        return {has_experts(self.architecture, i): i for i in reversed(range(count))}

    @functools.cached_property
    def layers(self) -> dict[bool, Parts]:
        """One micro-batch through a layer, with experts or without: the same on every stage."""
        return {kind: self.blended(first) for kind, first in self.firsts.items()}

    def counts(self, stage: Stage) -> Counter[bool]:
        """Layers with experts, and layers without; those that predict further tokens are as the last."""
        found = Counter(has_experts(self.architecture, layer) for run in stage.layers for layer in run)
        found[has_experts(self.architecture, self.architecture.layers - 1)] += predicting_on(self.architecture, stage)
        return found

    @property
    def dual(self) -> bool:
        return self.plan.schedule == "dualpipe" and self.plan.pipeline > 1

    def blended(self, layer: int) -> Parts:
        """One layer, on average over passes that others run beside and passes that none does."""
        alone = self.layer(layer)
        if not (has_experts(self.architecture, layer) and overlaps(self.plan, self.stack)):
            return alone
        return combine.blended(alone, self.layer(layer, beside=True), lone_ratio(self.plan))

    def layer(self, layer: int, *, beside: bool = False) -> Parts:
        """One layer; beside: while another micro-batch is computed, behind which tokens travel to experts and back."""
        passed, expert = self.passed(layer, beside=beside)
        backward = passed.backward + self.added_s(layer)
        tensor = self.tensor_s() * (0.5 if self.unsplit(layer) else 1.0)
        parts = Parts(passed.forward, backward, passed.again, 0.0, tensor, self.context_s(passed), expert)
        return parts + Parts(gather=self.gather_s(layer, passed, expert) if self.plan.zero == 3 else 0.0)

    def passed(self, layer: int, *, beside: bool = False) -> tuple[Pass, Any]:
        """Computing of one layer, and the exposed exchange of its experts' tokens."""
        if has_experts(self.architecture, layer):
            routed = expert_pass(
                self.architecture, self.plan, self.cluster, self.stack, self.exchange,
                beside=beside, constants=self.constants, fitted=self.experts,
            )  # fmt: skip
            return routed.passed, routed.exchange_s
        return layer_pass(self.architecture, self.plan, self.cluster.device, self.stack, constants=self.constants), 0.0

    def unsplit(self, layer: int) -> bool:
        """Whether the layer's block is experts that the tensor ranks do not split, so that only attention's sums travel."""
        mixture = self.architecture.experts
        if mixture is None or not has_experts(self.architecture, layer):
            return False
        return self.plan.expert_split < self.plan.tensor and mixture.shared == 0

    def added_s(self, layer: int) -> Any:
        """Of one layer and micro-batch: gradients added to those before, where products do not do it."""
        fused = self.stack.fused_accumulation and self.plan.zero < 3 and not has_experts(self.architecture, layer)
        return 0.0 if fused else self.accumulate_s(*self.held(layer))

    def accumulate_s(self, dense: Any, routed: Any = 0.0) -> Any:
        """Of one micro-batch: gradients added to those before it where no product does: a kernel reads the new gradient and the
        sum and writes the sum; of experts, fused, the sum is read and written wider. ZeRO 3 adds shards."""
        wide = self.plan.gradient_bytes
        each = 2 * wide - WEIGHT_BYTES if self.stack.fused_accumulation else WEIGHT_BYTES + 2 * wide
        held = dense + routed
        if self.plan.zero == 3:
            held = dense / self.exchange.groups["shard"].ranks + routed / self.exchange.groups["expert_shard"].ranks
        whole = plain(elementwise_s(self.cluster.device, held * each, launches=0))
        return plain(combine.accumulated_s(whole, self.plan.micro_batches))

    def sum_s(self) -> float:
        """Partial sums of the tensor ranks added: one all-reduce, or with sequence parallelism its two halves."""
        if self.plan.sequence_parallel:
            return sum(self.exchange.s("tensor", half, self.moved_bytes) for half in ("all_gather", "reduce_scatter"))
        return self.exchange.s("tensor", "all_reduce", self.moved_bytes)

    def tensor_s(self) -> float:
        """Of one layer: two sums forward, two backward, two again where all is recomputed.

        With sequence parallelism backward gathers inputs again. Source: Korthikanti et al., arXiv:2205.05198, section 4.2.2.
        """
        again = self.exchange.s("tensor", "all_gather", self.moved_bytes) if self.plan.sequence_parallel else 0.0
        alone = self.seen_ratio * self.sum_s()
        backward = 2 * (self.sum_s() + again)
        if self.stack.tensor_overlap:  # all but one sum runs behind the products of the weights' gradients
            backward = alone + self.constants.contention_ratio * (backward - self.sum_s())
        repeated = {"full": 1 if self.stack.stops_early else 2}.get(self.plan.recompute, 0)
        return (2 + repeated) * alone + backward

    @property
    def seen_ratio(self) -> float:
        """Of a tensor exchange: the piece that stands alone, and by how much the others slow the products beside them."""
        piece = 1 / self.stack.tensor_pieces
        return piece + (1 - piece) * self.constants.contention_ratio

    def context_s(self, passed: Pass) -> Any:
        """Of one layer: a ring of keys and values behind attention; backward also carries their gradients."""
        plan = self.plan
        size = plan.micro_batch * plan.sequence / plan.context * kv_width(self.architecture) / plan.tensor * WEIGHT_BYTES
        ring_s = (plan.context - 1) * self.exchange.s("context", "send_recv", size)
        return larger(0.0, ring_s - passed.attention_forward) + larger(0.0, 2 * ring_s - passed.attention_backward)

    def gather_s(self, layer: int, passed: Pass, expert: Any) -> float:
        """Of one layer: what of gathering its weights twice and reducing its gradients nothing hides: computing, and tokens on
        their way to experts, where these use links and the gathering ports.

        expert: exposed seconds of these.
        """
        gather, reduce = self.shard_s(*self.held(layer))
        apart = expert * self.exchange.apart("expert", "shard")
        forward, backward = combine.hiding_s(
            passed.forward, passed.backward + passed.again, apart, full=self.plan.recompute == "full"
        )
        behind = {"overlap": self.stack.data_overlap, "contention": self.gather_slowing(*self.held(layer))}
        return float(combine.gathered_s(gather, reduce, forward_s=forward, backward_s=backward, **behind))

    def first_gather_s(self, stage: Stage) -> float:
        """Nothing runs before the first layer's weights are there, and nothing after the last layer's gradients."""
        if self.plan.zero < 3 or not self.stack.data_overlap:
            return 0.0
        first = next(layer for run in stage.layers for layer in run)  # the embedding may fill the first chunk
        return sum(self.shard_s(*self.held(first)))

    def gather_slowing(self, dense: Any, routed: Any) -> Any:
        """Share of gathering a layer's weights behind computing that slows it; reducing gradients goes the same ways."""
        sizes: tuple[tuple[Axis, Any], ...] = (("shard", dense), ("expert_shard", routed))
        times = [self.exchange.s(axis, "all_gather", size * WEIGHT_BYTES) for axis, size in sizes]
        rates = list(zip(times, [self.exchange.bytes_per_s(axis) for axis, _ in sizes], strict=True))
        device = self.cluster.device
        held: dict[str, Any] = {"memory_bytes_per_s": device.memory_bytes_per_s, "units": device.units}
        return combine.slowing(self.constants.contention_ratio, rates, **held)

    def shard_s(self, dense: float, routed: float = 0.0) -> tuple[float, float]:
        """To gather weights, and to reduce and scatter gradients, over the ranks that shard them; routed experts after the
        rest, through the same ports."""
        exchange, wide = self.exchange, self.plan.gradient_bytes
        gather = exchange.s("shard", "all_gather", dense * WEIGHT_BYTES)
        gather = gather + exchange.s("expert_shard", "all_gather", routed * WEIGHT_BYTES)
        reduce = exchange.s("shard", "reduce_scatter", dense * wide)
        return gather, reduce + exchange.s("expert_shard", "reduce_scatter", routed * wide)

    def held(self, layer: int) -> tuple[float, float]:
        """Parameters of a layer on one rank before ZeRO: those that all data ranks share, and those of its routed experts."""
        return layer_on_rank(self.architecture, self.plan, int(has_experts(self.architecture, layer)))

    def stage_held(self, stage: Stage) -> tuple[float, float]:
        """The same of a stage, embedding and output layer with it."""
        rank = rank_parameters(self.architecture, self.plan, stage)
        return rank.shared, rank.experts

    def vocabulary_s(self, stage: Stage) -> Any:
        """Of one micro-batch: computing, and one sum of the tensor ranks at either end."""
        device = self.cluster.device
        ends = [embedding_pass(self.architecture, self.plan, device)] if stage.embedding else []
        further = predicting_on(self.architecture, stage)
        if stage.output:
            ends += [output_pass(self.architecture, self.plan, device, self.stack, self.constants)] * (1 + further)
        if further:
            ends += [joining_pass(self.architecture, self.plan, device, self.constants)] * further
        added = (stage.embedding or stage.output) * self.architecture.vocab * self.architecture.hidden / self.plan.tensor
        found: Any = sum(end.forward + end.backward + self.sum_s() for end in ends)
        return found + self.accumulate_s(added)

    def bubble_s(self, stages: list[Parts]) -> float:
        times, plan = [float(stage.seconds) for stage in stages], self.plan
        divisor = {"interleaved": plan.chunks, "zero_bubble": 3}.get(plan.schedule, 1)
        others, slowest, forward = sum(times) - max(times), max(times), max(float(stage.forward) for stage in stages)
        return float(combine.bubble_s(others, slowest, forward, pipeline=plan.pipeline, divisor=divisor, dual=self.dual))

    def send_s(self) -> float:
        """Tensor ranks send a share each; without sequence parallelism they put the shares together again."""
        plan = self.plan
        hop = self.exchange.s("pipeline", "send_recv", self.moved_bytes / plan.tensor)
        if plan.pipeline > 1 and not plan.sequence_parallel:
            hop += self.exchange.s("tensor", "all_gather", self.moved_bytes)
        counts = {"micro_batches": plan.micro_batches, "chunks": plan.chunks, "pipeline": plan.pipeline}
        return float(combine.send_s(hop, **counts, overlap=self.stack.send_overlap))

    def data_s(self, stage: Stage, parts: Parts) -> float:
        reduce, gather, again = self.reduction_s(*self.stage_held(stage))
        backward = parts.backward + parts.again
        windows = {"forward_s": parts.forward, "backward_s": backward, "layers": stage.layer_count}
        behind = {"overlap": self.stack.data_overlap, "contention": self.constants.contention_ratio}
        ranks = {"pipeline": self.plan.pipeline, "chunks": self.plan.chunks}
        further = self.plan.micro_batches - 1
        return float(combine.data_s(reduce, gather, **windows, **behind, **ranks, again_s=again, further=further))

    def reduction_s(self, dense: float, routed: float = 0.0) -> tuple[float, float, float]:
        """To reduce gradients once in a step, to gather the weights that were updated in shards, and to reduce gradients in
        each further micro-batch."""
        size, shard = dense * self.plan.gradient_bytes, self.exchange.groups["shard"].ranks
        experts = self.routed_s(routed * self.plan.gradient_bytes)
        if self.plan.zero == 0:
            return self.bucketed_s("gradient", "all_reduce", size) + experts, 0.0, 0.0
        across = self.bucketed_s("replica", "all_reduce", size / shard) + experts
        if self.plan.zero == 3:  # within the shard it is part of every micro-batch
            return across, 0.0, 0.0
        gather, reduce = self.shard_s(dense)[0], self.bucketed_s("shard", "reduce_scatter", size)
        if self.stack.broadcasts_shards:
            # NCCL broadcasts along a ring, whatever the size.
            group, part = self.exchange.groups["shard"], dense * WEIGHT_BYTES / shard
            gather = shard * time_s("broadcast", part, group, algorithm="ring")
        again = reduce + self.exchange.s("expert_shard", "reduce_scatter", routed * self.plan.gradient_bytes)
        return reduce + across, gather, again * (self.plan.zero == 2)

    def routed_s(self, size_bytes: float) -> float:
        """To reduce gradients of routed experts once in a step."""
        if self.plan.zero < 3:
            return self.exchange.s("expert_gradient", "all_reduce", size_bytes)
        return self.exchange.s("expert_replica", "all_reduce", size_bytes / self.exchange.groups["expert_shard"].ranks)

    def bucketed_s(self, axis: Axis, collective: str, size_bytes: float) -> float:
        """In buckets of the plan's size, each of which pays the latency; a part of a bucket pays that part."""
        bucket = self.plan.bucket_elements * self.plan.gradient_bytes
        count = max(1.0, size_bytes / bucket) if bucket else 1.0
        return count * self.exchange.s(axis, collective, size_bytes / count)

    def optimiser_s(self, stage: Stage) -> float:
        plan, groups = self.plan, self.exchange.groups
        dense, routed = self.stage_held(stage)
        shards = {"shard": groups["shard"].ranks, "expert_shard": groups["expert_shard"].ranks}
        count = combine.updated(dense, routed, sharded=plan.zero > 0, **shards)
        return float(
            optimiser_s(
                self.cluster.device, count, gradient_bytes=plan.gradient_bytes, state_bytes=plan.optimiser_bytes,
                weight_bytes=WEIGHT_BYTES,
            )
        )  # fmt: skip
