"""A job's words in a bash script: whatever they hold, they stay data, and each on one line of the file.

One line, because a scheduler reads directives by the line: no text of a job may begin one. Source of the quoting rules: GNU
Bash manual, 3.1.2.2 "Single Quotes" and 3.1.2.4 "ANSI-C Quoting".
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping

from datahall.platform.spec import JobSpec

ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
GIVEN_WORDS = 'environment=("${@:2:$1}"); shift "$(($1 + 1))"'
"""The start of a worker's script: its arguments are a number, so many variables, and the command."""
PUT = """\
put() {  # put FILE TEXT; a file that is there and says something else is kept, and the job ends
  if [[ -e $1 ]] && ! printf %s "$2" | cmp -s - "$1"; then echo "$1 is there and differs from the job's file" >&2; exit 1; fi
  mkdir -p -- "${1%/*}" && printf %s "$2" > "$1"
}"""


def quoted(text: str) -> str:
    """One word of bash that stands for exactly `text`, on one line."""
    if all(c.isprintable() for c in text):
        return shlex.quote(text)
    return "$'" + "".join(_escaped(c) for c in text) + "'"


def _escaped(char: str) -> str:
    if char in ESCAPES:
        return ESCAPES[char]
    return char if char.isprintable() else "".join(f"\\{byte:03o}" for byte in char.encode())


def array(name: str, words: Iterable[str]) -> str:
    """A bash array, on one line."""
    return f"{name}=({' '.join(quoted(word) for word in words)})"


def pairs(variables: Mapping[str, str]) -> list[str]:
    """As `env` takes them."""
    return [f"{name}={value}" for name, value in variables.items()]


def put_files(spec: JobSpec) -> list[str]:
    """The lines that write the job's files below the folder where the script runs."""
    return [PUT, *(f"put {quoted(f'./{name}')} {quoted(text)}" for name, text in spec.files.items())]


def comments(lines: Iterable[str]) -> Iterator[str]:
    """Comment lines; what is in them ends no line, and begins none with a directive."""
    for line in lines:
        yield "# " + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
