"""How long accelerators take to exchange data: all-reduce and its kin over a described group."""

from datahall.network.collectives.busbw import algorithm_bytes_per_s as algorithm_bytes_per_s
from datahall.network.collectives.busbw import bus_bytes_per_s as bus_bytes_per_s
from datahall.network.collectives.busbw import bus_factor as bus_factor
from datahall.network.collectives.cost import Cost as Cost
from datahall.network.collectives.group import Group as Group
from datahall.network.collectives.scale_up import ScaleUp as ScaleUp
from datahall.network.collectives.scale_up import scale_up as scale_up
from datahall.network.collectives.scale_up import scale_up_of as scale_up_of
from datahall.network.collectives.timing import Estimate as Estimate
from datahall.network.collectives.timing import algorithms as algorithms
from datahall.network.collectives.timing import cost as cost
from datahall.network.collectives.timing import estimate as estimate
from datahall.network.collectives.timing import time_s as time_s
