"""What a model weighs, as figures and as lines: parameters, operations, bytes by part, and whether a plan of it fits."""

from collections.abc import Iterator, Mapping
from typing import Any

from datahall.foundation.readable import significant
from datahall.infrastructure.catalog.rows import AcceleratorRow
from datahall.models.cost.operations import operations_of
from datahall.models.cost.parameters import parameters_of
from datahall.models.cost.spec import Architecture
from datahall.models.cost.state import kv_bytes_per_token, training_state, weight_bytes
from datahall.models.parallel.fit import Fit, fit_of
from datahall.models.parallel.memory import CONTEXT_BYTES, FRAGMENTATION, memory_of
from datahall.models.parallel.spec import TrainPlan

GIB = 2**30


def weighing(
    architecture: Architecture, plan: TrainPlan | None, device: AcceleratorRow | None, *, sequence: int, precision: str
) -> dict[str, Any]:
    """All figures, in plain units: for `--json`. plan: possible, or None for the model alone."""
    parameters = parameters_of(architecture)
    operations = operations_of(architecture, sequence=sequence, prediction=True)
    served = operations_of(architecture, sequence=sequence)
    state = training_state(parameters.trained, precision=precision)
    found: dict[str, Any] = {
        "model": architecture.name,
        "source": architecture.source,
        "parameters": parameters.total,
        "active_parameters": parameters.active,
        "prediction_parameters": parameters.prediction,
        "sequence": sequence,
        "precision": precision,
        "train_flop_per_token": operations.model / sequence,
        "forward_flop_per_token": served.forward / sequence,
        "weights_bytes": weight_bytes(parameters.total, precision),
        "kv_cache_bytes_per_token": kv_bytes_per_token(architecture) if architecture.kind != "encoder" else 0.0,
        "training_bytes": {"weights": state.weights, "gradients": state.gradients, "optimiser": state.optimiser},
        "plan": None,
        "fits": None,
    }
    if plan is not None:
        found |= _planned(architecture, plan)
    if device is not None:
        found |= _on(architecture, plan, device, found)
    return found


def _planned(architecture: Architecture, plan: TrainPlan) -> dict[str, Any]:
    memory = memory_of(architecture, plan)
    return {
        "plan": plan.model_dump() | {"accelerators": plan.accelerators, "micro_batches": plan.micro_batches},
        "memory_bytes": memory.parts(),
        "memory_total_bytes": memory.total,
        "memory_needed_bytes": memory.needed,
        "fullest_stage": memory.stage,
        "assumed": {"context_bytes": CONTEXT_BYTES, "fragmentation_ratio": FRAGMENTATION},
    }


def _on(architecture: Architecture, plan: TrainPlan | None, device: AcceleratorRow, found: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict: of the plan, or without one of the weights alone, to be served from one device."""
    told: dict[str, Any] = {"accelerator": device.name, "accelerator_bytes": device.memory_bytes, "device_source": device.cited}
    if plan is None:
        left = device.memory_bytes - found["weights_bytes"] - CONTEXT_BYTES
        return told | {"fits": left >= 0, "verdict": _alone(found, left)}
    fit = fit_of(architecture, plan, device.memory_bytes)
    return told | {
        "fits": fit.fits,
        "verdict": fit.sentences(),
        "remedies": [_remedy(fit, n) for n in range(len(fit.remedies))],
    }


def _remedy(fit: Fit, index: int) -> dict[str, Any]:
    found = fit.remedies[index]
    return {"change": found.what, "saves_bytes": found.saves_bytes, "fits": found.fits}


def _alone(found: Mapping[str, Any], left: float) -> list[str]:
    if left < 0:
        return [
            f"the weights alone are {significant(-left / GIB)} GiB too large for one",
            "give a plan, such as --tensor 8, a smaller precision, such as --precision fp8, or an accelerator with more memory",
        ]
    tokens = left / found["kv_cache_bytes_per_token"] if found["kv_cache_bytes_per_token"] else None
    more = "" if tokens is None else f": keys and values of {tokens:,.0f} tokens"
    return [f"the weights fit one, and leave {significant(left / GIB)} GiB{more}"]


def weighing_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Subject and text, in the order in which they are read."""
    yield "Model", f"{found['model']} ({found['source']})"
    active = "" if found["active_parameters"] == found["parameters"] else f", {_count(found['active_parameters'])} for a token"
    extra = f", and {_count(found['prediction_parameters'])} to predict further" if found["prediction_parameters"] else ""
    yield "Parameters", f"{_count(found['parameters'])}{active}{extra}"
    train, forward = found["train_flop_per_token"], found["forward_flop_per_token"]
    yield "Operations", f"{_flop(train)} a token in training, {_flop(forward)} forward (sequence {found['sequence']:,}, causal)"
    yield "Weights", f"{_gib(found['weights_bytes'])} in {found['precision']}"
    yield "KV cache", f"{found['kv_cache_bytes_per_token'] / 1024:,.1f} KiB a token in bf16"
    state = found["training_bytes"]
    yield "Training", f"{_gib(sum(state.values()))} before it is spread: {_parts(state)}"
    if found["plan"] is not None:
        yield from _plan_rows(found)
    for sentence in found.get("verdict", ()):
        yield f"On {found['accelerator']}", sentence


def _plan_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    plan = found["plan"]
    spread = ", ".join(f"{name} {plan[name]}" for name in ("tensor", "pipeline", "context", "expert", "data") if plan[name] > 1)
    count = plan["micro_batches"]
    batch = f"{count:,} micro-batch{'es' if count > 1 else ''} of {plan['micro_batch']} x {plan['sequence']:,} tokens"
    yield "Plan", f"{plan['accelerators']:,} accelerators ({spread or 'one rank'}), zero {plan['zero']}, {batch}"
    yield "Each holds", f"{_gib(found['memory_total_bytes'])} on stage {found['fullest_stage']}, the fullest"
    for name, value in sorted(found["memory_bytes"].items(), key=lambda part: -part[1]):
        if value:
            yield f"  {name}", _gib(value)


def _parts(state: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_gib(value)}" for name, value in state.items())


def _gib(value: float) -> str:
    return f"{significant(value / GIB)} GiB" if value < 1024 * GIB else f"{significant(value / GIB / 1024)} TiB"


def _count(value: float) -> str:
    return f"{significant(value / 1e9)} billion" if value >= 1e9 else f"{significant(value / 1e6)} million"


def _flop(value: float) -> str:
    return f"{significant(value / 1e9)} GFLOP"
