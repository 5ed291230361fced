"""What a schedule was like: waits, slowdowns, allocation, fairness, intervals, and whether it kept the rules."""

from datahall.twin.metrics.capacity import CapacityOverTime as CapacityOverTime
from datahall.twin.metrics.check import check as check
from datahall.twin.metrics.compare import compare as compare
from datahall.twin.metrics.cut import Cut as Cut
from datahall.twin.metrics.intervals import shaking_interval as shaking_interval
from datahall.twin.metrics.metrics import Metrics as Metrics
from datahall.twin.metrics.metrics import metrics_of as metrics_of
from datahall.twin.metrics.schedule import Pieces as Pieces
from datahall.twin.metrics.schedule import Schedule as Schedule
from datahall.twin.metrics.steps import Steps as Steps
