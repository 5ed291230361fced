"""Rules that several schedulers share."""

import json
from collections.abc import Iterator
from pathlib import Path

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.files import confined
from datahall.platform.exporters.spec import Export, Note, Rule, Told, field_refused, option_refused


def work(export: Export) -> Iterator[Told]:
    """What it trains is for predictions: a comment."""
    if done := export.spec.work:
        yield Note(f"work, for predictions only: {json.dumps(done.model_dump(mode='json', exclude_defaults=True))}")


def annotations(export: Export) -> Iterator[Told]:
    """Words of the caller, as comments."""
    yield from (Note(f"{name}: {json.dumps(text)}") for name, text in export.spec.annotations.items())


def program(target: str, export: Export) -> Iterator[Told]:
    """Nothing, or why this program cannot be started after variables."""
    word = export.spec.command[0]
    if "=" in word:
        why = "starts programs through env, which takes that for a variable"
        yield field_refused(target, "command", ascii(word[:40]), why, "start it through a script of another name")


def files_inside(export: Export) -> Iterator[Told]:
    """Nothing, or every file that would not lie in the working folder."""
    yield from (problem for name in export.spec.files for problem in _inside(name))


def unused(target: str, option: str) -> Rule:
    """The rule of an option that means nothing there."""

    def rule(export: Export) -> Iterator[Told]:
        if getattr(export.options, option):
            yield option_refused(target, option, "has no use for it", "leave it away")

    return rule


def idle_kind(target: str) -> Rule:
    """The rule of a kind of accelerator: it means nothing to a job without any."""
    without = unused(f"{target}, for a job without accelerators,", "accelerator")

    def rule(export: Export) -> Iterator[Told]:
        if not export.spec.accelerators:
            yield from without(export)

    return rule


def even_nodes(target: str, export: Export) -> Iterator[Told]:
    """Nothing, or why the workers do not spread evenly over the nodes asked for."""
    nodes, workers = export.options.nodes, export.spec.workers
    if nodes is not None and workers % nodes:
        even = [count for count in range(1, min(workers, nodes * 2) + 1) if workers % count == 0]
        fix = f"ask for {min(even, key=lambda count: abs(count - nodes))} nodes"
        yield option_refused(target, "nodes", f"cannot spread {workers} workers evenly over {nodes} nodes", fix)


def some_memory(target: str, export: Export) -> Iterator[Told]:
    """Nothing, or the refusal of a memory of 0, which others read as all that there is."""
    if export.spec.memory == 0:
        yield field_refused(target, "memory", 0, "reads 0 as without a limit", "set memory, such as 1 GiB")


def _inside(name: str) -> Iterator[Problem]:
    """EXPORT-013: a file of the job that would not lie in its working folder."""
    try:
        lies = confined(Path("/work"), name) != Path("/work")
    except Refused:
        lies = False
    if not lies:
        fix = "use a path inside the working folder"
        yield Problem("EXPORT-013", f"job.files.{name[:80]!a}", "the path leads out of the working folder", fix)
