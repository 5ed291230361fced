"""Errors as HTTP answers: problem details (RFC 9457) made of our Problems."""

import orjson

from datahall.foundation.errors import DatahallError

PROBLEM_TYPE = b"application/problem+json"


def problem_body(error: DatahallError) -> bytes:
    """The RFC 9457 body of `error`: title, status, detail, and each Problem under `problems`."""
    return orjson.dumps(
        {
            "type": "about:blank",
            "title": error.title,
            "status": error.http_status,
            "detail": str(error),
            "problems": [problem.as_dict() for problem in error.problems],
        }
    )
