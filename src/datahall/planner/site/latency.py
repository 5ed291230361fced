"""How far the users are, in milliseconds of light through fibre."""

from collections.abc import Sequence

import numpy as np

from datahall.infrastructure.spec import Site
from datahall.network.transport import great_circle_km, round_trip
from datahall.planner.site.spec import Users


def mean_round_trip_s(site: Site, users: Sequence[Users]) -> float | None:
    """Mean over the users, by their weights, s; None without users or without the site's coordinates.

    Great circle there and back in fibre, times the median stretch of real paths.
    """
    if site.latitude_deg is None or site.longitude_deg is None or not users:
        return None
    to = np.array([user.latitude_deg for user in users]), np.array([user.longitude_deg for user in users])
    seconds = round_trip(great_circle_km(site.latitude_deg, site.longitude_deg, to=to)).median_s
    return float(np.average(seconds, weights=[user.weight for user in users]))
