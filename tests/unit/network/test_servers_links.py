"""The servers of one floor's catalogue hang on links of the other's."""

import pytest

from datahall.infrastructure.catalog.catalogue import shipped
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.catalog.rows import accelerator_rows
from datahall.network.catalog import NetworkCatalogue


@pytest.mark.parametrize("server", [s for s in shipped().servers if s.scale_up], ids=lambda server: server.name)
def test_the_link_inside_a_server_is_a_row_with_its_accelerators_bandwidth(server: ServerPart) -> None:
    """Given a server with accelerators, its scale-up link is catalogued, with the bytes/s that its accelerator's row has."""
    row = next(row for row in accelerator_rows() if row.name == server.accelerator)
    assert NetworkCatalogue().links[str(server.scale_up)].bytes_per_s == row.scale_up_bytes_per_s
