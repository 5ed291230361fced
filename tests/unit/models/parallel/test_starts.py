import pytest

from datahall.models.parallel.expert_constants import ExpertConstants
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.starts import starts_of


def starts(*, held=16.0, narrow=True, **fields):
    fitted = ExpertConstants(expert_start_s=5e-6, narrow_start_ratio=2, sort_ratio=1, source="this test", date="2026-11")
    return starts_of(Stack(host_kernel_s=1e-5, **fields), held=held, narrow=narrow, fitted=fitted)


def test_graphs_take_starts_away():
    """Given static graphs, only experts still start; given the whole step captured, nothing does."""
    eager, static, whole = starts(), starts(graphs="static"), starts(graphs="whole")
    assert eager.static[0] > 0 and static.static == (0, 0) and static.experts == eager.experts
    assert whole.static == whole.experts == (0, 0) and whole.wait == 0 < static.wait


def test_each_expert_of_a_rank_starts_its_own():
    """Given sixteen experts instead of eight, their starts double but for what is around them; a fused kernel has one's."""
    many, half, fused = starts(), starts(held=8.0), starts(fused_experts=True)
    assert many.experts[0] - half.experts[0] == pytest.approx(8 * 4 * 5e-6)
    assert fused.experts == starts(held=1.0).experts


def test_wide_operands_are_not_cast():
    """Given 16-bit operands, experts start half as many operations forward."""
    assert starts(narrow=False).experts[0] < starts().experts[0]
