"""Amounts of what a node has and a worker is given. Whole numbers, so that adding and taking away never drifts."""

from dataclasses import dataclass

from datahall.foundation.units import bytes_text


@dataclass(frozen=True, slots=True)
class Resources:
    """CPUs in thousandths, memory in bytes, whole accelerators."""

    cpu_milli: int = 0
    memory_bytes: int = 0
    accelerators: int = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            self.cpu_milli + other.cpu_milli,
            self.memory_bytes + other.memory_bytes,
            self.accelerators + other.accelerators,
        )

    def __sub__(self, other: "Resources") -> "Resources":
        return Resources(
            self.cpu_milli - other.cpu_milli,
            self.memory_bytes - other.memory_bytes,
            self.accelerators - other.accelerators,
        )

    def fits(self, room: "Resources") -> bool:
        """Whether this much can be taken out of `room`."""
        return (
            self.cpu_milli <= room.cpu_milli
            and self.memory_bytes <= room.memory_bytes
            and self.accelerators <= room.accelerators
        )

    def times_into(self, room: "Resources") -> int:
        """How many times this fits into `room`."""
        pairs = (
            (self.cpu_milli, room.cpu_milli),
            (self.memory_bytes, room.memory_bytes),
            (self.accelerators, room.accelerators),
        )
        return min((have // need for need, have in pairs if need), default=1 << 30)

    def __str__(self) -> str:
        parts = [cpus_text(self.cpu_milli), bytes_text(self.memory_bytes)]
        if self.accelerators:
            parts.append(f"{self.accelerators} accelerators")
        return ", ".join(parts)


def cpus_text(cpu_milli: int) -> str:
    """`1000` -> `1 CPU`."""
    return f"{cpu_milli / 1000:g} {'CPU' if cpu_milli == 1000 else 'CPUs'}"


def shortfalls(need: Resources, room: Resources) -> list[str]:
    """What `room` lacks for `need`, in words: `2 CPUs (0.5 free)`."""
    short = []
    if need.cpu_milli > room.cpu_milli:
        short.append(f"{cpus_text(need.cpu_milli)} ({room.cpu_milli / 1000:g} free)")
    if need.memory_bytes > room.memory_bytes:
        short.append(f"{bytes_text(need.memory_bytes)} of memory ({bytes_text(room.memory_bytes)} free)")
    if need.accelerators > room.accelerators:
        short.append(f"{need.accelerators} accelerators ({room.accelerators} free)")
    return short
