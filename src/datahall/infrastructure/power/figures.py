"""An element's figures: its catalogue row, and what the hall file says over it."""

from collections.abc import Iterator, Mapping, Sequence

from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.catalog.part_specs import PowerPart
from datahall.infrastructure.power.element import BREAKER_KINDS, INDOOR_KINDS, Element
from datahall.infrastructure.power.faults import Fault
from datahall.infrastructure.spec import PowerElement


def figure_faults(elements: Sequence[PowerElement], parts: Mapping[str, PowerPart]) -> Iterator[Fault]:
    """Unknown parts, parts of another kind, and elements whose rating stands nowhere."""
    for number, spec in enumerate(elements):
        row = parts.get(spec.part) if spec.part else None
        if spec.part and row is None:
            same_kind = [name for name, part in parts.items() if part.kind == spec.kind]
            what = f"no power catalogue has `{spec.part}`"
            fix, path = near(spec.part, same_kind or parts), ("power", "elements", number, "part")
            yield Fault("INF-202", path, what, fix, frozenset([spec.part]))
        elif row is not None and row.kind != spec.kind:
            what = f"`{row.name}` is a {_words(row.kind)}, but `{spec.name}` is declared as a {_words(spec.kind)}"
            fix = f"choose a part of kind {spec.kind}, or say `kind: {row.kind}`"
            yield Fault("INF-203", ("power", "elements", number, "part"), what, fix)
        elif spec.rating_w is None and (row is None or row.rating_w is None):
            said = f", and the row `{row.name}` leaves it to the hall" if row else ""
            what = f"the {_words(spec.kind)} `{spec.name}` has no rating{said}"
            yield Fault("INF-204", ("power", "elements", number), what, "add rating_w, such as `rating_w: 1.5 MW`")


def element_of(spec: PowerElement, row: PowerPart | None, *, name: str, number: int, parents: tuple[int, ...]) -> Element:
    """One element. What the hall file says counts; what it leaves out comes from the row.

    Raises ValueError when neither says the rating.
    """
    rating_w = spec.rating_w or (row.rating_w if row else None)
    if rating_w is None:
        raise ValueError(f"element_of: {name} has no rating, in the hall or in the catalogue")
    breaker_w = spec.breaker_w or (rating_w if spec.kind in BREAKER_KINDS else None)
    return Element(
        name=name,
        kind=spec.kind,
        spec_index=number,
        part=spec.part,
        rating_w=rating_w,
        no_load_ratio=row.loss_no_load_ratio if row else 0.0,
        linear_ratio=row.loss_linear_ratio if row else 0.0,
        square_ratio=row.loss_square_ratio if row else 0.0,
        parents=parents,
        takes_first=spec.kind == "transfer_switch",
        breaker_w=breaker_w,
        side=spec.side,
        indoors=spec.kind in INDOOR_KINDS if spec.indoors is None else spec.indoors,
        battery_wh=spec.battery_wh,
        transfer_s=spec.transfer_s,
        start_s=spec.start_s,
        fuel_h=spec.fuel_h,
        failures_per_year=_first(spec.failures_per_year, row.failures_per_year if row else None),
        repair_h=_first(spec.repair_h, row.repair_h if row else None),
        fail_to_start_ratio=row.fail_to_start_ratio if row else None,
    )


def _first(said: float | None, otherwise: float | None) -> float | None:
    return otherwise if said is None else said


def _words(kind: str) -> str:
    return kind.replace("_", " ").replace("ups", "UPS").replace("pdu", "PDU")
