"""Endpoints as they are wanted: kept in the database, changed by deploying, promoting, rolling back and removing."""

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from datahall.foundation.clock import Clock
from datahall.foundation.errors import Conflict, Missing, Problem
from datahall.platform.events import Changed
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec, promoted, rolled_back, rolled_out
from datahall.platform.identity import Change, Principal, Right
from datahall.platform.store import schema
from datahall.platform.store.queries import reading


class EndpointBook:
    """Every endpoint's wanted state. `changed` is called after each change, from the thread that made it."""

    def __init__(self, engine: Engine, clock: Clock, change: Change) -> None:
        self._engine, self._clock, self._change = engine, clock, change
        self._lock = threading.RLock()
        self.changed: Callable[[], None] = lambda: None
        with reading(engine) as connection:
            rows = connection.execute(select(schema.endpoints)).all()
        self._specs = {row.name: EndpointSpec.model_validate_json(row.spec) for row in rows}

    def all(self) -> tuple[EndpointSpec, ...]:
        """Every spec. Takes no lock: the gateway's loop asks, and must not wait for a database that is busy."""
        return tuple(self._specs.values())

    def bundles(self) -> set[str]:
        """Digests of all bundles that are served or may be rolled back to."""
        return {row.bundle for spec in self.all() for row in (*spec.versions, *spec.previous)}

    def get(self, who: Principal, name: str, right: Right = Right.READ) -> EndpointSpec:
        """Raises Missing, Denied."""
        spec = self._specs.get(name)
        if spec is None or who.scope not in (None, spec.tenant):
            known = ", ".join(sorted(s.name for s in self.all() if who.scope in (None, s.tenant))) or "none"
            raise Missing(Problem("END-001", f"endpoint {name}", "there is no such endpoint", f"there are: {known}"))
        who.require(right, tenant=spec.tenant)
        return spec

    def deploy(self, wanted: EndpointSpec, *, bundle: str, canary_ratio: float, by: str) -> int:
        """Serve a bundle under the endpoint's name; returns its version. The same bundle again is not a new version.

        wanted: the settings; its versions are ignored where the endpoint exists. canary_ratio: the new version's share of
        the traffic; 0 makes it a shadow. Raises Conflict for a foreign name.
        """
        with self._lock:
            now = self._specs.get(wanted.name)
            if now is None:
                version = wanted.versions[0].version
                self._save(wanted, by, "endpoint_made", version=version, bundle=bundle)
                return version
            if now.tenant != wanted.tenant:
                what = "the name is taken: endpoints of all tenants share one set of names, as their URLs name no tenant"
                raise Conflict(Problem("END-002", f"endpoint {wanted.name}", what, "choose another name"))
            served = next((row for row in now.versions if row.bundle == bundle), None)
            kept = {"versions": now.versions, "previous": now.previous, "shadow": now.shadow}
            settings = wanted.model_copy(update=kept)
            if served is not None:
                self._save(settings, by, "endpoint_set", version=served.version, bundle=bundle)
                return served.version
            version = 1 + max(row.version for row in (*now.versions, *now.previous))
            row = VersionSpec(version=version, bundle=bundle)
            self._save(
                rolled_out(settings, row, canary_ratio=canary_ratio), by, "endpoint_deployed", version=version, bundle=bundle
            )
            return version

    def promote(self, who: Principal, name: str, version: int) -> EndpointSpec:
        """All traffic on one version. Raises Missing, Denied."""
        with self._lock:
            spec = promoted(self.get(who, name, Right.WRITE), version)
            self._save(spec, who.name, "endpoint_promoted", version=version)
            return spec

    def roll_back(self, who: Principal, name: str) -> EndpointSpec:
        """The versions before the last change. Raises Missing, Denied, Conflict when there are none."""
        with self._lock:
            spec = rolled_back(self.get(who, name, Right.WRITE))
            self._save(spec, who.name, "endpoint_rolled_back", version=spec.leading.version)
            return spec

    def remove(self, who: Principal, name: str) -> None:
        """Raises Missing, Denied."""
        with self._lock:
            spec = self.get(who, name, Right.WRITE)
            statement = delete(schema.endpoints).where(schema.endpoints.c.name == name)
            self._change(self._event(spec, who.name, "endpoint_removed"), lambda connection: connection.execute(statement))
            self._specs = {other: spec for other, spec in self._specs.items() if other != name}
        self.changed()

    def _save(self, spec: EndpointSpec, by: str, what: str, **data: Any) -> None:
        row = {
            "name": spec.name,
            "tenant": spec.tenant,
            "spec": spec.model_dump_json(),
            "previous": None,
            "changed_s": self._clock.now_s(),
        }

        def statements(connection: Connection) -> None:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(schema.endpoints).values(**row)
            newer = {name: statement.excluded[name] for name in ("spec", "changed_s", "tenant")}
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=newer))

        self._change(self._event(spec, by, what, **data), statements)
        self._specs = self._specs | {spec.name: spec}
        self.changed()

    def _event(self, spec: EndpointSpec, by: str, what: str, **data: Any) -> Changed:
        return Changed(
            at_s=self._clock.now_s(),
            actor=by,
            subject=f"endpoint/{spec.name}",
            what=what,
            tenant=spec.tenant,
            data=data,
        )
