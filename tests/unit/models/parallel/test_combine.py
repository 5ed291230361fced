import numpy as np
import pytest

from datahall.models.parallel import combine
from datahall.models.parallel.combine import Parts

RNG = np.random.default_rng(4)
COUNT = 50


def numbers(low=0.1, high=3.0):
    return RNG.uniform(low, high, COUNT)


def whole(low, high):
    return RNG.integers(low, high, COUNT).astype(float)


CASES = {
    "accumulated_s": (combine.accumulated_s, [numbers(), whole(1, 9)], {}),
    "gathered_s": (
        combine.gathered_s,
        [numbers(), numbers()],
        {"forward_s": numbers(), "backward_s": numbers(), "overlap": whole(0, 2), "contention": 0.3 + numbers(0.0, 0.1)},
    ),
    "bubble_s": (
        combine.bubble_s,
        [numbers(), numbers(), numbers()],
        {"pipeline": whole(1, 9), "divisor": whole(1, 4), "dual": whole(0, 2)},
    ),
    "send_s": (
        combine.send_s,
        [numbers()],
        {"micro_batches": whole(1, 9), "chunks": whole(1, 4), "pipeline": whole(1, 9), "overlap": whole(0, 2)},
    ),
    "data_s": (
        combine.data_s,
        [numbers(), numbers()],
        {
            "forward_s": numbers(),
            "backward_s": numbers(),
            "layers": whole(0, 9),
            "overlap": whole(0, 2),
            "contention": numbers(0.0, 0.4),
        },
    ),
    "updated": (
        combine.updated,
        [numbers(), numbers()],
        {"sharded": whole(0, 2), "shard": whole(1, 9), "expert_shard": whole(1, 9)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_arrays_are_many_numbers(name):
    """Given fifty plans in arrays, each entry is what its plan's own numbers give."""
    law, places, names = CASES[name]
    together = law(*places, **names)
    alone = [law(*(p[i] for p in places), **{k: v[i] for k, v in names.items()}) for i in range(COUNT)]
    assert together == pytest.approx(np.array(alone), rel=1e-12)


def test_stages_of_many_plans_add_up_at_once():
    """Given arrays of layers and times, a stage's parts are counts times layers and what stands around them."""
    layers, count = Parts(forward=numbers(), tensor=numbers()), whole(1, 9)
    total = combine.stage_parts([(count, layers)], around=Parts(vocabulary=numbers()), dual=0.0)
    assert total.forward == pytest.approx(count * layers.forward)
    rest = {"bubble": 1.0, "send": 0.0, "data": 0.0, "optimiser": 0.0, "straggler_ratio": 0.01, "host_s": 0.02}
    found = combine.step_from(total, micro_batches=whole(1, 9), accelerators=whole(1, 99), **rest)
    assert found.seconds.shape == (COUNT,)


def test_two_stages_on_a_rank_share_the_micro_batches():
    """Given DualPipe, a rank's two stages each see half of the micro-batches."""
    total = combine.stage_parts([(2, Parts(forward=1.0))], around=Parts(), dual=1)
    assert total.seconds == 1.0


def test_an_exchange_behind_computing_slows_it_by_a_share():
    """Given 2 s of exchange behind 5 s of computing, a quarter of it is paid; behind 1 s, what sticks out is paid whole."""
    assert combine.behind_s(2.0, 5.0, 0.25) == 0.5
    assert combine.behind_s(2.0, 1.0, 0.25) == 1.25


def test_more_ranks_wait_longer_for_the_slowest():
    """Given a spread of 1 %, one rank waits for nobody, and 1,024 ranks for 3.7 % of the time."""
    assert combine.straggler_s(1.0, accelerators=1, ratio=0.01) == 0
    assert combine.straggler_s(1.0, accelerators=1024, ratio=0.01) == pytest.approx(0.0372, abs=1e-4)
