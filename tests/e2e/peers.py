"""An environment of a user's own, with frameworks that Datahall does not depend on; made once and kept."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

FRAMEWORKS = (
    "alembic>=1.20,<2",
    "ipykernel>=7.4,<8",
    "jax>=0.10,<0.11",
    "keras>=3.15,<4",
    "mlflow-skinny>=3.17,<4",
    "pandas>=2.3,<4",
    "papermill>=2.7,<3",
    "sqlalchemy>=2.1,<3",
    "tensorflow-cpu>=2.21,<3; platform_machine == 'x86_64'",
    "tensorflow>=2.21,<3; platform_machine != 'x86_64'",
)


def foreign_python() -> Path:
    """Its Python: of the environment that DATAHALL_PEERS names, or of one in the user's cache, which pip fills or skips."""
    named = os.environ.get("DATAHALL_PEERS")
    if named:
        return Path(named) / "bin" / "python"
    digest = hashlib.sha256("\n".join((sys.version, *FRAMEWORKS)).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datahall" / f"peers-{digest}"
    if not (cache / "complete").exists():
        _fill(cache)
    return cache / "bin" / "python"


def _fill(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    command = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *FRAMEWORKS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"pip could not install Keras, TensorFlow and JAX: {done.stderr[-500:]}")
    (folder / "complete").touch()
