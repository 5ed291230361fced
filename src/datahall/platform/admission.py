"""May this job enter the queue? Every problem at once, before anything is written."""

from collections.abc import Callable, Iterable, Iterator

from datahall.foundation.errors import Problem
from datahall.foundation.units import bytes_text
from datahall.platform.placement import most_workers
from datahall.platform.resources import Resources
from datahall.platform.spec import JobSpec
from datahall.platform.state import Node

MAX_WAITING = 100_000
MAX_WAITING_OF_TENANT = 50_000
RESERVED_ANNOTATIONS = frozenset({"replica", "replica-plan", "workflow-key", "recipe", "step", "alias"})
"""Words by which the platform knows its own jobs; from outside they would be forgeries."""
MEMBER_PRIORITY = 900
"""Above it stand replicas and what an operator raises."""


def problems_of(
    spec: JobSpec, *, nodes: Iterable[Node], known_job: Callable[[int], bool], known_secret: Callable[[str], bool]
) -> Iterator[Problem]:
    """What is wrong with a job for this hall."""
    nodes = list(nodes)
    yield from _fit(spec, [node.capacity for node in nodes])
    for needed in spec.needs:
        if not known_job(needed):
            yield Problem("JOB-011", "needs", f"there is no job {needed} that you may see", "name jobs that were submitted")
    for variable, secret in spec.secrets.items():
        if not known_secret(secret):
            fix = f"set it with `datahall secret set {secret}`"
            yield Problem("JOB-012", f"secrets.{variable}", f"tenant `{spec.tenant}` has no secret `{secret}`", fix)


def forged(spec: JobSpec) -> Iterator[Problem]:
    """Annotations of a job from outside that are the platform's own."""
    for name in sorted(RESERVED_ANNOTATIONS & set(spec.annotations)):
        yield Problem("JOB-017", f"annotations.{name}", "is a word of the platform's own", "choose another name")


def _fit(spec: JobSpec, capacities: list[Resources]) -> Iterator[Problem]:
    need = spec.per_worker()
    fitting = most_workers(capacities, need)
    if fitting >= spec.workers:
        return
    largest = max(capacities, key=lambda c: (c.accelerators >= need.accelerators, c.cpu_milli), default=Resources())
    if fitting:
        fix = f"ask for at most {fitting} workers of this size"
        yield Problem("JOB-010", "workers", f"{spec.workers} × {need} do not fit into the hall at once", fix)
        return
    fits = {
        "cpus": (need.cpu_milli / 1000, largest.cpu_milli / 1000),
        "memory": (need.memory_bytes, largest.memory_bytes),
        "accelerators": (need.accelerators, largest.accelerators),
    }
    for name, (asked, most) in fits.items():
        if asked > most:
            words = bytes_text if name == "memory" else "{:g}".format
            what = f"{words(asked)} asked for, but the largest node has {words(most)}"
            fix = f"ask for at most {words(most)}" if most else "ask for none: no node has any"
            yield Problem("JOB-010", name, what, fix)
    if all(asked <= most for asked, most in fits.values()):
        yield Problem("JOB-010", "cpus", f"no single node has {need}", f"the largest has {largest}")
