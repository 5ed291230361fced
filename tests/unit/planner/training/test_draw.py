"""Draw of a server from where a step's time goes."""

import pytest

from datahall.models.parallel.step import Parts, Step
from datahall.planner.training.draw import COMPUTING, EXCHANGING, draw_of
from datahall.planner.training.hall import Server

SERVER = Server("dgx", peak_w=10_000, idle_w=3_000, accelerators=8)


def drawn(forward: float = 0.0, tensor: float = 0.0, bubble: float = 0.0) -> float:
    return draw_of(SERVER, Step(Parts(forward=forward, tensor=tensor), bubble, 0.0, 0.0, 0.0)).working_w


def test_phases_have_their_draw():
    """Given a step of nothing but products, sums or waiting, a server draws 82 %, 50 %, or its idle power."""
    assert [drawn(forward=1), drawn(tensor=2), drawn(bubble=3)] == [COMPUTING * 10_000, EXCHANGING * 10_000, 3_000]


def test_a_step_draws_the_mean_over_its_time():
    """Given half of the time products and a quarter each sums and waiting, the mean is between."""
    assert drawn(forward=2, tensor=1, bubble=1) == pytest.approx((2 * 8_200 + 5_000 + 3_000) / 4)


def test_a_server_that_idles_high_never_draws_less():
    """Given 6 kW at idle of 10, exchanging takes no less than that."""
    server = Server("old", peak_w=10_000, idle_w=6_000, accelerators=8)
    assert draw_of(server, Step(Parts(tensor=1.0), 0.0, 0.0, 0.0, 0.0)).working_w == 6_000


def test_time_that_is_lost_is_idle():
    """Given half of the run in restarts, draw and utilisation are halfway to idle."""
    draw = draw_of(SERVER, Step(Parts(forward=1.0), 0.0, 0.0, 0.0, 0.0))
    assert (draw.mean_w(0.5), draw.utilisation(0.5)) == (pytest.approx(5_600), pytest.approx(2_600 / 7_000))
