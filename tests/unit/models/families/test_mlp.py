import pytest
import torch

from datahall.foundation.errors import Missing, Refused
from datahall.models.families.build import FAMILIES, build, parameter_count
from datahall.models.families.spec import MlpSpec


def mlp(**fields):
    return build(MlpSpec(family="mlp", **fields), row_shape=(28, 28), classes=10, seed=1)


def test_the_classic_mnist_network_has_the_known_size():
    """Given 784-128-64-10, the parameters are 784*128 + 128 + 128*64 + 64 + 64*10 + 10 = 109,386."""
    network = mlp(hidden=(128, 64))
    assert parameter_count(network) == 109_386
    assert network(torch.zeros(3, 28, 28)).shape == (3, 10)


def test_equal_seeds_give_equal_weights_and_leave_the_global_stream_alone():
    """Given the same spec and seed, building twice gives the same weights; torch's global stream does not move."""
    before = torch.get_rng_state()
    first, second = mlp().state_dict(), mlp().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), before)
    other = build(MlpSpec(family="mlp"), row_shape=(28, 28), classes=10, seed=2).state_dict()
    assert not torch.equal(first["linears.0.weight"], other["linears.0.weight"])


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus"])
def test_every_activation_of_the_spec_is_that_of_the_mathematics(activation):
    """Given numbers on both sides of zero, the module's value is the one that the mathematics floor derives."""
    from datahall.models.families.activations import ACTIVATIONS
    from datahall.models.mathematics.activations import ACTIVATIONS as DERIVED

    z = torch.linspace(-4, 4, 41, dtype=torch.float64)
    assert ACTIVATIONS[activation]()(z).numpy() == pytest.approx(DERIVED[activation].value(z.numpy()), abs=1e-7)


def test_batch_norm_and_dropout_stand_between_linear_and_next_layer():
    """Given both, the network holds a norm per hidden layer and answers alike twice only in evaluation mode."""
    network = mlp(batch_norm=True, dropout_ratio=0.5, hidden=(16, 8))
    assert [norm.num_features for norm in network.norms] == [16, 8]
    x = torch.randn(4, 784)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_without_hidden_layers_it_is_logistic_regression():
    """Given no hidden layer, one linear map remains."""
    assert parameter_count(mlp(hidden=())) == 7850


def test_rows_without_numbers_and_single_classes_are_refused():
    """Given an empty row shape or one class, the problem says what is needed."""
    with pytest.raises(Refused, match="MODEL-001 a row has shape"):
        build(MlpSpec(family="mlp"), row_shape=(), classes=2, seed=0)
    with pytest.raises(Refused, match="MODEL-002 1 class"):
        build(MlpSpec(family="mlp"), row_shape=(4,), classes=1, seed=0)


def test_an_unknown_family_names_the_known_ones():
    """Given a family that is not in the table, the problem lists what is."""
    with pytest.raises(Missing, match=r"REG-001 .* Did you mean mlp"):
        FAMILIES.load("mpl")
