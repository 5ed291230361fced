"""Distances on the globe."""

import math

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius R1 of the ellipsoid WGS 84 (Moritz, Geodetic Reference System 1980, Journal of Geodesy 74, 2000)."""


def great_circle_m(from_deg: tuple[float, float], to_deg: tuple[float, float]) -> float:
    """Shortest way over a sphere between two places, m. Each is (latitude, longitude) in degrees.

    Within 0.6 % of the ellipsoid's. Haversine form: exact also for places close together.
    """
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, place)) for place in (from_deg, to_deg))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))
