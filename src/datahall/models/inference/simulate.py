"""The continuous-batching scheduler of one replica played event by event.

Exact for the scheduler that the engine describes: first come, first served; a request is let in when the batch has a slot and
its tokens have room; prompts are read in pieces up to the step's tokens. Steps between two events are taken together, their
times added up as an arithmetic series. Not modelled: eviction where output is not reserved (half of an answer takes room
instead).
"""

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from datahall.models.inference.step_table import StepTable


@dataclass(slots=True)
class Request:
    arrival_s: float
    prompt: float
    """Tokens to read."""
    cached: float
    """Tokens before them that are kept."""
    answer: int
    """Tokens to write."""
    admitted_s: float = 0.0
    first_s: float = 0.0
    done_s: float = 0.0
    left: float = 0.0
    """Of the prompt."""
    read: bool = False
    """By a prefill pool, before it came here: its first token is there."""


@dataclass(frozen=True, slots=True)
class Limits:
    batch: int
    step_tokens: float
    room_tokens: float
    """Of keys and values."""
    answer_ratio: float
    """Of an answer, what takes room from the start."""
    chunked: bool
    mixed: bool
    tokens_per_step: float


@dataclass
class Simulation:
    """Play all requests to the end; `arrivals` in order of time. With `closed`, the next arrives as one is done."""

    table: StepTable
    limits: Limits
    arrivals: Sequence[Request]
    closed: int | None = None
    clock_s: float = 0.0
    busy_s: float = 0.0
    decoded_s: float = 0.0
    """Decoding sequences, added up over time."""
    _coming: int = 0
    _step: int = 0
    _begun: int = 0
    _read: float = 0.0
    _held: float = 0.0
    _waiting: deque[Request] = field(default_factory=deque)
    _reading: deque[Request] = field(default_factory=deque)
    _writing: list[tuple[int, int, Request]] = field(default_factory=list)

    def run(self) -> None:
        if self.closed:
            for _ in range(min(self.closed, len(self.arrivals))):
                self._arrive()
        while self._coming < len(self.arrivals) or self._waiting or self._reading or self._writing:
            self._admit()
            if self._reading:
                self._read_step()
            elif self._writing:
                self._write_steps()
            else:
                self.clock_s = max(self.clock_s, self.arrivals[self._coming].arrival_s)
            self._finish()

    def _arrive(self) -> None:
        request = self.arrivals[self._coming]
        self._coming += 1
        if self.closed:
            request.arrival_s = self.clock_s
        self._waiting.append(request)

    def _needs(self, request: Request) -> float:
        return request.prompt + request.answer * self.limits.answer_ratio

    def _has_slot(self) -> bool:
        return len(self._reading) + len(self._writing) < self.limits.batch

    def _admit(self) -> None:
        while not self.closed and self._coming < len(self.arrivals) and self.arrivals[self._coming].arrival_s <= self.clock_s:
            self._arrive()
        while self._waiting and self._has_slot():
            request = self._waiting[0]
            # A request larger than all room is let in alone, or nothing behind it would ever move.
            if self._held and self._held + self._needs(request) > self.limits.room_tokens:
                break
            self._waiting.popleft()
            self._held += self._needs(request)
            request.admitted_s, request.left = self.clock_s, request.prompt
            if request.read:
                self._begin(request)
            else:
                self._reading.append(request)

    def _read_step(self) -> None:
        """One step that reads pieces of prompts, and decodes beside them where the engine mixes both."""
        decode = len(self._writing) if self.limits.mixed else 0
        free, taken, pairs = max(1.0, self.limits.step_tokens - decode), 0.0, 0.0
        ended: list[Request] = []
        for request in self._reading:
            piece = min(request.left, free - taken)
            if not self.limits.chunked and piece < request.left:
                if taken:
                    break
                piece = request.left
            pairs += piece * (request.cached + request.prompt - request.left + piece / 2)
            taken, request.left = taken + piece, request.left - piece
            if request.left <= 0:
                ended.append(request)
            if taken >= free:
                break
        self._pass(self.table.step_s(decode, taken, self._read if decode else 0.0, pairs))
        if decode:
            self._step += 1
            self._read += decode * self.limits.tokens_per_step
        for request in ended:
            self._reading.popleft()
            self._begin(request)

    def _begin(self, request: Request) -> None:
        """The first token is there; the others take their steps."""
        request.first_s = request.first_s if request.read else self.clock_s
        steps = math.ceil((request.answer - 1) / self.limits.tokens_per_step)
        self._read += request.cached + request.prompt + 1
        heapq.heappush(self._writing, (self._step + steps, self._begun, request))
        self._begun += 1

    def _write_steps(self) -> None:
        """Steps that only decode, up to the first that ends a request or that lets one in."""
        decode, steps = len(self._writing), max(1, self._writing[0][0] - self._step)
        one_s = self.table.step_s(decode, 0.0, self._read, 0.0)
        if not self.closed and not self._waiting and self._has_slot() and self._coming < len(self.arrivals):
            until_s = self.arrivals[self._coming].arrival_s - self.clock_s
            steps = min(steps, max(1, math.ceil(until_s / one_s)))
        grown = decode * self.limits.tokens_per_step
        self._pass(steps * one_s + self.table.context_s * grown * steps * (steps - 1) / 2)
        self._step += steps
        self._read += grown * steps

    def _finish(self) -> None:
        while self._writing and self._writing[0][0] <= self._step:
            _, _, request = heapq.heappop(self._writing)
            request.done_s = self.clock_s
            self._held -= self._needs(request)
            steps = math.ceil((request.answer - 1) / self.limits.tokens_per_step)
            self._read -= request.cached + request.prompt + 1 + steps * self.limits.tokens_per_step
            if self.closed and self._coming < len(self.arrivals):
                self._arrive()

    def _pass(self, seconds: float) -> None:
        self.clock_s += seconds
        self.busy_s += seconds
        self.decoded_s += seconds * len(self._writing)
