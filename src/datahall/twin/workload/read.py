"""Read a job trace of any known format."""

from pathlib import Path

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.draft import finished
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.formats import FORMATS
from datahall.twin.workload.formats.heads import head_line
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source, load_source
from datahall.twin.workload.trace import Trace


def read_trace(path: Path | str, format: str | None = None, options: Options | None = None) -> Trace:  # noqa: A002  their word
    """The jobs of a file, in the order of submission.

    format: its name in FORMATS; None: told by the file's name and first line.
    Bad rows are dropped or mended, counted in `notes` and told by line in `problems`; with `strict` they refuse the file.
    Raises Refused for a file that is no trace, Missing for one that is not there or a format that nobody knows, TooLarge
    beyond the limit, Unavailable when the format needs a package that is not installed.
    """
    options = options or Options()
    reader = FORMATS.load(format, where=str(path))() if format else None  # an unknown format is told before a long read
    source = load_source(Path(path), limit_bytes=options.limit_bytes)
    name = format or format_of(source)
    findings = Findings(source.name)
    draft = (reader or FORMATS.load(name)()).draft(source, findings, options)
    return finished(draft, findings, source, options, name=name)


def format_of(source: Source) -> str:
    """The format that knows this file. Raises Refused, with the formats there are, when none does."""
    for name in FORMATS:
        if name != "csv" and FORMATS.load(name)().recognises(source):
            return name
    if FORMATS.load("csv")().recognises(source):  # last: other formats are CSV files too, with more columns
        return "csv"
    seen = head_line(source)[:120]
    what = f"no known format begins like this: `{seen}`" if seen.isprintable() else "this is no text of a known format"
    raise Refused(Problem("TWIN-019", source.name, what, f"name the format: one of {', '.join(FORMATS)}"))
