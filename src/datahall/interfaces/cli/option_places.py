"""Where a problem of a question lies: the option by which its user said it."""

OPTIONS = {
    "serve.input_tokens": "--input", "serve.output_tokens": "--output", "train.start_h": "--start",
    **{f"serve.{name}_s": f"--{name.replace('_', '-')}" for name in ("ttft_p95", "ttft_p99", "tpot_p95", "tpot_p99")},
    "serve.requests_per_s": "--requests-per-s",
}  # fmt: skip
"""Where a problem lies -> the option that said it, where the names differ."""
UNPINNED = {"tokens", "sequence", "global_batch", "accelerators", "accelerator", "precision", "stack", "engine", "concurrency",
            "kv_precision", "prefix_hit_ratio"}  # fmt: skip
"""Fields of requests that have an option of the same name."""


def option_of(where: str) -> str:
    """`train.global_batch` -> `--global-batch`, `plan.tensor` -> `--pin tensor`, `architecture.…` -> `--train`; a place in a
    file stays."""
    area, dot, field = where.partition(".")
    if where in ("train", "serve") or area == "architecture":
        return "--serve" if where == "serve" else "--train"
    if not dot or area not in ("train", "serve", "plan", "pinned") or " " in field:
        return where
    if where in OPTIONS:
        return OPTIONS[where]
    field = field.removeprefix("pinned.")
    return f"--{field.replace('_', '-')}" if field in UNPINNED else "--pin" if field == "pinned" else f"--pin {field}"
