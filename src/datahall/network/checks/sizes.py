"""Rules about the size of a fabric: whether its switches can join what hangs on it, and how narrowly."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.network.checks.context import Check, NetworkContext
from datahall.network.fabric.clos import Clos


def too_large_for_its_switch(context: NetworkContext) -> Iterator[Problem]:
    """NET-005: switches have ports enough for the size and the shape that is declared."""
    yield from _misfits(context, "NET-005")


def rails_that_mix(context: NetworkContext) -> Iterator[Problem]:
    """NET-006: rails divide the ports of a server, so that a leaf sees the same port of each."""
    yield from _misfits(context, "NET-006")


def grid_too_small(context: NetworkContext) -> Iterator[Problem]:
    """NET-014: the grid of a torus has a place for each endpoint."""
    yield from _misfits(context, "NET-014")


def dragonfly_too_small(context: NetworkContext) -> Iterator[Problem]:
    """NET-015: every group of a dragonfly reaches every other."""
    yield from _misfits(context, "NET-015")


def router_too_small(context: NetworkContext) -> Iterator[Problem]:
    """NET-016: a router of a dragonfly has ports for its endpoints, its group and the other groups."""
    yield from _misfits(context, "NET-016")


def oversubscribed(context: NetworkContext) -> Iterator[Problem]:
    """NET-008: no tier of a folded Clos is oversubscribed beyond the declared limit."""
    for at in context.declared:
        if at.built is None or not isinstance(at.built.wiring.shape, Clos):
            continue
        limit, ratios = at.fabric.oversubscription_limit, at.built.oversubscription
        worst = max(ratios, key=lambda tier: ratios[tier], default=None)
        if worst and ratios[worst] > limit + 1e-9:
            tier = next(tier for tier in at.built.tiers if tier.name == worst)
            what = f"a {worst} has {tier.down} links down and {tier.up} up, {ratios[worst]:.3g} to 1, "
            what += f"but the limit is {limit:g} to 1"
            fix = "lower `oversubscription`, or raise `oversubscription_limit` if that is meant"
            yield Problem("NET-008", context.place(at.index, "oversubscription"), what, fix)


def _misfits(context: NetworkContext, code: str) -> Iterator[Problem]:
    for at in context.declared:
        if at.misfit and at.misfit.problem.code == code:
            problem = at.misfit.problem
            yield Problem(problem.code, context.place(at.index, at.misfit.field), problem.what, problem.fix)


CHECKS: tuple[Check, ...] = (
    too_large_for_its_switch,
    rails_that_mix,
    oversubscribed,
    grid_too_small,
    dragonfly_too_small,
    router_too_small,
)
