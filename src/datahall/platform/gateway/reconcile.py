"""What to do next so that an endpoint becomes what is wanted. A decision only: it starts and stops nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ROLL_OUT_PATIENCE_S = 20.0
"""With some replicas of the new version ready, do not wait longer for the rest: the old ones may sit on their room."""


class Phase(StrEnum):
    """A replica's life, as the controller sees it."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Seen:
    """One replica now. age_s: since it was started. is_current: it was started as the spec says today."""

    replica: str
    version: int
    phase: Phase
    in_flight: int = 0
    age_s: float = 0.0
    is_current: bool = True

    @property
    def counts(self) -> bool:
        """It serves, or is about to."""
        return self.phase in (Phase.STARTING, Phase.READY)


@dataclass(frozen=True, slots=True)
class Decision:
    """Replicas to start per version, replicas to drain, and whether traffic moves to the wanted versions now."""

    start: Mapping[int, int]
    drain: tuple[str, ...]
    moves_traffic: bool


def decide(wanted: Mapping[int, int], served: Mapping[int, int], seen: Sequence[Seen]) -> Decision:
    """The next step towards `wanted` replicas of each version.

    served: replicas of each version that gets traffic now, as it would be without a change. New versions get traffic when
    they are ready; until then the old ones are kept up, and only then drained.
    """
    moves = _may_move(wanted, served, seen)
    counts = wanted if moves else {**served, **wanted}
    drain = [replica.replica for replica in seen if replica.counts and replica.version not in counts]
    start = {}
    for version, count in counts.items():
        mine = [replica for replica in seen if replica.version == version and replica.counts]
        current = [replica for replica in mine if replica.is_current]
        if len(current) < count:
            start[version] = count - len(current)
        drain += [replica.replica for replica in _surplus(current, count)]
        if _is_up(current, count):
            drain += [replica.replica for replica in mine if not replica.is_current]
    return Decision(start, tuple(drain), moves)


def _may_move(wanted: Mapping[int, int], served: Mapping[int, int], seen: Sequence[Seen]) -> bool:
    if not any(replica.counts and replica.version in served for replica in seen):
        return True  # nothing is served now, so nothing can be lost by moving
    new = [version for version in wanted if version not in served]
    return all(_is_up([replica for replica in seen if replica.version == version], wanted[version]) for version in new)


def _is_up(replicas: Sequence[Seen], count: int) -> bool:
    ready = [replica for replica in replicas if replica.phase is Phase.READY]
    oldest_s = max((replica.age_s for replica in ready), default=0.0)
    return len(ready) >= count or (bool(ready) and oldest_s > ROLL_OUT_PATIENCE_S)


def _surplus(mine: Sequence[Seen], count: int) -> list[Seen]:
    """Those not yet serving go first, then the least busy."""
    order = sorted(mine, key=lambda replica: (replica.phase is Phase.READY, replica.in_flight, replica.age_s))
    return order[: max(0, len(mine) - count)]
