"""What fails together: for each class of elements, what the loss of one takes down, in sentences."""

from dataclasses import dataclass

from datahall.infrastructure.reliability.sweep import Removal, SweepResult


@dataclass(frozen=True, slots=True)
class FailsTogether:
    """One line of the table, the most harmful first."""

    elements: tuple[str, ...]
    kind: str
    racks: int
    """That one element takes down."""
    accelerators: int
    load_w: float
    trips: int
    """Other elements that it overloads."""
    sentence: str


def fails_together(result: SweepResult) -> tuple[FailsTogether, ...]:
    """A line for each class of alike elements, in the sweep's order: by accelerators, then by load, that go down."""
    return tuple(
        FailsTogether(
            row.names,
            row.kind,
            len(row.dark_racks),
            row.accelerators,
            row.load_w,
            len(row.tripped),
            _sentence(row, result.racks),
        )
        for row in result.removals
    )


def _sentence(row: Removal, racks: int) -> str:
    which = f"`{row.names[0]}`" if len(row.names) == 1 else f"one of {len(row.names)}, such as `{row.names[0]}`,"
    trips = ""
    if row.tripped:
        first, more = row.tripped[0], len(row.tripped) - 1
        others = f" and {more} more" if more else ""
        trips = f"`{first.name}` ({first.asked_w / 1e3:.3g} kW asked, {first.limit_w / 1e3:.3g} kW allowed){others}"
    if not row.takes_down:
        return f"The loss of {which} {f'trips {trips}, but ' if trips else ''}takes down no rack."
    parts = []
    if row.lost_racks:
        parts.append(f"takes down {_racks(len(row.lost_racks), racks)}")
    if row.interrupted_racks:
        parts.append(f"interrupts {_racks(len(row.interrupted_racks), racks)} until generators run")
    parts += [f"stops the {name}" for name in row.lost_mechanical]
    sizes = [f"{row.accelerators:,} accelerators"] if row.accelerators else []
    sizes += [f"{row.load_w / 1e3:.4g} kW"] if row.dark_racks else []
    size = f": {', '.join(sizes)}" if sizes else ""
    return f"The loss of {which} {f'trips {trips}, and ' if trips else ''}{' and '.join(parts)}{size}."


def _racks(many: int, of: int) -> str:
    return "every rack" if many == of else f"{many:,} of {of:,} racks"
