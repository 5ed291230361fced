import pytest
from pydantic import ValidationError

from datahall.foundation.errors import Conflict
from datahall.models.compress.choose import check_parity, choose
from datahall.models.compress.spec import CompressSpec


def variants(*, int8_accuracy: float = 0.975, int8_speed: float = 2.0):
    """float32 at 0.98 accuracy, 400 kB and 10 µs; int8 a quarter as large."""
    slow = {"1": 1e-5, "64": 8e-5}
    return {
        "float32": {"decision_accuracy": 0.98, "size_bytes": 400_000, "latency_s": slow},
        "int8": {
            "decision_accuracy": int8_accuracy,
            "size_bytes": 100_000,
            "latency_s": {batch: seconds / int8_speed for batch, seconds in slow.items()},
        },
    }


def test_auto_takes_the_faster_variant_within_the_limit():
    """Given int8 that loses half a point and doubles the speed, it is packaged, and the reason has both numbers."""
    choice = choose(variants(), CompressSpec(), rows="9 validation rows")
    assert choice.variant == "int8"
    assert choice.why == (
        "int8 is 4.0 × smaller and runs at 2.00 × the speed of float32; "
        "int8 loses 0.50 points of accuracy (0.9800 to 0.9750) on 9 validation rows"
    )


def test_auto_takes_the_smaller_file_when_speeds_tie_but_not_a_slower_one():
    """Given int8 at 0.97 and at 0.8 times the speed, the first is a tie and is packaged, the second is not."""
    assert choose(variants(int8_speed=0.97), CompressSpec(), rows="9 validation rows").variant == "int8"
    slow = choose(variants(int8_speed=0.8), CompressSpec(), rows="9 validation rows")
    assert slow.variant == "float32" and "runs at 0.80 × the speed" in slow.why


def test_auto_falls_back_past_the_limit_and_says_so():
    """Given int8 that loses 3 points against a limit of 1, float32 is packaged, and the reason says why."""
    choice = choose(variants(int8_accuracy=0.95), CompressSpec(), rows="9 validation rows")
    assert choice.variant == "float32"
    assert choice.why == (
        "int8 loses 3.00 points of accuracy (0.9800 to 0.9500) on 9 validation rows, but the limit is 1.00, "
        "so float32 is packaged"
    )


def test_int8_past_the_limit_stops_the_run():
    """Given serve: int8 and a loss of 3 points, the run ends with exit code 1, the numbers, and the ways out."""
    wanted = (
        r"COMP-002 int8 loses 3.00 points of accuracy \(0.9800 to 0.9500\) on 9 validation rows, "
        r"but the limit is 1.00\. Set compress.serve to auto"
    )
    with pytest.raises(Conflict, match=wanted) as raised:
        choose(variants(int8_accuracy=0.95), CompressSpec(serve="int8"), rows="9 validation rows")
    assert raised.value.exit_code == 1


def test_a_loss_of_exactly_the_limit_is_allowed():
    """Given 0.98 to 0.97 against 0.01, whose float difference is a hair more, int8 is packaged."""
    assert choose(variants(int8_accuracy=0.97), CompressSpec(serve="int8"), rows="9 validation rows").variant == "int8"


def test_float32_is_packaged_when_asked_for_or_alone():
    """Given serve: float32, or no int8 variant at all, float32 is packaged."""
    assert choose(variants(), CompressSpec(serve="float32"), rows="9 validation rows").variant == "float32"
    only = {"float32": variants()["float32"]}
    assert choose(only, CompressSpec(int8="none"), rows="9 validation rows").why == "the recipe asks for no int8 variant"


@pytest.mark.parametrize("difference", [2e-4, float("nan")])
def test_an_export_that_answers_otherwise_stops_the_run(difference):
    """Given a difference above the tolerance, or NaN, the run ends with exit code 1."""
    with pytest.raises(Conflict, match=r"compress.parity_tolerance: COMP-001 a probability of the ONNX export is"):
        check_parity(difference, CompressSpec())


def test_serving_int8_without_making_it_is_refused():
    """Given int8: none and serve: int8, the spec says which to change."""
    with pytest.raises(ValidationError, match="serve: int8 needs an int8 variant; set int8 to static or dynamic"):
        CompressSpec(int8="none", serve="int8")


def test_a_gain_and_a_draw_are_said_as_such():
    """Given int8 that gains a tenth of a point, or loses nothing, the reason does not speak of a loss."""
    assert (
        "int8 gains 0.10 points of accuracy"
        in choose(variants(int8_accuracy=0.981), CompressSpec(), rows="9 validation rows").why
    )
    assert (
        "int8 keeps the accuracy of 0.9800"
        in choose(variants(int8_accuracy=0.98), CompressSpec(), rows="9 validation rows").why
    )
