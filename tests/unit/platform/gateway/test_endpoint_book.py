"""What is deployed, as the database keeps it."""

from pathlib import Path

import pytest

from datahall.foundation.clock import ManualClock
from datahall.foundation.errors import Conflict
from datahall.platform.endpoints import EndpointBook
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec
from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.store.database import open_database
from datahall.platform.store.journal import SqlJournal


@pytest.fixture
def book(tmp_path: Path):
    engine = open_database(f"sqlite:///{tmp_path / 'book.db'}")
    yield EndpointBook(engine, ManualClock(5), SqlJournal(engine).change)
    engine.dispose()


def deployed(book, bundle, *, tenant="default", ratio=1.0, **settings):
    wanted = EndpointSpec(name="digits", tenant=tenant, versions=(VersionSpec(version=1, bundle=bundle),), **settings)
    return book.deploy(wanted, bundle=bundle, canary_ratio=ratio, by="ann")


def test_a_taken_name_is_said_to_be_shared_by_all(book):
    """Given a name that another tenant has, the refusal says why it cannot be had, and not whose it is."""
    deployed(book, "b1", tenant="vision")
    with pytest.raises(Conflict, match="END-002 the name is taken: endpoints of all tenants share one set of names"):
        deployed(book, "b1", tenant="speech")


def test_a_shadow_stays_one_through_new_settings(book):
    """Given a shadow, the same bundle with other settings leaves it the shadow; promoted, it serves alone."""
    deployed(book, "b1")
    assert deployed(book, "b2", ratio=0) == 2
    assert deployed(book, "b2", max_queue=9, ratio=0) == 2
    spec = book.get(LOCAL_ADMIN, "digits")
    assert (spec.shadow, spec.max_queue, [row.weight for row in spec.versions]) == (2, 9, [1.0, 0.0])
    assert book.promote(LOCAL_ADMIN, "digits", 2).shadow is None
