"""From a recipe's wish to be served to an endpoint of the gateway."""

from datahall.models.serve.spec import DeploySpec
from datahall.platform.endpoints import EndpointBook
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec


class BookDeployer:
    """The workflows' `Deployer` over the book of endpoints; the gateway's controller does the rest."""

    def __init__(self, book: EndpointBook) -> None:
        self._book = book

    def deploy(self, deploy: DeploySpec, *, tenant: str, model: str, bundle: str, by: str) -> int:
        """The version under which the bundle is served. Raises Conflict when the name is taken."""
        del model  # the bundle knows its name
        wanted = endpoint_of(deploy, tenant=tenant, bundle=bundle)
        return self._book.deploy(wanted, bundle=bundle, canary_ratio=deploy.first_ratio, by=by)


def endpoint_of(deploy: DeploySpec, *, tenant: str, bundle: str) -> EndpointSpec:
    """A new endpoint as a recipe's `deploy` section asks for it."""
    first = VersionSpec(version=1, bundle=bundle)
    return EndpointSpec(name=deploy.endpoint, tenant=tenant, versions=(first,), **deploy.settings())
