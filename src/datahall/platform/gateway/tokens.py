"""Who is asking, remembered for some seconds: the check must not cost a database query per request."""

import time
from typing import TypeVar

from datahall.foundation.errors import Problem, Unauthenticated
from datahall.platform.gateway.ports import Authenticate, Caller

_SCHEME = b"bearer "
_MAX_KEPT = 4096
Entry = TypeVar("Entry")


class TokenCache:
    """Callers by their Authorization header."""

    def __init__(self, authenticate: Authenticate, *, keep_s: float = 5.0, keep_bad_s: float = 1.0) -> None:
        """keep_s: how long a token that was revoked may still work at most; `forget` ends that at once."""
        self._authenticate, self._keep_s, self._keep_bad_s = authenticate, keep_s, keep_bad_s
        self._good: dict[bytes, tuple[float, Caller]] = {}
        self._bad: dict[bytes, tuple[float, Unauthenticated]] = {}

    def known(self, header: bytes | None, now_s: float) -> Caller | None:
        """The caller when the header was checked a moment ago."""
        entry = self._good.get(header) if header is not None else None
        return entry[1] if entry is not None and now_s < entry[0] else None

    async def checked(self, header: bytes | None) -> Caller:
        """The caller. Raises Unauthenticated."""
        now_s = time.monotonic()
        token = _token(header)
        if (bad := self._bad.get(token)) is not None and now_s < bad[0]:
            raise Unauthenticated(bad[1].problems)
        try:
            caller = await self._authenticate.caller(token.decode("ascii", "replace"))
        except Unauthenticated as error:
            _keep(self._bad, token, (now_s + self._keep_bad_s, error))
            raise
        _keep(self._good, header or b"", (now_s + self._keep_s, caller))
        return caller

    def forget(self) -> None:
        """Check every token again, because tokens or rights changed."""
        self._good.clear()
        self._bad.clear()


def _token(header: bytes | None) -> bytes:
    if header is not None and header[: len(_SCHEME)].lower() == _SCHEME and (token := header[len(_SCHEME) :].strip()):
        return token
    what = "is missing" if header is None else "is not of the form `Bearer TOKEN`"
    fix = "send `Authorization: Bearer TOKEN`; `datahall token make` gives one, admin.token in the home folder holds one"
    raise Unauthenticated(Problem("GATE-030", "Authorization header", what, fix))


def _keep(table: dict[bytes, Entry], key: bytes, entry: Entry) -> None:
    if len(table) >= _MAX_KEPT:
        table.clear()  # a flood of made-up tokens must not fill the memory
    table[key] = entry
