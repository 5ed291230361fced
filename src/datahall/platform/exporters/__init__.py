"""A job as other schedulers' files: each field becomes a setting, a word about what is done instead, or is refused."""

from datahall.foundation.registry import Registry

EXPORTERS = Registry(
    "scheduler to export to",
    {
        "sbatch": "datahall.platform.exporters.sbatch:sbatch",
        "kueue": "datahall.platform.exporters.kueue:kueue",
        "kueue-job": "datahall.platform.exporters.kueue:kueue_job",
        "skypilot": "datahall.platform.exporters.skypilot:skypilot",
    },
    group="datahall.exporters",
)
"""Each takes an Export and returns the text of a file."""
