"""What a hall emits: operation by the hour, and the making of its equipment."""

from datahall.infrastructure.carbon.embodied import Embodied, EmbodiedLine, embodied_of
from datahall.infrastructure.carbon.emissions import CarbonYear, carbon_of, cue, emissions_of, wue_source_l_per_kwh
from datahall.infrastructure.carbon.intensity import Intensity, country_intensity, location_intensity, market_intensity

__all__ = [
    "CarbonYear",
    "Embodied",
    "EmbodiedLine",
    "Intensity",
    "carbon_of",
    "country_intensity",
    "cue",
    "embodied_of",
    "emissions_of",
    "location_intensity",
    "market_intensity",
    "wue_source_l_per_kwh",
]
