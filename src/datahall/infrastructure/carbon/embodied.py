"""Emissions of making the equipment, spread over its life."""

from collections.abc import Mapping
from dataclasses import dataclass

from datahall.infrastructure.catalog.part_specs import Device, ServerPart
from datahall.infrastructure.spec import Economy


@dataclass(frozen=True, slots=True)
class EmbodiedLine:
    """Devices of one type."""

    name: str
    count: int
    kgco2e_each: float
    life_years: float
    source: str

    @property
    def kgco2e_per_year(self) -> float:
        return self.count * self.kgco2e_each / self.life_years


@dataclass(frozen=True, slots=True)
class Embodied:
    """All equipment. What no row knows is named, not guessed: while `missing` is not empty, sums are lower bounds."""

    lines: tuple[EmbodiedLine, ...]
    missing: tuple[str, ...]

    @property
    def kgco2e_per_year(self) -> float:
        return sum(line.kgco2e_per_year for line in self.lines)

    @property
    def kgco2e(self) -> float:
        """Of making all of it once."""
        return sum(line.count * line.kgco2e_each for line in self.lines)


def embodied_of(devices: Mapping[str, tuple[Device, int]], economy: Economy) -> Embodied:
    """Embodied carbon per year: kgCO2e of one / its life in years, straight-line.

    devices: by part name, with how many there are, as Estate.devices. Servers live server_life_years, all else that
    stands in racks network_life_years.
    Source: Gupta et al., ACT, ISCA 2022, doi:10.1145/3470496.3527408, equation 1 (the share of the life that is used).
    """
    lines, missing = list[EmbodiedLine](), list[str]()
    for name, (device, count) in devices.items():
        if device.embodied_kgco2e is None:
            missing.append(name)
            continue
        life_years = economy.server_life_years if isinstance(device, ServerPart) else economy.network_life_years
        source = device.embodied_source or device.cited
        lines.append(EmbodiedLine(name, count, device.embodied_kgco2e, life_years, source))
    return Embodied(tuple(lines), tuple(missing))
