"""Serving software by name: what constants/engines.yaml states of it, and what was fitted for all (constants/fitted.yaml)."""

import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.errors import Missing, Problem
from datahall.foundation.spec import Name, Spec
from datahall.infrastructure.catalog.catalogue import near
from datahall.models.inference.spec import Engine

FOLDER = Path(__file__).parent / "constants"
DEFAULT = "vllm"


class EnginesFile(Spec):
    engines: tuple[Engine, ...]


class Fitted(Spec):
    """What benchmarks/models/fit_inference.py wrote: the same for every engine, model and accelerator."""

    compute_ratio: float = Field(gt=0, le=1.5)
    memory_ratio: float = Field(gt=0, le=1.5)
    reduce_ratio: float = Field(gt=0, le=1)
    step_host_s: float = Field(ge=0, le=0.1)
    request_s: float = Field(ge=0, le=1.0)
    context_bytes: int = Field(ge=0)
    models: tuple[str, ...] = ()
    """On whose published rows they were fitted, as these name them."""
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}$")


class FittedExperts(Spec):
    """What the same script wrote of newer software, by models of many experts."""

    engines: tuple[Name, ...]
    """Of which it is taken to hold; fitted on the first."""
    expert_ratio: float = Field(gt=0, le=1)
    sequence_host_s: float = Field(ge=0, le=1e-3)
    models: tuple[str, ...]
    """On whose published rows they were fitted, as these name them."""
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}$")


@functools.cache
def fitted_experts() -> FittedExperts:
    return load(FOLDER / "experts.yaml", FittedExperts)


@functools.cache
def fitted() -> Fitted:
    return load(FOLDER / "fitted.yaml", Fitted)


def with_fitted(engine: Engine) -> Engine:
    """The engine with the fitted constants where its own row leaves them out."""
    values = fitted().model_dump(exclude={"models", "source", "date"})
    if engine.name in fitted_experts().engines:
        values |= fitted_experts().model_dump(include={"expert_ratio", "sequence_host_s"})
    return engine.model_copy(update={name: value for name, value in values.items() if name not in engine.model_fields_set})


@functools.cache
def engines() -> Mapping[str, Engine]:
    """All that come with Datahall, by name."""
    rows = load(FOLDER / "engines.yaml", EnginesFile).engines
    return MappingProxyType({row.name: with_fitted(row) for row in rows})


def engine_named(name: str, where: str = "engine") -> Engine:
    """The engine of that name. Raises Missing, INFER-006, with the near names."""
    found = engines().get(name)
    if found is None:
        fix = near(name[:80], tuple(engines()), otherwise="describe it as an Engine")
        raise Missing(Problem("INFER-006", where, f"there is no serving engine {name[:80]!a}", fix))
    return found


def default_engine() -> Engine:
    return engine_named(DEFAULT)
