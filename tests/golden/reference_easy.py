"""Published rules of first come, first served, and of EASY backfill, as plain loops to hold schedulers to.

Written from the rules, for tests only: it knows processors, seconds and requested times, and nothing of the product. Rules, all
of which matter to the fourth decimal on KTH-SP2:

1. Events come in the order (time, submission before end, number of the start that made the end): one pass after each event,
   also when several come at one moment.
2. Processors count as held up to the *requested* end, or up to the event of the real end when that is earlier. A job whose
   requested end is now holds nothing any more, although the event of its end comes only after the submissions of that moment.
   So a job that is submitted at that very moment may start on processors of a job whose end is still to be told. Counting
   them as held until the event moves 9 starts on KTH-SP2 and gives 92.57446 in place of 92.57654.
3. A submission makes a pass only if the new job fits in what is free by rule 2: where it does not, nothing else can start.
4. A pass starts jobs from the head while they fit. The first that does not has its shadow time: the earliest requested end by
   which enough is free; what is free then beyond its need is spare, all ends at that same moment counted.
5. Others start in their order if they fit now and either their requested end is not after the shadow time, or they fit in the
   spare, which shrinks by them. That order is of submission (EASY), or of requested time, ties by submission (EASY-SJBF).
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field


@dataclass
class Jobs:
    """Whole seconds and processors, in the order of submission."""

    submit_s: Sequence[int]
    run_s: Sequence[int]
    requested_s: Sequence[int]
    processors: Sequence[int]


def fcfs(jobs: Jobs, processors: int) -> list[int]:
    """Starts, in the unit of the jobs' times: nobody before the one ahead of it."""
    free, now, running, starts = processors, 0, [], []
    for submit, run, need in zip(jobs.submit_s, jobs.run_s, jobs.processors, strict=True):
        now = max(now, submit)
        while running and (running[0][0] <= now or free < need):
            end, freed = heapq.heappop(running)
            now, free = max(now, end), free + freed
        heapq.heappush(running, (now + run, need))
        free -= need
        starts.append(now)
    return starts


@dataclass
class Easy:
    """EASY backfill. order: of those that may be filled in; None: of submission."""

    jobs: Jobs
    processors: int
    order: Callable[[int], int] | None = None
    starts: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)  # running job: requested end
    ends: list[tuple[int, int, int]] = field(default_factory=list)  # real end, number of the start, job

    def run(self) -> list[int]:
        for now, submitted in self._events():
            free = self.processors - sum(self.jobs.processors[job] for job, end in self.held.items() if end > now)
            if submitted is None or self.jobs.processors[submitted] <= free:
                self._pass(now, free)
        return [self.starts[job] for job in range(len(self.jobs.submit_s))]

    def _events(self) -> Iterator[tuple[int, int | None]]:
        coming, count = 0, len(self.jobs.submit_s)
        while coming < count or self.ends:
            if coming < count and (not self.ends or self.jobs.submit_s[coming] <= self.ends[0][0]):
                self.waiting.append(coming)
                coming += 1
                yield self.jobs.submit_s[coming - 1], coming - 1
            else:
                now, _, job = heapq.heappop(self.ends)
                del self.held[job]
                yield now, None

    def _start(self, job: int, now: int) -> int:
        self.starts[job], self.held[job] = now, now + self.jobs.requested_s[job]
        heapq.heappush(self.ends, (now + self.jobs.run_s[job], len(self.starts), job))
        return self.jobs.processors[job]

    def _pass(self, now: int, free: int) -> None:
        need = self.jobs.processors
        while self.waiting and need[self.waiting[0]] <= free:
            free -= self._start(self.waiting.pop(0), now)
        if len(self.waiting) < 2 or not free:
            return
        shadow, spare = self._shadow(now, free)
        tail = self.waiting[1:] if self.order is None else sorted(self.waiting[1:], key=self.order)
        for job in tail:
            in_time = now + self.jobs.requested_s[job] <= shadow
            if need[job] <= free and (in_time or need[job] <= spare):
                spare -= 0 if in_time else need[job]
                self.waiting.remove(job)
                free -= self._start(job, now)

    def _shadow(self, now: int, free: int) -> tuple[int, int]:
        need, shadow = self.jobs.processors[self.waiting[0]], None
        for end, freed in sorted((end, self.jobs.processors[job]) for job, end in self.held.items() if end > now):
            if shadow is not None and end > shadow:
                break
            free += freed
            shadow = end if free >= need else None
        assert shadow is not None
        return shadow, free - need


def easy(jobs: Jobs, processors: int) -> list[int]:
    return Easy(jobs, processors).run()


def easy_sjbf(jobs: Jobs, processors: int) -> list[int]:
    """Shortest requested time first among those that are filled in."""
    return Easy(jobs, processors, order=lambda job: jobs.requested_s[job]).run()
