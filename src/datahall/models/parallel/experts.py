"""Time that one rank takes for a layer with experts, for one micro-batch: computing, tokens on their way, and the host.

    layer = attention, router, shared experts | dispatch | sorting, grouped products, activation, sorting | combine

Experts of a rank multiply few rows each, so that casts, sorting and starts weigh as much as products. Forward, the host must
know how many tokens each expert gets before it starts them: what it starts too late there, no earlier kernel hides.

A plan whose micro-batch or expert ranks are arrays stands for many plans; what each adds up to is arrays of seconds then.
"""

import functools
from dataclasses import dataclass, replace
from typing import Any

from datahall.models.cost.spec import Architecture, Experts, LatentAttention
from datahall.models.parallel import combine
from datahall.models.parallel.alike import larger, plain, smaller
from datahall.models.parallel.communication import Cluster, Exchange
from datahall.models.parallel.device import Device
from datahall.models.parallel.dispatch import DISPATCH_UNITS, Limit, limit_of
from datahall.models.parallel.expert_constants import ExpertConstants, expert_constants
from datahall.models.parallel.kernels import elementwise_s
from datahall.models.parallel.latent import Product, up_products
from datahall.models.parallel.layer_time import (
    Pass,
    activation_passes,
    attention_pass,
    block_products,
    gradients_s,
    product_s,
    projections,
    small_s,
    wide_of,
)
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.starts import routing_kernels, starts_of
from datahall.models.parallel.step_constants import StepConstants, step_constants, sustained

NARROW = ("fp8", "nvfp4")
BACKWARD_PASSES = 1.5
"""Of what only moves bytes: half as much again as forward, as in layer_time.py."""
NARROW_ROW = 0.52
"""Bytes of a row in 8 bits, with a scale for each 32, over those in 16."""
TINY = 1e-300
"""Seconds: keeps a share of no time at 0."""


@dataclass(frozen=True, slots=True)
class Load:
    """Tokens of one micro-batch on one rank."""

    own: Any
    """That it routes, before copies."""
    rows: Any
    """That each of its experts multiplies; of the busiest rank."""
    held: Any
    """Experts on the rank."""


@dataclass(frozen=True, slots=True)
class Both:
    """Seconds forward and backward."""

    forward: Any
    backward: Any

    def __add__(self, other: "Both") -> "Both":
        return Both(self.forward + other.forward, self.backward + other.backward)

    @property
    def seconds(self) -> Any:
        return self.forward + self.backward


@dataclass(frozen=True, slots=True)
class Routed:
    """One layer with experts."""

    passed: Pass
    exchange_s: Any
    """Exposed: tokens on their way to experts and back, forward and backward."""


def load_of(architecture: Architecture, plan: TrainPlan, *, imbalance: float = 1.0) -> Load:
    """What each rank routes, and what its experts get. Raises ValueError where there are no experts."""
    mixture = _mixture(architecture)
    tokens = plan.micro_batch * plan.sequence / plan.context
    own = tokens / (plan.tensor if plan.sequence_parallel else 1)
    group = tokens / plan.tensor * plan.expert * plan.expert_split
    return Load(own, group * mixture.active / mixture.count * imbalance, mixture.count / plan.expert)


def expert_products(architecture: Architecture, plan: TrainPlan, load: Load) -> list[Product]:
    """The grouped products of one rank: into the experts, and out of them."""
    hidden, width = architecture.hidden, _mixture(architecture).width / plan.expert_split
    into = 2 if architecture.feed_forward.gated else 1
    return [(load.rows, into * width, hidden, load.held), (load.rows, hidden, width, load.held)]


def lone_ratio(plan: TrainPlan) -> float:
    """Passes of a step that no pass of the other direction runs beside."""
    dual = plan.schedule == "dualpipe" and plan.pipeline > 1
    counts = {"micro_batches": plan.micro_batches, "pipeline": plan.pipeline, "chunks": plan.chunks}
    return float(combine.lone_ratio(**counts, dual=dual))


def overlaps(plan: TrainPlan, stack: Stack) -> bool:
    """Whether tokens travel while another micro-batch is computed: as the stack says, and in DualPipe, which is made for it
    (DeepSeek-V3, arXiv:2412.19437, section 3.2.1)."""
    return stack.expert_overlap or (plan.schedule == "dualpipe" and plan.pipeline > 1)


def expert_pass(
    architecture: Architecture,
    plan: TrainPlan,
    cluster: Cluster,
    stack: Stack,
    exchange: Exchange,
    *,
    beside: bool = False,
    constants: StepConstants | None = None,
    fitted: ExpertConstants | None = None,
) -> Routed:
    """One layer with experts, at the clock that the device holds; exchanges and late starts of the host among it.

    beside: whether another micro-batch is computed at the same time, behind which tokens travel.
    constants, fitted: others than those that were fitted.
    """
    c = constants or step_constants()
    load = load_of(architecture, plan, imbalance=stack.imbalance)
    device = sustained(cluster.device, c)
    own = replace(stack, expert_overlap=beside)
    work = _Work(architecture, plan, device, own, exchange, load, c, fitted or expert_constants())
    forward, late = work.static.forward + work.experts.forward, work.late
    backward = work.static.backward + work.experts.backward + late.backward
    return Routed(Pass(forward + late.forward, backward, work.again_s(forward), *work.attention), work.exposed_s)


@dataclass(frozen=True)
class _Work:
    """One layer on one rank."""

    architecture: Architecture
    plan: TrainPlan
    device: Device
    stack: Stack
    exchange: Exchange
    load: Load
    constants: StepConstants
    fitted: ExpertConstants

    @property
    def tokens(self) -> Any:
        return self.plan.micro_batch * self.plan.sequence / self.plan.context

    @property
    def mixture(self) -> Experts:
        return _mixture(self.architecture)

    @property
    def element_bytes(self) -> float:
        return 4.0 if self.plan.precision == "fp32" else 2.0

    @property
    def routed_elements(self) -> Any:
        """Of the rows of all experts of the rank, at the model's width."""
        return self.load.rows * self.load.held * self.architecture.hidden

    @functools.cached_property
    def attention(self) -> tuple[Any, Any]:
        """Attention's core, forward and backward."""
        return attention_pass(self.architecture, self.plan, self.device, self.stack, self.constants)

    @functools.cached_property
    def static(self) -> Both:
        """All but routed experts; the router computes in 16 bits or wider."""
        shared = self.mixture.shared * (self.mixture.shared_width or self.mixture.width)
        products = projections(self.architecture, self.plan, self.tokens)
        if shared:
            products += block_products(self.architecture, self.plan, self.tokens, shared)
        wide = self.plan.model_copy(update={"precision": wide_of(self.plan)})
        router = (self.load.own, float(self.mixture.count), float(self.architecture.hidden), 1.0)
        small = [small_s(self.architecture, self.plan, self.device, self.stack, shared, backward=b) for b in (False, True)]
        small_kernels = [plain(elementwise_s(self.device, 0.0, launches=n * routing_kernels(self.stack))) for n in (1, 2)]
        found = self.products(products) + self.products([router], wide) + Both(*self.attention)
        return found + Both(*small) + Both(*small_kernels)

    @functools.cached_property
    def experts(self) -> Both:
        """Sorting, grouped products, activation, and biases where experts have them."""
        moved = self.sorted_s() + self.activated_s(fused=self.stack.fused_experts)
        grouped = self.products(expert_products(self.architecture, self.plan, self.load))
        return grouped + Both(moved, BACKWARD_PASSES * moved) + self.biased()

    def products(self, products: list[Product], plan: TrainPlan | None = None) -> Both:
        own, device, c = plan or self.plan, self.device, self.constants
        forward: Any = sum(product_s(device, own, each, c) for each in products)
        return Both(forward, sum(gradients_s(device, own, each, c) for each in products))

    def sorted_s(self) -> Any:
        """Rows read and written in the order of experts, and back; without a dispatch library also around sending, and to whole
        tiles of scaled blocks and back where operands are narrow (megatron/core/transformer/moe/experts.py, Fp8Padding)."""
        padded = self.plan.precision in NARROW and not self.stack.fused_experts
        passes = 4.0 if self.stack.fused_dispatch else 12.0 if padded else 8.0
        moved_bytes = passes * self.element_bytes * self.routed_elements
        return plain(elementwise_s(self.device, moved_bytes / self.fitted.sort_ratio, launches=2))

    def activated_s(self, *, fused: bool) -> Any:
        """Passes over the experts' inner width; in a fused kernel it is written once, as it is cast."""
        passes = 1.0 if fused else float(activation_passes(self.architecture, self.stack))
        width = self.mixture.width / self.plan.expert_split
        return plain(elementwise_s(self.device, passes * self.element_bytes * self.load.rows * self.load.held * width))

    def biased(self) -> Both:
        """Adding the experts' bias times the router's weight: in 32 bits, expert by expert, then joined and cast.

        Bytes of an element, counted in megatron/core/transformer/moe/experts.py, TEGroupedMLP._apply_bias: product 4, sum 10,
        joined 8, cast 6; backward two casts 12, gradients of bias and weight 24.
        """
        if not self.architecture.feed_forward.bias or self.stack.fused_experts:
            return Both(0.0, 0.0)
        return Both(*(plain(elementwise_s(self.device, each * self.routed_elements)) for each in (28, 36)))

    @functools.cached_property
    def ways(self) -> tuple[Any, Any]:
        """Seconds to the experts, and back."""
        there = self.element_bytes * (NARROW_ROW if self.stack.narrow_dispatch else 1.0)
        return self.way_s(there), self.way_s(self.element_bytes)

    def way_s(self, element_bytes: float) -> Any:
        stack = self.stack
        return self.exchange.dispatch_s(
            self.load.own * stack.imbalance, row_bytes=self.architecture.hidden * element_bytes,
            active=self.mixture.active, fused=stack.fused_dispatch, routed_domains=self.limit,
        )  # fmt: skip

    @property
    def limit(self) -> int | Limit | None:
        """Of where one token's experts lie."""
        return self.stack.routed_domains or limit_of(self.mixture)

    @property
    def travel_s(self) -> Any:
        """All ways: forward, again where all is recomputed, and backward."""
        return (2 if self.plan.recompute == "full" else 1) * sum(self.ways) + self.back_s

    @property
    def back_s(self) -> Any:
        """Gradients go the same ways, in 16 bits unless the stack says otherwise of those that go to experts."""
        return sum(self.ways) if self.stack.narrow_gradients and self.stack.narrow_dispatch else 2 * self.ways[1]

    @functools.cached_property
    def exposed_s(self) -> Any:
        """What computing does not hide of that, and by how much the rest slows it: a dispatch takes multiprocessors."""
        if not self.stack.expert_overlap:
            return self.travel_s
        again_s = self.again_s(self.static.forward + self.experts.forward)
        hidden = smaller(self.travel_s, self.static.seconds + self.experts.seconds + again_s)
        return self.travel_s - hidden * (1 - min(1.0, DISPATCH_UNITS / self.device.units))

    @property
    def late(self) -> Both:
        """What the host starts later than kernels before it end. Backward it need not wait for counts of tokens."""
        starts = starts_of(self.stack, held=self.load.held, narrow=self.plan.precision in NARROW, fitted=self.fitted)
        seen = self.exposed_s / larger(self.travel_s, TINY)
        away, back = seen * sum(self.ways), seen * self.back_s
        forward = starts.wait + larger(0.0, starts.static[0] - self.static.forward)
        forward = forward + larger(0.0, starts.experts[0] - self.experts.forward - away)
        computed = self.static.backward + self.experts.backward + back
        return Both(forward, larger(0.0, starts.static[1] + starts.experts[1] - computed))

    def again_s(self, forward: Any) -> Any:
        """Of the forward pass, what backward computes again: as the plan says, and the parts that the stack adds."""
        if self.plan.recompute == "full":
            return forward
        core = self.attention[0]
        found: Any = {"none": 0.0, "selective": core, "operators": (forward - core) / 2}[self.plan.recompute]
        parts, latent, hidden = self.stack.recomputed, self.architecture.attention, self.architecture.hidden
        if "latent_up" in parts and isinstance(latent, LatentAttention):
            up = up_products(latent, tokens=self.tokens, hidden=hidden, tensor=self.plan.tensor)
            found = found + self.products(up).forward
        if "norms" in parts:
            passes = 2 * self.architecture.norms_per_layer
            found = found + plain(elementwise_s(self.device, passes * self.element_bytes * self.tokens * hidden))
        return found + (self.activated_s(fused=False) if "expert_activation" in parts else 0.0)


def _mixture(architecture: Architecture) -> Experts:
    if architecture.experts is None:
        raise ValueError(f"{architecture.name} has no experts")
    return architecture.experts
