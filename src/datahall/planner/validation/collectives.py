"""Published bus bandwidths of collectives beside ours."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.network import constants
from datahall.network.collectives import Group, bus_bytes_per_s, bus_factor, time_s
from datahall.network.collectives.systems import algorithm_of, collective_of, group_of
from datahall.planner.validation.cells import count, is_blank, number, placed, said, unread, why_no_count
from datahall.planner.validation.rows import ValidationRow, compared, unjudged

TABLE = "collectives"
QUANTITY = "bus bandwidth, GB/s"
MAX_BYTES = 1e18
"""No message is larger."""
TOLERANCE_RATIO = 0.1
TOLERANCE = f"within {TOLERANCE_RATIO:.0%}"
"""A hit is within a tenth: runs of the same system differ by some 5 %, and the smallest figures are rounded to 12 %."""


class Curve(Spec):
    """One published system."""

    system: str
    ranks: int = Field(ge=1)
    algo: str
    source: str = Field(min_length=8)
    date: str
    fitted: bool
    """The law's free constants come from these rows."""
    points: tuple[tuple[int, float], ...]
    """Bytes, and bus bandwidth in GB/s."""


class Curves(Spec):
    systems: tuple[Curve, ...]


class Point(NamedTuple):
    """One published figure; busbw in GB/s."""

    system: str
    ranks: int
    algo: str
    collective: str
    size_bytes: float
    busbw: float


@functools.cache
def curves() -> tuple[Curve, ...]:
    return load(Path(__file__).with_name("collectives_rows.yaml"), Curves).systems


def rows(own_rows: Sequence[Mapping[str, str]] | None = None) -> list[ValidationRow]:
    """Each published figure beside ours; own_rows: rows of a foreign file with columns system, ranks, bytes, busbw_GBps.

    `algo`, `collective` and `note` are read where they are there. Baseline: t = a + f S / B with the data sheet's bandwidth
    and a fitted on the same rows as ours. A system whose links or network are not known, and a row whose figures are not
    numbers, get none of ours, and a note; no row raises.
    """
    return list(_shipped() if own_rows is None else _own(own_rows))


def _shipped() -> Iterator[ValidationRow]:
    for curve in curves():
        for size_bytes, busbw in curve.points:
            yield _row(Point(curve.system, curve.ranks, curve.algo, "all_reduce", size_bytes, busbw))


def _own(own_rows: Sequence[Mapping[str, str]]) -> list[ValidationRow]:
    return [_own_row(row) for row in own_rows]


def _own_row(row: Mapping[str, str]) -> ValidationRow:
    """A row of a foreign file, whatever it holds."""
    system, algo = said(row, "system"), said(row, "algo")
    collective = collective_of(said(row, "collective"), algo, said(row, "note"), system)
    ranks, size_bytes, busbw = count(row, "ranks"), number(row, "bytes"), number(row, "busbw_GBps")
    name = f"{system}, {said(row, 'ranks')} ranks, {collective}, {said(row, 'bytes')} bytes"
    if busbw is None:
        return unread(row, TABLE, name, QUANTITY, "busbw_GBps")
    why = why_no_count(row, "ranks") or _why_no_size(row, size_bytes)
    if ranks is None or size_bytes is None or why:
        return compared(TABLE, name, QUANTITY, published=busbw, ours=None, note=placed(row, why))
    found = _row(Point(system, ranks, algo, collective, size_bytes, busbw))
    if busbw < 0:
        why = f"impossible: a bus bandwidth of {busbw:g} GB/s is below 0"
        return replace(unjudged(found), note=f"{placed(row, why)}; {found.note}")
    return found if found.ours is not None else replace(found, note=placed(row, found.note))


def _why_no_size(row: Mapping[str, str], size_bytes: float | None) -> str:
    if is_blank(row, "bytes"):
        return "bytes is missing"
    if size_bytes is None or not 1 <= size_bytes <= MAX_BYTES:
        return f"bytes is `{said(row, 'bytes')}`, not a number from 1 to {MAX_BYTES:.0e}"
    return ""


@functools.lru_cache(maxsize=4096)
def _reading(system: str, ranks: int, algo: str, collective: str) -> tuple[Group | None, str, str]:
    """Group, algorithm and note of a system."""
    reading = group_of(system, ranks)
    if reading.group is None:
        return None, "auto", reading.note
    if ranks == 1:
        return None, "auto", "one rank exchanges nothing"
    algorithm = algorithm_of(algo, collective=collective, group=reading.group)
    fitted = any(curve.fitted and (curve.system, curve.ranks) == (system, ranks) for curve in curves())
    notes = ["fitted on this curve" if fitted else "held out", f"algorithm {algorithm}", reading.note]
    return reading.group, algorithm, "; ".join(note for note in notes if note)


def _row(point: Point) -> ValidationRow:
    group, algorithm, note = _reading(point.system, point.ranks, point.algo, point.collective)
    name = f"{point.system}, {point.ranks} ranks, {point.collective}, {point.size_bytes:.0f} bytes"
    row = functools.partial(compared, TABLE, name, QUANTITY, published=point.busbw, tolerance=TOLERANCE, note=note)
    if group is None:
        return row(ours=None)
    seconds = time_s(point.collective, point.size_bytes, group, algorithm=algorithm)
    ours = float(bus_bytes_per_s(point.collective, point.size_bytes, seconds, ranks=point.ranks)) / 1e9
    hit = abs(ours / point.busbw - 1) <= TOLERANCE_RATIO if point.busbw > 0 else None
    return row(ours=ours, hit=hit, baseline=plain_bus_bytes_per_s(point.collective, point.size_bytes, group) / 1e9)


def plain_bus_bytes_per_s(collective: str, size_bytes: float, group: Group) -> float:
    """The baseline's bus bandwidth, bytes/s: t = a + f S / B, B the data sheet's of the narrowest part of the group."""
    bounds = [group.scale_up.bytes_per_s] if group.scale_up is not None else []
    if group.domains > 1:
        bounds.append(group.nics_per_domain * group.nic_bytes_per_s)
    factor = bus_factor(collective, group.ranks)
    seconds = constants.fitted().baseline_start_s.value + factor * size_bytes / min(bounds)
    return factor * size_bytes / seconds
