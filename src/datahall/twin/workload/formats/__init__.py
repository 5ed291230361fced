"""Formats of job traces, one per file, each by its name in a table that other packages can add to."""

from datahall.foundation.registry import Registry

FORMATS = Registry(
    "trace format",
    {
        "swf": "datahall.twin.workload.formats.swf:Swf",
        "sacct": "datahall.twin.workload.formats.sacct:Sacct",
        "philly": "datahall.twin.workload.formats.philly:Philly",
        "muri": "datahall.twin.workload.formats.muri:Muri",
        "openb": "datahall.twin.workload.formats.openb:Openb",
        "opendc": "datahall.twin.workload.formats.opendc:Opendc",
        "events": "datahall.twin.workload.formats.events:Events",
        "csv": "datahall.twin.workload.formats.common:Common",
    },
    group="datahall.trace_formats",
)
