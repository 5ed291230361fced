"""What can go wrong, as data.

DatahallError            exit 3, HTTP 500: our fault
├── Refused              exit 2, HTTP 400: the input is wrong, every problem of it at once
│   ├── TooLarge         exit 2, HTTP 413
│   └── Unprocessable    exit 2, HTTP 422
├── Missing              exit 2, HTTP 404: what was named does not exist
├── Unauthenticated      exit 2, HTTP 401: no token, or one that is unknown or expired
├── Denied               exit 2, HTTP 403: the caller may not
├── Conflict             exit 1, HTTP 409: true now, but not with what was asked
├── Busy                 exit 1, HTTP 429: a limit is reached, try later
├── Late                 exit 1, HTTP 504: it did not happen in time
└── Unavailable          exit 1, HTTP 503: something it needs is not there now
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a stable code, where, what was seen and is allowed, and the way out."""

    code: str
    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        end = "" if self.fix.endswith((".", "?")) else "."
        return f"{self.where}: {self.code} {self.what}. {self.fix[:1].upper()}{self.fix[1:]}{end}"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


class DatahallError(Exception):
    """The root of the tree above. Carries one or more problems."""

    exit_code: ClassVar[int] = 3
    http_status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal fault"

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Refused(DatahallError):
    """The input is wrong."""

    exit_code = 2
    http_status = 400
    title = "Bad input"


class TooLarge(Refused):
    """The body is larger than the limit."""

    http_status = 413
    title = "Too large"


class Unprocessable(Refused):
    """Well formed, but it cannot be done as asked."""

    http_status = 422
    title = "Cannot be done"


class Missing(DatahallError):
    """What was named does not exist."""

    exit_code = 2
    http_status = 404
    title = "Not found"


class Unauthenticated(DatahallError):
    """No valid token."""

    exit_code = 2
    http_status = 401
    title = "No valid token"


class Denied(DatahallError):
    """The caller may not do this."""

    exit_code = 2
    http_status = 403
    title = "Not allowed"


class Conflict(DatahallError):
    """The present state does not admit it."""

    exit_code = 1
    http_status = 409
    title = "Conflict"


class Busy(DatahallError):
    """A limit is reached for now."""

    exit_code = 1
    http_status = 429
    title = "Too much at once"


class Late(DatahallError):
    """It did not happen in time."""

    exit_code = 1
    http_status = 504
    title = "Too late"


class Unavailable(DatahallError):
    """Something it needs is not there now."""

    exit_code = 1
    http_status = 503
    title = "Not available"
