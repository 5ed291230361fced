"""Shares of traffic, exactly and without dice."""

from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class _Share(Generic[T]):
    __slots__ = ("balance", "item", "weight")

    def __init__(self, item: T, weight: float) -> None:
        self.item, self.weight, self.balance = item, weight, 0.0


class WeightedSplit(Generic[T]):
    """Picks items in proportion to their weights, spread evenly: 3 to 1 gives A A B A, never three B in a row.

    Source: smooth weighted round-robin, nginx commit 52327e0627f4 (2012).
    """

    def __init__(self, weights: Sequence[tuple[T, float]]) -> None:
        self._shares = [_Share(item, weight) for item, weight in weights if weight > 0]
        self._total = sum(share.weight for share in self._shares)

    def pick(self) -> T:
        """The next item: each gains its weight; the richest is picked and pays what all gained together."""
        best = self._shares[0]
        for share in self._shares:
            share.balance += share.weight
            if share.balance > best.balance:
                best = share
        best.balance -= self._total
        return best.item
