"""Job traces: read from logs of many formats, generated, scaled and shaken."""

from datahall.twin.workload.formats import FORMATS as FORMATS
from datahall.twin.workload.options import Capacity as Capacity
from datahall.twin.workload.options import Options as Options
from datahall.twin.workload.read import read_trace as read_trace
from datahall.twin.workload.trace import STATUSES as STATUSES
from datahall.twin.workload.trace import Trace as Trace
