"""Where everything that Datahall keeps lies: one folder, one owner at a time."""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datahall.foundation import files
from datahall.foundation.errors import Conflict, Problem, Refused

FORMAT = 1


class Home:
    """`DATAHALL_HOME`, or the user's data folder.

    database.db  admin.token  hall.yaml  server.json  lock
    artifacts/   jobs/        logs/      mlflow.db    secrets/
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Home":
        environment = os.environ if environment is None else environment
        named = environment.get("DATAHALL_HOME")
        if named:
            return cls(Path(named).expanduser().absolute())
        base = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
        return cls(Path(base) / "datahall")

    @property
    def database_url(self) -> str:
        return os.environ.get("DATAHALL_DATABASE") or f"sqlite:///{self.root / 'database.db'}"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def hall_file(self) -> Path:
        return self.root / "hall.yaml"

    @property
    def admin_token_file(self) -> Path:
        return self.root / "admin.token"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def tracking_database(self) -> Path:
        return self.root / "mlflow.db"

    @property
    def server_file(self) -> Path:
        return self.root / "server.json"

    def prepare(self) -> None:
        """Make the folders. Raises Unavailable when that is not possible, Refused when the folder is of a newer version."""
        try:
            for folder in (self.root, self.jobs, self.logs, self.secrets, self.artifacts):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise files.unwritable(self.root, error) from error
        marker = self.root / "format"
        if not marker.exists():
            files.write_text(marker, f"{FORMAT}\n")
        if int(marker.read_text().strip() or "0") > FORMAT:
            fix = "run the newer Datahall that made it, or set DATAHALL_HOME to another folder"
            raise Refused(Problem("HOME-001", str(self.root), "was made by a newer Datahall", fix))

    def own(self) -> None:
        """Become the one process that writes here. Raises Conflict naming the other."""
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            server = self.server()
            who = f"process {server['pid']} at {server['url']}" if server else "another process"
            problem = Problem("HOME-002", str(self.root), f"{who} is using it", "use that one, or end it with `datahall down`")
            raise Conflict(problem) from None
        self._lock = lock

    def disown(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def in_use(self) -> bool:
        """Whether some process, ours or another, is writing here now."""
        try:
            lock = os.open(self.root / "lock", os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def announce(self, url: str) -> None:
        """Leave word of where the running server is."""
        files.write_text(self.server_file, json.dumps({"url": url, "pid": os.getpid()}), mode=0o600)

    def withdraw(self) -> None:
        self.server_file.unlink(missing_ok=True)

    def server(self) -> dict[str, Any] | None:
        """`url` and `pid` of the server that last announced itself; it may be dead."""
        try:
            data: dict[str, Any] = json.loads(self.server_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return data

    def remove(self) -> None:
        """Delete everything. Raises Conflict while somebody uses it."""
        if not self.root.exists():
            return
        if not (self.root / "format").exists():
            fix = "check DATAHALL_HOME; only a folder that Datahall made is deleted"
            raise Refused(Problem("HOME-003", str(self.root), "is not a Datahall folder", fix))
        self.own()
        shutil.rmtree(self.root)
        self.disown()
