"""The hall's plant through time: what load becomes of power, heat, water, money and carbon, and to whom it belongs."""

from datahall.twin.plant.attribution import Shares, attributed
from datahall.twin.plant.caps import PowerCap, PowerCaps
from datahall.twin.plant.headroom import Headroom, headroom
from datahall.twin.plant.holds import Holds, steps
from datahall.twin.plant.overloads import Overload
from datahall.twin.plant.places import Places
from datahall.twin.plant.plant import Plant, plant_of
from datahall.twin.plant.play import play
from datahall.twin.plant.played import Played, Quantity

__all__ = [
    "Headroom",
    "Holds",
    "Overload",
    "Places",
    "Plant",
    "Played",
    "PowerCap",
    "PowerCaps",
    "Quantity",
    "Shares",
    "attributed",
    "headroom",
    "plant_of",
    "play",
    "steps",
]
