"""What each option of sbatch becomes in a job: a field, a word to the script's owner, or a problem.

Source: see sbatch.py.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from datahall.foundation.errors import Problem
from datahall.infrastructure.catalog.catalogue import near

Given = Mapping[str, tuple[str, str]]
"""Long name -> value and where it stands."""
Told = str | Problem
SIZES = {"": 2**20, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
SIZE = re.compile(r"^(\d{1,15})([KMGT]?)B?$", re.IGNORECASE)
TIME = re.compile(r"^(?:(?P<days>\d{1,5})-)?(?P<first>\d{1,9})(?::(?P<second>\d{1,9}))?(?::(?P<third>\d{1,9}))?$")
COUNTED = re.compile(r"^(?:[\w.-]+:)*?(\d{1,6})$")
SHORT: Mapping[str, str] = MappingProxyType(
    {
        "J": "job-name", "n": "ntasks", "N": "nodes", "c": "cpus-per-task", "t": "time", "A": "account", "p": "partition",
        "q": "qos", "a": "array", "d": "dependency", "o": "output", "e": "error", "i": "input", "D": "chdir", "G": "gpus",
        "C": "constraint", "w": "nodelist", "x": "exclude", "M": "clusters", "L": "licenses", "H": "hold", "s": "oversubscribe",
        "W": "wait", "v": "verbose", "Q": "quiet", "k": "no-kill", "b": "begin", "m": "distribution",
    }
)  # fmt: skip
AMOUNTS = frozenset({"job-name", "ntasks", "nodes", "ntasks-per-node", "cpus-per-task", "mem", "mem-per-cpu", "mem-per-gpu",
                     "gpus", "gpus-per-task", "gpus-per-node", "gres", "time", "account", "nice"})  # fmt: skip
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "array": "submit one job for each index, with the index as an argument",
        "hetjob": "submit one job for each kind of worker",
    }
)
LEFT: Mapping[str, str] = MappingProxyType(
    {
        "dependency": "name our own numbers of those jobs under `needs`",
        "partition": "a hall has one queue; `tenant` and `priority` order it",
        "qos": "`tenant` and `priority` order the queue",
        "reservation": "there are no reservations",
        "constraint": "a job does not choose kinds of machines",
        "nodelist": "a job does not choose machines",
        "exclude": "a job does not choose machines",
        "exclusive": "ask for a machine's whole CPUs instead",
        "output": "see `datahall logs`",
        "error": "see `datahall logs`",
        "open-mode": "see `datahall logs`",
        "input": "a job reads nothing from its standard input",
        "chdir": "a job has a working folder of its own",
        "mail-type": "see `datahall jobs`",
        "mail-user": "see `datahall jobs`",
        "export": "a job sees its own variables only: name them under `environment`",
        "signal": "a stop is SIGTERM, and SIGKILL ten seconds later",
        "requeue": "an attempt lost with its machine starts again in any case; `retries` is for failures of its own",
        "no-requeue": "an attempt lost with its machine starts again in any case",
        "begin": "a job waits for resources only",
        "hold": "a job waits for resources only",
        "priority": "set `priority`",
        "comment": "put it under `annotations`",
        "kill-on-invalid-dep": "a job whose `needs` failed fails as well",
        "distribution": "workers are placed by the policy",
        "gpu-bind": "each worker sees its own accelerators",
        "cpu-bind": "each worker has its own CPUs",
        "threads-per-core": "CPUs are hardware threads",
        "hint": "CPUs are hardware threads",
        "oversubscribe": "resources are never shared",
        "wait": "see `datahall submit --wait`",
        "clusters": "a job runs in this hall",
        "licenses": "there are no licences",
        "no-kill": "a gang that loses a worker ends",
        "parsable": "see `datahall submit --json`",
        "verbose": "it says nothing of this kind",
        "quiet": "it says nothing of this kind",
    }
)
"""Known, and left to the owner: why it is not needed, or what to do instead."""
LONG = AMOUNTS | frozenset(REFUSED) | frozenset(LEFT)
WITHOUT_VALUE = frozenset({"--exclusive", "--nice", "--requeue", "--no-requeue", "--hold", "--oversubscribe", "--wait",
                           "--parsable", "--verbose", "--quiet", "--no-kill", "-v", "-Q", "-H", "-k", "-l", "-u", "-K",
                           "--label", "--unbuffered", "--overlap", "--exact", "--kill-on-bad-exit", "--pty"})  # fmt: skip
"""Of sbatch and srun: a following word is not theirs."""


def amounts(given: Given) -> tuple[dict[str, Any], list[Told]]:
    """Fields of a job, and what is told. Nothing that was asked for is dropped in silence."""
    told: list[Told] = [one for name in given for one in _left(name, given[name])]
    words: dict[str, Any] = {}
    for rule in (_name, _workers, _cpus, _memory, _accelerators, _time, _account, _nice):
        for one in rule(given, words):
            if isinstance(one, tuple):
                words[one[0]] = one[1]
            else:
                told.append(one)
    return words, told


def _left(name: str, value: tuple[str, str]) -> Iterator[Told]:
    shown = f"--{name}={value[0]}" if value[0] else f"--{name}"
    if name in REFUSED:
        yield Problem("IMPORT-002", value[1], f"{shown[:120]}: a job cannot be told this", REFUSED[name])
    elif name in LEFT:
        yield f"{shown[:120]} is left out: {LEFT[name]}"
    elif name not in AMOUNTS:
        yield f"{shown[:120]} is not known: {near(name, LONG, otherwise='leave it out')}"


Found = Iterator[Told | tuple[str, Any]]
Rule = Callable[[Given, Mapping[str, Any]], Found]


def _name(given: Given, _: Mapping[str, Any]) -> Found:
    if "job-name" in given:
        clean = re.sub(r"[^A-Za-z0-9._-]", "-", given["job-name"][0])[:63].strip("._-")
        yield "name", clean or "job"
        if clean != given["job-name"][0]:
            yield f"the job is called {clean or 'job'}: names have letters, digits, `.`, `_` and `-`"


def _workers(given: Given, _: Mapping[str, Any]) -> Found:
    """Tasks, or as many for each node."""
    nodes, each, tasks = (_count(given, name) for name in ("nodes", "ntasks-per-node", "ntasks"))
    yield from (one for one in (nodes, each, tasks) if isinstance(one, Problem))
    if isinstance(tasks, int):
        yield "workers", tasks
    elif isinstance(nodes, int) or isinstance(each, int):
        yield "workers", (nodes if isinstance(nodes, int) else 1) * (each if isinstance(each, int) else 1)
    if isinstance(nodes, int) and nodes > 1:
        yield f"--nodes={given['nodes'][0]}: the policy decides on how many machines the workers are"


def _count(given: Given, name: str) -> int | Problem | None:
    """A whole number of at least 1; of a range such as 2-4 the smaller one."""
    if name not in given:
        return None
    text, where = given[name]
    match = re.match(r"^(\d{1,6})(?:-\d{1,6})?$", text)
    if match is None or int(match[1]) < 1:
        return Problem("IMPORT-003", where, f"--{name}={text[:40]!a} is no number of at least 1", f"write --{name}=4")
    return int(match[1])


def _cpus(given: Given, _: Mapping[str, Any]) -> Found:
    count = _count(given, "cpus-per-task")
    if count is not None:
        yield count if isinstance(count, Problem) else ("cpus", count)


def _per_node(given: Given, words: Mapping[str, Any]) -> int:
    """Workers on one node, as far as the script says; all of them where it does not."""
    each, nodes = _count(given, "ntasks-per-node"), _count(given, "nodes")
    if isinstance(each, int):
        return each
    workers: int = words.get("workers", 1)
    return math.ceil(workers / (nodes if isinstance(nodes, int) else 1))


def _memory(given: Given, words: Mapping[str, Any]) -> Found:
    """Of a worker, from that of a node, a CPU or an accelerator."""
    shares = {"mem": 1 / _per_node(given, words), "mem-per-cpu": words.get("cpus", 1), "mem-per-gpu": None}
    for name, share in shares.items():
        if name not in given:
            continue
        size = _size(given, name)
        if isinstance(size, Problem):
            yield size
        elif size == 0:
            yield f"--{name}=0 is a node's whole memory, which a job cannot ask for: set `memory`"
        elif share is None:
            yield f"--{name}={given[name][0]} is left out: set `memory`, that of a worker"
        else:
            yield "memory", math.ceil(size * share)


def _size(given: Given, name: str) -> int | Problem:
    text, where = given[name]
    match = SIZE.match(text)
    if match is None:
        return Problem("IMPORT-003", where, f"--{name}={text[:40]!a} is no size", f"write --{name}=16G")
    return int(match[1]) * SIZES[match[2].upper()]


def _accelerators(given: Given, words: Mapping[str, Any]) -> Found:
    """Of a worker, from those of a task, a node or the whole job."""
    workers, each = words.get("workers", 1), _per_node(given, words)
    for name, share in (("gpus-per-task", 1), ("gpus-per-node", each), ("gres", each), ("gpus", workers)):
        if name not in given:
            continue
        text, where = given[name]
        parts = [part.removeprefix("gres/") for part in text.split(",")]
        if name == "gres":
            parts = [part for part in parts if part.partition(":")[0] == "gpu"]
        if not parts:
            yield f"--{name}={text[:80]} is left out: a job asks for accelerators only"
            continue
        count = _counted(parts[0])
        if count is None or len(parts) > 1:
            yield Problem("IMPORT-003", where, f"--{name}={text[:40]!a} is no number of one kind", f"write --{name}=4")
        elif count % share:
            fix = f"ask for a multiple of {share}, or for --gpus-per-task"
            yield Problem("IMPORT-004", where, f"{count} accelerators are not the same number for each of {share} workers", fix)
        else:
            yield "accelerators", count // share


def _counted(part: str) -> int | None:
    """`gpu:h100:4` -> 4; a kind alone is one of it."""
    match = COUNTED.match(part)
    return int(match[1]) if match else 1 if re.match(r"^[A-Za-z][\w.:-]*$", part) else None


def _time(given: Given, _: Mapping[str, Any]) -> Found:
    """`m`, `m:s`, `h:m:s`, `d-h`, `d-h:m`, `d-h:m:s`."""
    if "time" not in given or given["time"][0].upper() in ("INFINITE", "UNLIMITED", "0"):
        return
    text, where = given["time"]
    match = TIME.match(text)
    if match is None:
        yield Problem("IMPORT-003", where, f"--time={text[:40]!a} is no duration", "write --time=2-12:00:00")
        return
    parts = [int(match[group] or 0) for group in ("first", "second", "third")]
    if match["days"] is not None:
        yield "time_limit", int(match["days"]) * 86_400 + parts[0] * 3600 + parts[1] * 60 + parts[2]
    elif match["third"] is not None:
        yield "time_limit", parts[0] * 3600 + parts[1] * 60 + parts[2]
    else:
        yield "time_limit", parts[0] * 60 + parts[1]


def _account(given: Given, _: Mapping[str, Any]) -> Found:
    if "account" in given:
        yield "tenant", given["account"][0]


def _nice(given: Given, _: Mapping[str, Any]) -> Found:
    """A higher nice value is a lower priority."""
    if "nice" in given:
        text, where = given["nice"]
        if re.match(r"^-?\d{1,10}$", text or "100"):
            yield "priority", max(-1000, min(1000, -int(text or 100)))
        else:
            yield Problem("IMPORT-003", where, f"--nice={text[:40]!a} is no number", "write --nice=10")
