"""What a worker's process sees: its variables, and how a gang's workers find each other."""

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from datahall.platform.ports import Launch

HOOKS = Path(__file__).parent / "hooks"
"""Goes in front of a gang's PYTHONPATH, so that JAX's workers find each other."""
ALLOWED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "CUDA_HOME", "DATAHALL_SHARED")
"""Variables of the control plane that a job inherits. Everything else, tokens above all, stays out."""


def inherited(source: Mapping[str, str] | None = None) -> dict[str, str]:
    """The allowed part of our own environment."""
    source = os.environ if source is None else source
    return {name: source[name] for name in ALLOWED if name in source}


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [int(opened.getsockname()[1]) for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()


def environment_of(
    launch: Launch, rank: int, *, ports: list[int], work: Path, state: Path, given: Mapping[str, str]
) -> dict[str, str]:
    """All variables of worker `rank`: what the user asked for wins over ours, `given` by the stage over both."""
    merged = inherited() | worker_environment(launch, rank, ports=ports, work=work, state=state)
    merged |= launch.spec.environment
    merged |= given
    if launch.spec.workers > 1:
        merged["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HOOKS), merged.get("PYTHONPATH"))))
    return merged


def worker_environment(launch: Launch, rank: int, *, ports: list[int], work: Path, state: Path) -> dict[str, str]:
    """Variables of worker `rank`, without those that the user asked for.

    The rendezvous words are those of torchrun, JAX's distributed.initialize and TensorFlow's TF_CONFIG.
    """
    world = launch.spec.workers
    local = [i for i, place in enumerate(launch.placements) if place.node == launch.placements[rank].node]
    environment = {
        "HOME": str(work),
        "TMPDIR": str(work / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "DATAHALL_JOB": str(launch.job_id),
        "DATAHALL_ATTEMPT": str(launch.attempt),
        "DATAHALL_TENANT": launch.spec.tenant,
        "DATAHALL_STATE": str(state),
        "RANK": str(rank),
        "WORLD_SIZE": str(world),
        "LOCAL_RANK": str(local.index(rank)),
        "LOCAL_WORLD_SIZE": str(len(local)),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(ports[0]),
        "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{ports[0]}",
        "JAX_COORDINATOR_BIND_ADDRESS": f"127.0.0.1:{ports[0]}",
        "JAX_NUM_PROCESSES": str(world),
        "JAX_PROCESS_ID": str(rank),
        "CUDA_VISIBLE_DEVICES": ",".join(map(str, launch.placements[rank].accelerators)),
        **thread_limits(launch.spec.cpus),
    }
    if world > 1:
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports[1:]]}
        environment["GLOO_SOCKET_IFNAME"] = "lo"  # otherwise it looks this machine's name up, which may lead anywhere
        environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}})
    return environment


THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


def thread_limits(cpus: float) -> dict[str, str]:
    """Numeric libraries otherwise start a thread for every core of the machine, and spin."""
    return dict.fromkeys(THREADS, str(max(1, int(cpus))))
