import numpy as np
from tests.unit.interfaces.reading import parsed, words_in

from datahall.interfaces.pictures.warming import Warming, warming_curves


def test_each_case_meets_the_limit_at_a_dot():
    """Given air that is at 32 °C after 100 s, and air that never is, one dot marks the limit."""
    time_s = np.linspace(0, 120, 13)
    cases = [Warming("alone", "c2", time_s, 24 + 0.08 * time_s, 100.0), Warming("held", "c1", time_s, 24 + 0.01 * time_s, None)]
    root = parsed(warming_curves(cases, limit_c=32, title="warming"))
    assert len(root.findall("circle")) == 1 and "limit 32 °C" in words_in(root) and "s after the loss" in words_in(root)


def test_long_times_are_minutes():
    """Given half an hour, the axis counts minutes."""
    time_s = np.linspace(0, 1800, 5)
    root = parsed(warming_curves([Warming("held", "c1", time_s, 24 + time_s / 300, 1500.0)], limit_c=29, title="warming"))
    assert "min after the loss" in words_in(root)
