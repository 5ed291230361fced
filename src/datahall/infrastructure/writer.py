"""A hall as the file that `datahall init` leaves."""

from datahall.foundation.units import bytes_text
from datahall.foundation.yaml_writer import spec_yaml
from datahall.infrastructure.spec import Hall


def hall_yaml(hall: Hall) -> str:
    """Commented YAML that loads back as an equal hall."""
    only = hall.model_fields_set | {"schema_version", "name", "nodes", "platform"}
    return spec_yaml(
        hall, only=only, header=f"{_summary(hall)}\nEvery field is explained in docs/hall.md; `datahall doctor` checks it."
    )


def _summary(hall: Hall) -> str:
    cpus = sum(node.usable_cpus for node in hall.nodes)
    memory = bytes_text(sum(node.usable_memory_bytes for node in hall.nodes))
    accelerators = sum(len(node.accelerators) for node in hall.nodes)
    machines = "1 machine" if len(hall.nodes) == 1 else f"{len(hall.nodes)} machines"
    return f"The hall {hall.name}: {machines}, {cpus:g} CPUs, {memory} of memory, {accelerators} accelerators."
