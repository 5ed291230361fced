"""What is given up for what: step time, accelerators used, and memory left free."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from datahall.planner.search.found import Candidate
from datahall.planner.search.question import Question
from datahall.planner.search.search import search

HALVINGS = 4
RESERVES = (0.15, 0.25, 0.4, 0.6)
"""Shares of memory that stay free, beside the question's own."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One candidate that no other beats in all three. Money, energy and risk follow from these and the hall's prices."""

    candidate: Candidate
    accelerators: int
    seconds: float
    """Of a step."""
    free_bytes: float
    """Of one accelerator's memory."""

    @property
    def accelerator_seconds(self) -> float:
        """Of a step: what money and energy grow with."""
        return self.accelerators * self.seconds

    def beats(self, other: "Trade") -> bool:
        """No worse in each of the three, and better in one."""
        mine = (self.seconds, self.accelerators, -self.free_bytes)
        theirs = (other.seconds, other.accelerators, -other.free_bytes)
        return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))


def front(question: Question, *, counts: Sequence[int] = ()) -> tuple[Trade, ...]:
    """The trades that no other beats, the fastest first: of the best plan for each count of accelerators and each reserve.

    counts: of accelerators; without them all, and halves down to a sixteenth. Between these counts and reserves nothing is
    looked for. Raises Refused where no plan is possible on one of the counts.
    """
    asked = counts or tuple(dict.fromkeys(max(1, question.accelerators >> n) for n in range(HALVINGS + 1)))
    reserves = (question.reserve_ratio, *(ratio for ratio in RESERVES if ratio > question.reserve_ratio))
    found = [trade for count in asked for trade in _trades(replace(question, accelerators=count), reserves)]
    return tuple(sorted(unbeaten(found), key=lambda trade: (trade.seconds, trade.accelerators)))


def _trades(question: Question, reserves: Sequence[float]) -> Iterator[Trade]:
    """Of one count; a larger reserve is not tried where a smaller one leaves nothing."""
    for ratio in reserves:
        best = search(replace(question, reserve_ratio=ratio), top=1).best
        if not best:
            return
        yield trade_of(best[0], question)


def trade_of(candidate: Candidate, question: Question) -> Trade:
    """A candidate as a point of the front."""
    free_bytes = question.device_bytes - candidate.memory.needed
    return Trade(candidate, candidate.plan.accelerators, candidate.seconds, free_bytes)


def unbeaten(trades: Iterable[Trade]) -> list[Trade]:
    """Those that no other beats; of equal ones the first."""
    found = list(dict.fromkeys(trades))
    return [one for one in found if not any(other.beats(one) for other in found)]
