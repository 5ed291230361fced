"""What keeps a serving plan from being faster, in words."""

from datahall.models.inference.memory import weight_bytes_of
from datahall.models.inference.replica import Replica
from datahall.models.inference.result import StepTime

WORDS = {
    "small": "passes over activations",
    "vocabulary": "logits and sampling",
    "tensor": "sums over tensor ranks",
    "exchange": "exchange of tokens between experts",
    "pipeline": "sends and uneven pipeline stages",
    "draft": "the draft model",
    "host": "the host's time between steps",
}


def limit_of(replica: Replica, step: StepTime, held: str) -> str:
    """The largest part of a step, and what holds the batch."""
    parts = step.breakdown()
    parts["products"] += parts.pop("experts")
    name = max(parts, key=lambda part: parts[part])
    return f"{WORDS.get(name) or _words(replica, name, step)}; the batch by {held}"


def _words(replica: Replica, name: str, step: StepTime) -> str:
    """Products and attention either compute or stream: which of the two would take longer alone."""
    if name == "attention":
        return "attention over prompts, keys and values"
    streamed_s = weight_bytes_of(replica) / replica.device.memory_bytes_per_s
    return "streaming weights" if streamed_s > (step.products + step.experts) / 2 else "computing"
