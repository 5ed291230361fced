import copy

import pytest
import torch

from datahall.models.families.build import build
from datahall.models.families.spec import MlpSpec
from datahall.models.train.closed_forms import CLOSED_FORMS
from datahall.models.train.mlp_step import MlpStep
from datahall.models.train.rules import update_rule
from datahall.models.train.spec import TrainSpec
from datahall.models.train.updates import AutogradStep, training_step

PLAIN = TrainSpec(batch_size=16)
REGULARISED = TrainSpec(batch_size=16, l1=1e-4, l2=1e-3, label_smoothing_ratio=0.1)
MOMENTUM = TrainSpec(batch_size=16, optimiser={"name": "sgd", "momentum": 0.9})


def network(**fields):
    return build(MlpSpec(family="mlp", hidden=(40, 20), **fields), row_shape=(6, 5), classes=4, seed=1)


def batch(index):
    """Sixteen rows, and seven in every fourth batch, as at the end of an epoch."""
    generator = torch.Generator().manual_seed(index)
    rows = 7 if index % 4 == 3 else 16
    return torch.randn(rows, 6, 5, generator=generator), torch.randint(0, 4, (rows,), generator=generator)


def trained(step, *, batches=8):
    """The losses of a few updates; dropout draws from the same stream each time."""
    losses = torch.zeros(batches)
    for index in range(batches):
        torch.manual_seed(index)
        step(*batch(index), learning_rate=0.01, loss=losses[index])
    return losses


@pytest.mark.parametrize("dropout_ratio", [0.0, 0.3])
@pytest.mark.parametrize("spec", [PLAIN, REGULARISED, MOMENTUM], ids=["plain", "regularised", "momentum"])
@pytest.mark.parametrize("activation", list(CLOSED_FORMS))
def test_the_closed_form_agrees_with_autograd(activation, spec, dropout_ratio):
    """Given any activation, with or without dropout, L1, L2, smoothing, both steps lead to the same weights and losses."""
    by_hand = network(activation=activation, dropout_ratio=dropout_ratio)
    by_graph = copy.deepcopy(by_hand)
    smoothing = spec.label_smoothing_ratio
    losses = trained(MlpStep(by_hand, update_rule(by_hand, spec), smoothing_ratio=smoothing, batch_size=16))
    expected = trained(AutogradStep(by_graph, update_rule(by_graph, spec), smoothing_ratio=smoothing))
    assert torch.allclose(losses, expected, atol=1e-5)
    for mine, theirs in zip(by_hand.parameters(), by_graph.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=2e-5)


def test_the_first_loss_of_an_untrained_network_is_near_the_log_of_the_classes():
    """Given small logits and four classes, the mean cross-entropy is about ln 4 = 1.386."""
    model = network(initialisation="lecun_normal", activation="tanh")
    loss = torch.zeros(())
    MlpStep(model, update_rule(model, PLAIN), batch_size=16)(*batch(0), learning_rate=0.0, loss=loss)
    assert loss.item() == pytest.approx(1.386, abs=0.5)


def test_a_network_without_hidden_layers_trains():
    """Given logistic regression, the closed form has no activation to pass and still agrees with autograd."""
    by_hand = build(MlpSpec(family="mlp", hidden=()), row_shape=(30,), classes=4, seed=1)
    by_graph = copy.deepcopy(by_hand)
    trained(MlpStep(by_hand, update_rule(by_hand, PLAIN), batch_size=16))
    trained(AutogradStep(by_graph, update_rule(by_graph, PLAIN)))
    assert torch.allclose(by_hand.linears[0].weight, by_graph.linears[0].weight, atol=1e-5)


def test_the_step_is_chosen_by_what_the_network_needs():
    """Given a plain MLP the closed form is taken; with batch norm or bfloat16 it is autograd."""
    plain, normed = network(), network(batch_norm=True)
    assert isinstance(training_step(plain, update_rule(plain, PLAIN), PLAIN), MlpStep)
    assert isinstance(training_step(normed, update_rule(normed, PLAIN), PLAIN), AutogradStep)
    half = training_step(plain, update_rule(plain, PLAIN), PLAIN, autocast=torch.bfloat16)
    assert isinstance(half, AutogradStep)


def test_bfloat16_trains_float32_weights():
    """Given autocast to bfloat16, weights stay float32 and the loss falls."""
    model = network()
    losses = trained(AutogradStep(model, update_rule(model, PLAIN), autocast=torch.bfloat16), batches=40)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert torch.isfinite(losses).all()


def test_given_kernels_are_used_and_either_gives_the_same_numbers():
    """Given products through oneDNN or the BLAS throughout, the weights agree to rounding."""
    names = [f"{layer}.{role}" for layer in range(3) for role in ("forward", "weights", "inputs")]
    ends = []
    for kernel in ("blas", "onednn"):
        model = network()
        step = MlpStep(model, update_rule(model, PLAIN), batch_size=16, kernels=dict.fromkeys(names, kernel))
        trained(step)
        ends.append(model.linears[0].weight.detach().clone())
        assert set(step.kernels.values()) == {kernel}
    assert torch.allclose(*ends, atol=1e-5)


@pytest.mark.parametrize("activation", list(CLOSED_FORMS))
def test_its_logits_are_those_of_the_network_in_evaluation_mode(activation):
    """Given dropout, which validation leaves out, the step's logits are the network's; its mode is left as it was."""
    model = network(activation=activation, dropout_ratio=0.5)
    by_hand = MlpStep(model, update_rule(model, PLAIN), batch_size=16).logits(batch(0)[0])
    by_graph = AutogradStep(model.train(), update_rule(model, PLAIN)).logits(batch(0)[0])
    assert model.training
    assert torch.allclose(by_hand, by_graph, atol=1e-5)
    assert torch.allclose(by_hand, model.eval()(batch(0)[0]), atol=1e-5)
