"""Lines of a serving forecast that say how surely a level is met, and what is not carried."""

from dataclasses import replace

from tests.unit.interfaces.forecasts import served

from datahall.interfaces.serve_text import kept, lines
from datahall.planner.serving.result import Shortfall


def test_the_seeds_that_keep_the_level_are_told():
    """Given four of five seeds within the level, that is told; without a level asked for, or where it is missed, it is not."""
    made = replace(served(), seeds_keeping=4, seeds_needed=4)
    assert made.request.has_level and kept(made) == f"; 4 of {made.request.trials} seeds keep the level, 4 must"
    free = made.request.model_copy(update=dict.fromkeys(made.request.LIMITS))
    assert kept(replace(made, request=free)) == ""
    assert kept(replace(made, shortfall=Shortfall((), (), ()))) == ""


def test_a_load_that_is_not_carried_is_told_as_a_rate():
    """Given a thousand million requests/s asked, the lines say what is carried in requests/s, and blame the load."""
    short = Shortfall((("requests_per_s", 1e9, 4070.0),), (("requests_per_s", 4070.0),), ())
    made = replace(served(), shortfall=short, chosen=replace(served().chosen, meets=False))
    told = [line for subject, line in lines(made, bars=False) if subject == "Not met"]
    assert told == ["requests/s: 1,000,000,000 asked, 4,070 carried", "what can be met: requests/s 4,070"]
    assert made.headline.endswith("; the load is not carried")
