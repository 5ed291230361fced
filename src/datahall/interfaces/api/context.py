"""What every handler needs: the platform, and who is asking."""

from typing import Annotated

from fastapi import Depends, Request

from datahall.interfaces.bootstrap import Platform
from datahall.platform.identity import Principal


def platform_of(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


def principal_of(request: Request) -> Principal:
    """Raises Unauthenticated."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return platform_of(request).identity.authenticate(secret.strip() if scheme.lower() == "bearer" else "")


ThePlatform = Annotated[Platform, Depends(platform_of)]
Who = Annotated[Principal, Depends(principal_of)]
