"""Random changes of a batch of training images: rotate, scale, shift and crop as one affine map, sampled once.

Sampling repeats the border and its weights add up to 1, so augmenting and normalising may be done in either order.
"""

# Shapes: B batch, H height, W width, C channels, 7 the draws of one image.
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from datahall.models.data.spec import Augmentation


def is_none(spec: Augmentation) -> bool:
    """Whether `spec` changes nothing."""
    return not (spec.rotate_deg or spec.scale_ratio or spec.shift_ratio or spec.crop_ratio)


def augment(x_BHW: Tensor, spec: Augmentation, generator: torch.Generator) -> Tensor:
    """x_BHW or x_BHWC -> the same shape, dtype and device, each image changed in its own way.

    Seven numbers an image are drawn from `generator` (on its device), whatever `spec` asks for. Bytes are rounded back.
    Raises ValueError unless `x_BHW` has three or four dimensions.
    """
    if x_BHW.ndim not in (3, 4):
        raise ValueError(f"augment: a batch of images is (B, H, W) or (B, H, W, C), but this has shape {tuple(x_BHW.shape)}")
    draws_B7 = torch.rand(len(x_BHW), 7, generator=generator, device=generator.device).to(x_BHW.device) * 2 - 1
    if is_none(spec) or not x_BHW.numel():
        return x_BHW
    x_BCHW = (x_BHW.unsqueeze(1) if x_BHW.ndim == 3 else x_BHW.movedim(3, 1)).float()
    theta_B23 = affine_maps(draws_B7, spec, height=x_BCHW.shape[2], width=x_BCHW.shape[3])
    grid_BHW2 = F.affine_grid(theta_B23, list(x_BCHW.shape), align_corners=False)
    out_BCHW = F.grid_sample(x_BCHW, grid_BHW2, mode="bilinear", padding_mode="border", align_corners=False)
    out = out_BCHW.squeeze(1) if x_BHW.ndim == 3 else out_BCHW.movedim(1, 3)
    return (out if x_BHW.is_floating_point() else out.round()).to(x_BHW.dtype)


def affine_maps(draws_B7: Tensor, spec: Augmentation, *, height: int, width: int) -> Tensor:
    """theta_B23: where each pixel of the result comes from, in units of half the image (-1 to 1 across it).

    draws_B7: numbers from -1 to 1 for angle, scale, horizontal and vertical shift, the crop's size, and its place.
    """
    angle, scale, right, down, crop, crop_x, crop_y = draws_B7.unbind(1)
    radians = angle * math.radians(spec.rotate_deg)
    left_out = spec.crop_ratio * (crop + 1) / 2
    zoom = (1 - left_out) / (1 + scale * spec.scale_ratio)
    # One unit is half the width across and half the height down: a turn has to be measured in pixels.
    cos, sin, aspect = torch.cos(radians) * zoom, torch.sin(radians) * zoom, height / width
    x_from = 2 * spec.shift_ratio * right + left_out * crop_x
    y_from = 2 * spec.shift_ratio * down + left_out * crop_y
    rows = [torch.stack([cos, sin * aspect, x_from], 1), torch.stack([-sin / aspect, cos, y_from], 1)]
    return torch.stack(rows, 1)
