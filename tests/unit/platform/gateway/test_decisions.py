"""The gateway's decisions, as pure functions: shares, scale, roll-outs, back-off, quantiles, rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.foundation.errors import Conflict, Missing
from datahall.platform.gateway.backoff import Ends
from datahall.platform.gateway.limits import TokenBucket
from datahall.platform.gateway.meter import BOUNDS_S, Meter
from datahall.platform.gateway.reconcile import Phase, Seen, decide
from datahall.platform.gateway.scaling import QUIET_S, Scale, replica_counts, scaled
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec, promoted, rolled_back, rolled_out
from datahall.platform.gateway.split import WeightedSplit


def spec_of(*weights, **fields):
    rows = tuple(VersionSpec(version=at, bundle=f"b{at}", weight=weight) for at, weight in enumerate(weights, 1))
    return EndpointSpec(name="digits", tenant="home", versions=rows, **fields)


def seen(name, version, phase=Phase.READY, **fields):
    return Seen(name, version, phase, **fields)


# --- shares ------------------------------------------------------------------------------------------------------


@given(weights=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_shares_are_exact(weights):
    """Given whole weights, after as many picks as their sum each item was picked exactly its weight."""
    split = WeightedSplit(list(enumerate(weights)))
    picks = [split.pick() for _ in range(sum(weights))]
    assert [picks.count(at) for at in range(len(weights))] == weights


# --- roll-outs as specs ---------------------------------------------------------------------------------------------


def test_a_shadow_gets_no_traffic_until_it_is_promoted():
    """Given a roll-out at 0, the new version is the shadow of those that serve; promoted, it serves and shadows nobody."""
    spec = rolled_out(spec_of(1.0), VersionSpec(version=2, bundle="b2"), canary_ratio=0)
    assert ([row.weight for row in spec.versions], spec.shadow) == ([1.0, 0.0], 2)
    after = promoted(spec, 2)
    assert ([row.version for row in after.versions], after.shadow) == ([2], None)
    assert rolled_out(spec, VersionSpec(version=3, bundle="b3"), canary_ratio=0.25).shadow == 2


def test_one_version_too_many_costs_the_least_used():
    """Given eight versions, a canary takes the place of the lightest, not of the one that serves."""
    spec = rolled_out(spec_of(9.0, *[1.0] * 6, 0.5), VersionSpec(version=9, bundle="b9"), canary_ratio=0.1)
    assert [row.version for row in spec.versions] == [1, 2, 3, 4, 5, 6, 7, 9]


def test_a_full_roll_out_replaces_and_remembers():
    """Given version 1, rolling 2 out at ratio 1 leaves 2 alone and remembers 1; rolling back twice returns to 2."""
    new = rolled_out(spec_of(1.0), VersionSpec(version=2, bundle="b2"))
    assert [row.version for row in new.versions] == [2]
    back = rolled_back(new)
    assert [row.version for row in back.versions] == [1]
    assert rolled_back(back).versions == new.versions


def test_a_canary_leaves_the_rest_to_the_others_and_can_be_promoted():
    """Given version 1 and a canary of 0.1, the alias stays at 1 until version 2 is promoted."""
    canary = rolled_out(spec_of(1.0), VersionSpec(version=2, bundle="b2"), canary_ratio=0.1)
    assert [(row.version, row.weight) for row in canary.versions] == [(1, 0.9), (2, 0.1)]
    assert canary.version_names() == {"champion": 1, "1": 1, "2": 2}
    assert promoted(canary, 2).version_names() == {"champion": 2, "2": 2}


def test_what_cannot_be_rolled_back_or_promoted_says_why():
    """Given an endpoint with one version and no history, rolling back and promoting 7 are refused with the way out."""
    with pytest.raises(Conflict, match="GATE-012 has no earlier versions"):
        rolled_back(spec_of(1.0))
    with pytest.raises(Missing, match=r"GATE-011 serves no version 7\. It serves 1"):
        promoted(spec_of(1.0), 7)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"min_replicas": 3, "max_replicas": 2}, "max_replicas=2 is below min_replicas=3"),
        ({"shadow": 9}, "shadow=9 is none of the versions"),
        ({"timeout_s": 0.01}, "greater than or equal to 0.05"),
        ({"max_body_bytes": "1 GiB"}, "less than or equal to 134217728"),
    ],
)
def test_a_contradiction_in_a_spec_is_named(fields, says):
    """Given limits that cannot hold together, the spec says which."""
    with pytest.raises(ValueError, match=says):
        spec_of(1.0, **fields)


def test_versions_must_be_distinct_and_carry_weight():
    """Given one version twice, or weights of 0 only, the spec says so."""
    row = VersionSpec(version=1, bundle="b")
    with pytest.raises(ValueError, match="name one version twice"):
        EndpointSpec(name="d", tenant="t", versions=(row, row))
    with pytest.raises(ValueError, match="all weights are 0"):
        spec_of(0.0)


# --- the next step ----------------------------------------------------------------------------------------------------


def test_missing_replicas_are_started():
    """Given one of three replicas, two are started."""
    assert decide({1: 3}, {1: 3}, [seen("a", 1)]).start == {1: 2}


def test_traffic_moves_only_when_the_new_version_is_ready():
    """Given version 2 starting beside version 1, nothing moves; once it is ready, traffic moves and 1 is drained."""
    old = seen("a", 1)
    waiting = decide({2: 1}, {1: 1}, [old, seen("b", 2, Phase.STARTING)])
    assert (waiting.moves_traffic, waiting.drain, waiting.start) == (False, (), {})
    moved = decide({2: 1}, {1: 1}, [old, seen("b", 2)])
    assert (moved.moves_traffic, moved.drain) == (True, ("a",))


def test_the_old_version_is_kept_up_while_the_new_one_fails_to_start():
    """Given a roll-out that has no replica yet, an old replica that died is started again."""
    decision = decide({2: 1}, {1: 2}, [seen("a", 1)])
    assert decision.start == {1: 1, 2: 1}


def test_a_partial_new_set_takes_over_when_the_rest_has_no_room():
    """Given one of two new replicas ready for longer than the patience, traffic moves, which makes room for the other."""
    replicas = [seen("a", 1), seen("b", 2, age_s=60), seen("c", 2, Phase.STARTING)]
    assert decide({2: 2}, {1: 2}, replicas).moves_traffic


def test_what_is_too_much_goes_least_busy_first():
    """Given three replicas and one wanted, the one that is still starting and the idle one are drained."""
    replicas = [seen("busy", 1, in_flight=9), seen("idle", 1), seen("new", 1, Phase.STARTING)]
    assert set(decide({1: 1}, {1: 1}, replicas).drain) == {"idle", "new"}


def test_replicas_of_an_old_setting_are_replaced_after_their_successors_are_ready():
    """Given a replica started with another memory limit, a new one is started first; then the old one is drained."""
    old = seen("a", 1, is_current=False)
    first = decide({1: 1}, {1: 1}, [old])
    assert (first.start, first.drain) == ({1: 1}, ())
    assert decide({1: 1}, {1: 1}, [old, seen("b", 1)]).drain == ("a",)


# --- scale ------------------------------------------------------------------------------------------------------------

WIDE = spec_of(1.0, min_replicas=1, max_replicas=4, target_in_flight=8)


def test_load_scales_up_at_once_and_down_after_a_lull():
    """Given 30 requests under way at a target of 8, four replicas are wanted now, and one only after the lull lasted."""
    grown = scaled(Scale(1), WIDE, in_flight=30, elapsed_s=1)
    assert grown == Scale(4)
    calm = scaled(grown, WIDE, in_flight=2, elapsed_s=1)
    assert calm == Scale(4, quiet_s=1)
    assert scaled(calm, WIDE, in_flight=2, elapsed_s=QUIET_S) == Scale(1)


def test_a_load_at_the_border_does_not_swing():
    """Given a load around the border between two and three replicas, the number stays."""
    scale = Scale(3)
    for second in range(200):
        scale = scaled(scale, WIDE, in_flight=16 + (second % 3 - 1), elapsed_s=1)
        assert scale.replicas == 3


@given(start=st.integers(1, 9), load=st.floats(0, 1e6), elapsed=st.floats(0, 100))
def test_scale_stays_within_its_bounds(start, load, elapsed):
    """Given any load, the wanted number stays between the minimum and the maximum."""
    assert 1 <= scaled(Scale(start), WIDE, in_flight=load, elapsed_s=elapsed).replicas <= 4


def test_each_version_has_a_replica_and_more_by_its_share():
    """Given shares 0.9, 0.1 and 0 of ten replicas, versions get 9, 1 and 1."""
    assert replica_counts(spec_of(0.9, 0.1, 0.0).versions, 10) == {1: 9, 2: 1, 3: 1}


# --- ends -------------------------------------------------------------------------------------------------------------


def test_a_crash_loop_waits_longer_each_time_and_says_why():
    """Given four ends in a row, tries come after 0, 0.5, 1 and 2 s, and from the third on there is a sentence."""
    ends, waits, faults = Ends(), [], []
    for _ in range(4):
        ends = ends.after("SERVE-022 it cannot be loaded", served_s=0, now_s=100)
        waits.append(ends.not_before_s - 100)
        faults.append(ends.fault(100))
    assert waits == [0, 0.5, 1.0, 2.0]
    assert faults[:2] == [None, None]
    assert faults[3] == (
        "its last 4 replicas ended soon after they started; the next try is in 2 s: SERVE-022 it cannot be loaded"
    )


def test_a_replica_that_served_well_is_replaced_at_once():
    """Given a replica that is killed after a minute of service, the next one may start now."""
    assert Ends(7, 0, "").after("killed", served_s=60, now_s=5) == Ends(0, 5, "killed")


# --- meters and limits ------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(1e-5, 100), min_size=1, max_size=50))
def test_quantiles_are_right_within_their_class(durations):
    """Given latencies, the median's estimate lies in the same class (a factor of 1.41) as the true one."""
    meter = Meter()
    for duration in durations:
        meter.observe(200, duration)
    true = sorted(durations)[(len(durations) - 1) // 2]
    ratio = BOUNDS_S[1] / BOUNDS_S[0]
    assert meter.quantile_s(0.5) <= max(true * ratio, BOUNDS_S[0]) * 1.001
    assert meter.quantile_s(0.5) * ratio >= true * 0.999 or true <= BOUNDS_S[0]


def test_an_empty_meter_has_no_quantile():
    """Given no request, there is no latency to tell."""
    assert Meter().quantile_s(0.99) is None


def test_a_bucket_gives_what_flowed_in():
    """Given two tokens a second and a burst of one, the second request at once waits half a second."""
    bucket = TokenBucket(2, burst=1, now_s=0)
    assert bucket.wait_s(0) == 0
    assert bucket.wait_s(0) == 0.5
    assert bucket.wait_s(0.5) == 0
