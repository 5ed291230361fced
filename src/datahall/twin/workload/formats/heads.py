"""The first line of a file, as the formats tell each other apart."""

from datahall.twin.workload.source import Source


def head_line(source: Source) -> str:
    """The first line, in small letters, without a byte order mark."""
    return source.head.partition(b"\n")[0].decode("utf-8", "replace").strip().lstrip("\ufeff").lower()


def head_columns(source: Source, *, delimiter: str = ",") -> set[str]:
    """Names of the columns, if the first line names columns."""
    return {name.strip().strip('"') for name in head_line(source).split(delimiter)}


def plain_name(source: Source) -> str:
    """The file's name without `.gz`, in small letters."""
    return source.name.lower().removesuffix(".gz")
