"""One self-contained HTML page about forecasts of training or of serving: it loads nothing, and no script runs in it."""

from collections.abc import Sequence
from typing import Any

from datahall.interfaces.page_frame import render
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.serve_page import compared_serving, serve_chapter
from datahall.interfaces.train_page import compared_training, train_chapter
from datahall.planner.training.result import TrainForecast


def page(forecasts: Sequence[Any]) -> str:
    """All of one kind, of one hall each; with two or more it begins with a comparison. Raises ValueError without any."""
    anchors = [Anchors(one.figures, f"hall-{n}-" if len(forecasts) > 1 else "") for n, one in enumerate(forecasts, 1)]
    training = bool(forecasts) and isinstance(forecasts[0], TrainForecast)
    chapter: Any = train_chapter if training else serve_chapter
    compared: Any = compared_training if training else compared_serving
    chapters = [chapter(one, its) for one, its in zip(forecasts, anchors, strict=True)]
    title = " · ".join(one.name for one in chapters)
    return render(chapters, compared(forecasts) if len(forecasts) > 1 else None, title=title)
