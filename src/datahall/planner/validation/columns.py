"""Problems of models and plans in the words of a table: by its columns, which are what its reader can mend."""

import re

from pydantic import ValidationError

PLAN = {
    "tensor": "tp", "pipeline": "pp", "context": "cp", "expert": "ep", "chunks": "vpp", "data": "dp", "sequence": "seq_len",
    "zero": "zero_fsdp", "shard": "zero_fsdp",
}  # fmt: skip
"""Columns by the fields of a plan that have another name there."""
MODEL = {
    "feed_forward.width": "ffn", "attention.heads": "heads", "attention.kv_heads": "kv_heads", "attention.head_dim": "head_dim",
    "experts.count": "experts", "experts.active": "topk", "experts.width": "moe_ffn",
}  # fmt: skip
"""The same of an architecture."""
PARTS = {
    "Attention": {"heads": "heads", "kv_heads": "kv_heads", "head_dim": "head_dim"},
    "FeedForward": {"width": "ffn"},
    "Experts": {"count": "experts", "active": "topk", "width": "moe_ffn"},
    "Architecture": {"context": "seq_len"},
    "TrainPlan": PLAN,
}
_FIELD = re.compile(rf"(?<![\w.])({'|'.join(PLAN)})(?=\s?=\s?\d|=| to \d| to a | or fewer)", re.ASCII)
_SIZE = re.compile("|".join(map(re.escape, MODEL)))


def in_columns(text: str) -> str:
    """`tensor=3 does not divide ...; set tensor to 2` as `tp=3 ...; set tp to 2`."""
    text = _FIELD.sub(lambda found: PLAN[found[1]], text)
    return _SIZE.sub(lambda found: MODEL[found[0]], re.sub(r"\bset tensor, pipeline and context\b", "set tp, pp and cp", text))


def out_of_range(error: ValidationError) -> str:
    """ROW-004: the first value that no model or plan can have: its column, the value, what is allowed, and the fix."""
    first = error.errors()[0]
    field = str(first["loc"][-1]) if first["loc"] else ""
    column = PARTS.get(error.title, {}).get(field, field) or error.title
    allowed = str(first["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    return f"ROW-004 {column}={first['input']!r:.60}, but it is to be {allowed}; correct {column}"
