"""Every error of the API as problem details (RFC 9457)."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from datahall.foundation.document import dotted_path
from datahall.foundation.errors import DatahallError, Missing, Problem, Refused, Unavailable
from datahall.platform.gateway.problems import PROBLEM_TYPE, problem_body
from datahall.platform.store.database import first_line

log = logging.getLogger(__name__)
_TEXT = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "required": ["code", "where", "what", "fix"],
    "properties": dict.fromkeys(("code", "where", "what", "fix"), _TEXT),
}
_BODY = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "problems"],
    "properties": dict.fromkeys(("type", "title", "detail"), _TEXT)
    | {"status": {"type": "integer"}, "problems": {"type": "array", "items": _PROBLEM}},
}
DOCUMENTED: dict[str, Any] = {
    "description": "Problem details (RFC 9457): what is wrong, where, and the way out",
    "content": {PROBLEM_TYPE.decode(): {"schema": _BODY}},
}
"""How every answer that is no success is described in the OpenAPI document."""


class WrongMethod(Refused):
    """The path is there, but not for this method."""

    http_status = 405
    title = "Wrong method"


def answer(error: DatahallError) -> Response:
    """The HTTP answer of an error."""
    headers = {"WWW-Authenticate": "Bearer"} if error.http_status == 401 else {}
    if error.http_status in (429, 503):
        headers["Retry-After"] = "1"
    return Response(problem_body(error), error.http_status, headers, media_type=PROBLEM_TYPE.decode())


def install(app: FastAPI) -> None:
    """Make the app answer every error this way."""
    app.add_exception_handler(DatahallError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(PoolTimeout, _database)
    app.add_exception_handler(Exception, _fault)


async def _ours(_request: Request, error: Exception) -> Response:
    if not isinstance(error, DatahallError):
        raise error
    return answer(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return answer(Refused(_problem(item) for item in error.errors()))


def _problem(item: Any) -> Problem:
    place, *path = item["loc"]
    where = dotted_path(tuple(path)) or str(place)
    if item["type"] == "missing":
        return Problem("API-002", where, "is missing", f"send it in the {place}")
    if item["type"] == "extra_forbidden":
        return Problem("API-003", where, "is an unknown field", "leave it out; /docs lists the fields")
    seen = repr(item.get("input"))[:80]
    message = str(item["msg"]).removeprefix("Value error, ")
    return Problem(
        "API-001", where, f"{message[:1].lower()}{message[1:]}, but it is {seen}", "correct it; /docs says what is allowed"
    )


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path[:200]
    if error.status_code == 405:
        return answer(WrongMethod(Problem("API-005", path, f"does not take {request.method}", "see /docs")))
    if error.status_code == 404:
        return answer(Missing(Problem("API-004", path, "there is nothing here", "see /docs")))
    return answer(Refused(Problem("API-006", path, str(error.detail)[:300], "see /docs")))


async def _database(_request: Request, error: Exception) -> Response:
    seen = str(error.orig if isinstance(error, DBAPIError) else error)
    problem = Problem("STORE-003", "database", first_line(seen), "try again; see `datahall doctor`")
    return answer(Unavailable(problem))


async def _unstorable(request: Request, error: Exception) -> Response:
    seen = str(error.orig if isinstance(error, DBAPIError) else error)
    problem = Problem("API-009", request.url.path[:200], f"holds a value that cannot be kept: {first_line(seen)}", "correct it")
    return answer(Refused(problem))


async def _fault(request: Request, error: Exception) -> Response:
    log.error("a fault of ours at %s %s", request.method, request.url.path, exc_info=error)
    problem = Problem("API-500", request.url.path[:200], f"{type(error).__name__}", "report it with the server's log")
    return answer(DatahallError(problem))
