"""What holds a run back: shares of its time by what takes them, and what binds without taking any."""

from collections.abc import Iterator

from datahall.planner.search.question import RESERVE_RATIO
from datahall.planner.training.outcome import Outcome, Setting
from datahall.planner.training.result import Limit

GROUPS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("compute", ("forward", "backward", "vocabulary"), "products and memory traffic of the model itself"),
    ("recomputation", ("again",), "forward work done twice because memory does not hold it"),
    ("optimiser", ("optimiser",), "reading and writing the optimiser's state"),
    ("tensor exchange", ("tensor",), "sums of the tensor ranks that nothing hides"),
    ("context exchange", ("context",), "keys and values on their way round, beyond what attention hides"),
    ("expert exchange", ("expert",), "tokens on their way to experts and back"),
    ("pipeline", ("bubble", "send"), "waiting while the pipeline fills and drains, and sends between stages"),
    ("stragglers", ("straggler",), "waiting for the slowest of all accelerators"),
    ("host", ("host",), "what the host does between two steps"),
    ("data exchange", ("gather", "data"), "gradients and weights between data ranks, beyond what computing hides"),
)
SHOWN = 0.0005
"""Share of the time below which nothing is said."""
TIGHT = 0.9
"""Of memory: from here on the fastest plans are often out of reach."""


def limits_of(setting: Setting, outcome: Outcome, memory_bytes: float) -> tuple[Limit, ...]:
    """The largest share of the run's time first, then what only binds."""
    found = [*_of_step(outcome), *_of_failures(outcome)]
    found.sort(key=lambda limit: -limit.share)
    return (*found, *_memory(outcome, memory_bytes), *_power(setting, outcome), *_storage(outcome))


def _of_step(outcome: Outcome) -> Iterator[Limit]:
    parts, step = outcome.candidate.step.breakdown(), outcome.candidate.step.seconds
    goodput = outcome.kept.goodput_ratio if outcome.kept else 1.0
    for name, of, words in GROUPS:
        share = float(goodput * sum(parts.get(part, 0.0) for part in of) / step)
        if share > SHOWN:
            yield Limit(name, share, f"{share:.1%} of the time: {words}")


def _of_failures(outcome: Outcome) -> Iterator[Limit]:
    if outcome.kept is not None:
        lost = ", ".join(f"{name} {share:.1%}" for name, share in outcome.kept.lost.items())
        share = 1 - outcome.kept.goodput_ratio
        yield Limit("failures", share, f"{share:.1%} of the time: {lost}")


def _memory(outcome: Outcome, memory_bytes: float) -> Iterator[Limit]:
    ratio = outcome.candidate.memory.needed / memory_bytes
    if ratio > TIGHT:
        tight = (
            "it may run out of it, and no plan leaves more free" if ratio > 1 - RESERVE_RATIO else "faster plans may not fit"
        )
        yield Limit("memory", 0.0, f"the plan takes {ratio:.0%} of an accelerator's memory: {tight}")


def _power(setting: Setting, outcome: Outcome) -> Iterator[Limit]:
    """Servers that are capped below what they would draw, and a hall that is."""
    server, draw, hall = setting.home.server, outcome.draw, setting.home.loaded.hall
    if server is None or draw is None:
        return
    part, cap_w = setting.home.kind.part, hall.power.it_cap_w if hall.power else None
    if part is not None and server.peak_w < part.peak_power_w:
        text = (
            f"servers are capped at {server.peak_w / part.peak_power_w:.0%} of their peak: clocks that fall are not in the step"
        )
        yield Limit("power", 0.0, text)
    if cap_w is not None and outcome.it_w is not None and outcome.it_w > cap_w:
        text = (
            f"the run would draw {outcome.it_w / 1e6:.2f} MW, but the hall caps IT at {cap_w / 1e6:.2f} MW: it would run slower"
        )
        yield Limit("power", 0.0, text)


def _storage(outcome: Outcome) -> Iterator[Limit]:
    saving, kept = outcome.saving, outcome.kept
    if saving is not None and kept is not None and saving.write_s > 0.1 * kept.every_s:
        text = f"a checkpoint takes {saving.write_s:.0f} s to write and comes every {kept.every_s:.0f} s"
        yield Limit("storage", 0.0, text)
