"""Published training rows as what a prediction needs: an architecture, a plan, a machine and a software stack."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from datahall.foundation.errors import DatahallError
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.memory import Memory, memory_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.stacks import on_device
from datahall.planner.validation.architecture_rows import architecture_of
from datahall.planner.validation.cells import is_blank, placed, said
from datahall.planner.validation.columns import in_columns, out_of_range
from datahall.planner.validation.filling import filled
from datahall.planner.validation.hardware import GIB as GIB
from datahall.planner.validation.hardware import NO_NETWORK, Machine, machine_of, problem_of
from datahall.planner.validation.plan_rows import RECOMPUTE_OPEN as RECOMPUTE_OPEN
from datahall.planner.validation.plan_rows import Asked, asked_of
from datahall.planner.validation.software import Software, software_of

UNFUSED = ("volta", "turing")
"""Architectures for which no rate of fused attention was published."""


@dataclass(frozen=True, slots=True)
class Case:
    """One training row that can be computed."""

    architecture: Architecture
    plan: TrainPlan
    devices: int
    hardware: str
    machine: Machine | None
    """None where the accelerator, or the links between several, are not known: memory can be computed, time cannot."""
    no_machine: str
    """Why there is no machine, and which facts are needed; empty where there is one."""
    software: Software
    contradiction: str
    """What contradicts itself in the row; empty where nothing does."""
    assumed: tuple[str, ...]
    """What the row does not say, and was taken."""

    @property
    def notes(self) -> tuple[str, ...]:
        return (self.software.why, *self.assumed)

    @property
    def memory(self) -> Memory:
        """Bytes on the fullest stage, of the plan whose time is told."""
        return memory_of(self.architecture, self.plan.model_copy(update=dict(self.software.held)), self.stack.recomputed)

    @property
    def measures(self) -> str:
        return self.software.named.measures

    @property
    def cluster(self) -> Cluster | None:
        return self.machine.cluster if self.machine else None

    @property
    def stack(self) -> Stack:
        """As the software is; parts of a layer that it computes again are among those that the plan's `operators` does."""
        made = self.software.named.made()
        made = replace(made, recomputed=()) if self.plan.recompute == "operators" else made
        return on_device(made, self.machine.cluster.device.architecture) if self.machine else made


def case_of(row: Mapping[str, Any]) -> Case | str:
    """The row as a case, or why it is none; no row raises."""
    try:
        return _case(row)
    except ValidationError as error:
        return placed(row, out_of_range(error))
    except DatahallError as error:
        return placed(row, in_columns(problem_of(error)))


def _case(row: Mapping[str, Any]) -> Case | str:
    software, notes = software_of(row), list[str]()
    architecture = architecture_of(row, notes)
    asked = asked_of(row, architecture, software)
    machine, no_machine = _machine(row, asked.accelerators)
    asked = _on_machine(row, asked, machine, notes)
    plan, chosen = filled(architecture, asked, software, machine)
    found = problems_of_plan(architecture, plan)
    if found:
        return placed(row, in_columns(f"{found[0].code} {found[0].what}; {found[0].fix}"))
    contradiction = "INCONSISTENT" if "INCONSISTENT" in said(row, "note") else ""
    assumed = [software.assumed, *notes, *asked.notes, *chosen, *_of_machine(machine, asked.accelerators)]
    return Case(
        architecture, plan, asked.accelerators, said(row, "hardware"), machine, no_machine, software, contradiction,
        tuple(text for text in assumed if text),
    )  # fmt: skip


def _on_machine(row: Mapping[str, Any], asked: Asked, machine: Machine | None, notes: list[str]) -> Asked:
    """What the accelerator cannot do gives way where the row leaves it open: fused attention, and 16 bits of a kind."""
    if machine is None:
        return asked
    device, changed = machine.cluster.device, dict[str, Any]()
    if device.architecture in UNFUSED and asked.pinned.get("flash_attention", True):
        changed["flash_attention"] = False
        notes.append(f"attention not fused: nobody published a rate of it on {device.architecture}")
    if is_blank(row, "precision") and asked.pinned["precision"] not in device.flop_per_s and "fp16" in device.flop_per_s:
        changed["precision"] = "fp16"
        notes.append(f"fp16, as {device.name} has no bf16")
    return replace(asked, pinned={**asked.pinned, **changed})


def _of_machine(machine: Machine | None, accelerators: int) -> tuple[str, ...]:
    """What was taken of the machine; nothing of a network that no rank needs."""
    if machine is None:
        return ()
    near = accelerators <= machine.cluster.per_domain
    return tuple(text for text in machine.assumed if not (near and text.startswith(NO_NETWORK)))


def _machine(row: Mapping[str, Any], accelerators: int) -> tuple[Machine | None, str]:
    hardware = said(row, "hardware")
    if not hardware:
        return None, "ROW-001 hardware is missing; name the accelerator, such as A100-SXM4-80GB"
    try:
        return machine_of(hardware, alone=accelerators == 1), ""
    except DatahallError as error:
        return None, problem_of(error)
