"""What serving takes from the hall while it runs: draw, energy by the hour, money, water, emissions."""

from collections.abc import Mapping
from dataclasses import dataclass

from datahall.infrastructure.cost import Gap
from datahall.models.inference.result import StepTime
from datahall.planner.shares import lines_of
from datahall.planner.training.draw import COMPUTING, EXCHANGING
from datahall.planner.training.hall import Home, Server
from datahall.planner.training.used import Used, meter_of

EXCHANGE = ("tensor", "exchange", "pipeline")
"""Parts of a step in which accelerators wait for each other; `host` waits at idle draw, all others compute or stream."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Of one server, W."""

    busy_w: float
    """While a step runs."""
    mean_w: float
    """Over time, idle between steps included."""
    utilisation_ratio: float
    """(mean - idle) / (peak - idle)."""


@dataclass(frozen=True)
class Spent:
    """A year of serving at a steady rate."""

    draw: Draw
    it_w: float
    """Servers that serve, and their share of switches, storage and management."""
    used: Used
    """In a year."""
    lines: Mapping[str, float]
    """Money of a year by line of the hall's bill, in its currency; empty where the hall has no prices."""
    without_price: tuple[Gap, ...]
    """Lines of the bill that the hall does not price."""
    hours: float
    has_cooling: bool

    @property
    def pue(self) -> float:
        return self.used.facility_kwh / self.used.it_kwh

    @property
    def cost_per_hour(self) -> float | None:
        return sum(self.lines.values()) / self.hours if self.lines else None


def draw_of(server: Server, step: StepTime, busy_ratio: float) -> Draw:
    """Streaming weights counts as computing: an upper bound, as memory takes less than the products do."""
    parts = step.breakdown()
    exchanging = sum(parts[name] for name in EXCHANGE) / step.seconds
    waiting = parts["host"] / step.seconds
    computing_w, exchanging_w = (max(server.idle_w, level * server.peak_w) for level in (COMPUTING, EXCHANGING))
    busy_w = (1 - exchanging - waiting) * computing_w + exchanging * exchanging_w + waiting * server.idle_w
    mean_w = server.idle_w + busy_ratio * (busy_w - server.idle_w)
    span = server.peak_w - server.idle_w
    return Draw(busy_w, mean_w, (mean_w - server.idle_w) / span if span > 0 else 0.0)


def spent_of(home: Home, step: StepTime, *, accelerators: int, busy_ratio: float) -> Spent | None:
    """A year of it, all hours alike; None where the hall does not say what a server draws."""
    if home.server is None:
        return None
    draw = draw_of(home.server, step, busy_ratio)
    it_w = accelerators / home.kind.per_server * draw.mean_w + home.others_w * accelerators / home.accelerators
    meter = meter_of(home, home.year_at(draw.utilisation_ratio, accelerators))
    used = meter.used(it_w, float(meter.hours), None)
    lines = lines_of(home, used, accelerators=accelerators, hours=float(meter.hours))
    return Spent(draw, it_w, used, lines, home.plan.cost.missing, float(meter.hours), meter.has_cooling)
