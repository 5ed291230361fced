"""The replicas of one version: each call goes to the one with the fewest under way, or waits for one."""

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

from datahall.foundation.errors import Problem, Unavailable
from datahall.platform.gateway.link import Call, ReplicaLink

MAX_ATTEMPTS = 3
"""A request that was under way when so many replicas died probably killed them."""


class Pool:
    """Balances calls over links. At most `capacity` are on one replica's wire; the rest wait here for whoever is free first."""

    def __init__(self, endpoint: str, version: int, *, capacity: int, on_change: Callable[[], None]) -> None:
        self.endpoint, self.version, self.capacity = endpoint, version, capacity
        self.links: list[ReplicaLink] = []
        self.waiting: deque[Call] = deque()
        self.fault: str | None = None
        """Why replicas keep ending, while they do."""
        self._on_change = on_change
        self._description: dict[str, Any] = {}

    @property
    def description(self) -> dict[str, Any]:
        """What the replicas said about the model, even after they went."""
        return self._description

    def submit(self, call: Call) -> None:
        """Send the call to the least busy replica, or keep it until one is free. Raises Unavailable when none can start."""
        call.pool = self
        best, least = None, self.capacity
        for link in self.links:
            under_way = len(link.calls)
            if under_way < least:
                best, least = link, under_way
        if best is not None:
            best.send(call)
        elif self.fault is not None and not self.links:
            raise self._faulty(self.fault)
        else:
            self.waiting.append(call)

    def join(self, link: ReplicaLink) -> None:
        """A replica is ready: what waits goes to it."""
        link.owner = self
        self._description = link.description or self._description
        self.links.append(link)
        self.freed(link)
        self._on_change()

    def freed(self, link: ReplicaLink) -> None:
        """Give the link what waits, up to its capacity."""
        while self.waiting and len(link.calls) < self.capacity and link.is_open:
            call = self.waiting.popleft()
            if not call.future.done():
                link.send(call)

    def leaving(self, link: ReplicaLink) -> None:
        """Send it nothing new; what is under way will be answered."""
        if link in self.links:
            self.links.remove(link)
            self._on_change()

    def lost(self, link: ReplicaLink, calls: list[Call]) -> None:
        """Try again elsewhere: inference changes nothing, so asking twice does no harm."""
        self.leaving(link)
        for call in calls:
            if call.future.done():
                continue
            call.link = None
            if call.attempts >= MAX_ATTEMPTS:
                call.fail(self._deadly(call))
            else:
                self.resubmit(call)

    def declare(self, fault: str | None) -> None:
        """Say why replicas keep ending, or that they do no longer. Without a replica, what waits is told at once."""
        self.fault = fault
        if fault is not None and not self.links:
            for call in self.drain_waiting():
                call.fail(self._faulty(fault))

    def drain_waiting(self) -> list[Call]:
        """Take away what waits, to be sent to another version."""
        calls, self.waiting = list(self.waiting), deque()
        return [call for call in calls if not call.future.done()]

    def forget(self, call: Call) -> None:
        """Keep a call no longer: without a replica nothing else would take it out. Those that expire stand in front."""
        with contextlib.suppress(ValueError):
            self.waiting.remove(call)

    def resubmit(self, call: Call) -> None:
        """Submit a call that nobody is there to catch an error of: it ends with it."""
        try:
            self.submit(call)
        except Unavailable as error:
            call.fail(error)

    def _faulty(self, fault: str) -> Unavailable:
        return Unavailable(Problem("GATE-021", self._where, fault, "deploy a version that starts, or roll back"))

    def _deadly(self, call: Call) -> Unavailable:
        what = f"{call.attempts} replicas ended while they worked on this request"
        return Unavailable(
            Problem("GATE-022", self._where, what, "see the replicas' logs; the request itself may be the cause")
        )

    @property
    def _where(self) -> str:
        return f"{self.endpoint} version {self.version}"
