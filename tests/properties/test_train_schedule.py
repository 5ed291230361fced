import itertools

from hypothesis import given
from hypothesis import strategies as st

from datahall.models.train.schedule import rate_ratio
from datahall.models.train.spec import Schedule

schedules = st.builds(
    Schedule,
    name=st.sampled_from(["constant", "step", "cosine", "one_cycle"]),
    warmup_ratio=st.none() | st.floats(0, 0.99),
    final_ratio=st.floats(0, 1),
    step_epochs=st.floats(0.1, 10),
    step_factor=st.floats(0.01, 1),
)
runs = st.tuples(st.integers(1, 400), st.integers(1, 50))


def rates(schedule, run):
    updates, per_epoch = run
    return [rate_ratio(schedule, update, updates=updates, updates_per_epoch=per_epoch) for update in range(updates)]


@given(schedule=schedules, run=runs)
def test_the_rate_stays_between_zero_and_its_peak(schedule, run):
    assert all(-1e-12 <= rate <= 1 + 1e-12 for rate in rates(schedule, run))


@given(schedule=schedules, run=runs)
def test_it_climbs_once_and_then_falls(schedule, run):
    ratios = rates(schedule, run)
    top = ratios.index(max(ratios))
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(ratios[: top + 1]))
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(ratios[top:]))


@given(schedule=schedules, run=runs)
def test_it_depends_on_nothing_but_its_arguments(schedule, run):
    assert rates(schedule, run) == rates(schedule, run)


@given(run=runs, final=st.floats(0, 1))
def test_one_cycle_ends_at_its_final_ratio(run, final):
    schedule = Schedule(name="one_cycle", final_ratio=final)
    assert abs(rates(schedule, run)[-1] - final) < 1e-9
