"""The same question on other clusters: what another accelerator, count, fabric or power limit would change."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.device import device_of
from datahall.network.collectives import scale_up_of
from datahall.planner.search.found import Found
from datahall.planner.search.question import Question
from datahall.planner.search.search import search


@dataclass(frozen=True, slots=True)
class Change:
    """One other cluster; what is None stays as it is."""

    name: str
    """What a reader calls it."""
    accelerator: str | None = None
    """Another kind, by its name in the catalogue, its links with it."""
    accelerators: int | None = None
    oversubscription: float | None = None
    nic_bytes_per_s: float | None = None
    """Of one accelerator, one direction."""
    per_domain: int | None = None
    """Accelerators that one scale-up domain joins."""
    power_limit_w: float | None = None
    """Of one accelerator."""
    memory_bytes: float | None = None
    """Of one accelerator."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one change makes of the answer."""

    change: Change
    found: Found | None
    """None where the question cannot be asked: see `problems`."""
    step_s: float | None
    """None where nothing fits."""
    step_ratio: float | None
    """Over the unchanged step; below 1 is faster."""
    problems: tuple[Problem, ...] = ()


def what_if(question: Question, changes: Iterable[Change]) -> list[Row]:
    """A row for each change, the unchanged question first. What cannot be asked is a row with its problems."""
    first = search(question, top=1)
    base_s = first.best[0].seconds if first.best else None
    rows = [Row(Change("as it is"), first, base_s, 1.0 if base_s else None)]
    return rows + [_row(question, change, base_s) for change in changes]


def _row(question: Question, change: Change, base_s: float | None) -> Row:
    try:
        found = search(changed(question, change), top=1)
    except (Missing, Refused) as error:
        return Row(change, None, None, None, tuple(error.problems))
    step_s = found.best[0].seconds if found.best else None
    return Row(change, found, step_s, step_s / base_s if step_s and base_s else None)


def changed(question: Question, change: Change) -> Question:
    """The question on the changed cluster.

    Raises Missing where the accelerator or its links are unknown, Refused (SEARCH-003) where its power cannot be limited so.
    """
    cluster = question.cluster if change.accelerator is None else _with(question.cluster, change.accelerator)
    cluster = replace(
        cluster,
        oversubscription=cluster.oversubscription if change.oversubscription is None else change.oversubscription,
        # The tiers of the fabric as it is say nothing about another.
        tiers=cluster.tiers if change.oversubscription is None else (),
        nic_bytes_per_s=change.nic_bytes_per_s or cluster.nic_bytes_per_s,
        per_domain=change.per_domain or cluster.per_domain,
    )
    if change.power_limit_w is not None:
        cluster = _limited(cluster, change.power_limit_w)
    kept = None if change.accelerator else question.memory_bytes
    return replace(
        question, cluster=cluster, accelerators=change.accelerators or question.accelerators,
        memory_bytes=change.memory_bytes or kept,
    )  # fmt: skip


def _with(cluster: Cluster, accelerator: str) -> Cluster:
    """The same network around another accelerator, in domains of its usual size."""
    device, links = device_of(accelerator), scale_up_of(accelerator)
    if links is None:
        what = f"the links between several {device.name} are not known"
        raise Missing(Problem("STEP-002", "accelerator", what, "add a row to network/constants/links.yaml"))
    return replace(cluster, device=device, scale_up=links[0], per_domain=links[1])


def _limited(cluster: Cluster, limit_w: float) -> Cluster:
    """With each accelerator held to so many watts: its clock falls as models.parallel says (step_constants.sustained)."""
    device = cluster.device
    if device.power_w is None or not 0 < limit_w <= device.power_w:
        rated = "of unknown power" if device.power_w is None else f"rated at {device.power_w:g} W"
        what = f"power_limit_w={limit_w:g}, but {device.name} is {rated}"
        raise Refused(Problem("SEARCH-003", "power_limit_w", what, "give a limit above 0, up to the rated power"))
    return replace(cluster, device=replace(device, limit_w=limit_w))
