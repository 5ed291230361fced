"""What every handler needs: the platform, and who is asking."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from datahall.interfaces.bootstrap import Platform
from datahall.platform.identity import Principal


def platform_of(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


BEARER = HTTPBearer(auto_error=False, description="`datahall token make` prints one; admin.token in the home folder holds one")
"""Puts the token into the OpenAPI description, so that /docs and generated clients ask for it."""


def principal_of(request: Request, _declared: Annotated[object, Depends(BEARER)]) -> Principal:
    """Raises Unauthenticated."""
    return platform_of(request).identity.authenticate(bearer(request.headers.get("authorization", "")))


def bearer(authorization: str) -> str:
    """The token in an `Authorization` header; empty when it holds none."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


ThePlatform = Annotated[Platform, Depends(platform_of)]
Who = Annotated[Principal, Depends(principal_of)]
