"""Serving on the halls that come with Datahall. Small models and few trials: the laws hold for all."""

import json

import pytest

from datahall.foundation.errors import Refused
from datahall.models.cost.catalogue import architecture
from datahall.models.inference.spec import Speculation
from datahall.planner.serving.forecast import serve_of
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.result import ServeForecast

ONE = {"tensor": 1, "pipeline": 1, "mode": "mixed", "trials": 1, "what_ifs": False}
"""One accelerator a replica, and nothing tried beside it."""


@pytest.fixture(scope="module")
def sustained(h100) -> ServeForecast:
    """Llama 3 8B within a server's ranks, as much as the hall sustains."""
    request = ServeRequest(
        input_tokens=2000, output_tokens=500, ttft_p95_s=1, tpot_p95_s=0.05, pipeline=1, mode="mixed", trials=2, what_ifs=False
    )
    return serve_of(h100, architecture("llama3-8b"), request)


def test_the_level_is_kept_by_all_that_the_hall_sustains(sustained):
    """Given no rate, all accelerators serve, both times are within the level and one of them is near it."""
    served = sustained.chosen
    assert served.meets and sustained.shortfall is None
    assert served.accelerators == served.replicas * served.way.accelerators == 4096
    assert served.ttft.p95 <= 1 and served.tpot.p95 <= 0.05
    assert max(served.ttft.p95 / 1, served.tpot.p95 / 0.05) > 0.6


def test_tokens_follow_from_requests(sustained):
    """Given 500 tokens an answer, tokens per second are 500 times the requests, over all replicas and accelerators."""
    served, value = sustained.chosen, sustained.figures.value
    assert served.hall_tokens_per_s == pytest.approx(500 * served.hall_requests_per_s)
    assert value("serve_tokens_per_s") == pytest.approx(served.tokens_per_s_per_accelerator * served.accelerators)


def test_a_step_and_an_accelerator_are_told_by_their_parts(sustained):
    """Given the chosen way, parts of a step add up to its figure, and parts of memory to all there is."""
    value = sustained.figures.value
    assert sum(part.value for part in sustained.decode_step) == pytest.approx(value("serve_decode_step_s"))
    assert sum(part.value for part in sustained.prefill) == pytest.approx(value("serve_prefill_s"))
    assert sum(part.value for part in sustained.memory) == pytest.approx(sustained.memory_bytes)
    assert all(part.value >= 0 for part in sustained.memory)


def test_money_and_energy_are_the_hall_s(sustained):
    """Given all accelerators, the bill is the hall's but for energy and water, and energy of a token is draw over tokens."""
    value = sustained.figures.value
    assert value("serve_cost_building_per_year") == pytest.approx(value("cost_building_per_year"))
    spent_w = value("serve_energy_wh_per_token") * 3600 * value("serve_tokens_per_s")
    assert spent_w == pytest.approx(value("serve_it_w") * value("serve_pue"))
    per_hour = value("serve_tokens_per_s") * 3600 / 1e6
    assert value("serve_cost_per_million_tokens") * per_hour == pytest.approx(value("serve_cost_per_hour"))


def test_every_figure_has_a_source_or_a_formula(sustained):
    """Given the figures of serving, each says where it comes from, down to the hall file or a source."""
    for name, figure in sustained.figures.by_name.items():
        if name.startswith("serve_"):
            assert figure.formula or figure.source, name
            assert not figure.formula or figure.inputs, name


def test_the_front_and_the_curve_are_in_order(sustained):
    """Given points to draw, tokens per accelerator rise with time per token, and times rise with load."""
    times = [point.tpot_s for point in sustained.pareto]
    rates = [point.tokens_per_s_per_accelerator for point in sustained.pareto]
    assert times == sorted(times) and rates == sorted(rates) and len(rates) > 3
    assert [point.tpot.p50 for point in sustained.curve] == sorted(point.tpot.p50 for point in sustained.curve)


def test_the_curve_goes_through_the_answer(sustained):
    """Given the load of the answer, the curve has its very times; both seeds keep the level, and no other way that does has
    more than 2 in 100 more."""
    served = sustained.chosen
    [point] = [point for point in sustained.curve if point.requests_per_s == pytest.approx(served.requests_per_s)]
    assert (point.ttft, point.tpot, point.meets) == (served.ttft, served.tpot, True)
    assert (sustained.seeds_keeping, sustained.seeds_needed) == (2, 2)
    assert all(other.meets and 0.98 * other.hall_tokens_per_s <= served.hall_tokens_per_s for other in sustained.others)


def test_a_closed_loop_takes_the_way_that_writes_most(h100):
    """Given 64 requests in flight and as few accelerators, no other way writes 2 in 100 more tokens at that load."""
    request = ServeRequest(input_tokens=2000, output_tokens=500, ttft_p95_s=1, concurrency=64, trials=1, what_ifs=False)
    made = serve_of(h100, architecture("llama3-70b"), request)
    assert made.others
    for other in made.others:
        assert other.accelerators > made.chosen.accelerators or (
            0.98 * other.tokens_per_s_per_accelerator <= made.chosen.tokens_per_s_per_accelerator
        )


def test_the_same_request_gives_the_same_forecast(server, asked):
    """Given one request twice, all but the time it took is the same, and JSON can say it."""
    request = asked(**ONE | {"what_ifs": True}, chunk_tokens=2048, requests_per_s=5)
    first, again = (serve_of(server, architecture("llama3-8b"), request).as_dict() for _ in range(2))
    assert first == again
    assert json.loads(json.dumps(first))["headline"] == first["headline"]


def test_a_rate_takes_the_fewest_replicas_that_carry_it(server, asked):
    """Given five requests per second, so many replicas serve as carry it, and one fewer would not."""
    made = serve_of(server, architecture("llama3-8b"), asked(**ONE, requests_per_s=5))
    assert made.chosen.meets
    assert made.chosen.hall_requests_per_s == pytest.approx(5)
    fewer = made.chosen.replicas - 1
    each = max(point.requests_per_s for point in made.curve if point.meets)
    assert fewer * each < 5 and made.chosen.accelerators < 8


def test_a_rate_beyond_the_hall_is_told_with_what_would_carry_it(server, asked):
    """Given a thousand requests per second on eight A100, the shortfall says what is carried and how many would be enough."""
    made = serve_of(server, architecture("llama3-8b"), asked(**ONE, requests_per_s=1000))
    assert made.shortfall is not None and not made.chosen.meets
    [(name, wanted, carried)] = made.shortfall.by
    assert (name, wanted) == ("requests_per_s", 1000)
    assert carried == pytest.approx(made.chosen.hall_requests_per_s)
    needed = made.figures.value("serve_accelerators_needed")
    assert any(f"{needed:,.0f} accelerators" in remedy for remedy in made.shortfall.remedies)


def test_a_level_below_one_step_is_told_with_the_nearest(server, asked):
    """Given 1 ms a token, which no A100 reads 8e9 weights in, the nearest level is kept and the miss is told."""
    made = serve_of(server, architecture("llama3-8b"), asked(**ONE, tpot_p95_s=0.001))
    assert made.shortfall is not None and not made.chosen.meets
    [(name, wanted, reached)] = made.shortfall.by
    assert (name, wanted) == ("tpot_p95_s", 0.001)
    assert reached > 8.03e9 * 2 / 2.039e12  # no step is faster than reading the weights once
    assert reached <= dict(made.shortfall.nearest)["tpot_p95_s"]
    assert made.shortfall.remedies


def test_a_closed_loop_is_shared_by_the_replicas(server, asked):
    """Given 100 requests in flight, replicas carry them at the rate that Little's law says."""
    made = serve_of(server, architecture("llama3-8b"), asked(**ONE, concurrency=100))
    served = made.chosen
    assert served.meets
    inside_s = served.ttft.p50 + 499 * served.tpot.p50
    assert served.requests_per_s * inside_s == pytest.approx(100 / served.replicas, rel=0.2)


def test_drafts_yield_more_tokens(server, asked):
    """Given four drafted tokens of which 80 in 100 are kept, at no cost, a token takes less time."""
    plain = serve_of(server, architecture("llama3-8b"), asked(**ONE, concurrency=8))
    drafted = Speculation(draft_tokens=4, acceptance_ratio=0.8, draft_ratio=0)
    faster = serve_of(server, architecture("llama3-8b"), asked(**ONE, concurrency=8, speculative=drafted))
    assert faster.chosen.tpot.p50 < 0.6 * plain.chosen.tpot.p50


def test_a_model_that_fits_nowhere_is_told_by_how_much(server, asked):
    """Given Llama 3 405B on eight A100, the refusal says what lacks and which weights would fit."""
    with pytest.raises(Refused) as caught:
        serve_of(server, architecture("llama3-405b"), asked())
    [problem] = caught.value.problems
    assert problem.code == "SERVE-111"
    assert "GiB more on each accelerator" in problem.what
    assert "set weight_precision to " in problem.fix


@pytest.mark.parametrize(
    ("fields", "code", "fix"),
    [
        ({"replicas": 9}, "SERVE-114", "set replicas to 8 or fewer"),
        ({"accelerators": 1, "mode": "split"}, "SERVE-113", "set mode to mixed"),
        ({"accelerators": 2, "tensor": 4}, "SERVE-110", "2 or fewer"),
        ({"input_tokens": 8000, "output_tokens": 193}, "SERVE-103", "set input_tokens to 7,999"),
    ],
)
def test_what_is_pinned_beyond_the_machine_is_refused(server, asked, fields, code, fix):
    """Given more than eight A100 or the model's context hold, the one problem says what would be held."""
    with pytest.raises(Refused) as caught:
        serve_of(server, architecture("llama3-8b"), asked(**fields))
    [problem] = caught.value.problems
    assert problem.code == code
    assert fix in problem.fix


def test_lengths_that_differ_wait_longer(server, asked):
    """Given prompts and answers that differ by their mean, the same load waits longer for its first token."""
    same, differing = (
        serve_of(server, architecture("llama3-8b"), asked(**ONE, requests_per_s=8, replicas=8, **lengths))
        for lengths in ({}, {"lengths": "lognormal", "length_cv_ratio": 1.0})
    )
    assert differing.chosen.ttft.p95 > 1.2 * same.chosen.ttft.p95


def test_what_the_hall_does_not_say_is_missing(server, asked):
    """Given a machine without prices, grid or cooling, none is invented."""
    made = serve_of(server, architecture("llama3-8b"), asked(**ONE, requests_per_s=1))
    told = " ".join(gap.what for gap in made.missing)
    assert "no prices" in told and "cooling" in told
    assert made.figures.value("serve_cost_per_million_tokens") is None
    assert made.figures.value("serve_pue") is None
    assert any(assumption.where == "serve.precision" for assumption in made.assumptions)


def test_changes_are_told_by_what_they_carry(h100, asked):
    """Given 16 bits on H100, 8 bits and a later accelerator carry more on the same accelerators, and are told with numbers."""
    made = serve_of(h100, architecture("llama3-8b"), asked(tensor=1, pipeline=1, mode="mixed", trials=1))
    found = {what.what: what for what in made.what_ifs}
    assert {"fp8 weights and products", "fp8 keys and values", "twice the TPOT", "B200 in their place"} <= found.keys()
    assert found["fp8 weights and products"].hall_requests_per_s > 1.2 * made.chosen.hall_requests_per_s
    rates = [what.hall_requests_per_s for what in made.what_ifs]
    assert rates == sorted(rates, reverse=True)
    assert all("tokens of one accelerator" in what.sentence for what in made.what_ifs)
