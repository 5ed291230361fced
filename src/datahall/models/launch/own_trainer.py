"""A plan as a recipe of our own trainer, as far as one can say it."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem, Refused
from datahall.models.launch.spec import Launch, model_refused, plan_refused

NAME = "our own trainer"
FITTING = {
    "tensor": 1, "pipeline": 1, "chunks": 1, "context": 1, "expert": 1, "expert_tensor": None, "data": 1, "zero": 0,
    "shard": None, "recompute": "none", "offload_optimiser": False, "bucket_elements": 0,
}  # fmt: skip
"""What one process on one device does; every other value needs ranks, or a policy, that it has not got."""
PRECISIONS = ("fp32", "bf16")


def own_trainer(launch: Launch) -> str:
    """Raises Refused with every reason: a recipe describes multi-layer perceptrons on one device, and no transformer.

    It is asked nevertheless, so that its user reads what is in the way, field by field, and what to take instead.
    """
    raise Refused(list(_problems(launch)))


def _problems(launch: Launch) -> Iterator[Problem]:
    model, plan = launch.architecture, launch.plan
    why = f"builds the families that a recipe names (`mlp`), and {model.name} is a transformer ({model.kind})"
    yield model_refused(NAME, "kind", why, "take --launch torchtitan or --launch megatron-lm")
    for field, value in FITTING.items():
        if (seen := getattr(plan, field)) != value:
            yield plan_refused(NAME, field, seen, "is one process on one device", f"pin {field}={value}")
    if plan.micro_batch * plan.data != plan.global_batch:
        why = "takes a batch whole, and sums no gradients over parts of it"
        yield plan_refused(NAME, "micro_batch", plan.micro_batch, why, f"pin micro_batch={plan.global_batch}")
    if plan.precision not in PRECISIONS:
        yield plan_refused(NAME, "precision", plan.precision, "trains in fp32 and bf16", "pin precision to bf16")
