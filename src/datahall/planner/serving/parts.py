"""Where a step's time goes, and an accelerator's memory, of the chosen way at its load."""

from dataclasses import replace

from datahall.models.inference.cycle import context_of, own_prompt
from datahall.models.inference.memory import kv_token_bytes as token_bytes
from datahall.models.inference.memory import memory_of
from datahall.models.inference.replica import Replica, Work
from datahall.models.inference.result import ServingMemory, StepTime
from datahall.models.inference.spec import InferencePlan
from datahall.planner.serving.bound import load_of
from datahall.planner.serving.result import Part
from datahall.planner.serving.trials import Trials


def decode_step(trials: Trials, plan: InferencePlan, batch: float) -> StepTime:
    """In which `batch` sequences of one data rank each get their next token, halfway through their answers."""
    return _replica(trials, plan).step(Work(batch, context_of(load_of(trials.request))))


def prefill_steps(trials: Trials, plan: InferencePlan) -> StepTime:
    """All steps that read one prompt, alone."""
    load = load_of(trials.request)
    one, pool = own_prompt(load), plan.prefill
    ranks = {"tensor": pool.tensor, "pipeline": pool.pipeline, "expert": pool.expert, "data": pool.replicas} if pool else {}
    replica = _replica(trials, plan.model_copy(update={**ranks, "prefill": None}))
    piece = min(one, float(plan.step_tokens or trials.pool.engine.step_tokens))
    step = replica.step(Work(prompts=piece, seen=load.input_tokens - one / 2, ended=piece / one))
    return replace(step, **{name: seconds * one / piece for name, seconds in step.breakdown().items()})


def memory_parts(trials: Trials, plan: InferencePlan) -> tuple[ServingMemory, tuple[Part, ...]]:
    """Of the fullest accelerator that decodes; with what the engine leaves free they add up to all it has."""
    memory = memory_of(trials.architecture, plan, trials.pool.cluster, trials.pool.engine)
    parts = memory.parts()
    return memory, (*as_parts(parts), Part("free", memory.device - sum(parts.values())))


def as_parts(values: dict[str, float]) -> tuple[Part, ...]:
    """Those that are not 0, the largest first."""
    found = [Part(name, value) for name, value in values.items() if value]
    return tuple(sorted(found, key=lambda part: -part.value))


def _replica(trials: Trials, plan: InferencePlan) -> Replica:
    return Replica(trials.architecture, plan, trials.pool.cluster, trials.pool.engine)


def kv_token_bytes(trials: Trials, plan: InferencePlan) -> float:
    """Keys and values of one token on one accelerator of the fullest stage."""
    return token_bytes(_replica(trials, plan))
