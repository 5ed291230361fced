import math

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.data import read_csv
from datahall.models.data.spec import CsvSource


@pytest.fixture
def read(tmp_path):
    """Write the text to a file and read it as CSV."""

    def read_text(text, *, group_column=None, test_text=None, **fields):
        (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        if test_text is not None:
            (tmp_path / "test.csv").write_text(test_text)
            fields["test_file"] = "test.csv"
        source = CsvSource(**{"kind": "csv", "file": "t.csv", "label": "kind"} | fields)
        return read_csv.read(source, folder=tmp_path, group_column=group_column)

    return read_text


def test_numbers_stay_numbers_and_texts_become_categories(read):
    """Given a column of numbers, one of texts and a label, the table has a number column and a category column."""
    raw = read("age,colour,kind\n1,red,cat\n2.5,blue,dog\n-3e2,red,cat\n")
    assert [(c.name, c.texts) for c in raw.columns] == [("age", None), ("colour", ("red", "blue"))]
    assert raw.rows.x.tolist() == [[1, 0], [2.5, 1], [-300, 0]]
    assert raw.rows.y.tolist() == ["cat", "dog", "cat"]


def test_missing_marks_become_holes(read):
    """Given `?`, NA and empty cells, they are holes in numbers, texts and labels alike."""
    raw = read("a,b,kind\n?,x,p\n2, NA ,q\n3,y,\n")
    assert [math.isnan(v) for v in raw.rows.x[:, 0]] == [True, False, False]
    assert [math.isnan(v) for v in raw.rows.x[:, 1]] == [False, True, False]
    assert raw.rows.y.tolist() == ["p", "q", ""]


def test_a_file_without_header_takes_names_from_the_recipe(read):
    """Given `columns`, the first line is a row."""
    raw = read("1,cat\n2,dog\n", columns=("a", "kind"))
    assert raw.rows.x[:, 0].tolist() == [1, 2]


def test_byte_order_mark_quotes_semicolons_and_blank_lines(read):
    """Given a file as spreadsheets save it, with BOM, `;`, quotes and blank lines, it is read."""
    raw = read('\ufeffname;kind\r\n"a; b";p\r\n\r\n"c\nd";q\r\n', delimiter=";")
    assert raw.columns[0].texts == ("a; b", "c\nd")


def test_columns_can_be_dropped_and_groups_are_no_feature(read):
    """Given a patient column as group and an id to drop, only the rest is a feature; equal patients have equal numbers."""
    raw = read("id,patient,a,kind\n1,ann,5,x\n2,bob,6,y\n3,ann,7,x\n4,,8,y\n", drop=("id",), group_column="patient")
    assert [c.name for c in raw.columns] == ["a"]
    assert raw.rows.groups.tolist() == [0, 1, 0, -1]


def test_a_test_file_shares_the_categories(read):
    """Given a test file, its texts are numbered with those of the training file."""
    raw = read("c,kind\nred,p\nblue,q\n", test_text="c,kind\nblue,q\ngreen,p\n")
    assert raw.columns[0].texts == ("red", "blue", "green")
    assert raw.test.x[:, 0].tolist() == [1, 2]


def test_a_column_that_turns_to_text_late_is_read_again(read, monkeypatch):
    """Given numbers for many blocks and one text at the end, the whole column is a category."""
    monkeypatch.setattr(read_csv, "BLOCK_ROWS", 3)
    raw = read("a,kind\n" + "".join(f"{i % 4},k\n" for i in range(10)) + "late,k\n")
    assert raw.columns[0].texts == ("0", "1", "2", "3", "late")
    assert np.isfinite(raw.rows.x).all()


def test_grouped_digits_are_text(read):
    """Given `1_000`, which Python would take for a number, the column holds text."""
    assert read("a,kind\n1_000,p\n2,q\n").columns[0].texts == ("1_000", "2")


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("", {}, "DATA-050 the file is empty"),
        ("a,kind\n1,p\n1,2,3\n", {}, r"t\.csv:3: DATA-021 the row has 3 values, but there are 2 columns"),
        ("a,a,kind\n", {}, "DATA-022 the column names 'a' stand more than once"),
        ("a,kid\n1,p\n", {}, r"DATA-022 t\.csv has no column `kind`. Did you mean kid"),
        ("a,kind\n1,p\n", {"drop": ("b", "c")}, "no column `b`(.|\n)*no column `c`"),
        ("a,kind\n1,p\n", {"drop": ("a",)}, "DATA-022 no column is left beside the label"),
        ("a,kind\n1,p\n", {"drop": ("kind",)}, "the label `kind` is also dropped"),
        ("a,kind\n1,p\n", {"group_column": "who"}, "data.split.group_column: DATA-022 t.csv has no column `who`"),
        (b"a,kind\n\xff\xfe,p\n", {}, "DATA-020 byte 0xff is not UTF-8 text"),
        ('a,kind\n"open,p\n', {}, "DATA-020 is not CSV: unexpected end of data"),
        ("a,kind\n1,p\n", {"test_text": "b,kind\n1,p\n"}, "DATA-022 its columns differ from the training file's: a, b"),
    ],
)
def test_what_is_no_such_table_is_refused(read, text, fields, message):
    """Given an empty, ragged, ambiguous or non-text file, or columns that are not there, the problem says which and where."""
    with pytest.raises(Refused, match=message):
        read(text, **fields)


def test_a_column_of_names_is_refused(read):
    """Given more than a thousand different texts in a column, the problem says to drop it."""
    with pytest.raises(Refused, match=r"t\.csv a: DATA-023 the column holds 1001 different texts.*Add `a` to `drop`"):
        read("a,kind\n" + "".join(f"n{i},p\n" for i in range(1001)))
