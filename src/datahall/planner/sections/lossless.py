"""What of the way from the meter to the racks has no losses in the plan, since nothing says how large they are."""

from datahall.infrastructure.power.element import Element
from datahall.planner.facility import FacilityYear
from datahall.planner.ledger import Ledger


def say_what_loses_nothing(ledger: Ledger, year: FacilityYear) -> None:
    """Elements without coefficients are assumed to lose nothing; where none has any, losses were not computed at all."""
    elements = year.graph.elements
    silent = [element for element in elements if not _has_losses(element)]
    if len(silent) == len(elements):
        where = "power.elements[].part" if elements else "power.elements"
        ledger.lacks(where, "losses between the meter and the racks: energy at the meter and all that follows are too low")
    if silent:
        ledger.assume("power.elements[].part", _words(silent))


def _has_losses(element: Element) -> bool:
    return bool(element.no_load_ratio or element.linear_ratio or element.square_ratio)


def _words(silent: list[Element]) -> str:
    kinds: dict[str, list[str]] = {}
    for element in silent:
        kinds.setdefault(element.kind.replace("_", " "), []).append(element.name)
    each = ", ".join(f"{len(names)} such as {names[0]} ({kind})" for kind, names in kinds.items())
    return f"{len(silent):,} elements have no loss coefficients, so no loss of theirs is counted: {each}"
