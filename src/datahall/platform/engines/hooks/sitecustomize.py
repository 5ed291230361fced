"""Lets `jax.distributed.initialize()` find the workers of a gang. Stands on the PYTHONPATH of each of them.

JAX reads JAX_COORDINATOR_ADDRESS by itself, but the number of processes and their order it takes from a launcher that it
knows, such as Slurm or Open MPI, and posing as one of those would mislead other programs. So ours becomes one that it knows.
Stands alone: it runs in the user's Python, which need not have Datahall, and costs nothing where JAX is not imported.
"""

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

LAUNCHERS = "jax._src.clusters"
NEEDED = ("DATAHALL_JOB", "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")


class Finder:
    """Waits for the module in which JAX keeps its launchers, lets it load, and adds ours."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != LAUNCHERS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_add(module: ModuleType) -> None:
                load(module)
                add_launcher(module)

            spec.loader.exec_module = load_and_add  # type: ignore[method-assign]
        return spec


def add_launcher(module: ModuleType) -> None:
    """JAX enters every subclass of `ClusterEnv` into its list of launchers."""
    members = {
        "name": "datahall",
        "is_env_present": classmethod(lambda _: all(name in os.environ for name in NEEDED)),
        "get_coordinator_address": classmethod(lambda _, *__, **___: os.environ["JAX_COORDINATOR_ADDRESS"]),
        "get_process_count": classmethod(lambda _: int(os.environ["JAX_NUM_PROCESSES"])),
        "get_process_id": classmethod(lambda _: int(os.environ["JAX_PROCESS_ID"])),
        "get_local_process_id": classmethod(lambda _: None),  # each sees the accelerators that it was given, and no others
    }
    type("DatahallCluster", (module.ClusterEnv,), members)


def run_next() -> None:
    """Run the `sitecustomize` that ours stands in front of, if there is one."""
    here = Path(__file__).resolve().parent
    places = [Path(place).resolve() for place in sys.path]
    behind = sys.path[places.index(here) + 1 :] if here in places else []
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", behind)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    sys.meta_path.insert(0, Finder())
    run_next()
