"""A control plane to be killed: the real wiring without HTTP, driven over its standard streams.

Each line in is one thing to do, as JSON: {"submit": a job}, {"cancel": its number}, {"run": a recipe's seed}. Each line out
is an acknowledgement: `up` once it is ready, `job <number> <name>`, `cancelled <number>`, `over <number>` for a job that had
ended before its cancel, `workflow <number>`, and `service <number> <pid>` for each service that runs at the end.
"""

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datahall.foundation.errors import Conflict
from datahall.interfaces.bootstrap import Platform, build
from datahall.models import workflow
from datahall.models.recipe import PlannedStep, Recipe
from datahall.platform.engines.attempt import AttemptFolder
from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.spec import JobSpec

MARK = 'echo "begun $DATAHALL_ATTEMPT $RANK" >> {mark}'
DONE = 'echo "done $DATAHALL_ATTEMPT $RANK" >> {mark}'
SETTLE_S = 60.0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def quick_steps(effects: Path) -> None:
    """A recipe's steps note that they ran and leave a file, instead of training."""
    real = workflow._job

    def quick(recipe: Recipe, step: PlannedStep, *words: Any, **more: Any) -> JobSpec:
        spec = real(recipe, step, *words, **more)
        mark = effects / spec.name
        script = "; ".join([MARK.format(mark=mark), f"echo {spec.name} > outputs/result", DONE.format(mark=mark)])
        return spec.model_copy(update={"command": ("sh", "-c", script), "cpus": 0.1})

    workflow._job = quick


def die_at(platform: Platform, moment: str, count: int) -> None:
    """Have this process kill itself at the `count`-th moment of a kind: those between which a kill at random seldom falls.

    `before` and `after` a write of the database; `told`: it is written and acknowledged, and nothing was done yet that
    follows from it; `launched`: a worker runs, and nobody but its folder knows.
    """
    left = itertools.count(count - 1, -1)

    def die_when_due() -> None:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def with_death(call: Callable[..., Any], *, first: bool = False) -> Callable[..., Any]:
        def wrapped(*words: Any, **more: Any) -> Any:
            if first:
                die_when_due()
            result = call(*words, **more)
            if not first:
                die_when_due()
            return result

        return wrapped

    journal: Any = platform.journal
    if moment == "told":
        journal.committed = with_death(journal.committed)
    elif moment == "launched":
        AttemptFolder.launch = with_death(AttemptFolder.launch)  # type: ignore[method-assign]
    else:
        journal._transact = with_death(journal._transact, first=moment == "before")


def carry_out(platform: Platform, wish: dict[str, Any]) -> str:
    """Do one thing; what to acknowledge."""
    match wish:
        case {"submit": job}:
            [number] = platform.scheduler.submit(LOCAL_ADMIN, JobSpec.model_validate_json(json.dumps(job)))
            return f"job {number} {job['name']}"
        case {"cancel": int(number)}:
            try:
                platform.scheduler.cancel(LOCAL_ADMIN, number)
            except Conflict:
                return f"over {number}"
            return f"cancelled {number}"
        case {"run": int(seed)}:
            return f"workflow {platform.workflows.start(LOCAL_ADMIN, recipe(seed), Path('/'))}"
    raise ValueError(f"{wish} is nothing to do")


def recipe(seed: int) -> Recipe:
    """A workflow of its own for each seed: no step is shared with another."""
    about = {"data": {"source": {"kind": "digits"}}, "model": {"family": "mlp"}}
    return Recipe.model_validate(about | {"name": f"w{seed}", "seed": seed, "deploy": {"endpoint": f"w{seed}"}})


def settle(platform: Platform) -> None:
    """Wait until nothing but services is left, tell which of them run, and end those."""
    deadline = time.monotonic() + SETTLE_S
    while any(not job.spec.service or job.state != "running" for job in list(platform.scheduler.state.jobs.values())):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    for job in list(platform.scheduler.state.jobs.values()):
        if job.spec.service:
            started = platform.home.jobs / str(job.id) / "attempts" / str(job.attempt) / "0" / "started.json"
            say(f"service {job.id} {json.loads(started.read_text())['worker']}")
            platform.scheduler.cancel(LOCAL_ADMIN, job.id)
    while platform.scheduler.state.jobs and time.monotonic() < deadline:
        time.sleep(0.02)


def main() -> None:
    quick_steps(Path(os.environ["DATAHALL_TEST_EFFECTS"]))
    platform = build(Home.from_environment())
    if moment := os.environ.get("DATAHALL_TEST_DIE"):
        die_at(platform, *_parted(moment))
    platform.start()
    say("up")
    for line in sys.stdin:
        say(carry_out(platform, json.loads(line)))
    settle(platform)
    platform.stop(suspend=False)


def _parted(text: str) -> tuple[str, int]:
    """`told:7` -> ("told", 7)."""
    moment, _, count = text.partition(":")
    return moment, int(count)


if __name__ == "__main__":
    main()
