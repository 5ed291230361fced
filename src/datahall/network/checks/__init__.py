"""Rules about the fabrics of a hall. All of them run, and every breach is told at once."""

from datahall.foundation.errors import Problem
from datahall.infrastructure.checks.context import Context
from datahall.network.catalog import NetworkCatalogue
from datahall.network.checks import cabling, parts, sizes
from datahall.network.checks.context import Check, NetworkContext

__all__ = ["CHECKS", "Check", "NetworkContext", "problems_of_network"]

CHECKS: tuple[Check, ...] = (*parts.CHECKS, *sizes.CHECKS, *cabling.CHECKS)


def problems_of_network(context: Context, catalogue: NetworkCatalogue) -> list[Problem]:
    """Every breach of every rule of this floor. The context's catalogue should know our switches as `more_devices`."""
    network = NetworkContext(context, catalogue)
    return [problem for check in CHECKS for problem in check(network)]
