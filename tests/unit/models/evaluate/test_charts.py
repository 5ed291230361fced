import math

from datahall.models.evaluate.charts import Series, line_chart


def test_a_loss_that_became_nan_leaves_a_gap_not_a_broken_chart():
    """Given NaN and infinity among the losses, they are left out and no `nan` is in the drawing."""
    points = [(1, 2.0), (2, math.nan), (3, math.inf), (4, 1.0)]
    text = str(line_chart([Series("training", 1, points)], title="Loss", x_name="epoch"))
    assert text.count("<circle") == 2 and "nan" not in text and "inf" not in text


def test_one_point_and_none_are_drawn():
    """Given a single epoch, or no point at all, there is still a chart."""
    for points in ([(1, 0.5)], []):
        assert "<svg" in line_chart([Series("training", 1, points)], title="Loss", x_name="epoch")
