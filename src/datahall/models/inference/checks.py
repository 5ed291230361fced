"""Whether a serving plan can be run on an architecture: each rule names both fields, the numbers, and the nearest that do."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.parameters import kv_heads_of
from datahall.models.cost.spec import Architecture, Attention
from datahall.models.inference.spec import InferencePlan, PrefillPool

WIDTHS = {"fp32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "nvfp4": 4, "int4": 4}
"""Bits of one value, scales aside."""
Spread = InferencePlan | PrefillPool


def problems_of(architecture: Architecture, plan: InferencePlan, *, where: str = "plan") -> list[Problem]:
    """All that keeps the plan from being run; empty where it can be."""
    found = list(_kind(architecture, where))
    for spread, place in ((plan, where), (plan.prefill, f"{where}.prefill")):
        if spread is not None:
            found += [*_tensor(architecture, spread, place), *_pipeline(architecture, spread, place)]
            found += _expert(architecture, spread, place)
    return found + list(_weights(plan, where))


def refuse(architecture: Architecture, plan: InferencePlan) -> None:
    """Raises Refused, with every reason."""
    if problems := problems_of(architecture, plan):
        raise Refused(problems)


def _kind(architecture: Architecture, where: str) -> Iterator[Problem]:
    """INFER-001: a decoder generates; nothing else is modelled."""
    if architecture.kind != "decoder":
        what = f"{architecture.name} is of kind={architecture.kind}, but only generating with a decoder is modelled"
        yield Problem("INFER-001", where, what, "take a decoder")


def _tensor(architecture: Architecture, spread: Spread, where: str) -> Iterator[Problem]:
    """INFER-002: tensor ranks divide the heads, and the heads of keys and values divide or are divided."""
    attention, tensor = architecture.attention, spread.tensor
    kv_heads = kv_heads_of(attention) if isinstance(attention, Attention) else tensor
    if attention.heads % tensor or (kv_heads % tensor and tensor % kv_heads):
        good = [n for n in range(1, attention.heads + 1) if attention.heads % n == 0 and not (kv_heads % n and n % kv_heads)]
        what = f"tensor={tensor} does not share {attention.heads} heads and {kv_heads} kv_heads of {architecture.name} evenly"
        yield Problem("INFER-002", f"{where}.tensor", what, _nearest("tensor", tensor, good))


def _pipeline(architecture: Architecture, spread: Spread, where: str) -> Iterator[Problem]:
    """INFER-003: no more stages than layers."""
    if spread.pipeline > architecture.layers:
        what = f"pipeline={spread.pipeline}, but {architecture.name} has {architecture.layers} layers"
        yield Problem("INFER-003", f"{where}.pipeline", what, f"set pipeline to {architecture.layers} or fewer")


def _expert(architecture: Architecture, spread: Spread, where: str) -> Iterator[Problem]:
    """INFER-004: expert ranks divide the experts, are carved out of tensor x data, and fit beside the tensor ranks."""
    expert, mixture = spread.expert, architecture.experts
    if expert == 1:
        return
    place = f"{where}.expert"
    if mixture is None:
        yield Problem("INFER-004", place, f"expert={expert}, but {architecture.name} has no experts", "set expert to 1")
        return
    ranks = spread.tensor * (spread.data if isinstance(spread, InferencePlan) else spread.replicas)
    good = [n for n in range(1, ranks + 1) if _carved(n, spread.tensor, ranks) and mixture.count % n == 0]
    if expert not in good:
        what = f"expert={expert} does not share {mixture.count} experts over tensor={spread.tensor} of {ranks} ranks evenly"
        yield Problem("INFER-004", place, what, _nearest("expert", expert, good))


def _carved(expert: int, tensor: int, ranks: int) -> bool:
    return ranks % expert == 0 and (tensor % expert == 0 or expert % tensor == 0)


def _weights(plan: InferencePlan, where: str) -> Iterator[Problem]:
    """INFER-005: weights are kept as they are computed with, or narrower."""
    if plan.weight_precision and WIDTHS[plan.weight_precision] > WIDTHS[plan.precision]:
        what = f"weight_precision={plan.weight_precision} is wider than precision={plan.precision}"
        yield Problem("INFER-005", f"{where}.weight_precision", what, "leave weight_precision out, or widen precision")


def _nearest(name: str, seen: int, good: list[int]) -> str:
    close = sorted(sorted(good, key=lambda n: abs(n - seen))[:3])
    return f"set {name} to {' or '.join(map(str, close))}"
