"""How hard the equipment works, hour by hour, and what it draws then."""

import numpy as np

from datahall.foundation.hourly import Series
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.spec import Operation


def utilisation_of(operation: Operation, hours: int) -> Series:
    """Load of the accelerators in each hour, 0..1, shape [hours]: the mean, shaped by the day and the week.

    No hour is above 1: what peaks would take beyond is shared out over the other hours in proportion, so the mean of
    the year stays as declared unless hours whose factor is zero leave no room for it.
    """
    hour = np.arange(hours)
    shape = np.ones(hours)
    if operation.daily_profile:
        shape = shape * _factors(operation.daily_profile)[hour % 24]
    if operation.weekly_profile:
        shape = shape * _factors(operation.weekly_profile)[hour // 24 % 7]
    return _scaled_to_mean(shape, operation.utilisation_ratio)


def _factors(profile: tuple[float, ...]) -> Series:
    """The profile over its largest factor: only ratios matter, and what people write may be watts or users."""
    return np.asarray(profile, dtype=np.float64) / max(profile)


def _scaled_to_mean(shape: Series, mean: float) -> Series:
    """min(1, s x shape) with s such that the mean is as asked, or 1 wherever shape > 0 when no s reaches it.

    Each round sets s by the hours still below 1; an hour once at 1 stays there as s only grows, so at most as many
    rounds are needed as there are different factors (24 x 7).
    """
    total = mean * shape.size
    full = np.zeros(shape.size, dtype=bool)
    for _ in range(len(np.unique(shape)) + 1):
        rest = float(shape[~full].sum())
        if rest <= 0:
            break
        scaled = shape * ((total - full.sum()) / rest)
        over = ~full & (scaled > 1)
        if not over.any():
            return np.where(full, 1.0, scaled)
        full |= over
    return np.where(shape > 0, 1.0, 0.0)


def it_ratio_of(
    estate: Estate, operation: Operation, hours: int, it_cap_w: float | None, *, more_it_w: float = 0.0
) -> tuple[Series, int]:
    """Draw of the racks and nodes over their peak, shape [hours], and in how many hours the cap held it back.

    Equipment draws idle + (peak - idle) x load. it_cap_w: cap on all IT together, W; None: no cap.
    more_it_w: equipment outside of the estate that draws under the same cap all year, such as switches, W.
    """
    if estate.peak_w <= 0:
        return np.zeros(hours), 0
    idle_ratio = estate.idle_w / estate.peak_w
    ratio = idle_ratio + (1 - idle_ratio) * utilisation_of(operation, hours)
    if it_cap_w is None:
        return ratio, 0
    cap_ratio = max(0.0, it_cap_w - more_it_w) / estate.peak_w
    # A relative hair above the cap is rounding, not an hour in which jobs were slowed down.
    return np.minimum(ratio, cap_ratio), int(np.count_nonzero(ratio > cap_ratio * (1 + 1e-12)))
