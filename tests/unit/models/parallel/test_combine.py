from itertools import pairwise

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
            "pipeline": whole(2, 9),
            "chunks": whole(1, 5),
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


WINDOWS = {"forward_s": 1.0, "backward_s": 2.0, "layers": 12, "overlap": 1, "contention": 0.0}


def exposed(reduce_s, gather_s, **ranks):
    return float(combine.data_s(reduce_s, gather_s, **WINDOWS, **ranks))


def test_one_chunk_hides_behind_one_pass_whatever_the_pipeline():
    """Given one chunk, what is longer than one backward and one forward pass sticks out; of short ones a layer's share does."""
    assert exposed(5.0, 3.0, pipeline=8, chunks=1) == exposed(5.0, 3.0) == 3.0 + 2.0
    assert exposed(1.2, 0.6, pipeline=8, chunks=1) == pytest.approx((1.2 + 0.6) / 12)


def test_chunks_that_are_done_early_hide_their_reduction():
    """Given 4 stages and 2 chunks, a reduction hides behind p (1 - 1/v) = 2 passes of 2 s; the last chunk's half does not."""
    assert exposed(10.0, 0.0, pipeline=4, chunks=2) == 10.0 - 2 * 2.0
    assert exposed(6.0, 0.0, pipeline=4, chunks=2) == 6.0 / 2


def test_chunks_that_are_needed_late_hide_their_gathering():
    """Given 4 stages and 2 chunks, gathering hides behind 2.5 passes of 1 s; the first chunk's behind its own half pass."""
    assert exposed(0.0, 9.0, pipeline=4, chunks=2) == 9.0 - 2.5
    assert exposed(0.0, 2.0, pipeline=4, chunks=2) == (2.0 - 1.0) / 2
    assert exposed(0.0, 0.6, pipeline=4, chunks=2) == pytest.approx(0.6 / 12)


def test_more_chunks_never_expose_more():
    """Given more chunks of an interleaved pipeline, no more of an exchange sticks out, and never less than a share of it."""
    for reduce_s, gather_s, pipeline in zip(numbers(0, 40), numbers(0, 20), whole(2, 9), strict=True):
        found = [exposed(reduce_s, gather_s, pipeline=pipeline, chunks=chunks) for chunks in (2, 3, 4, 6, 12)]
        assert all(more <= fewer + 1e-12 for fewer, more in pairwise(found))
        assert found[-1] >= (reduce_s + gather_s) / 12 - 1e-12


def test_chunks_one_after_another_give_the_same():
    """Given chunks reduced one after another, each when it is ready, the last one ends as late as the formula says."""
    for reduce_s, pipeline, chunks in zip(numbers(0, 40), whole(2, 9), whole(2, 7), strict=True):
        end = 0.0
        for place in range(int(chunks)):
            ready = -(chunks - 1 - place) * pipeline / chunks * WINDOWS["backward_s"]
            end = (ready if place == 0 else max(end, ready)) + reduce_s / chunks
        assert exposed(reduce_s, 0.0, pipeline=pipeline, chunks=chunks) == pytest.approx(end)


def test_a_slow_exchange_slows_computing_less():
    """Given 47 GB/s through a port beside an H100's memory, a third of what links at 365 GB/s take; both by their seconds."""
    device = {"memory_bytes_per_s": 3.35e12, "units": 132}
    slow, fast = (float(combine.slowing(0.27, [(1.0, rate)], **device)) for rate in (47e9, 365e9))
    assert slow == pytest.approx(3 * 47 / 3350 + 47 / 10.5 / 132)
    assert fast == 0.27
    assert float(combine.slowing(0.27, [(3.0, 47e9), (1.0, 365e9)], **device)) == pytest.approx((3 * slow + fast) / 4)
    assert float(combine.slowing(0.27, [(0.0, 0.0)], **device)) == 0.0


def test_ports_work_while_tokens_use_links():
    """Given 6 ms of tokens on their way, a gathering finds half of them forward; a third where all is computed again."""
    assert combine.hiding_s(9.0, 18.0, 6.0, full=False) == (12.0, 21.0)
    assert combine.hiding_s(9.0, 27.0, 6.0, full=True) == (11.0, 31.0)
