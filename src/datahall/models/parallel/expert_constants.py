"""What experts cost beyond their kernels timed alone: the constants that were fitted to training runs of such models.

Global: none belongs to a table, a model or a cluster. What benchmarks/models/fit_experts.py wrote, with its bounds.
"""

import functools

from pydantic import Field

from datahall.foundation.document import load
from datahall.models.parallel.kernel_constants import FOLDER, Sourced


class ExpertConstants(Sourced):
    """The same for all models, plans and accelerators."""

    expert_start_s: float = Field(ge=2e-6, le=2.5e-5)
    """Host time of one operation of one expert: a product or a cast, and what memory and scales it prepares. The range of an
    eager framework's starts, https://jiahuanglin.xyz/all_lessons/gpu_kernel_serving (lesson 18, read 2026-11)."""
    narrow_start_ratio: float = Field(ge=1, le=3)
    """How many times as long the host takes to start operations on cast operands: scales, formats and layouts are prepared in
    Python. More than twice for a linear layer in FP8: NVIDIA/TransformerEngine issue 761."""
    sort_ratio: float = Field(ge=0.2, le=1)
    """Share of a plain pass's bandwidth that sorting reaches: rows are gathered from all over, and padded."""


@functools.cache
def expert_constants() -> ExpertConstants:
    return load(FOLDER / "experts.yaml", ExpertConstants)
