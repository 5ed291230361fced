import pytest
from pydantic import TypeAdapter, ValidationError

from datahall.foundation.units import Bytes, Seconds, bytes_text, seconds_text

SIZE, DURATION = TypeAdapter(Bytes), TypeAdapter(Seconds)


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [("4 GiB", 4 * 2**30), ("1.5kB", 1500), ("2 GB", 2_000_000_000), (7, 7), ("1152921504606846975 B", 2**60 - 1)],
)
def test_sizes(written: object, size_bytes: int) -> None:
    """Given a size as people write it, whole bytes come back, exactly."""
    assert SIZE.validate_python(written) == size_bytes


@pytest.mark.parametrize(
    "written", ["4 gib", "4", "-1 B", "9" * 400 + " B", True, 1.5, "1e3 B", "", None, "٤ GiB", "2 PiB PiB"]
)
def test_what_is_no_size_is_refused(written: object) -> None:
    """Given something that is not a size, it is refused and nothing else happens."""
    with pytest.raises(ValidationError, match="validation error"):
        SIZE.validate_python(written)


def test_durations() -> None:
    """Given durations in each unit, seconds come back; a size is refused with the units named."""
    assert [DURATION.validate_python(text) for text in ("250 ms", "90 s", "15 min", "2 h", "1 d")] == [
        0.25,
        90,
        900,
        7200,
        86400,
    ]
    with pytest.raises(ValidationError, match="ms, s, min, m, h, d"):
        DURATION.validate_python("1 GiB")


def test_texts() -> None:
    """Given numbers, people's words come back, with no `1000 ms` and no `60.0 s`."""
    assert [bytes_text(n) for n in (0, 1536, 5 * 2**40)] == ["0 B", "1.5 KiB", "5.0 TiB"]
    assert [seconds_text(s) for s in (0.0123, 0.9999, 59.97, 75.2, 7260, 200_000)] == [
        "12 ms", "1.0 s", "1 min 0 s", "1 min 15 s", "2 h 1 min", "2 d 7 h",
    ]  # fmt: skip
