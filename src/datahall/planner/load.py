"""A hall file, read and checked by all floors below: the network's own reading, where a plan's parts look for it."""

from datahall.network.load import Loaded as Loaded
from datahall.network.load import load as load
from datahall.network.load import load_all as load_all
