"""What `datahall validate` prints."""

from dataclasses import replace

from datahall.interfaces.plan_text import validation_rows, validation_summary
from datahall.planner.validation.rows import ValidationRow, compared
from datahall.planner.validation.tables import rows_of_file


def printed(published: float | None, ours: float | None) -> tuple[str, str]:
    """Both figures as they stand in the terminal."""
    row: ValidationRow = compared("fabric", "fat-tree, k=128", "links", published=published, ours=ours)
    [line] = validation_rows([row])
    return line["published"], line["ours"]


def test_counts_are_printed_whole_and_measurements_short():
    """Given counts above a million, no digit is dropped; a bandwidth has three; what is not there is a dash."""
    assert printed(1_570_000, 1_572_864) == ("1,570,000", "1,572,864")
    assert printed(466.35, 0.01234) == ("466", "0.0123")
    assert printed(None, 1e300)[0] == "–"


def test_rows_of_a_file_are_told_by_file_and_line(tmp_path):
    """Given an NCCL file whose third row is bad, that row alone is not computed, and says `file:line`."""
    file = tmp_path / "nccl.csv"
    good = "H100 SXM x8,8,NVLS,1073741824,466.35"
    file.write_text(f"system,ranks,algo,bytes,busbw_GBps\n{good}\nH100,eight,NVLS,8,1\n{good}\n,,,,\n")
    first, bad, last, empty = rows_of_file(file)
    assert first.hit and last.hit
    assert bad.ours is None and bad.note.startswith(f"{file}:3: ranks is `eight`")
    assert empty.published is None and empty.note.startswith(f"{file}:5: ")


def test_a_summary_says_what_counts_as_a_hit_and_what_constants_reach():
    """Given a hit with two constants beside it, the line of its table has the tolerance and all three."""
    row = compared(
        "facility", "x", "PUE", published=1.2, ours=1.26, hit=False, baseline=1.2, peer_baseline=1.5, tolerance="within 0.05"
    )
    [line] = validation_summary([replace(row, baseline_hit=True, peer_baseline_hit=False)])
    assert line == (
        "facility, PUE: 1 of 1 rows computed, 0 of 1 hit (within 0.05), mean error 5.0%, median 5.0%; "
        "a constant: 1 hit, mean 0.0%, median 0.0%; a constant of the provider: 0 hit, mean 25.0%, median 25.0%"
    )
