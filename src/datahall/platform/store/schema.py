"""The tables, as SQLAlchemy Core. SQLite and PostgreSQL alike; changes go through `migrations/`."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows by INTEGER alone; PostgreSQL needs the longer type.
Id = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "events",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),
    Column("at_s", Float, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("tenant", String(63), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("data", Text, nullable=False),
    Column("chain", String(64), nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("tenant", String(63), nullable=False),
    Column("name", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("submitted_s", Float, nullable=False),
    Column("started_s", Float),
    Column("ended_s", Float),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("not_before_s", Float, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("placements", JSON, nullable=False),
    Column("spec", Text, nullable=False),
    Column("usage", JSON, nullable=False),
    Column("submitted_by", String(200), nullable=False),
    Index("ix_jobs_state_id", "state", "id"),
    Index("ix_jobs_tenant_id", "tenant", "id"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("placements", JSON, nullable=False),
    Column("starting_s", Float, nullable=False),
    Column("running_s", Float),
    Column("ended_s", Float),
    Column("ending", String(16)),
    Column("code", Integer),
    Column("detail", Text),
    Column("usage", JSON),
)

objects = Table(
    "objects",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("stored_s", Float, nullable=False),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("tenant", String(63), nullable=False),
    Column("key", String(200), nullable=False),
    Column("digest", String(64), ForeignKey("objects.digest"), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("made_by_job", Id),
    Column("made_s", Float, nullable=False),
    Column("lineage", JSON, nullable=False),
    Column("superseded_s", Float),
    UniqueConstraint("tenant", "key", name="uq_artifacts_tenant_key"),
)

tenants = Table(
    "tenants",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("quota_bytes", BigInteger),
    Column("made_s", Float, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", String(63), nullable=False),
    Column("tenant", String(63), ForeignKey("tenants.name"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("made_s", Float, nullable=False),
    Column("expires_s", Float),
    Column("revoked_s", Float),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("tenant", String(63), nullable=False),
    Column("spec", Text, nullable=False),
    Column("previous", Text),
    Column("changed_s", Float, nullable=False),
)

workflows = Table(
    "workflows",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("tenant", String(63), nullable=False),
    Column("name", String(63), nullable=False),
    Column("recipe", Text, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("deploy", JSON),
    Column("deployed_s", Float),
    Column("made_s", Float, nullable=False),
    Column("made_by", String(200), nullable=False),
)
