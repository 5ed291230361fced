"""Published rules of conservative backfill, as a plain loop to hold schedulers to: every job has a reservation.

Written from the rules, for tests only. Events come in the order (time, submission before end before start). Processors count as
held up to the requested end, or up to the event of the real end when that is earlier, like in `reference_easy`.

1. A submitted job is reserved the earliest gap that holds it for its whole requested time.
2. At every end, also a punctual one, what the job had reserved beyond it is given back; then each job that is not due yet, in
   the order of submission, gives up its reservation and takes the earliest gap, the others keeping theirs. One that is due now
   has started. So a job may profit at one end from a gap that a later job left at the one before.
"""

import heapq
from bisect import bisect_left, bisect_right

from tests.golden.reference_easy import Jobs

SUBMIT, END, START = range(3)


class Profile:
    """Free processors over time: `free[i]` from `times[i]` on."""

    def __init__(self, processors: int) -> None:
        self.times, self.free = [-1], [processors]

    def take(self, start: int, end: int, processors: int) -> None:
        """Below 0 gives back."""
        first, last = self._edge(start), self._edge(end)
        for place in range(first, last):
            self.free[place] -= processors

    def earliest(self, now: int, processors: int, length: int) -> int:
        place, count = bisect_right(self.times, now) - 1, len(self.times)
        start = None
        while True:
            if self.free[place] < processors:
                start = None
            elif start is None:
                start = max(now, self.times[place])
            place += 1
            if start is not None and (place == count or self.times[place] >= start + length):
                return start

    def forget(self, now: int) -> None:
        """What is past, and edges at which nothing changes."""
        first = bisect_right(self.times, now) - 1
        kept = [at for at in range(first, len(self.times)) if at == first or self.free[at] != self.free[at - 1]]
        self.times, self.free = [self.times[at] for at in kept], [self.free[at] for at in kept]

    def _edge(self, at: int) -> int:
        place = bisect_left(self.times, at)
        if place == len(self.times) or self.times[place] != at:
            self.times.insert(place, at)
            self.free.insert(place, self.free[place - 1])
        return place


class Conservative:
    def __init__(self, jobs: Jobs, processors: int) -> None:
        self.jobs, self.profile, self.start = jobs, Profile(processors), [-1] * len(jobs.submit_s)
        self.events = [(at, SUBMIT, job) for job, at in enumerate(jobs.submit_s)]
        self.waiting: list[int] = []

    def run(self) -> list[int]:
        """Starts in s."""
        heapq.heapify(self.events)
        while self.events:
            now, kind, job = heapq.heappop(self.events)
            if kind == SUBMIT:
                self._reserve(job, now)
                self.waiting.append(job)
            elif kind == END:
                self._ended(job, now)
            elif self.start[job] == now and job in self.waiting:  # else it was moved
                self.waiting.remove(job)
                heapq.heappush(self.events, (now + self.jobs.run_s[job], END, job))
        return self.start

    def _reserve(self, job: int, now: int) -> None:
        length, need = self.jobs.requested_s[job], self.jobs.processors[job]
        self.start[job] = at = self.profile.earliest(now, need, length)
        self.profile.take(at, at + length, need)
        heapq.heappush(self.events, (at, START, job))

    def _ended(self, job: int, now: int) -> None:
        self.profile.forget(now)
        reserved = self.start[job] + self.jobs.requested_s[job]
        if reserved > now:
            self.profile.take(now, reserved, -self.jobs.processors[job])
        for other in self.waiting:
            if self.start[other] > now:
                at = self.start[other]
                self.profile.take(at, at + self.jobs.requested_s[other], -self.jobs.processors[other])
                self._reserve(other, now)


def conservative(jobs: Jobs, processors: int) -> list[int]:
    return Conservative(jobs, processors).run()
