"""Whether a plan can be run on an architecture: each rule names both fields, the numbers, and the nearest that would do."""

from collections.abc import Callable, Iterator

from datahall.foundation.errors import Problem
from datahall.models.cost.spec import Architecture, Attention
from datahall.models.parallel.layout import short_of, stack_of
from datahall.models.parallel.nearest import divisors_near, either, multiples_near, nearest
from datahall.models.parallel.spec import TrainPlan

Rule = Callable[[Architecture, TrainPlan, str], Iterator[Problem]]


def problems_of_plan(
    architecture: Architecture, plan: TrainPlan, *, accelerators: int | None = None, where: str = "plan"
) -> list[Problem]:
    """All that keeps the plan from being run; empty where it can be.

    Rules about one field are held in an order, and the first that fails speaks for it: one slip is one problem.
    accelerators: how many there are; without it, as many as the plan takes.
    """
    found = [problem for rules in RULES if (problem := _first(rules, architecture, plan, where))]
    return found + _about_data(architecture, plan, accelerators, where)


def _first(rules: tuple[Rule, ...], architecture: Architecture, plan: TrainPlan, where: str) -> Problem | None:
    return next((problem for rule in rules for problem in rule(architecture, plan, where)), None)


def _about_data(architecture: Architecture, plan: TrainPlan, accelerators: int | None, where: str) -> list[Problem]:
    """Rules that `data` has a part in: where another `data` would satisfy all of them, only the first speaks."""

    def held(tried: TrainPlan) -> list[Problem]:
        found = list(_product(tried, accelerators, where))
        return found + [problem for rule in ON_DATA for problem in rule(architecture, tried, where)]

    found = held(plan)
    if len(found) < 2:
        return found
    fixed = plan.tensor * plan.pipeline * plan.context
    others = [accelerators // fixed] if accelerators else divisors_near(plan.data, plan.global_batch, count=8)
    mended = any(data >= 1 and not held(plan.model_copy(update={"data": data})) for data in others)
    return found[:1] if mended else found


def kv_heads_of(architecture: Architecture) -> int | None:
    """Heads of keys and values; None where they are one compressed vector, which every rank keeps."""
    attention = architecture.attention
    if not isinstance(attention, Attention):
        return None
    return attention.heads if attention.kv_heads is None else attention.kv_heads


def tensor_heads(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-001: the tensor ranks divide the heads of attention."""
    heads = architecture.attention.heads
    if heads % plan.tensor:
        yield _tensor("PAR-001", architecture, plan, where, f"does not divide the {heads} heads of {architecture.name}")


def tensor_kv_heads(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-002: the tensor ranks divide the heads of keys and values, or are a multiple of them, which then are repeated."""
    heads = kv_heads_of(architecture)
    if heads is not None and heads % plan.tensor and plan.tensor % heads:
        what = f"neither divides the {heads} kv_heads of {architecture.name} nor is a multiple of them"
        yield _tensor("PAR-002", architecture, plan, where, what)


def tensor_width(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-003: the tensor ranks divide the width of the feed-forward block."""
    width = architecture.feed_forward.width
    if width % plan.tensor:
        what = f"does not divide the feed_forward.width of {width:,} of {architecture.name}"
        yield _tensor("PAR-003", architecture, plan, where, what)


def tensor_sequence(_: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-004: with sequence parallelism the tensor ranks divide the tokens that one context rank holds."""
    tokens = plan.sequence // plan.context
    if plan.sequence_parallel and plan.tensor > 1 and plan.sequence % plan.context == 0 and tokens % plan.tensor:
        step = plan.context * plan.tensor * (2 if plan.context > 1 else 1)
        yield Problem(
            "PAR-004",
            f"{where}.sequence",
            f"sequence={plan.sequence:,} over context={plan.context} leaves {tokens:,} tokens, "
            f"which tensor={plan.tensor} does not divide, as sequence_parallel needs",
            f"set sequence to {either(multiples_near(plan.sequence, step))}, or sequence_parallel to false",
        )


def _tensor_fits(architecture: Architecture, tensor: int) -> bool:
    heads = kv_heads_of(architecture)
    kept = heads is None or heads % tensor == 0 or tensor % heads == 0
    return architecture.attention.heads % tensor == 0 and kept and architecture.feed_forward.width % tensor == 0


def _tensor(code: str, architecture: Architecture, plan: TrainPlan, where: str, what: str) -> Problem:
    near = nearest(plan.tensor, lambda t: _tensor_fits(architecture, t), most=architecture.attention.heads)
    return Problem(code, f"{where}.tensor", f"tensor={plan.tensor} {what}", f"set tensor to {either(near)}")


def pipeline_layers(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-005: each pipeline stage, and each of its chunks, has at least one layer; interleaved, embedding or output may stand
    for it."""
    layers, parts = stack_of(architecture), plan.pipeline * plan.chunks
    ends = short_of(layers, parts) if plan.chunks > 1 else 0
    if parts > layers + ends:
        most = max(1, layers // plan.chunks)
        yield Problem(
            "PAR-005",
            f"{where}.pipeline",
            f"pipeline={plan.pipeline} x chunks={plan.chunks} are {parts} parts, but {architecture.name} has {layers} layers",
            f"set pipeline to {most} or fewer" + (", or chunks to fewer" if plan.chunks > 1 else ""),
        )


def chunks_schedule(_: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-006: more than one chunk on a stage needs the interleaved schedule, and more than one stage."""
    if plan.chunks == 1:
        return
    if plan.pipeline == 1:
        what, fix = (
            f"chunks={plan.chunks}, but pipeline=1 has nothing to interleave",
            "set chunks to 1, or pipeline to 2 or more",
        )
        yield Problem("PAR-006", f"{where}.chunks", what, fix)
    elif plan.schedule != "interleaved":
        what = f"chunks={plan.chunks}, but schedule={plan.schedule} keeps one on each stage"
        yield Problem("PAR-006", f"{where}.chunks", what, "set schedule to interleaved, or chunks to 1")


def chunks_layers(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-007: interleaved chunks are of one size, where those of embedding and output layer may have fewer layers."""
    layers, parts = stack_of(architecture), plan.pipeline * plan.chunks
    if plan.chunks > 1 and not _even(layers, parts):
        chunks = nearest(plan.chunks, lambda v: _even(layers, plan.pipeline * v), most=layers // plan.pipeline)
        stages = nearest(plan.pipeline, lambda p: _even(layers, p * plan.chunks), most=layers // plan.chunks)
        ways = [f"chunks to {either(chunks)}"] * bool(chunks) + [f"pipeline to {either(stages)}"] * bool(stages)
        yield Problem(
            "PAR-007",
            f"{where}.chunks",
            f"pipeline={plan.pipeline} x chunks={plan.chunks} = {parts} does not divide "
            f"the {layers} layers of {architecture.name}",
            f"set {', or '.join(ways) or 'chunks to 1 and schedule to 1f1b, which allows uneven stages'}",
        )


def _even(layers: int, parts: int) -> bool:
    return layers % parts == 0 or short_of(layers, parts) > 0


def dualpipe_stages(_: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-008: DualPipe runs on an even count of stages. Source: deepseek-ai/DualPipe, dualpipe.py."""
    if plan.schedule == "dualpipe" and plan.pipeline % 2:
        near = either(nearest(plan.pipeline, lambda p: p % 2 == 0, most=plan.pipeline + 1))
        what = f"pipeline={plan.pipeline} is odd, but schedule=dualpipe pairs the stages from both ends"
        yield Problem("PAR-008", f"{where}.pipeline", what, f"set pipeline to {near}, or schedule to 1f1b")


def context_sequence(_: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-009: each context rank has two equal slices, an early and a late one, so that causal work is even.

    Source: NVIDIA Megatron Core developer guide, context parallelism.
    """
    step = 2 * plan.context if plan.context > 1 else 1
    if plan.sequence % step:
        context = nearest(plan.context, lambda c: c == 1 or plan.sequence % (2 * c) == 0, most=plan.sequence)
        yield Problem(
            "PAR-009",
            f"{where}.context",
            f"context={plan.context} takes {step} equal slices, but sequence={plan.sequence:,} is no multiple of {step}",
            f"set context to {either(context)}, or sequence to {either(multiples_near(plan.sequence, step))}",
        )


def positions_sequence(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-010: learned positions end where the table ends."""
    if architecture.positions == "learned" and plan.sequence > architecture.context:
        yield Problem(
            "PAR-010",
            f"{where}.sequence",
            f"sequence={plan.sequence:,}, but {architecture.name} has learned positions for context={architecture.context:,}",
            f"set sequence to {architecture.context:,} or fewer, or context of the architecture to {plan.sequence:,}",
        )


def experts_exist(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-011: ranks share experts only where there are some."""
    if plan.expert > 1 and architecture.experts is None:
        what = f"expert={plan.expert}, but {architecture.name} has no experts"
        yield Problem("PAR-011", f"{where}.expert", what, "set expert to 1")


def experts_count(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-012: the expert ranks divide the experts."""
    if architecture.experts is not None and (count := architecture.experts.count) % plan.expert:
        what = f"expert={plan.expert} does not divide the {count} experts.count of {architecture.name}"
        fix = f"set expert to {either(divisors_near(plan.expert, count))}"
        yield Problem("PAR-012", f"{where}.expert", what, fix)


def shard_zero(_: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-013: a shard says over how many ranks; `zero` says of what."""
    if plan.shard is not None and plan.shard > 1 and plan.zero == 0:
        what = f"shard={plan.shard}, but zero=0 shards nothing"
        yield Problem("PAR-013", f"{where}.shard", what, "set zero to 1, 2 or 3, or leave shard out")


def _product(plan: TrainPlan, accelerators: int | None, where: str) -> Iterator[Problem]:
    """PAR-014: the plan takes all accelerators that there are, and no more."""
    if accelerators is None or plan.accelerators == accelerators:
        return
    fixed = plan.tensor * plan.pipeline * plan.context
    data, rest = divmod(accelerators, fixed)
    if data and not rest:
        fix = f"set data to {data}"
    elif data:
        ways = f"choose tensor, pipeline and context whose product divides {accelerators:,}"
        fix = f"set data to {data} and leave {rest} idle, or {ways}"
    else:
        fix = f"set tensor, pipeline and context to a product of at most {accelerators:,}, or use {fixed:,} accelerators"
    yield Problem(
        "PAR-014",
        f"{where}.data",
        f"tensor={plan.tensor} x pipeline={plan.pipeline} x context={plan.context} x data={plan.data} "
        f"= {plan.accelerators:,}, but there are {accelerators:,} accelerators",
        fix,
    )


def batch_data(_: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-015: the batch is whole micro-batches on every data rank."""
    step = plan.data * plan.micro_batch
    if plan.global_batch % step:
        batches = either(multiples_near(plan.global_batch, step))
        data = nearest(plan.data, lambda d: plan.global_batch % (d * plan.micro_batch) == 0, most=plan.global_batch)
        ways = f"set global_batch to {batches}" + (f", or data to {either(data)}" if data else "")
        what = (
            f"global_batch={plan.global_batch:,} is no multiple of data={plan.data} x micro_batch={plan.micro_batch} = {step:,}"
        )
        yield Problem("PAR-015", f"{where}.global_batch", what, ways)


def batch_pipeline(_: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-016: the interleaved schedule needs micro-batches in whole rounds; DualPipe an even count, twice the stages or more.

    Sources: Narayanan et al., arXiv:2104.04473, 2.2; deepseek-ai/DualPipe, dualpipe.py.
    """
    step = plan.data * plan.micro_batch
    if plan.pipeline == 1 or plan.global_batch % step:
        return
    count = plan.micro_batches
    if plan.schedule == "interleaved" and count % plan.pipeline:
        needs, near = f"needs a multiple of pipeline={plan.pipeline}", multiples_near(count, plan.pipeline)
    elif plan.schedule == "dualpipe" and (count % 2 or count < 2 * plan.pipeline):
        least = 2 * plan.pipeline
        needs, near = f"needs an even count from 2 x pipeline = {least} on", [max(least, count + count % 2)]
    else:
        return
    yield Problem(
        "PAR-016",
        f"{where}.global_batch",
        f"global_batch={plan.global_batch:,} makes {count:,} micro-batches, but schedule={plan.schedule} {needs}",
        f"set global_batch to {either([step * n for n in near])}, or schedule to 1f1b",
    )


def experts_data(architecture: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-017: the expert ranks are carved out of data x context; where other ranks than tensor's split experts, of all."""
    ranks, split = float(plan.data * plan.context), plan.expert_split
    if architecture.experts is None or architecture.experts.count % plan.expert:
        return
    of = f"data={plan.data} x context={plan.context} = {ranks:g}"
    if split != plan.tensor:
        ranks *= plan.tensor / split
        of = f"tensor={plan.tensor} x {of} ranks over expert_tensor={split} = {ranks:g}"
    if ranks % plan.expert:
        count = architecture.experts.count
        near = nearest(plan.expert, lambda e: ranks % e == 0 and count % e == 0, most=int(ranks))
        what = f"expert={plan.expert} does not divide {of}"
        yield Problem("PAR-017", f"{where}.expert", what, f"set expert to {either(near)}")


def shard_data(_: Architecture, plan: TrainPlan, where: str) -> Iterator[Problem]:
    """PAR-018: a shard is a whole part of the data ranks."""
    if plan.zero and plan.shard is not None and plan.data % plan.shard:
        what = f"shard={plan.shard} does not divide data={plan.data}"
        fix = f"set shard to {either(divisors_near(plan.shard, plan.data))}"
        yield Problem("PAR-018", f"{where}.shard", what, fix)


RULES: tuple[tuple[Rule, ...], ...] = (
    (tensor_heads, tensor_kv_heads, tensor_width, tensor_sequence),
    (pipeline_layers, chunks_schedule, chunks_layers, dualpipe_stages),
    (context_sequence,),
    (positions_sequence,),
    (experts_exist, experts_count),
    (shard_zero,),
)
"""In each group the first rule that fails speaks; a group is about one choice."""

ON_DATA: tuple[Rule, ...] = (batch_data, batch_pipeline, experts_data, shard_data)
