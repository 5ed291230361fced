"""A pipeline's schedule through time: a row for each stage, a block for each piece of work, empty where a stage waits."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from datahall.foundation.readable import with_unit
from datahall.foundation.scale import ticks
from datahall.interfaces.pictures.drawing import line, rect, svg, words
from datahall.models.parallel.timeline import Block, Timeline

WIDTH, LEFT, RIGHT, TOP, FOOT, ROW = 980, 74, 14, 30, 34, 24
MOST = 16
"""Stages that are drawn; of more, some that stand evenly between the first and the last."""
NUMBERED_PX = 13
"""A block from this width on bears the number of its micro-batch."""
KINDS = {"forward": "forward", "backward": "backward", "weights": "gradients of weights"}


def pipeline(found: Timeline, *, title: str) -> Markup:
    """The picture. Later chunks of a stage are paler."""
    shown = stages_shown(found.stages)
    height = TOP + ROW * len(shown) + FOOT
    marks = ticks(0.0, found.seconds)

    def x(at_s: float) -> float:
        return LEFT + at_s / (found.seconds or 1.0) * (WIDTH - LEFT - RIGHT)

    drawn = list(_legend(found))
    for mark in marks:
        if mark <= found.seconds:
            drawn.append(line(x(mark), TOP - 4, x(mark), height - FOOT + 2, "rule"))
            drawn.append(words(with_unit(mark, "s") if mark else "0", x(mark), height - FOOT + 16, anchor="middle"))
    row_of = {stage: row for row, stage in enumerate(shown)}
    for stage, row in row_of.items():
        drawn.append(words(f"stage {stage + 1}", LEFT - 8, TOP + ROW * row + 15, anchor="end"))
        drawn.append(rect(LEFT, TOP + ROW * row + 1, WIDTH - LEFT - RIGHT, ROW - 4, "idle"))
    for block in found.blocks:
        if block.stage in row_of:
            drawn += _block(block, found, x(block.start_s), x(block.end_s), TOP + ROW * row_of[block.stage])
    return svg(WIDTH, height, drawn, title=title)


def stages_shown(stages: int) -> list[int]:
    """All, or MOST of them that stand evenly between the first and the last."""
    if stages <= MOST:
        return list(range(stages))
    return [round(n * (stages - 1) / (MOST - 1)) for n in range(MOST)]


def _block(block: Block, found: Timeline, left: float, right: float, top: float) -> Iterator[Markup]:
    work, own = block.work, block.work.chunk // found.stages if found.chunks > 1 else 0
    number = f"{work.micro_batch + 1}"
    chunk = f", chunk {own + 1} of {found.chunks}" if found.chunks > 1 else ""
    shade = f" later{4 * own // found.chunks}" if own else ""
    told = f"stage {block.stage + 1}: {KINDS[work.kind]} of micro-batch {number}{chunk}"
    yield rect(left, top + 1, right - left, ROW - 4, f"work {work.kind}{shade}", title=told)
    if right - left >= NUMBERED_PX:
        yield words(number, (left + right) / 2, top + 15, kind="work-number", anchor="middle")


def _legend(found: Timeline) -> Iterator[Markup]:
    kinds: Sequence[str] = [kind for kind in KINDS if any(block.work.kind == kind for block in found.blocks)]
    at = float(LEFT)
    for name, kind in [*((KINDS[kind], f"work {kind}") for kind in kinds), ("waiting", "idle")]:
        yield rect(at, 6, 12, 12, kind)
        yield words(name, at + 17, 16)
        at += 17 + 6.4 * len(name) + 20
