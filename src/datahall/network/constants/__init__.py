"""Published and fitted constants of the network floor, each with its source; read once from the YAML beside this file."""

from datahall.network.constants.read import Constant as Constant
from datahall.network.constants.read import collectives as collectives
from datahall.network.constants.read import fitted as fitted
from datahall.network.constants.read import links as links
from datahall.network.constants.read import transport as transport
