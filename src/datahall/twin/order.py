"""The order of what happens at the same moment: it changes answers, so it is stated once."""

from enum import IntEnum


class Order(IntEnum):
    """Work ends before a machine goes down, which comes before one comes back, before work arrives, before a timer rings."""

    END = 0
    DOWN = 1
    UP = 2
    SUBMIT = 3
    TIMER = 4
