import torch

from datahall.models.train import threads
from datahall.models.train.threads import fastest_threads


class Machine:
    """A clock that an update moves by what it takes with the present threads."""

    now_s = 0.0

    def __init__(self, takes_s, monkeypatch):
        self.takes_s, self.using, self.trials = takes_s, 1, 0
        monkeypatch.setattr(threads.torch, "set_num_threads", self.use)
        monkeypatch.setattr(threads.time, "perf_counter", lambda: self.now_s)

    def use(self, count):
        self.using = count

    def trial(self):
        self.trials += 1
        return self.update

    def update(self):
        self.now_s += self.takes_s[self.using]


def test_two_threads_are_taken_when_they_pay(monkeypatch):
    """Given a large network, where two threads need 55 % of one's time, two are taken and set."""
    machine = Machine({1: 1.0, 2: 0.55}, monkeypatch)
    assert fastest_threads(2, machine.trial) == 2
    assert machine.using == 2


def test_a_small_gain_is_not_worth_the_risk(monkeypatch):
    """Given a small network, where two threads need 80 % of one's time, one is kept: a neighbour would cost far more."""
    machine = Machine({1: 1.0, 2: 0.8}, monkeypatch)
    assert fastest_threads(2, machine.trial) == 1
    assert machine.using == 1


def test_one_cpu_is_not_measured(monkeypatch):
    """Given a job with one CPU, nothing is tried."""
    machine = Machine({1: 1.0}, monkeypatch)
    assert fastest_threads(1, machine.trial) == 1
    assert machine.trials == 0


def test_one_bad_round_is_enough_to_stay_with_one_thread(monkeypatch):
    """Given two threads that are stalled by a neighbour in the third round, one is kept."""
    machine = Machine({1: 1.0, 2: 0.5}, monkeypatch)

    def stalls():
        if machine.now_s > 4:
            machine.takes_s = {1: 1.0, 2: 40.0}
        machine.update()

    assert fastest_threads(2, lambda: stalls) == 1


def test_the_first_lost_round_settles_it(monkeypatch):
    """Given a small network that gains nothing, one round each is all that is spent."""
    machine = Machine({1: 0.01, 4: 0.01}, monkeypatch)
    assert fastest_threads(4, machine.trial) == 1
    assert machine.now_s < 0.1


def test_it_works_on_the_real_thing():
    """Given a real product, the answer is one of the two and is set."""
    x = torch.randn(64, 64)
    chosen = fastest_threads(2, lambda: lambda: x @ x)
    assert chosen in (1, 2)
    assert torch.get_num_threads() == chosen
