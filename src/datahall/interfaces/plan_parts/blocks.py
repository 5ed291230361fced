"""What a section of the page is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

Cell = str | Markup


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its words."""

    block: ClassVar[str] = "picture"
    svg: Markup
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Narrow pictures side by side; those past `shown` are folded."""

    block: ClassVar[str] = "gallery"
    pictures: tuple[Picture, ...]
    shown: int = 8


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads. numbers: columns that are set to the right. folded: words to unfold it by; empty: it is open."""

    block: ClassVar[str] = "table"
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    note: str = ""
    numbers: frozenset[int] = frozenset()
    folded: str = ""
    anchors: tuple[str, ...] = ()
    """An anchor for each row; empty: none."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A list of sentences. warning: they limit what may be read out of the figures."""

    block: ClassVar[str] = "lines"
    lines: tuple[Cell, ...]
    title: str = ""
    folded: str = ""
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """Figures of one subject: what is said, the value, the anchor of its source, what it is."""

    block: ClassVar[str] = "card"
    title: str
    rows: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Cards:
    block: ClassVar[str] = "cards"
    cards: tuple[Card, ...]


Block = Picture | Gallery | Table | Lines | Cards


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what to know before reading on, and blocks. anchor: unique on the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = ()
    lead: str = ""


def words_of(kind: str) -> str:
    """`transfer_switch` -> `transfer switch`, `ups` -> `UPS`."""
    return kind.upper() if kind in {"ups", "pdu"} else kind.replace("_", " ")


def counted(count: int, one: str, many: str) -> str:
    """`1 rack`, `2,048 racks`."""
    return f"{count:,} {one if count == 1 else many}"


def few(names: Sequence[str]) -> str:
    """`a1`, `a1, a2, a3`, `a1 … a16 (16)`."""
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]} ({len(names):,})"
