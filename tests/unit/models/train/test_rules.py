import copy

import pytest
import torch
from torch import nn

from datahall.models.train.rules import restore, update_rule
from datahall.models.train.spec import TrainSpec


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(9, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))


def moved(model, spec, *, updates=6, learning_rate=0.03):
    """The weights after a few updates by fixed gradients."""
    rule = update_rule(model, spec)
    for index in range(updates):
        rule.update(gradients(model, index), learning_rate)
    return rule


def gradients(model, index):
    generator = torch.Generator().manual_seed(index)
    return [torch.randn(parameter.shape, generator=generator) for parameter in model.parameters()]


def same_by_torch(model, optimiser, *, updates=6):
    for index in range(updates):
        for parameter, gradient in zip(model.parameters(), gradients(model, index), strict=True):
            parameter.grad = gradient
        optimiser.step()


CASES = {
    "adam": ({"name": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6},
             lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-6)),
    "adamw without decay": ({"name": "adamw"}, lambda p: torch.optim.AdamW(p, lr=0.03, weight_decay=0)),
    "sgd": ({"name": "sgd"}, lambda p: torch.optim.SGD(p, lr=0.03)),
    "momentum": ({"name": "sgd", "momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9)),
    "nesterov": ({"name": "sgd", "momentum": 0.9, "nesterov": True},
                 lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9, nesterov=True)),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "theirs"), CASES.values(), ids=CASES.keys())
def test_the_rule_is_that_of_torch(fields, theirs):
    """Given the same gradients, our rule moves the weights as torch.optim does."""
    mine, reference = network(), network()
    moved(mine, TrainSpec(optimiser=fields))
    same_by_torch(reference, theirs(reference.parameters()))
    for ours, expected in zip(mine.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(ours, expected, atol=1e-6)


def test_decay_shrinks_weight_matrices_only():
    """Given AdamW with weight decay, torch agrees when biases and norms are put into a group without it."""
    mine, reference = network(), network()
    moved(mine, TrainSpec(optimiser={"name": "adamw", "weight_decay": 0.2}))
    matrices = [p for p in reference.parameters() if p.ndim > 1]
    vectors = [p for p in reference.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.2}, {"params": vectors, "weight_decay": 0.0}]
    same_by_torch(reference, torch.optim.AdamW(groups, lr=0.03))
    for ours, expected in zip(mine.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(ours, expected, atol=1e-6)


def test_l2_is_half_its_strength_times_the_squared_weights():
    """Given L1 and L2 without any other gradient, one step of SGD moves w by -rate * (l1 sign(w) + l2 w); biases stay."""
    model = network()
    before = copy.deepcopy(model)
    rule = update_rule(model, TrainSpec(l1=0.1, l2=0.5, optimiser={"name": "sgd"}))
    rule.update([torch.zeros_like(p) for p in model.parameters()], 0.01)
    w = before[0].weight
    assert torch.allclose(model[0].weight, w - 0.01 * (0.1 * w.sign() + 0.5 * w))
    assert torch.equal(model[0].bias, before[0].bias)
    assert torch.equal(model[1].weight, before[1].weight)


def test_a_restored_rule_goes_on_as_if_nothing_had_happened():
    """Given a copy of weights and state, further updates are equal bit for bit."""
    first = network()
    spec = TrainSpec(optimiser={"name": "adamw", "weight_decay": 0.1})
    rule = moved(first, spec, updates=3)
    second = copy.deepcopy(first)
    other = update_rule(second, spec)
    restore(other, {name: tensor.clone() for name, tensor in rule.state().items()})
    for index in (3, 4):
        rule.update(gradients(first, index), 0.01)
        other.update(gradients(second, index), 0.01)
    assert torch.equal(first[0].weight, second[0].weight)


def test_frozen_parameters_do_not_move():
    """Given a layer that needs no gradient, the rule leaves it out."""
    model = network()
    model[0].requires_grad_(False)
    assert len(update_rule(model, TrainSpec()).weights) == 4
