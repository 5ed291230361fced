"""The trainers that a plan can be launched with, by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from datahall.foundation.errors import Missing, Problem
from datahall.infrastructure.catalog.catalogue import near
from datahall.models.launch.megatron_lm import megatron_lm
from datahall.models.launch.own_trainer import own_trainer
from datahall.models.launch.spec import Launch
from datahall.models.launch.torchtitan import torchtitan

TARGETS: Mapping[str, Callable[[Launch], str]] = MappingProxyType(
    {"torchtitan": torchtitan, "megatron-lm": megatron_lm, "datahall": own_trainer}
)


def target(name: str, where: str = "--launch") -> Callable[[Launch], str]:
    """What writes the launch of that trainer. Raises Missing, LAUNCH-004, with the names there are."""
    found = TARGETS.get(name)
    if found is None:
        fix = near(name[:80], tuple(TARGETS), otherwise=f"name one of {', '.join(TARGETS)}")
        raise Missing(Problem("LAUNCH-004", where, f"there is no trainer {name[:80]!a} to launch with", fix))
    return found
