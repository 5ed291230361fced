"""How the command line speaks: results to stdout, progress and problems to stderr, no colour in pipes."""

import contextlib
import errno
import functools
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datahall.foundation import files
from datahall.foundation.errors import Conflict, DatahallError, Problem


class _Console(Console):
    """Rich's own ends the process with 1 when the reader of a pipe has had enough."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, "nobody reads any more")


# No emoji codes: `hall.yaml:100: INF-012` is a line of a file, not a hundred points.
out = _Console(soft_wrap=True, highlight=False, emoji=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


def report(run: Callable[[], Any]) -> int:
    """Run a command; the exit code: 0 done, 1 the answer is no, 2 bad input, 3 our fault, 130 interrupted."""
    try:
        run()
    except DatahallError as error:
        show_problems(error.problems)
        if "--json" in sys.argv[1:]:
            show_json({"problems": [problem.as_dict() for problem in error.problems]})
        return error.exit_code
    except KeyboardInterrupt:
        err.print("interrupted; nothing that was acknowledged is lost")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        if os.environ.get("DATAHALL_DEBUG"):
            raise
        fix = "set DATAHALL_DEBUG=1, run it again, and report what it shows"
        show_problems([Problem("CLI-500", "datahall", f"a fault of ours: {type(error).__name__}: {error}", fix)])
        return 3
    return 0


def exits(command: Callable[..., int | None]) -> Callable[..., None]:
    """A command whose returned number is its exit code. What it prints is written when it ends, or it is told why not."""

    @functools.wraps(command)
    def wrapped(*args: Any, **words: Any) -> None:
        try:
            code = command(*args, **words)
            out.file.flush()
        except KeyboardInterrupt:
            say("interrupted; nothing that was acknowledged is lost")
            code = 130
        except BrokenPipeError:
            _write_nowhere()  # the reader has what it wanted, as with `| head -1`
            code = 0
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            _write_nowhere()
            raise files.unwritable(Path("stdout"), error) from None
        if code:
            raise typer.Exit(code)

    return wrapped


def _write_nowhere() -> None:
    """What still waits to be written would fail again as Python ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        err.print(f"[bold red]✗[/] {escape(problem.where)}: [bold]{problem.code}[/] {escape(problem.what)}.")
        end = "" if problem.fix.endswith((".", "?")) else "."
        err.print(f"  → {escape(problem.fix[:1].upper() + problem.fix[1:])}{end}")


def say(text: str) -> None:
    """A line of progress, to stderr, as it is: names and reasons may hold brackets."""
    err.print(text, markup=False)


def show_json(value: Any) -> None:
    """Machine-readable output: JSON as RFC 8259 has it, where what is infinite or no number is null."""
    out.file.write(json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False, default=str) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, empty: str) -> None:
    """Rows as a table. columns: key -> heading. In a pipe it is tab-separated, so that `cut` works."""
    if not rows:
        say(empty)
        return
    if not out.is_terminal:
        for row in rows:
            out.file.write("\t".join(str(row.get(key, "")) for key in columns) + "\n")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in columns.values():
        table.add_column(heading)
    for row in rows:
        table.add_row(*(escape(str(row.get(key, ""))) for key in columns))
    out.print(table)


def write_new(path: Path, text: str, *, force: bool) -> None:
    """Write a file that a person will go on editing. Raises Conflict when it is there already, unless forced."""
    if path.exists() and not force:
        raise Conflict(Problem("INIT-001", str(path), "is there already", "choose another name, or --force to replace it"))
    files.write_text(path, text)


def when(at_s: float | None) -> str:
    """An instant in the reader's zone."""
    if at_s is None:
        return "–"
    return datetime.fromtimestamp(at_s, UTC).astimezone().strftime("%m-%d %H:%M:%S")


def next_step(command: str) -> None:
    """The last line: what to do next. Not in pipes."""
    if err.is_terminal:
        err.print(f"[dim]next: {escape(command)}[/]")
