import json

import pytest
import torch

from datahall.foundation.errors import Missing, Refused
from datahall.models.families.build import build
from datahall.models.families.spec import MlpSpec
from datahall.models.families.trained import TrainedCard, load_trained, save_trained

CARD = TrainedCard(
    model=MlpSpec(family="mlp", hidden=(5,), batch_norm=True),
    row_shape=(2, 2),
    labels=("no", "yes"),
    kind="image",
    normaliser={"method": "unit", "offset": 0.0, "scale": 1 / 255},
)


@pytest.fixture
def folder(tmp_path):
    save_trained(tmp_path, build(CARD.model, row_shape=(2, 2), classes=2, seed=7), CARD)
    return tmp_path


def test_a_trained_model_comes_back_as_it_was(folder):
    """Given a saved network, loading it gives the same weights, in evaluation mode, and the card."""
    network, card = load_trained(folder)
    saved = build(CARD.model, row_shape=(2, 2), classes=2, seed=7)
    assert card == CARD
    assert not network.training
    assert torch.equal(network(torch.ones(3, 2, 2)), saved.eval()(torch.ones(3, 2, 2)))


def test_an_empty_folder_holds_no_model(tmp_path):
    """Given nothing there, the problem says which step makes it."""
    with pytest.raises(Missing, match=r"MODEL-004 holds no trained model: model\.json"):
        load_trained(tmp_path)


def test_missing_weights_are_named(folder):
    """Given a card without weights, the problem names the file."""
    (folder / "model.safetensors").unlink()
    with pytest.raises(Missing, match=r"MODEL-004 .*model\.safetensors is missing"):
        load_trained(folder)


def test_cut_off_weights_are_refused(folder):
    """Given weights that were cut off on disk, loading refuses them."""
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(Refused, match="MODEL-005 is no trained model of this version"):
        load_trained(folder)


@pytest.mark.parametrize("change", [{"format": 2}, {"model": {"family": "mlp", "hiden": [3]}}, {"labels": 4}])
def test_a_card_of_another_version_is_refused(folder, change):
    """Given a card with another format, an unknown field or a wrong type, each problem is named."""
    card = json.loads((folder / "model.json").read_text()) | change
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(Refused, match="MODEL-005"):
        load_trained(folder)
