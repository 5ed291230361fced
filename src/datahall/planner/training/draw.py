"""What a server draws while it trains, from where a step's time goes."""

from dataclasses import dataclass

from datahall.models.parallel.step import Step
from datahall.planner.training.hall import Server

COMPUTING, EXCHANGING = 0.82, 0.50
COMPUTING_SOURCE = (
    "Latif et al., IEEE Access 13, 2025, arXiv:2412.08602: an 8 x H100 node trained with at most 8.4 of its rated 10.2 kW; "
    "Newkirk et al., arXiv:2506.14551: 76 % as a mean of intensive work"
)
EXCHANGING_SOURCE = (
    "Patel et al., ASPLOS 2024, arXiv:2308.12908: accelerators fall to about half of their design power while GPT-NeoX "
    "synchronises (other models to 20-75 %); taken for the whole server (from memory)"
)
COMPUTE = ("forward", "backward", "again", "vocabulary", "optimiser")
EXCHANGE = ("tensor", "context", "expert", "gather", "send", "data", "straggler")
"""Who waits for a straggler waits inside a collective."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Mean of one server over a step."""

    computing_ratio: float
    """Shares of the step; what is left waits for the pipeline, at idle draw."""
    exchanging_ratio: float
    working_w: float
    """While steps run."""
    idle_w: float
    peak_w: float

    def mean_w(self, working_ratio: float) -> float:
        """Over a run that computes for this share of its time, and otherwise saves, restarts or waits."""
        return self.idle_w + (self.working_w - self.idle_w) * working_ratio

    def utilisation(self, working_ratio: float) -> float:
        """(draw - idle) / (peak - idle)."""
        span = self.peak_w - self.idle_w
        return (self.mean_w(working_ratio) - self.idle_w) / span if span > 0 else 0.0


def draw_of(server: Server, step: Step) -> Draw:
    """Draw of a phase: a share of the server's peak, never below idle."""
    parts, seconds = step.breakdown(), float(step.seconds)
    computing = sum(float(parts.get(name, 0.0)) for name in COMPUTE) / seconds
    exchanging = sum(float(parts.get(name, 0.0)) for name in EXCHANGE) / seconds
    computing_w, exchanging_w = (max(server.idle_w, level * server.peak_w) for level in (COMPUTING, EXCHANGING))
    waiting = max(0.0, 1 - computing - exchanging)
    working_w = computing * computing_w + exchanging * exchanging_w + waiting * server.idle_w
    return Draw(computing, exchanging, working_w, server.idle_w, server.peak_w)
