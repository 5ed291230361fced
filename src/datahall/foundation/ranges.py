"""Many names in a few characters: `r[01-16]` is r01, r02, … r16; `pdu-[a,b][1-4]` is eight names; `row-[a-d]` is four."""

import functools
import itertools
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from datahall.foundation.spec import NAME_PATTERN

MAX_NAMES = 200_000
_PART = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")
_SPAN = re.compile(r"^(\d{1,9})-(\d{1,9})$")
_LETTERS = re.compile(r"^(?:([a-z])-([a-z])|([A-Z])-([A-Z]))$")


@functools.lru_cache(maxsize=4096)
def names_of(pattern: str) -> tuple[str, ...]:
    """All names that a pattern stands for, in order; numbers keep their leading zeros.

    Raises ValueError saying what is wrong with the pattern.
    """
    if "".join(match[0] for match in _PART.finditer(pattern)) != pattern:
        raise ValueError("a `[` without its `]`, or one inside another")
    choices = [_choices(match[1]) if match[2] is None else (match[2],) for match in _PART.finditer(pattern)]
    count = 1
    for part in choices:
        count *= len(part)
    if count > MAX_NAMES:
        raise ValueError(f"stands for {count:,} names, at most {MAX_NAMES:,} are allowed")
    names = tuple("".join(parts) for parts in itertools.product(*choices))
    if wrong := next((name for name in names if not re.match(NAME_PATTERN, name) or len(name) > 63), None):
        raise ValueError(f"`{wrong}` is no name: up to 63 letters, digits, `.`, `_`, `-`, with a letter or digit at both ends")
    return names


def count_of(patterns: Iterable[str]) -> int:
    """How many names the patterns stand for together."""
    return sum(len(names_of(pattern)) for pattern in patterns)


def _choices(inside: str) -> tuple[str, ...]:
    return tuple(name for item in inside.split(",") for name in _span(item.strip()))


def _span(item: str) -> tuple[str, ...]:
    if letters := _LETTERS.match(item):
        return _letters(item, *(letter for letter in letters.groups() if letter))
    match = _SPAN.match(item)
    if match is None:
        if not item or "-" in item:
            raise ValueError(f"`[{item}]` should be a span such as [01-16] or [a-d], or a list such as [a,b]")
        return (item,)
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise ValueError(f"the span {item} runs backwards")
    if last - first >= MAX_NAMES:
        raise ValueError(f"the span {item} stands for {last - first + 1:,} names, at most {MAX_NAMES:,} are allowed")
    width = len(match[1]) if match[1].startswith("0") else 0
    return tuple(str(number).zfill(width) for number in range(first, last + 1))


def _letters(item: str, first: str, last: str) -> tuple[str, ...]:
    if last < first:
        raise ValueError(f"the span {item} runs backwards")
    return tuple(chr(code) for code in range(ord(first), ord(last) + 1))


def _checked(pattern: str) -> str:
    names_of(pattern)
    return pattern


NameRange = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_checked)]
"""One name, or a pattern such as `r[01-16]` that stands for many."""
