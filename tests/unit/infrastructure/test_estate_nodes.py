"""Machines of racks, as the live platform and the twin see them."""

import time

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.checks import problems_of_hall
from datahall.infrastructure.estate_nodes import nodes_of
from datahall.infrastructure.spec import Hall, Reserved, capacity_of


def hall_of(*racks: dict[str, object]) -> Hall:
    return Hall.model_validate({"schema_version": 1, "name": "h", "racks": racks})


def test_every_server_in_a_rack_is_a_machine() -> None:
    """Given two racks of two DGX H100 and a management server, six machines come back, named by rack and place."""
    contents = [{"part": "dgx-h100", "count": 2}, {"part": "management-1u", "count": 1}]
    nodes = nodes_of(hall_of({"name": "r[01-02]", "contents": contents}), Catalogue())
    assert [node.name for node in nodes] == ["r01-n1", "r01-n2", "r01-n3", "r02-n1", "r02-n2", "r02-n3"]
    dgx, management = nodes[0], nodes[2]
    assert capacity_of(dgx, Reserved()).accelerators == tuple(range(8))
    assert (dgx.cpu.threads, dgx.accelerators[0].memory_bytes, dgx.accelerators[0].tdp_w) == (224, 80 * 1024**3, 700)
    assert "catalogue row H100 80GB HBM3" in str(dgx.accelerators[0].tdp_source)
    assert management.accelerators == () and management.cpu.cores == 16


def test_machines_that_are_here_come_first_and_switches_give_none() -> None:
    """Given a node, and a rack with a part that is no server, only the node comes back."""
    node = {"name": "n", "cpu": {"model": "x", "sockets": 1, "cores": 1, "threads": 2}, "memory_bytes": "1 GiB"}
    racks = [{"name": "r1", "contents": [{"part": "qm9700", "count": 2}]}]
    hall = Hall.model_validate({"schema_version": 1, "name": "h", "nodes": [node], "racks": racks})
    assert nodes_of(hall, Catalogue()) == hall.nodes


def test_racks_become_nodes_that_pass_the_checks_of_machines() -> None:
    """Given every server of the catalogue in one rack, their machines have no problem."""
    contents = [{"part": name, "count": 1} for name in Catalogue().servers]
    nodes = nodes_of(hall_of({"name": "r1", "contents": contents}), Catalogue())
    assert problems_of_hall(Hall(schema_version=1, name="h", nodes=nodes)) == []


def test_a_hundred_thousand_accelerators_are_quick() -> None:
    """Given 3,125 racks of four servers, their 12,500 machines are there within two seconds."""
    start = time.process_time()
    nodes = nodes_of(hall_of({"name": "r[0001-3125]", "contents": [{"part": "dgx-h100", "count": 4}]}), Catalogue())
    assert len(nodes) == 12_500 and time.process_time() - start < 2
    assert nodes[-1].name == "r3125-n4"
