import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.inference.result import StepTime
from datahall.models.inference.spec import InferencePlan
from datahall.planner.serving.bound import bound_of
from datahall.planner.serving.carry import Carried, carried_of
from datahall.planner.serving.choose import Count, Fleet, count_of, in_order
from datahall.planner.serving.nearest import missed_of, nearest_of
from datahall.planner.serving.pick import picked
from datahall.planner.serving.pool import pool_of
from datahall.planner.serving.result import Way
from datahall.planner.serving.settle import Settled, needed_of, settled_at, settled_of
from datahall.planner.serving.spend import draw_of
from datahall.planner.serving.split import split_of
from datahall.planner.serving.trials import Trials
from datahall.planner.serving.way import way_of
from datahall.planner.serving.what_if import one_more
from datahall.planner.serving.words import level_words, nearest_words
from datahall.planner.training.hall import Server

EIGHT_B = "llama3-8b"


@pytest.fixture
def trials(server, asked):
    """Llama 3 8B on eight A100, as asked."""

    def make(**fields: object) -> Trials:
        request = asked(**fields)
        return Trials(architecture(EIGHT_B), request, pool_of(server, request))

    return make


@pytest.mark.parametrize(
    ("fields", "one", "expected"),
    [
        ({}, (2, 3.0), (4, True)),
        ({"requests_per_s": 7}, (2, 3.0), (3, True)),
        ({"requests_per_s": 6}, (2, 3.0), (2, True)),
        ({"requests_per_s": 13}, (2, 3.0), (4, False)),
        ({"requests_per_s": 7, "replicas": 1}, (2, 3.0), (1, False)),
        ({"concurrency": 50}, (1, 20.0), (3, True)),
    ],
)
def test_replicas_are_as_many_as_are_asked_for_and_fit(trials, fields, one, expected):
    """Given eight accelerators, so many replicas of a size carry what is asked, or all there is room for."""
    (each, amount), (replicas, enough) = one, expected
    assert count_of(each, amount, trials(**fields)) == Count(replicas, each, amount, enough)


def fleet(plan: InferencePlan, replicas: int, amount: float, *, enough: bool = True) -> Fleet:
    return Fleet(Carried(plan, amount, latency=None), Count(replicas, plan.accelerators, amount, enough))


def test_the_best_that_keeps_the_level_is_taken(trials, monkeypatch):
    """Given a split that carries 10 in 100 more, it is taken; given 1 in 100 more, the simpler one, and the choice says why."""
    mixed, tokens = fleet(InferencePlan(tensor=2), 4, 10.0), {}
    split = fleet(split_of(InferencePlan(tensor=2), 1, 1), 2, 20.0)
    asked_trials = trials()
    monkeypatch.setattr("datahall.planner.serving.pick.settled_of", lambda _, one: Settled(one, 1.0, (None,), 1))
    monkeypatch.setattr("datahall.planner.serving.pick.gain", lambda _, one: tokens[id(one.fleet)])
    for more, first in ((1.10, split), (1.01, mixed)):
        tokens.update({id(mixed): 100.0, id(split): 100.0 * more})
        choice = picked(asked_trials, [split, mixed])
        assert choice.chosen.fleet is first and len(choice.others) == 1
        assert bool(choice.why) is (first is mixed)
    assert "carries 1.0% more, within the 2%" in choice.why[0]


def test_four_in_five_seeds_must_keep_the_level(trials):
    """Given a load just below the highest, four of five seeds keep the level; one in a hundred above, fewer do."""
    one = trials(tensor=1, pipeline=1, mode="mixed", chunk_tokens=2048, batch_limit=64)
    plan = InferencePlan(step_tokens=2048, max_batch=64)
    carried = carried_of(one, bound_of(one.architecture, plan, one.request, one.pool))
    settled = settled_of(one, Fleet(carried, count_of(1, carried.amount, one)))
    assert needed_of(5) == 4 and settled.keeping >= 4 and settled.keeps
    assert settled.keeping == sum(one.meets(latency) for latency in settled.latencies)
    assert not settled_at(one, settled.fleet, 1.02 * settled.amount).keeps


@pytest.mark.parametrize(
    ("replicas", "said"), [(8, "all 8 accelerators serve"), (7, "would carry 2 requests/s, as each does now")]
)
def test_a_replica_more_is_offered_only_where_it_has_room(trials, replicas, said):
    """Given all eight accelerators in use, no replica more is offered; given one that is free, what it would carry."""
    settled = Settled(fleet(InferencePlan(), replicas, 2.0), 2.0, (), 0)
    [note] = one_more(trials(), settled)
    assert said in note


def test_a_rate_is_told_as_a_rate():
    """Given a rate and requests in flight that are not carried, neither is told in seconds; a time is."""
    assert level_words("requests_per_s", 1e9, 4070.0) == "requests/s: 1,000,000,000 asked, 4,070 carried"
    assert nearest_words("concurrency", 64.0) == "requests in flight 64"
    assert level_words("ttft_p95_s", 0.05, 0.19) == "TTFT p95: 50.0 ms asked, 190 ms at the least"


def test_the_fewest_accelerators_that_are_enough_come_first(asked):
    """Given a rate, six accelerators that carry it come before eight, and both before two that do not."""
    six, eight = fleet(InferencePlan(tensor=2), 3, 4.0), fleet(InferencePlan(tensor=4), 2, 9.0)
    two = fleet(InferencePlan(tensor=2), 1, 1.0, enough=False)
    assert in_order([two, eight, six], asked(requests_per_s=10)) == [six, eight, two]


def test_what_is_carried_keeps_the_level_and_a_little_more_does_not(trials):
    """Given one A100 a replica, the rate that was found meets the level; a tenth more misses it."""
    one = trials(trials=1, chunk_tokens=2048, batch_limit=64)
    plan = InferencePlan(step_tokens=2048, max_batch=64)
    bound = bound_of(one.architecture, plan, one.request, one.pool)
    assert bound is not None
    carried = carried_of(one, bound)
    assert carried is not None and one.meets(carried.latency)
    assert not one.meets(one.of(plan, 1.1 * carried.amount))


def test_the_nearest_level_is_kept_where_the_asked_one_is_missed(trials):
    """Given 20 ms to the first token and 1 ms for each further, both are missed, and the nearest of both is no shorter."""
    hard = trials(ttft_p95_s=0.02, tpot_p95_s=0.001)
    bound = bound_of(hard.architecture, InferencePlan(tensor=2), hard.request, hard.pool)
    assert bound is not None
    nearest = nearest_of(hard, [bound])
    assert {name for name, _, _ in missed_of(hard.request, nearest.times)} == {"ttft_p95_s", "tpot_p95_s"}
    assert all(nearest.request.limits()[name] >= nearest.times[name] for name in ("ttft_p95_s", "tpot_p95_s"))


def test_draw_lies_between_idle_and_the_most_that_computing_takes():
    """Given a server of 10 kW, exchanging draws less than computing, waiting for the host idles, and so does no step."""
    server = Server("s", 10_000, 3_000, 8)
    computing, exchanging = draw_of(server, StepTime(products=1), 1.0), draw_of(server, StepTime(products=1, tensor=1), 1.0)
    assert server.peak_w > computing.busy_w > exchanging.busy_w > server.idle_w
    assert draw_of(server, StepTime(host=1), 1.0).mean_w == pytest.approx(server.idle_w)
    assert draw_of(server, StepTime(products=1), 0.0).utilisation_ratio == 0
    half = draw_of(server, StepTime(products=1), 0.5)
    assert half.mean_w == pytest.approx((computing.busy_w + server.idle_w) / 2)


def test_a_way_is_told_in_words(trials):
    """Given a split plan in 8 bits, its words name ranks, bits, chunks and what reads prompts; what is 1 is left out."""
    plan = split_of(InferencePlan(tensor=2, precision="fp8", max_batch=64, step_tokens=2048), 1, 3)
    way: Way = way_of(plan, trials().pool.engine)
    assert way.words() == "tensor 2, data 3, fp8, chunks of 2,048 tokens, up to 64 at once, prefill on 2 of 8 accelerators"
    assert "one accelerator, bf16, chunks" in way_of(InferencePlan(), trials().pool.engine).words()
