"""What a format of traces is to the rest: it knows its own files, and turns one into columns."""

from typing import Protocol

from datahall.twin.workload.draft import Draft
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source


class Format(Protocol):
    """One format."""

    def recognises(self, source: Source) -> bool:
        """Whether the file looks like this format, by its name and its beginning."""
        ...

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:
        """The file's columns, its bad rows told. Raises Refused when it is another kind of file."""
        ...
