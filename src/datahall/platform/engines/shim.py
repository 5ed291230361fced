"""The process that stands over one worker: starts it, keeps its output and its limits, writes down how it ended.

It outlives the control plane, so that a control plane killed at any moment finds on its return either a live worker or a
written end. It uses the standard library only and is started as `python -I -S shim.py FOLDER LOCK_FD`, which takes about
10 ms. The lock on FD is held as long as this process lives: who can take it knows that the worker is over.

    FOLDER/launch.json   what to run (written by the engine, deleted once read)
    FOLDER/started.json  pids, once the worker runs
    FOLDER/output.log    the worker's output; rotated to output.log.1 …
    FOLDER/gone.json     bytes of output that rotation has dropped, so that readers keep their place
    FOLDER/end.json      how it ended and what it used; the last thing written
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOOK_INTERVAL_S = 0.25
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def write_whole(path: str, data: dict[str, Any]) -> None:
    """JSON written beside its name, fsynced, renamed."""
    temporary = f"{path}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


class Output:
    """A log that never grows past `max_bytes`, with `keep` older ones beside it."""

    def __init__(self, path: str, max_bytes: int, keep: int) -> None:
        self.path, self.max_bytes, self.keep = path, max_bytes, keep
        self.dropped = self.gone = 0
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = os.fstat(self.file).st_size

    def write(self, data: bytes) -> None:
        try:
            if self.size + len(data) > self.max_bytes and self.size:
                self.rotate()
            written = os.write(self.file, data)
        except OSError:
            written = 0  # a full disk must not end the worker
        self.size += written
        self.dropped += len(data) - written

    def rotate(self) -> None:
        os.close(self.file)
        with contextlib.suppress(OSError):
            self.gone += os.stat(f"{self.path}.{self.keep}").st_size
            following = self.path if self.keep == 1 else f"{self.path}.{self.keep - 1}"
            gone = {"bytes": self.gone, "oldest_inode": os.stat(following).st_ino}
            write_whole(os.path.join(os.path.dirname(self.path), "gone.json"), gone)
        for n in range(self.keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}.{n}", f"{self.path}.{n + 1}")
        os.replace(self.path, f"{self.path}.1")
        self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = 0


def children_of() -> dict[int, list[tuple[int, list[bytes]]]]:
    """Parent pid -> pids, for every process that can be seen."""
    tree: dict[int, list[tuple[int, list[bytes]]]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                tree.setdefault(int(fields[1]), []).append((int(name), fields))
    return tree


def descendants(pid: int) -> list[tuple[int, list[bytes]]]:
    """(pid, fields of /proc/PID/stat after the name) of everything below `pid`."""
    tree, todo = children_of(), [pid]
    found: list[tuple[int, list[bytes]]] = []
    while todo:
        for child, fields in tree.get(todo.pop(), ()):
            found.append((child, fields))
            todo.append(child)
    return found


def proportional_bytes(pid: int) -> int:
    """Memory of everything below `pid`, shared pages counted once: slower than the resident size, and right."""
    total = 0
    for child, fields in descendants(pid):
        try:
            with open(f"/proc/{child}/smaps_rollup", "rb") as file:
                total += next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:"))
        except (OSError, StopIteration):
            total += int(fields[21]) * PAGE_BYTES
    return total


class Worker:
    """One worker, from its start to its end."""

    def __init__(self, folder: str, launch: dict[str, Any]) -> None:
        self.folder, self.launch = folder, launch
        self.output = Output(os.path.join(folder, "output.log"), launch["log_bytes"], launch["log_keep"])
        self.reason, self.detail = "exited", ""
        self.stop_at: float | None = None
        self.kill_at: float | None = None
        self.peak_bytes = 0
        self.seen_cpu: dict[int, float] = {}
        self.began = time.monotonic()
        self.pid = 0

    def start(self) -> tuple[str, int]:
        """Fork the worker. Returns what kept it from running (or ""), and the read end of its output."""
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        error_read, error_write = os.pipe2(os.O_CLOEXEC)
        self.pid = os.fork()
        if self.pid == 0:
            self.become(write_end, error_write)
        os.close(write_end)
        os.close(error_write)
        with os.fdopen(error_read, "rb") as file:
            trouble = file.read().decode()
        if trouble:
            os.waitpid(self.pid, 0)
            return trouble, -1
        os.set_blocking(read_end, False)
        return "", read_end

    def become(self, write_end: int, error_write: int) -> NoReturn:
        """The child's half of the fork: its session, its limits, its program."""
        try:
            os.setsid()
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(write_end, 1)
            os.dup2(write_end, 2)
            os.chdir(self.launch["cwd"])
            self.limit()
            os.execvpe(self.launch["argv"][0], self.launch["argv"], self.launch["env"])
        except OSError as error:
            os.write(error_write, f"{self.launch['argv'][0]}: {os.strerror(error.errno or 0)}".encode())
        except BaseException as error:  # the child must never return into the parent's code
            os.write(error_write, repr(error).encode())
        finally:
            os._exit(127)

    def limit(self) -> None:
        os.umask(0o077)
        if self.launch["cpus"]:
            os.sched_setaffinity(0, self.launch["cpus"])
        for name, wanted in self.launch["rlimits"].items():
            which = getattr(resource, name)
            hard = resource.getrlimit(which)[1]
            value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(which, (value, value))
        group = self.launch.get("cgroup")
        if group:
            with open(os.path.join(group, "cgroup.procs"), "w") as file:
                file.write("0")
        os.nice(self.launch.get("nice", 0))

    def look(self) -> None:
        """Count memory and CPU of the worker's whole family; end it past its limits."""
        total = 0
        for pid, fields in descendants(os.getpid()):
            total += int(fields[21]) * PAGE_BYTES
            self.seen_cpu[pid] = (int(fields[11]) + int(fields[12])) / TICKS
        limit = self.launch["memory_bytes"]
        if limit and total > limit:
            total = proportional_bytes(os.getpid())
        self.peak_bytes = max(self.peak_bytes, total)
        if limit and total > limit and self.stop_at is None:
            self.detail = f"{total} bytes in use, {limit} allowed"
            self.stop("memory_limit", grace_s=0)
        lasted = time.monotonic() - self.began
        allowed = self.launch["time_limit_s"]
        if allowed is not None and lasted > allowed and self.stop_at is None:
            self.detail = f"{allowed:g} s allowed"
            self.stop("time_limit", grace_s=self.launch["grace_s"])
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self.end_family(signal.SIGKILL)

    def stop(self, reason: str, grace_s: float) -> None:
        if self.stop_at is None:
            self.reason, self.stop_at = reason, time.monotonic()
            self.kill_at = self.stop_at + grace_s
            self.end_family(signal.SIGTERM if grace_s else signal.SIGKILL)

    def end_family(self, number: int) -> None:
        for pid, _ in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def run(self, read_end: int, wake_end: int) -> tuple[int, resource.struct_rusage]:
        """Until the worker has ended. Returns its wait status and its resource usage."""
        next_look = 0.0
        watched = [wake_end, read_end]
        while True:
            with contextlib.suppress(InterruptedError):
                ready = select.select(watched, (), (), LOOK_INTERVAL_S)[0]
                if wake_end in ready:
                    for number in os.read(wake_end, 512):
                        if number in STOP_SIGNALS:
                            self.stop("stopped", self.launch["grace_s"])
                if read_end in ready and not self.drain(read_end):
                    watched.remove(read_end)
            if time.monotonic() >= next_look:
                self.look()
                next_look = time.monotonic() + LOOK_INTERVAL_S
            ended = self.reap()
            if ended is not None:
                self.drain(read_end)
                return ended

    def reap(self) -> tuple[int, resource.struct_rusage] | None:
        """Reap whatever has ended; the worker's own end is returned."""
        ended = None
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            if pid == self.pid:
                ended = (status, usage)

    def drain(self, read_end: int) -> bool:
        """Move what the worker wrote into its log; False at the end of the pipe."""
        while True:
            try:
                data = os.read(read_end, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.output.write(data)

    def sweep(self) -> None:
        """End what the worker left behind, such as a daemon of its own."""
        deadline = time.monotonic() + 5
        while descendants(os.getpid()) and time.monotonic() < deadline:
            self.end_family(signal.SIGKILL)
            self.reap()
            time.sleep(0.01)


def supervise(folder: str) -> None:
    """Run the worker that `folder/launch.json` describes, to its end."""
    with open(os.path.join(folder, "launch.json")) as file:
        launch = json.load(file)
    os.unlink(os.path.join(folder, "launch.json"))  # it holds the values of secrets
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    read_wake, write_wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(write_wake, warn_on_full_buffer=False)
    for number in (*STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    worker = Worker(folder, launch)
    end: dict[str, Any] = {"reason": "refused", "code": None, "signal": None, "cpu_s": 0.0, "peak_memory_bytes": 0}
    trouble, read_end = worker.start()
    if not trouble:
        write_whole(os.path.join(folder, "started.json"), {"shim": os.getpid(), "worker": worker.pid, "at_s": time.time()})
        status, usage = worker.run(read_end, read_wake)
        worker.sweep()
        family = resource.getrusage(resource.RUSAGE_CHILDREN)
        counted = max(usage.ru_utime + usage.ru_stime, family.ru_utime + family.ru_stime)
        end.update(
            reason=worker.reason,
            code=os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None,
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            cpu_s=max(counted, sum(worker.seen_cpu.values())),
            peak_memory_bytes=max(worker.peak_bytes, usage.ru_maxrss * 1024),
        )
    end.update(
        detail=trouble or worker.detail,
        wall_s=time.monotonic() - worker.began,
        at_s=time.time(),
        dropped_log_bytes=worker.output.dropped,
    )
    write_end(folder, end)


def write_end(folder: str, end: dict[str, Any]) -> None:
    """The end must be written even when the disk is full for a while."""
    for attempt in range(600):
        try:
            write_whole(os.path.join(folder, "end.json"), end)
            return
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or attempt == 599:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    fcntl.fcntl(int(sys.argv[2]), fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    supervise(sys.argv[1])
