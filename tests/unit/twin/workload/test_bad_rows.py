"""Bad rows are told by file and line, counted, and never silently passed over."""

import gzip
import random
from pathlib import Path

import pytest

from datahall.foundation.errors import Missing, Refused, TooLarge
from datahall.twin.workload import Capacity, Options, read_trace

HEAD = "job_id,submit_time,duration,num_gpus,num_cpus\n"
GOOD = "1,0,10,1,1\n"


def written(folder: Path, text: str, name: str = "jobs.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("row", "code", "seen"),
    [
        ("2,-5,10,1,1", "TWIN-008", "submit is -5 s"),
        ("2,5,-10,1,1", "TWIN-008", "duration -10 s"),
        ("2,5,0,1,1", "TWIN-010", "the duration is 0"),
        ("2,5,10,-1,1", "TWIN-011", "-1 accelerators"),
        ("2,5,10,0.5,1", "TWIN-011", "num_gpus is 0.5"),
        ("2,5,10,9000,1", "TWIN-012", "9000 accelerators"),
        ("2,5,10,1,99999", "TWIN-012", "99999 CPUs"),
        ("1,5,10,1,1", "TWIN-013", "the job id 1 was there before"),
        ("2,5,ten,1,1", "TWIN-007", "duration is `ten`"),
        ("2,5,nan,1,1", "TWIN-007", "duration is `nan`"),
        ("2,5,inf,1,1", "TWIN-007", "duration is `inf`"),
        ("2,5,1_0,1,1", "TWIN-007", "duration is `1_0`"),
        ("2,,10,1,1", "TWIN-007", "submit_time is blank"),
        ("2,5,1e13,1,1", "TWIN-009", "are the units right"),
        ("2,5,10,1e18,1", "TWIN-007", "num_gpus is `1e18`"),
        ("2,5,10,1,1e8", "TWIN-009", "are the units right"),
        ("2,5,10", "TWIN-006", "3 fields, but 5"),
        ("2,5,10,1,1,7", "TWIN-006", "6 fields, but 5"),
    ],
)
def test_a_bad_row_is_dropped_and_told(tmp_path, row, code, seen):
    """Given one bad row among good ones, it is dropped, counted in a note, and told with its line."""
    path = written(tmp_path, HEAD + GOOD + row + "\n3,6,10,1,1\n")
    trace = read_trace(path, options=Options(capacity=Capacity(accelerators=512, cores=4096)))
    assert trace.job_id.tolist() == [1, 3] and trace.rows_read == 3
    [problem] = trace.problems
    assert (problem.code, problem.where) == (code, f"{path}:3") and seen in problem.what
    assert any(note.startswith("1 rows dropped") and code in note for note in trace.notes)


def test_strict_refuses_with_every_problem(tmp_path):
    """Given four bad rows and strict, all four are in the refusal with their lines."""
    path = written(tmp_path, HEAD + "1,-1,10,1,1\n2,1,0,1,1\n3,9,4,1,1\n4,8,x,1,1\n5,2,3,1,1\n")
    with pytest.raises(Refused) as caught:
        read_trace(path, options=Options(strict=True))
    assert sorted(problem.where.rpartition(":")[2] for problem in caught.value.problems) == ["2", "3", "5", "6"]


def test_a_refusal_is_bounded(tmp_path):
    """Given 5,000 bad rows, the refusal lists 20 and counts the others; a lenient reading keeps a thousand and counts all."""
    path = written(tmp_path, HEAD + "".join(f"{i},{i},-1,1,1\n" for i in range(5000)) + "9999,9999,1,1,1\n")
    with pytest.raises(Refused, match="4980 more rows are bad: 5000 rows dropped") as caught:
        read_trace(path, options=Options(strict=True))
    assert len(caught.value.problems) == 21
    trace = read_trace(path)
    assert len(trace.problems) == 1000 and trace.notes[0].startswith("5000 rows dropped") and len(trace) == 1


def test_unsorted_rows_are_sorted_stably(tmp_path):
    """Given rows out of order, they are sorted, those of one instant keep the file's order, and the steps back are told."""
    trace = read_trace(written(tmp_path, HEAD + "a,5,1,1,1\nb,3,1,1,1\nc,5,1,1,1\nd,3,1,1,1\n"))
    assert trace.job_id.tolist() == ["b", "d", "a", "c"]
    assert [problem.where.rpartition(":")[2] for problem in trace.problems] == ["3", "5"]


def test_units_of_their_own_are_taken_and_told(tmp_path):
    """Given cells with units, `1500ms` and `2h` mean what they say, and the mixture is told."""
    trace = read_trace(written(tmp_path, HEAD + "1,0,1500ms,1,1\n2,1,2h,1,1\n3,2,10,1,1\n"))
    assert trace.duration_ms.tolist() == [1500, 7_200_000, 10_000]
    assert [problem.code for problem in trace.problems] == ["TWIN-018"] * 2 and "2 rows mended" in trace.notes[0]


def test_milliseconds_beside_seconds_are_mended(tmp_path):
    """Given Unix seconds with one row in milliseconds, that row is mended and told; a whole column of them is refused."""
    rows = ["1,1700000000,5,1,1", "2,1700000010000,5,1,1", "3,1700000020,5,1,1"]
    trace = read_trace(written(tmp_path, HEAD + "\n".join(rows) + "\n"))
    assert trace.submit_ms.tolist() == [0, 10_000, 20_000] and trace.problems[0].code == "TWIN-018"
    with pytest.raises(Refused, match="these are milliseconds"):
        read_trace(written(tmp_path, HEAD + "1,1700000000000,5,1,1\n", "ms.csv"))
    with pytest.raises(Refused, match="duration in seconds and duration_ms"):
        read_trace(written(tmp_path, "submit_time,duration,duration_ms\n0,1,1000\n", "both.csv"))


def test_milliseconds_by_name(tmp_path):
    """Given columns that end in _ms, no factor is applied."""
    trace = read_trace(written(tmp_path, "submit_ms,duration_ms,req_ms,deadline_ms\n7,1500,3000,9000\n"))
    assert (trace.submit_ms[0], trace.duration_ms[0], trace.requested_ms[0], trace.deadline_ms[0]) == (7, 1500, 3000, 9000)


def test_deadline_before_submission_is_none(tmp_path):
    """Given a deadline that was over at submission, the job has none, which is told."""
    trace = read_trace(written(tmp_path, "submit_time,duration,deadline\n50,5,40\n60,5,90\n"))
    assert trace.deadline_ms.tolist() == [-1, 90_000] and trace.problems[0].code == "TWIN-017"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "TWIN-002 the file is empty"),
        ("\n \n", "TWIN-002 the file is empty"),
        ("hello world\n1 2\n", "no known format begins like this: `hello world`"),
        ("job_id,submit_time\n1,2\n", "no known format"),
        (HEAD, "TWIN-016 none of the 0 rows can be used"),
        (HEAD + "1,2,x,1,1\n", "TWIN-007 duration is `x`"),
        (HEAD.replace("num_cpus", "duration") + GOOD, "the column duration is there more than once"),
        ('submit_time,duration\n"1,2\n', "TWIN-006 the row has 1 fields"),
    ],
)
def test_a_file_that_is_no_trace_is_refused(tmp_path, text, match):
    """Given no jobs at all, the file is refused in a sentence."""
    with pytest.raises(Refused, match=match):
        read_trace(written(tmp_path, text))


def test_wrong_format_says_what_is_lacking(tmp_path):
    """Given a Philly format for another CSV, the lacking columns are named."""
    with pytest.raises(Refused, match=r"no Philly trace: it has the columns job_id.*but not timestamp, cluster"):
        read_trace(written(tmp_path, HEAD.replace("\n", ",duration\n") + "1,0,1,1,1,1\n"), "philly")


def test_paths_that_are_no_files(tmp_path):
    """Given nothing or a folder, that is said."""
    with pytest.raises(Missing, match="there is no such file"):
        read_trace(tmp_path / "none.csv")
    with pytest.raises(Refused, match="a folder, a device or a pipe"):
        read_trace(tmp_path)


def test_gzip_bomb_and_cut_gzip(tmp_path):
    """Given zeros that unpack beyond the limit, or half a gzip file, neither fills the memory nor passes."""
    bomb = tmp_path / "bomb.swf.gz"
    bomb.write_bytes(gzip.compress(b" " * 4_000_000))
    with pytest.raises(TooLarge, match="which is the limit"):
        read_trace(bomb, options=Options(limit_bytes=1_000_000))
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress((HEAD + GOOD * 500).encode())[:60])
    with pytest.raises(Refused, match="cut or damaged"):
        read_trace(cut)


def test_an_endless_cell_does_not_widen_the_column(tmp_path):
    """Given one cell of 100 kB, the row is dropped and told."""
    trace = read_trace(written(tmp_path, HEAD + GOOD + f"{'x' * 100_000},1,1,1,1\n"))
    assert len(trace) == 1 and "a field has 100000 bytes" in trace.problems[0].what


def test_swf_with_text_and_cut_lines(tmp_path):
    """Given an SWF log with a word, a cut line and binary rubbish, each is told."""
    row = "{} 0 1 10 4 -1 -1 4 20 -1 1 1 1 -1 1 -1 -1 -1\n"
    path = written(tmp_path, row.format(1) + row.format("two") + "3 0 1 10\n" + "\x00\x01\n" + row.format(4), "l.swf")
    trace = read_trace(path)
    assert trace.job_id.tolist() == [1, 4]
    assert {(problem.code, problem.where.rpartition(":")[2]) for problem in trace.problems} == {
        ("TWIN-006", "3"),
        ("TWIN-007", "2"),
    }


def test_keep_unrun_keeps_them(tmp_path):
    """Given a study of placement, a pod that never ran still counts."""
    assert len(read_trace(written(tmp_path, HEAD + "1,0,0,1,1\n"), options=Options(keep_unrun=True))) == 1


FRAGMENTS = (
    b"",
    b"-",
    b"1e308",
    b"nan",
    b"99999999999999999999",
    b"\x00",
    b"\xff",
    b'"',
    b",",
    b"\n",
    b"-1",
    b"x",
    b" ",
    b"1h",
    b"_",
)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_or_refused_never_worse(tmp_path, seed):
    """Given 100 random damages to a good file, each reads to a trace in order or is refused: nothing else is raised."""
    dice, good, ends = random.Random(seed), (HEAD + GOOD + "2,5,7.5,8,16\n3,9,1e3,0,2\n").encode(), set()
    for _ in range(100):
        data = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            first = dice.randrange(len(data) + 1)
            data[first : first + dice.choice((0, 1, 3, 9))] = dice.choice(FRAGMENTS)
        (tmp_path / "jobs.csv").write_bytes(bytes(data))
        try:
            trace = read_trace(tmp_path / "jobs.csv", "csv")
        except Refused as refusal:
            ends.add("refused")
            assert refusal.problems[0].code.startswith("TWIN-")
        else:
            ends.add("read")
            assert (trace.duration_ms > 0).all() and (trace.submit_ms[1:] >= trace.submit_ms[:-1]).all()
    assert ends == {"read", "refused"}
