"""The hall's plant through time: what load becomes of power, heat, water, money and carbon, and to whom it belongs."""

from datahall.twin.plant.attribution import Shares, attributed
from datahall.twin.plant.caps import PowerCap, PowerCaps
from datahall.twin.plant.headroom import Headroom, headroom
from datahall.twin.plant.holds import Holds, over_racks, steps
from datahall.twin.plant.outage import Outage, PlantEvent, lose_cooling, lose_utility
from datahall.twin.plant.overloads import Overload
from datahall.twin.plant.places import Places
from datahall.twin.plant.plant import Plant, plant_of
from datahall.twin.plant.play import play
from datahall.twin.plant.played import Played, Quantity
from datahall.twin.plant.ways import Lost

__all__ = [
    "Headroom",
    "Holds",
    "Lost",
    "Outage",
    "Overload",
    "Places",
    "Plant",
    "PlantEvent",
    "Played",
    "PowerCap",
    "PowerCaps",
    "Quantity",
    "Shares",
    "attributed",
    "headroom",
    "lose_cooling",
    "lose_utility",
    "over_racks",
    "plant_of",
    "play",
    "steps",
]
