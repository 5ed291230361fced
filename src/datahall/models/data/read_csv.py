"""Tables as CSV, read in blocks: numbers first; columns that turn out to hold text are read again as categories."""

import csv
import difflib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.models.data import places
from datahall.models.data.rows import Column, Raw, Rows
from datahall.models.data.spec import CsvSource

BLOCK_ROWS = 16_384
MAX_CATEGORIES = 1000
Floats = NDArray[np.float64]


def read(source: CsvSource, *, folder: Path, group_column: str | None = None) -> Raw:
    """The features as numbers or categories, the label as text, the group numbered."""
    names = [name for name in (source.file, source.test_file) if name is not None]
    files = [_CsvFile(places.find(name, folder=folder, downloads=source.download), source) for name in names]
    header = files[0].header()
    for file in files[1:]:
        _same_columns(header, file)
    _known(header, source, group_column, where=source.file)
    plain = [name for name in header if name not in {*source.drop, source.label, group_column}]
    if not plain:
        what = f"no column is left beside the label `{source.label}`"
        raise Refused(Problem("DATA-022", source.file, what, "drop fewer columns"))
    numbers = [_numbers(file, plain) for file in files]
    textual = [name for name in plain if any(name in found.textual for found in numbers)]
    texts = {name: _Texts() for name in (*textual, source.label, *((group_column,) if group_column else ()))}
    codes = [_codes(file, texts) for file in files]
    _few_categories(texts, textual, source)
    columns = tuple(Column(name, tuple(texts[name].known) if name in textual else None) for name in plain)
    parts = [
        _rows(columns, n, c, texts=texts, label=source.label, group_column=group_column)
        for n, c in zip(numbers, codes, strict=True)
    ]
    return Raw("table", parts[0], parts[1] if len(parts) > 1 else None, columns, where=source.file)


class _CsvFile:
    """One file as blocks of rows; every row has as many values as the header."""

    def __init__(self, path: Path, source: CsvSource) -> None:
        self.path, self.source = path, source

    def header(self) -> list[str]:
        """Names of the columns. Raises Refused when one stands twice or there are none."""
        names = list(self.source.columns) or next((row for _, row in self._records()), [])
        names = [name.strip() for name in names]
        if not names:
            raise Refused(Problem("DATA-050", str(self.path), "the file is empty", "give it a header and rows"))
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            what = f"the column names {', '.join(map(repr, twice[:5]))} stand more than once"
            raise Refused(Problem("DATA-022", f"{self.path}:1", what, "name each column once, in the header or in `columns`"))
        return names

    def blocks(self, wanted: Sequence[str]) -> Iterator[list[tuple[str, ...]]]:
        """Blocks of the `wanted` columns, each column a tuple of values."""
        header = self.header()
        indexes, width = [header.index(name) for name in wanted], len(header)
        records = itertools.islice(self._records(), 0 if self.source.columns else 1, None)
        while block := list(itertools.islice(records, BLOCK_ROWS)):
            for line, row in block:
                if len(row) != width:
                    what = f"the row has {len(row)} values, but there are {width} columns"
                    raise Refused(Problem("DATA-021", f"{self.path}:{line}", what, "quote values that hold the delimiter"))
            columns = list(zip(*(row for _, row in block), strict=True))
            yield [columns[i] for i in indexes]

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """(line number, values) of each row that is not blank."""
        fix = "save the file as CSV in UTF-8"
        line = 0
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, delimiter=self.source.delimiter, skipinitialspace=True, strict=True)
                for row in reader:
                    line = reader.line_num
                    if row:
                        yield line, row
        except UnicodeDecodeError as error:
            what = f"byte {error.object[error.start]:#04x} is not UTF-8 text"
            raise Refused(Problem("DATA-020", f"{self.path}:{line + 1}", what, fix)) from None
        except (csv.Error, TypeError, ValueError) as error:
            raise Refused(Problem("DATA-020", f"{self.path}:{line + 1}", f"is not CSV: {error}", fix)) from None
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            raise Refused(Problem("DATA-003", str(self.path), what, "name a CSV file that may be read")) from None


@dataclass(slots=True)
class _Numbers:
    """Columns read as numbers; those in `textual` are not."""

    values: dict[str, Floats]
    textual: set[str]
    length: int


@dataclass(slots=True)
class _Texts:
    """Texts of one column in order of first sight, over all files."""

    known: dict[str, int] = field(default_factory=dict)


def _numbers(file: _CsvFile, wanted: list[str]) -> _Numbers:
    blocks: dict[str, list[Floats]] = {name: [] for name in wanted}
    textual: set[str] = set()
    marks, length = frozenset(file.source.missing_marks), 0
    for block in file.blocks(wanted):
        length += len(block[0])
        for name, column in zip(wanted, block, strict=True):
            values = None if name in textual else _as_numbers(column, marks)
            if values is not None:
                blocks[name].append(values)
            else:
                textual.add(name)
                blocks[name].clear()
    empty = np.empty(0, np.float64)
    return _Numbers({name: np.concatenate([empty, *parts]) for name, parts in blocks.items()}, textual, length)


def _as_numbers(column: Sequence[str], marks: frozenset[str]) -> Floats | None:
    """The values as numbers, or None when one is text. `1_000` is text: Python would read it as a number."""
    stripped = [value.strip() for value in column]
    try:
        values = [np.nan if value in marks else float(value) for value in stripped]
    except ValueError:
        return None
    return None if any("_" in value for value in stripped) else np.array(values, np.float64)


def _codes(file: _CsvFile, texts: dict[str, _Texts]) -> dict[str, Floats]:
    """The columns of `texts` as numbers of their texts, NaN where a value is missing."""
    parts: dict[str, list[Floats]] = {name: [np.empty(0, np.float64)] for name in texts}
    marks = set(file.source.missing_marks)
    for block in file.blocks(list(texts)):
        for name, column in zip(texts, block, strict=True):
            known = texts[name].known
            stripped = [value.strip() for value in column]
            found = [np.nan if value in marks else known.setdefault(value, len(known)) for value in stripped]
            parts[name].append(np.array(found, np.float64))
    return {name: np.concatenate(found) for name, found in parts.items()}


def _rows(
    columns: Sequence[Column],
    numbers: _Numbers,
    codes: dict[str, Floats],
    *,
    texts: dict[str, _Texts],
    label: str,
    group_column: str | None,
) -> Rows:
    x = np.empty((numbers.length, len(columns)), np.float64)
    for i, column in enumerate(columns):
        x[:, i] = numbers.values[column.name] if column.texts is None else codes[column.name]
    names = np.array([*texts[label].known, ""], dtype=np.str_)
    missing = np.isnan(codes[label])
    y = names[np.where(missing, len(names) - 1, codes[label]).astype(np.int64)]
    groups = None if group_column is None else np.nan_to_num(codes[group_column], nan=-1).astype(np.int64)
    return Rows(x, y, groups)


def _same_columns(header: list[str], file: _CsvFile) -> None:
    other = file.header()
    if other != header:
        odd = [name for name in [*header, *other] if (name in header) != (name in other)]
        what = f"its columns differ from the training file's: {', '.join(odd[:5]) or 'another order'}"
        raise Refused(Problem("DATA-022", f"{file.path}:1", what, "give both files the same columns in the same order"))


def _known(header: list[str], source: CsvSource, group_column: str | None, *, where: str) -> None:
    """Raises Refused with every column that the recipe names and the file lacks."""
    named = [("source.label", source.label), *(("source.drop", name) for name in source.drop)]
    named += [("split.group_column", group_column)] if group_column else []
    problems = [_no_column(field, name, header, where) for field, name in named if name not in header]
    if source.label in source.drop or source.label == group_column:
        what = f"the label `{source.label}` is also dropped or the group column"
        problems.append(Problem("DATA-022", "data.source.label", what, "give the label a column of its own"))
    if problems:
        raise Refused(problems)


def _no_column(field_name: str, name: str, header: list[str], where: str) -> Problem:
    close = difflib.get_close_matches(name, header, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"the columns are {', '.join(header[:20])}"
    return Problem("DATA-022", f"data.{field_name}", f"{where} has no column `{name}`", hint)


def _few_categories(texts: dict[str, _Texts], textual: list[str], source: CsvSource) -> None:
    problems = [
        Problem(
            "DATA-023",
            f"{source.file} {name}",
            f"the column holds {len(texts[name].known)} different texts; at most {MAX_CATEGORIES} become categories",
            f"add `{name}` to `drop`, or put what matters in it into columns of their own",
        )
        for name in textual
        if len(texts[name].known) > MAX_CATEGORIES
    ]
    if problems:
        raise Refused(problems)
