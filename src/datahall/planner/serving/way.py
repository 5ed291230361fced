"""A plan of the model floor in the words of a forecast."""

from datahall.models.inference.spec import Engine, InferencePlan
from datahall.planner.serving.result import Way


def way_of(plan: InferencePlan, engine: Engine) -> Way:
    """engine: whose own batch and step are in force where the plan says nothing."""
    return Way(
        tensor=plan.tensor,
        pipeline=plan.pipeline,
        expert=plan.expert,
        data=plan.data,
        precision=plan.stored,
        kv_precision=plan.kept,
        chunk_tokens=plan.step_tokens or engine.step_tokens,
        batch_limit=plan.max_batch or engine.max_batch,
        mode="split" if plan.prefill else "mixed",
        accelerators=plan.accelerators,
        prefill_accelerators=plan.prefill.accelerators if plan.prefill else 0,
        draft_tokens=plan.speculation.draft_tokens if plan.speculation else 0,
    )
