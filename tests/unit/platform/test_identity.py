"""Who may do what, and from when to when."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import Parts

from datahall.foundation.clock import ManualClock
from datahall.foundation.errors import Conflict, Denied, Missing, Unauthenticated
from datahall.platform import identity as identity_module
from datahall.platform.identity import RIGHTS, Identity, Principal, Right, Role


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000)


@pytest.fixture
def identity(parts: Parts, clock: ManualClock) -> Identity:
    made = Identity(parts.database, clock, parts.journal.change)
    made.make_tenant("vision", by="test")
    return made


def test_a_token_lets_in_until_it_expires(identity: Identity, clock: ManualClock):
    """Given a token for a minute, it lets in at 59 s and says that it has expired at 60 s."""
    _, secret = identity.make_token("bob", tenant="vision", role=Role.MEMBER, by="ann", lifetime_s=60)
    clock.advance(59)
    assert identity.authenticate(secret) == Principal("bob", "vision", Role.MEMBER)
    clock.advance(1)
    with pytest.raises(Unauthenticated, match="AUTH-003 the token has expired"):
        identity.authenticate(secret)


def test_a_revoked_token_is_out_at_once(identity: Identity):
    """Given a token that is revoked, the next call is refused."""
    number, secret = identity.make_token("bob", tenant="vision", role=Role.MEMBER, by="ann")
    identity.authenticate(secret)
    identity.revoke_token(number, by="ann")
    with pytest.raises(Unauthenticated, match="AUTH-001 the token is missing, unknown or revoked"):
        identity.authenticate(secret)


def test_a_role_changes_at_once_and_never_revives(identity: Identity):
    """Given a member that becomes a viewer, the next call is a viewer's; giving a revoked token a role revives nothing."""
    number, secret = identity.make_token("bob", tenant="vision", role=Role.MEMBER, by="ann")
    identity.set_role(number, Role.VIEWER, by="ann")
    assert identity.authenticate(secret).role is Role.VIEWER
    identity.revoke_token(number, by="ann")
    identity.set_role(number, Role.ADMIN, by="ann")
    with pytest.raises(Unauthenticated, match="AUTH-001"):
        identity.authenticate(secret)


@pytest.mark.parametrize("secret", ["", "dh_", "x" * 10_000, "dh_\0", "é", "' OR 1=1 --"])
def test_what_is_no_token_does_not_let_in(identity: Identity, secret: str):
    """Given words that are no token, nobody is let in."""
    with pytest.raises(Unauthenticated, match="AUTH-001"):
        identity.authenticate(secret)


def test_secrets_are_nowhere_in_the_files(identity: Identity, parts: Parts):
    """Given a token, its secret stands neither in the database nor in any other file of the home."""
    _, secret = identity.make_token("bob", tenant="vision", role=Role.MEMBER, by="ann")
    kept = [path for path in parts.home.root.rglob("*") if path.is_file()]
    assert [path for path in kept if secret.encode() in path.read_bytes()] == []
    assert "secret_hash" not in identity.tokens()[0]


def test_a_token_of_nowhere_is_refused(identity: Identity):
    """Given a tenant that does not exist, no token is made for it; the tenants are named."""
    with pytest.raises(Missing, match=r"AUTH-005 there is no such tenant\. Choose one of default, vision"):
        identity.make_token("bob", tenant="visoin", role=Role.MEMBER, by="ann")
    for change in (lambda: identity.revoke_token(99, by="ann"), lambda: identity.set_role(99, Role.ADMIN, by="ann")):
        with pytest.raises(Missing, match="AUTH-006 there is no such token"):
            change()


def test_a_tenant_is_made_once(identity: Identity):
    """Given a tenant that exists, making it again is a conflict."""
    with pytest.raises(Conflict, match="tenant vision: AUTH-004 exists already"):
        identity.make_tenant("vision", by="ann")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("right", list(Right))
def test_the_table_of_rights(role: Role, right: Right):
    """Given each role and right, own things follow the table, and foreign ones need the right over all."""
    who = Principal("bob", "vision", role)
    over_all = {Right.READ: Right.READ_ALL, Right.WRITE: Right.WRITE_ALL}.get(right, right)
    for tenant, needed in (("vision", right), (None, right), ("speech", over_all)):
        if needed in RIGHTS[role]:
            who.require(right, tenant=tenant)
        else:
            with pytest.raises(Denied, match=rf"AUTH-002 bob \({role} of `vision`\) may not {right}"):
                who.require(right, tenant=tenant)


def test_revoking_and_making_at_once_lets_no_revoked_token_in(identity: Identity):
    """Given ten tokens that are revoked while ten others are made, each revoked one stays out."""
    made = [identity.make_token(f"t{n}", tenant="vision", role=Role.MEMBER, by="ann") for n in range(10)]
    threads = [threading.Thread(target=identity.revoke_token, args=(number,), kwargs={"by": "ann"}) for number, _ in made]
    threads += [
        threading.Thread(
            target=identity.make_token, args=(f"n{n}",), kwargs={"tenant": "vision", "role": Role.MEMBER, "by": "ann"}
        )
        for n in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, secret in made:
        with pytest.raises(Unauthenticated, match="AUTH-001"):
            identity.authenticate(secret)
    assert len(identity._known) == 10


def test_an_older_reading_never_takes_the_place_of_a_newer(identity: Identity, monkeypatch: pytest.MonkeyPatch):
    """Given a reading that dawdles while a token is revoked, the revoked token stays out when it is done."""
    number, secret = identity.make_token("t", tenant="vision", role=Role.MEMBER, by="ann")
    begun, go_on = threading.Event(), threading.Event()
    real = identity_module.reading

    @contextlib.contextmanager
    def slow(engine: Any) -> Iterator[Any]:
        with real(engine) as connection:
            yield connection
        if threading.current_thread().name == "dawdler":
            begun.set()
            go_on.wait(5)

    monkeypatch.setattr(identity_module, "reading", slow)
    dawdler = threading.Thread(target=identity._load, name="dawdler")
    dawdler.start()
    assert begun.wait(5)
    revoking = threading.Thread(target=identity.revoke_token, args=(number,), kwargs={"by": "ann"})
    revoking.start()
    revoking.join(0.5)  # with a lock it waits for the dawdler; without one it is done before
    go_on.set()
    dawdler.join()
    revoking.join()
    with pytest.raises(Unauthenticated, match="AUTH-001"):
        identity.authenticate(secret)
