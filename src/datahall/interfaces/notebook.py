"""Halls in a notebook: `Hall.load("hall.yaml").plan()` shows what `datahall plan` shows."""

import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    import pandas as pd

    from datahall.planner.figures import Figure
    from datahall.planner.load import Loaded
    from datahall.planner.plan import Plan

WIDTH = 120


class Hall:
    """A hall file, read and checked."""

    def __init__(self, loaded: "Loaded") -> None:
        self.loaded = loaded

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Hall":
        """Raises Missing, or Refused with every problem of the file."""
        from datahall.planner.load import load

        return cls(load(Path(path)))

    def plan(self) -> "ShownPlan":
        """The plan, which a notebook shows as a page and a terminal as a screen."""
        from datahall.planner.plan import plan_of

        return ShownPlan(plan_of(self.loaded))


class ShownPlan:
    """A plan that shows itself. `plan` has everything behind it."""

    def __init__(self, plan: "Plan") -> None:
        self.plan = plan

    def __getitem__(self, name: str) -> "Figure":
        """A figure by name. Raises Missing with near names."""
        return self.plan.figures[name]

    def explain(self, name: str) -> None:
        """Print the way back from a figure to its formula, inputs and sources."""
        from datahall.interfaces.plan_text import explained

        sys.stdout.write("".join(f"{line}\n" for line in explained(self[name])))

    def table(self) -> "pd.DataFrame":
        """All figures as a table. Raises Unavailable without pandas, which comes with `datahall[plan]`."""
        from datahall.foundation.extras import needs

        with needs("plan"):
            import pandas as pd

        return pd.DataFrame([{"figure": name, **figure.as_dict()} for name, figure in self.plan.figures.by_name.items()])

    def __repr__(self) -> str:
        from datahall.interfaces.plan_text import screen

        # Inside Jupyter, Rich would show it by itself, once more than asked for.
        console = Console(width=WIDTH, highlight=False, emoji=False, force_jupyter=False, color_system=None)
        with console.capture() as captured:
            for part in screen(self.plan):
                console.print(part)
        return captured.get().rstrip()

    def _repr_html_(self) -> str:
        """The report, in a frame of its own: its styles stay out of the notebook."""
        import html

        from datahall.interfaces.plan_page import page

        return f'<iframe style="width:100%;height:70vh;border:0" srcdoc="{html.escape(page([self.plan]))}"></iframe>'
