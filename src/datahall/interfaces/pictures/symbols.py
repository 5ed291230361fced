"""Symbols of a single-line diagram, 26 by 26 pixels about the origin, after IEC 60617's shapes."""

from collections.abc import Callable

from markupsafe import Markup

from datahall.interfaces.pictures.drawing import circle, joined, line, moved, path, rect, words

SIZE = 26.0


def symbol(kind: str, x: float, y: float) -> Markup:
    """The symbol of a kind of element with its middle at x, y; a plain square for what has none."""
    return moved([_SYMBOLS.get(kind, _square)()], x=x, y=y)


def _utility() -> Markup:
    return circle(0, 0, 11, "symbol") + path("M-7 0C-4 -8 -2 -8 0 0S5 8 7 0", "symbol")


def _generator() -> Markup:
    return circle(0, 0, 11, "symbol") + words("G", 0, 5, kind="letter", anchor="middle")


def _transformer() -> Markup:
    return circle(0, -5, 7, "symbol") + circle(0, 5, 7, "symbol")


def _switchgear() -> Markup:
    cross = path("M-4 -1L4 7M4 -1L-4 7", "symbol")
    return line(-11, -8, 11, -8, "symbol thick") + line(0, -8, 0, -3, "symbol") + cross + line(0, 3, 0, 12, "symbol")


def _transfer_switch() -> Markup:
    return joined(
        [
            circle(-7, -7, 2, "symbol"),
            circle(7, -7, 2, "symbol"),
            circle(0, 8, 2, "symbol"),
            line(0, 6, -6, -5, "symbol thick"),
            line(0, 10, 0, 13, "symbol"),
        ]
    )


def _ups() -> Markup:
    wave, flat = path("M-9 -4C-8 -8 -6 -8 -5 -4S-2 0 -1 -4", "symbol"), path("M1 4H9M1 8H9", "symbol")
    return rect(-12, -12, 24, 24, "symbol") + line(-12, 12, 12, -12, "symbol") + wave + flat


def _rectifier() -> Markup:
    return rect(-12, -12, 24, 24, "symbol") + path("M-6 -6V6L6 0ZM6 -6V6M-12 0H-6M6 0H12", "symbol")


def _busway() -> Markup:
    return line(-12, 0, 12, 0, "symbol thick") + path("M-7 0V9M0 0V9M7 0V9", "symbol")


def _pdu() -> Markup:
    return rect(-11, -11, 22, 22, "symbol") + path("M-6 -11V11M0 -11V11M6 -11V11", "symbol")


def _rack() -> Markup:
    return rect(-9, -12, 18, 24, "symbol") + path("M-9 -6H9M-9 0H9M-9 6H9", "symbol")


def _cooling() -> Markup:
    return circle(0, 0, 11, "symbol") + path("M0 -8V8M-7 -4L7 4M-7 4L7 -4", "symbol")


def _square() -> Markup:
    return rect(-11, -11, 22, 22, "symbol")


_SYMBOLS: dict[str, Callable[[], Markup]] = {
    "utility": _utility,
    "generator": _generator,
    "transformer": _transformer,
    "switchgear": _switchgear,
    "transfer_switch": _transfer_switch,
    "ups": _ups,
    "rectifier": _rectifier,
    "busway": _busway,
    "pdu": _pdu,
    "rack": _rack,
    "cooling": _cooling,
}
