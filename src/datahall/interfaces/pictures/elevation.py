"""A rack from the front: units numbered from below, devices by height."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from datahall.interfaces.pictures.drawing import line, rect, svg, words

UNIT, LEFT, INSIDE, TOP = 12.5, 26, 214, 8


@dataclass(frozen=True, slots=True)
class Standing:
    """Devices of one type in a rack. units: height of one; 0: it hangs beside the units."""

    name: str
    kind: str
    """`server`, `switch`, `storage`: what it is coloured by."""
    count: int
    units: int
    label: str
    """Power and weight of one, in words."""


def elevation(devices: Sequence[Standing], *, units: int, title: str) -> Markup:
    """The rack filled from below in the order of the devices. What does not fit stands above the frame, marked."""
    used = sum(device.count * device.units for device in devices)
    height = max(units, used)
    frame = [rect(LEFT, _top(units, height), INSIDE, units * UNIT, "frame", round_px=2), *_numbers(units, height)]
    parts = [*frame, *_devices(devices, units, height)]
    if used < units:
        middle = _top(units, height) + (units - used) * UNIT / 2
        parts.append(words(f"{units - used} U free", LEFT + INSIDE / 2, middle + 4, kind="soft", anchor="middle"))
    return svg(LEFT + INSIDE + 8, TOP + height * UNIT + 10, parts, title=title, kind="elevation")


def _top(unit: int, height: int) -> float:
    """Upper edge of a unit, counted from 1 at the floor."""
    return TOP + (height - unit) * UNIT


def _numbers(units: int, height: int) -> Iterator[Markup]:
    for unit in range(1, units + 1):
        yield words(str(unit), LEFT - 5, _top(unit, height) + UNIT - 3, kind="small", anchor="end")
        yield line(LEFT, _top(unit, height), LEFT + INSIDE, _top(unit, height), "slot")


def _devices(devices: Sequence[Standing], units: int, height: int) -> Iterator[Markup]:
    unit = 0
    for device in devices:
        for _ in range(device.count if device.units else 0):
            unit += device.units
            over = " over" if unit > units else ""
            told = f"{device.name}, {device.units} U, {device.label}"
            y, high = _top(unit, height), device.units * UNIT
            yield rect(LEFT + 3, y + 1, INSIDE - 6, high - 2, f"device {device.kind}{over}", title=told, round_px=2)
            yield from _label(device, y, high)


def _label(device: Standing, y: float, high: float) -> Iterator[Markup]:
    """Two lines where there is room, else one."""
    if device.units >= 3:
        yield words(device.name, LEFT + 10, y + high / 2 - 2, kind="device-name", most=30)
        yield words(device.label, LEFT + 10, y + high / 2 + 11, kind="device-label", most=38)
        return
    middle = y + high / 2 + 3.4
    yield words(device.name, LEFT + 10, middle, kind="device-name", most=20)
    yield words(device.label, LEFT + INSIDE - 9, middle, kind="device-label", anchor="end", most=19)
