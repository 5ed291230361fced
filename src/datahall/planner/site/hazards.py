"""One score for all that nature threatens a site with."""

import math

from datahall.planner.site.spec import Hazards

KINDS = ("earthquake", "flood", "storm", "wildfire", "drought", "natural")


def hazard_score(hazards: Hazards | None) -> float | None:
    """1 - Π (1 - score), 0..1: as if each score were the chance of a bad year and none knew of the others.

    More hazards never lower it. None when no score is known. A choice of ours: scores of different makers do not add up.
    """
    scores = [] if hazards is None else [score for kind in KINDS if (score := getattr(hazards, kind)) is not None]
    return 1 - math.prod(1 - score for score in scores) if scores else None
