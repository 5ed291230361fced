"""Endpoints over HTTP. Inference itself goes through the gateway (`/v2`, `/predict`)."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from datahall.foundation.spec import Name, Spec
from datahall.interfaces.api.context import ThePlatform, Who
from datahall.interfaces.endpoints import BookDeployer
from datahall.models.serve.spec import DeploySpec
from datahall.platform.identity import Right

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])

EndpointName = Annotated[Name, Path()]


class Deployment(Spec):
    """A bundle to serve: an artifact of the caller's tenant, made by a recipe's package step."""

    bundle: str
    """`key:…` or `sha256:…`"""
    deploy: DeploySpec


class Version(Spec):
    """One version of an endpoint."""

    version: int


@router.get("")
async def endpoints(platform: ThePlatform, who: Who) -> list[dict[str, Any]]:
    """Endpoints with their versions, replicas, traffic and latency percentiles."""
    who.require(Right.READ)
    statuses = platform.endpoint_statuses()
    wanted = [spec for spec in platform.book.all() if who.scope in (None, spec.tenant)]
    return [spec.model_dump(mode="json") | {"now": statuses.get(spec.name)} for spec in wanted]


@router.post("", status_code=201)
def deploy(platform: ThePlatform, who: Who, body: Deployment) -> dict[str, Any]:
    """Serve a bundle; replicas of the new version are ready before those of the old one go."""
    who.require(Right.WRITE)
    artifact = platform.catalogue.require(who.tenant, body.bundle)
    deployer = BookDeployer(platform.book)
    version = deployer.deploy(
        body.deploy, tenant=who.tenant, model=body.deploy.endpoint, bundle=artifact["digest"], by=who.name
    )
    return {"endpoint": body.deploy.endpoint, "version": version}


@router.get("/{name}")
async def endpoint(platform: ThePlatform, who: Who, name: EndpointName) -> dict[str, Any]:
    spec = platform.book.get(who, name)
    return spec.model_dump(mode="json") | {"now": platform.endpoint_statuses().get(name)}


@router.post("/{name}/promote")
def promote(platform: ThePlatform, who: Who, name: EndpointName, body: Version) -> dict[str, Any]:
    """All traffic on one version."""
    return platform.book.promote(who, name, body.version).model_dump(mode="json")


@router.post("/{name}/rollback")
def roll_back(platform: ThePlatform, who: Who, name: EndpointName) -> dict[str, Any]:
    """Back to the versions before the last change; twice returns here."""
    return platform.book.roll_back(who, name).model_dump(mode="json")


@router.delete("/{name}", status_code=204)
def undeploy(platform: ThePlatform, who: Who, name: EndpointName) -> None:
    platform.book.remove(who, name)
