"""What a hall's power cannot carry once cooling is known: the rules about loads, asked again at the hour it is built for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datahall.foundation.readable import with_unit
from datahall.foundation.units import seconds_text
from datahall.infrastructure.power.backup import Backup
from datahall.infrastructure.power.element import CONTINUOUS_RATIO
from datahall.infrastructure.power.judgement import Judgement
from datahall.infrastructure.power.overload import Loaded, Overload
from datahall.infrastructure.spec import PowerElement
from datahall.planner.facility import FacilityYear


def warnings_of(year: FacilityYear, declared: Sequence[PowerElement], backup: Backup) -> tuple[str, ...]:
    """A sentence for each overload and each short battery. The checks looked at IT alone, so these come from the rest."""
    return tuple(_Words(year, declared).all(Judgement(Loaded(year.graph, **year.design.load)), backup))


@dataclass(frozen=True)
class _Words:
    year: FacilityYear
    declared: Sequence[PowerElement]

    def all(self, judged: Judgement, backup: Backup) -> Iterator[str]:
        fewer = "hang less on it, or raise rating_w"
        yield from (self._over(told, fewer) for told in judged.in_service)
        for told in judged.contracts:
            yield self._over(told, "set power.it_cap_w, add a feed, or raise rating_w once the utility agrees", "its contract")
        for told in judged.generators:
            yield self._over(told, "add generators, or hang less on them", when="with the grid gone, ")
        for side, told in judged.breakers:
            rule = f"{CONTINUOUS_RATIO:.0%} of its breaker"
            yield self._over(told, "hang less on it, or raise breaker_w", rule, when=f"with {side} lost, " if side else "")
        yield from (self._over(told, fewer, when=f"with {side} lost, ") for side, told in judged.survival)
        yield from self._short_batteries(backup)

    def _over(self, told: Overload, fix: str, rule: str = "its rating", when: str = "") -> str:
        names = sorted({self.declared[self.year.graph.elements[i].spec_index].name for i in told.elements})
        asked, allowed = (_kw(load_w) for load_w in (told.load_w, told.limit_w))
        each = " each" if len(told.elements) > 1 else ""
        return f"{when}{_few(names)} would give {asked}{each}, {self._what} included, but {rule} allows {allowed}: {fix}"

    @property
    def _what(self) -> str:
        outdoor_c = self.year.design.outdoor_c
        return "all IT" if outdoor_c is None else f"all IT and cooling at {outdoor_c:.0f} °C outside"

    def _short_batteries(self, backup: Backup) -> Iterator[str]:
        for found in backup.batteries:
            if found.needs_s is not None and found.holds_s < found.needs_s:
                holds, needs = seconds_text(found.holds_s), seconds_text(found.needs_s)
                what = f"the battery of `{self.declared[found.spec_index].name}` carries {_kw(found.load_w)} for {holds}"
                yield f"{what}, but its generators need {needs}: add batteries, or generators that start sooner"


def _kw(power_w: float) -> str:
    return with_unit(power_w, "W")


def _few(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
