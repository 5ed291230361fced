"""Many names in a few characters."""

import pytest

from datahall.foundation.ranges import count_of, names_of


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("r1", ("r1",)),
        ("r[08-11]", ("r08", "r09", "r10", "r11")),
        ("r[8-11]", ("r8", "r9", "r10", "r11")),
        ("row-[a-d]", ("row-a", "row-b", "row-c", "row-d")),
        ("[X-Z]1", ("X1", "Y1", "Z1")),
        ("pdu-[a,b][1-2]", ("pdu-a1", "pdu-a2", "pdu-b1", "pdu-b2")),
        ("s[1,3-4,x]", ("s1", "s3", "s4", "sx")),
    ],
)
def test_a_pattern_is_written_out_in_order(pattern: str, names: tuple[str, ...]) -> None:
    """Given spans of numbers or letters, and lists, all names come back in order, with their leading zeros."""
    assert names_of(pattern) == names and count_of([pattern, "one"]) == len(names) + 1


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("r[3-1]", "runs backwards"),
        ("r[d-a]", "runs backwards"),
        ("r[a-3]", "should be a span"),
        ("r[aa-ac]", "should be a span"),
        ("r[a-C]", "should be a span"),
        ("r[1", "without its"),
        ("r[1-300000]", "at most 200,000"),
        ("r[1-1000][1-1000]", "stands for 1,000,000 names"),
        ("-[1-2]", "is no name"),
    ],
)
def test_a_pattern_that_stands_for_nothing_says_why(pattern: str, what: str) -> None:
    """Given a pattern that is wrong, the reason is told."""
    with pytest.raises(ValueError, match=what):
        names_of(pattern)
