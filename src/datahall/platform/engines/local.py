"""The engine of one machine: each worker a process under a shim of its own, which outlives this one."""

import collections
import contextlib
import logging
import os
import select
import signal
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from datahall.foundation.clock import Clock
from datahall.foundation.errors import DatahallError
from datahall.platform.engines.limits import Enforcement
from datahall.platform.engines.run import Run, ending_of
from datahall.platform.events import AttemptEnded, AttemptRunning, Event, StoredOutput, Usage, Woken
from datahall.platform.lifecycle import Ending
from datahall.platform.metering import JobMeter
from datahall.platform.ports import Launch, Stage

log = logging.getLogger(__name__)

PREPARERS = 4
EVENTS_A_TURN = 1000
GOING_DOWN = "the platform is shutting down"


class LocalEngine:
    """Starts, watches and stops workers. `post` puts events of others (submissions, cancellings) into the same stream."""

    def __init__(
        self, jobs: Path, *, cores: Sequence[int], clock: Clock, stage: Stage, enforcement: Enforcement, meter: JobMeter
    ) -> None:
        self.jobs, self.cores, self.clock = jobs, list(cores), clock
        self.stage, self.enforcement, self.meter = stage, enforcement, meter
        self.suspending = False
        self._inbox: collections.deque[tuple[Event, ...]] = collections.deque()
        self._runs: dict[tuple[int, int], Run] = {}
        self._loads = dict.fromkeys(self.cores, 0.0)
        self._cores_of: dict[tuple[int, int], tuple[list[int], float]] = {}
        self._watched: dict[int, tuple[Run, int, int]] = {}
        self._poll = select.epoll()
        self._wake_end, self._wake_start = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll.register(self._wake_end, select.EPOLLIN)
        self._pool = ThreadPoolExecutor(PREPARERS, thread_name_prefix="stage")
        self._wake_at_s: float | None = None
        self._closed = False
        self._lock = threading.Lock()

    # --- the stream of events -----------------------------------------------------------------------------

    def post(self, *events: Event) -> None:
        """Put events into the stream, from any thread. Those of one call are taken in, and so written down, together."""
        if events:
            self._inbox.append(events)
            self._nudge()

    def next_events(self) -> Sequence[Event]:
        while not self._inbox:
            if self._closed:
                return ()
            due = self._wake_at_s is not None and self.clock.now_s() >= self._wake_at_s
            if due:
                self._wake_at_s = None
                return (Woken(at_s=self.clock.now_s()),)
            self._wait()
        events: list[Event] = []
        with contextlib.suppress(IndexError):
            while len(events) < EVENTS_A_TURN:
                events += self._inbox.popleft()
        return events

    def wake(self, at_s: float) -> None:
        self._wake_at_s = at_s if self._wake_at_s is None else min(at_s, self._wake_at_s)

    def close(self) -> None:
        """Fall silent once the inbox is empty. Workers run on; `suspend_all` ends them first where that is wanted."""
        self._closed = True
        self._nudge()

    def dismantle(self) -> None:
        """Once the loop has ended: wait for launches that are under way, so that the next control plane finds them."""
        self._pool.shutdown(wait=True)
        with self._lock:
            watched = list(self._watched)
            self._watched.clear()
        for descriptor in watched:
            os.close(descriptor)

    def _nudge(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_start, b"!")

    def _wait(self) -> None:
        timeout_s = -1.0 if self._wake_at_s is None else max(0.0, self._wake_at_s - self.clock.now_s()) + 0.001
        for descriptor, _ in self._poll.poll(timeout_s):
            if descriptor == self._wake_end:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_end, 65536)
            else:
                self._shim_ended(descriptor)

    # --- starting and stopping ----------------------------------------------------------------------------

    def start(self, launch: Launch) -> None:
        run = Run(launch, self.jobs / str(launch.job_id))
        self._runs[launch.job_id, launch.attempt] = run
        if self.suspending:  # planned in the turn in which the platform began to go down
            run.stop(GOING_DOWN)
        self._pool.submit(self._start, run)

    def _start(self, run: Run) -> None:
        launch = run.launch
        try:
            run.lay_out(self.stage)
            names = [f"job-{launch.job_id}-{launch.attempt}-{rank}" for rank in run.ranks()]
            groups = [self.enforcement.group(name, launch.spec.per_worker()) for name in names]
            self.meter.begin(launch)
            described = run.descriptions(self.stage, cores=self._take_cores(launch), groups=groups)
            with run.lock:
                for rank, description in enumerate(described):
                    if not run.stop_reason:
                        pid = run.rank_folder(rank).launch(description)
                        run.launched = True
                        self._watch(run, rank, pid)
        except (DatahallError, OSError, ValueError) as error:
            self._refused(run, _words(error), Ending.REFUSED)
        except Exception as error:  # a fault of ours or a store that was away: the job must not hang for it
            log.exception("job %s could not be started", launch.job_id)
            self._refused(run, _words(error), Ending.LOST)
        else:
            # Not `run.pids`: a short worker may be over already, and then its end is being reported.
            if run.launched:
                self.post(AttemptRunning(at_s=self.clock.now_s(), job_id=launch.job_id, attempt=launch.attempt))
            else:
                self._refused(run, run.stop_reason, Ending.SUSPENDED if self.suspending else Ending.STOPPED)

    def _refused(self, run: Run, detail: str, ending: Ending) -> None:
        run.stop(f"could not be started: {detail}")
        if run.launched:
            return  # some workers are or were up: their end reports for all
        launch = run.launch
        self._let_go(launch)
        self.post(
            AttemptEnded(at_s=self.clock.now_s(), job_id=launch.job_id, attempt=launch.attempt, ending=ending, detail=detail)
        )
        self._runs.pop((launch.job_id, launch.attempt), None)

    def _let_go(self, launch: Launch) -> None:
        """Give back what the attempt held on this machine."""
        self._release_cores(launch)
        self.meter.forget(launch)
        for rank in range(launch.spec.workers):
            self.enforcement.release(f"job-{launch.job_id}-{launch.attempt}-{rank}")

    def stop(self, launch: Launch, reason: str) -> None:
        run = self._runs.get((launch.job_id, launch.attempt))
        if run is not None:
            run.stop(reason)

    def kill(self, job_id: int) -> None:
        """End a job's workers at once, without asking them."""
        for (number, _), run in list(self._runs.items()):
            if number == job_id:
                run.kill()

    def suspend_all(self) -> None:
        """Ask every worker to stop because the platform is going down; they are started again at its return."""
        self.suspending = True
        for run in list(self._runs.values()):
            run.stop(GOING_DOWN)

    @property
    def is_idle(self) -> bool:
        return not self._runs and not self._inbox

    # --- adoption -----------------------------------------------------------------------------------------

    def adopt(self, launches: Iterable[Launch]) -> None:
        """Take up attempts of an earlier control plane: watch what lives, report what has ended or was lost."""
        for launch in launches:
            run = Run(launch, self.jobs / str(launch.job_id), launched=True)
            self._runs[launch.job_id, launch.attempt] = run
            self._take_cores(launch)
            for rank, pid in run.find_survivors().items():
                self._watch(run, rank, pid)
            if not run.pids:
                self._finish(run)
                continue
            self.post(AttemptRunning(at_s=self.clock.now_s(), job_id=launch.job_id, attempt=launch.attempt))
            if len(run.pids) + sum(end is not None for end in run.ends()) < launch.spec.workers:
                run.stop("part of the gang was lost")

    def _watch(self, run: Run, rank: int, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        run.pids[rank] = pid
        with self._lock:
            self._watched[descriptor] = (run, rank, pid)
        self._poll.register(descriptor, select.EPOLLIN)

    def _shim_ended(self, descriptor: int) -> None:
        with self._lock:
            run, rank, pid = self._watched.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        with run.lock:  # not before every worker of the gang has been launched
            run.pids.pop(rank, None)
            end = run.rank_folder(rank).end()
            if run.pids and (end is None or end.code != 0 or end.reason != "exited"):
                run.signal_all(signal.SIGTERM)
            done = not run.pids
        if done:
            self._finish(run)

    # --- the end ------------------------------------------------------------------------------------------

    def _finish(self, run: Run) -> None:
        self._pool.submit(self._report, run)

    def _report(self, run: Run) -> None:
        launch = run.launch
        ending, code, detail = ending_of(run.ends())
        if self.suspending and ending is Ending.STOPPED:
            ending = Ending.SUSPENDED
        if ending is Ending.LOST and run.was_never_launched():  # nothing that the job did: it may repeat without limit
            ending, detail = Ending.SUSPENDED, "the platform ended before it was started"
        usage = Usage()
        outputs: tuple[StoredOutput, ...] = ()
        try:
            usage = self._usage(run)
            if ending is Ending.EXITED and code == 0 and launch.spec.output_key is not None:
                outputs = self.stage.collect(launch.spec, run.work)
        except (DatahallError, OSError) as error:
            ending, code, detail = Ending.REFUSED, None, f"its output could not be kept: {_words(error)}"
        except Exception as error:  # as above
            log.exception("the end of job %s could not be taken in", launch.job_id)
            ending, code, detail = Ending.LOST, None, f"its output could not be kept: {_words(error)}"
        self._let_go(launch)
        event = AttemptEnded(
            at_s=self.clock.now_s(),
            job_id=launch.job_id,
            attempt=launch.attempt,
            ending=ending,
            code=code,
            detail=detail or (run.stop_reason if ending is Ending.STOPPED else ""),
            usage=usage,
            outputs=outputs,
        )
        self.post(event)
        self._runs.pop((launch.job_id, launch.attempt), None)  # not before: until then the engine is not idle

    def _usage(self, run: Run) -> Usage:
        known = [end for end in run.ends() if end is not None]
        if not known:
            return Usage()
        wall_s, cpu_s = max(end.wall_s for end in known), sum(end.cpu_s for end in known)
        energy = self.meter.end(run.launch, cpu_s=cpu_s, wall_s=wall_s)
        peak = sum(end.peak_memory_bytes for end in known)
        return Usage(wall_s, cpu_s, peak, energy.joules, energy.measured, energy.source)

    # --- cores --------------------------------------------------------------------------------------------

    def _take_cores(self, launch: Launch) -> list[int]:
        """The least loaded cores for the gang; the scheduler has already counted that there are enough."""
        share = launch.spec.cpus * launch.spec.workers
        count = min(len(self.cores), max(1, -(-round(share * 1000) // 1000)))
        with self._lock:
            chosen = sorted(self.cores, key=lambda core: (self._loads[core], core))[:count]
            for core in chosen:
                self._loads[core] += share / count
            self._cores_of[launch.job_id, launch.attempt] = (chosen, share / count)
        return chosen

    def _release_cores(self, launch: Launch) -> None:
        with self._lock:
            chosen, share = self._cores_of.pop((launch.job_id, launch.attempt), ([], 0.0))
            for core in chosen:
                self._loads[core] = max(0.0, self._loads[core] - share)


def _words(error: Exception) -> str:
    """What went wrong, for the job's reason."""
    if isinstance(error, DatahallError):
        return f"{error.problems[0].where}: {error.problems[0].what}"
    return str(error) if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: {error}"
