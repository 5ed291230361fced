import pytest
import torch

from datahall.models.data.augment import affine_maps, augment
from datahall.models.data.spec import Augmentation

ALL = Augmentation(rotate_deg=20, scale_ratio=0.2, shift_ratio=0.1, crop_ratio=0.2)


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(*shape):
    return torch.rand(*shape, generator=dice(9))


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 8, 12), (5, 8, 12, 3)])
def test_shape_and_type_stay(shape):
    """Given grey or colour pictures, square or not, the result has the same shape and type, and is another picture."""
    x = batch(*shape)
    changed = augment(x, ALL, dice())
    assert (changed.shape, changed.dtype) == (x.shape, x.dtype)
    assert not torch.equal(changed, x)


def test_the_generator_decides():
    """Given equal generators, equal pictures; another seed, others; each picture of a batch has its own change."""
    x = batch(1, 8, 8).expand(4, 8, 8)
    first = augment(x, ALL, dice(1))
    assert torch.equal(first, augment(x, ALL, dice(1)))
    assert not torch.equal(first, augment(x, ALL, dice(2)))
    assert not torch.equal(first[0], first[1])


def test_no_change_still_draws():
    """Given nothing to do, the same batch comes back, and the generator moves on as it would otherwise."""
    x, first, second = batch(3, 4, 4), dice(), dice()
    assert augment(x, Augmentation(), first) is x
    augment(x, ALL, second)
    assert torch.equal(first.get_state(), second.get_state())


def test_a_shift_moves_the_picture():
    """Given a bright column and a map that reads one pixel further right, it stands one column further left."""
    x = torch.zeros(1, 4, 4)
    x[:, :, 2] = 1
    draws = torch.tensor([[0.0, 0, 1, 0, 0, 0, 0]])
    theta = affine_maps(draws, Augmentation(shift_ratio=0.25), height=4, width=4)
    grid = torch.nn.functional.affine_grid(theta, [1, 1, 4, 4], align_corners=False)
    moved = torch.nn.functional.grid_sample(x[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
    assert torch.allclose(moved[0, 0], torch.tensor([0.0, 1, 0, 0]), atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 16)])
def test_a_turn_keeps_lengths_in_pixels(height, width):
    """Given a turn by 30 degrees, a pixel's offset keeps its length, on pictures that are not square too."""
    draws = torch.tensor([[1.0, 0, 0, 0, 0, 0, 0]])
    [theta] = affine_maps(draws, Augmentation(rotate_deg=30), height=height, width=width)
    half = torch.tensor([width / 2, height / 2])
    offset_px = torch.tensor([3.0, 1.0])
    turned_px = (theta[:, :2] @ (offset_px / half)) * half
    assert float(turned_px.norm()) == pytest.approx(float(offset_px.norm()), rel=1e-5)


def test_a_crop_stays_inside_the_picture():
    """Given crops alone, no corner of the result comes from outside the picture."""
    draws = torch.rand(500, 7, generator=dice()) * 2 - 1
    theta = affine_maps(draws, Augmentation(crop_ratio=0.5), height=6, width=6)
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    assert (theta @ corners.T).abs().max() <= 1 + 1e-5


def test_a_scale_changes_the_size_between_its_bounds():
    """Given a scale ratio of a half, the map's scale lies between 1/1.5 and 1/0.5."""
    draws = torch.rand(500, 7, generator=dice()) * 2 - 1
    scales = affine_maps(draws, Augmentation(scale_ratio=0.5), height=6, width=6)[:, 0, 0]
    assert 1 / 1.5 <= scales.min() < 0.75
    assert 1.8 < scales.max() <= 2


def test_augmenting_and_normalising_commute():
    """Given x -> (x - offset) * scale, it may be applied before or after."""
    x = batch(6, 8, 8)
    before = augment((x - 0.3) * 2.5, ALL, dice())
    after = (augment(x, ALL, dice()) - 0.3) * 2.5
    assert torch.allclose(before, after, atol=1e-5)


def test_bytes_are_rounded_back():
    """Given bytes, bytes come back and a constant picture stays what it is."""
    x = torch.full((2, 5, 5), 200, dtype=torch.uint8)
    assert torch.equal(augment(x, ALL, dice()), x)


def test_an_empty_batch_stays_empty():
    """Given no pictures, none come back."""
    assert augment(torch.zeros(0, 5, 5), ALL, dice()).shape == (0, 5, 5)


def test_other_shapes_are_refused():
    """Given rows of a table, the message says what a batch of images is."""
    with pytest.raises(ValueError, match=r"a batch of images is \(B, H, W\) or .* shape \(3, 4\)"):
        augment(torch.zeros(3, 4), ALL, dice())
