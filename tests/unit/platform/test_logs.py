"""A worker's output, read in pages while it is written and rotated."""

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.foundation.errors import Missing
from datahall.platform.engines.shim import Output
from datahall.platform.logs import check_rank, read_log


def output(job: Path, *, max_bytes: int, keep: int = 3) -> Output:
    folder = job / "attempts" / "1" / "0"
    folder.mkdir(parents=True, exist_ok=True)
    return Output(str(folder / "output.log"), max_bytes, keep)


def pages(job: Path, *, limit: int, offset: int = 0) -> list[bytes]:
    found = []
    while True:
        data, following = read_log(job, attempt=1, rank=0, offset=offset, limit=limit)
        if not data:
            return found
        assert following > offset
        found.append(data)
        offset = following


def test_pages_cross_rotated_files(tmp_path: Path):
    """Given 100 lines over four files of 300 bytes, pages of 7 bytes put together are all of them."""
    log = output(tmp_path, max_bytes=300)
    lines = [f"line {n:03}\n".encode() for n in range(100)]
    for line in lines:
        log.write(line)
    assert b"".join(pages(tmp_path, limit=7)) == b"".join(lines)
    assert len(list((tmp_path / "attempts" / "1" / "0").glob("output.log*"))) == 4


def test_a_reader_keeps_its_place_when_old_files_are_dropped(tmp_path: Path):
    """Given a reader that has seen line 19 when the files that held it are dropped, it goes on with what is still there."""
    log = output(tmp_path, max_bytes=50, keep=1)
    for n in range(20):
        log.write(f"line {n:03}\n".encode())
    _, place = read_log(tmp_path, attempt=1, rank=0, offset=0)
    assert place == 180
    for n in range(20, 23):
        log.write(f"line {n:03}\n".encode())
    assert read_log(tmp_path, attempt=1, rank=0, offset=place)[0] == b"line 020\nline 021\nline 022\n"
    for n in range(23, 60):
        log.write(f"line {n:03}\n".encode())
    data, following = read_log(tmp_path, attempt=1, rank=0, offset=place)
    assert data.endswith(b"line 058\nline 059\n")
    assert following == 60 * 9


def test_the_end_can_be_asked_for(tmp_path: Path):
    """Given ten bytes, -4 gives the last four, and more than there are gives all."""
    output(tmp_path, max_bytes=100).write(b"0123456789")
    assert read_log(tmp_path, attempt=1, rank=0, offset=-4) == (b"6789", 10)
    assert read_log(tmp_path, attempt=1, rank=0, offset=-400) == (b"0123456789", 10)
    assert read_log(tmp_path, attempt=1, rank=0, offset=400) == (b"", 10)


def test_no_output_yet_is_nothing(tmp_path: Path):
    """Given an attempt that has not started, its log is empty."""
    assert read_log(tmp_path, attempt=1, rank=0, offset=0) == (b"", 0)


def test_reading_while_it_turns_over(tmp_path: Path):
    """Given a writer that rotates all the time, a reader that starts with it gets ordered lines without a tear."""
    log, done = output(tmp_path, max_bytes=900, keep=3), threading.Event()

    def write() -> None:
        for n in range(4000):
            log.write(f"line {n:05}\n".encode())
            if n % 20 == 0:
                time.sleep(0.001)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen, offset = b"", 0
    while True:
        over = done.is_set()
        data, following = read_log(tmp_path, attempt=1, rank=0, offset=offset)
        if following - len(data) > offset:
            seen = seen[: seen.rfind(b"\n") + 1]  # lines were dropped before they could be read
        seen, offset = seen + data, following
        if over and not data:
            break
    writer.join()
    numbers = [int(line[5:]) for line in seen.splitlines() if line]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 3999


@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(st.binary(max_size=40), max_size=30), limit=st.integers(1, 50), max_bytes=st.integers(1, 80))
def test_pages_of_any_size_are_the_newest_of_what_was_written(tmp_path_factory, chunks, limit, max_bytes):
    """Given any writes, any rotation and any page size, the pages are the end of what was written, without a gap."""
    job = tmp_path_factory.mktemp("job")
    log = output(job, max_bytes=max_bytes)
    for chunk in chunks:
        log.write(chunk)
    whole, seen = b"".join(chunks), b"".join(pages(job, limit=limit))
    assert whole.endswith(seen)
    assert len(seen) >= min(len(whole), max_bytes - max((len(chunk) for chunk in chunks), default=0))


@pytest.mark.parametrize(
    ("rank", "attempt", "code"), [(2, 1, "LOG-001"), (-1, 1, "LOG-001"), (0, 3, "LOG-002"), (0, 0, "LOG-002")]
)
def test_a_worker_or_attempt_that_is_not_there_is_named(rank: int, attempt: int, code: str):
    """Given a gang of two that ran twice, a third worker and a third attempt are refused with what there is."""
    with pytest.raises(Missing, match=f"{code} has no (worker|attempt) {rank if code == 'LOG-001' else attempt}"):
        check_rank(7, workers=2, rank=rank, attempts=2, attempt=attempt)
