"""Where everything that Datahall keeps lies: one folder, one owner at a time."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datahall.foundation import files
from datahall.foundation.errors import Conflict, Problem, Refused

FORMAT = 1
LOCK_TRIES = 5
OWN_NAMES = frozenset(
    {
        "admin.token",
        "artifacts",
        "corrections.yaml",
        "audit.head",
        "database.db",
        "format",
        "hall.folder",
        "hall.yaml",
        "jobs",
        "lock",
        "logs",
        "mlflow.db",
        "reports",
        "secrets",
        "server.json",
    }
)
"""What may lie in a folder that is about to become a home: a hall file put there by hand, and what an earlier start made."""


class Home:
    """`DATAHALL_HOME`, or the user's data folder.

    database.db  admin.token  hall.yaml  hall.folder  server.json  lock
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
    def hall_folder_file(self) -> Path:
        return self.root / "hall.folder"

    @property
    def hall_folder(self) -> Path:
        """What the paths in the hall file are relative to: where it was brought from, or else the home."""
        try:
            return Path(self.hall_folder_file.read_text(encoding="utf-8").rstrip("\n") or self.root)
        except (OSError, UnicodeDecodeError):
            return self.root

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
    def audit_head(self) -> Path:
        """How far the record of events went when it was last looked at, kept outside the database."""
        return self.root / "audit.head"

    @property
    def server_file(self) -> Path:
        return self.root / "server.json"

    def prepare(self) -> None:
        """Make the folders.

        Raises Unavailable when that is not possible, Refused when the folder is of a newer version or holds other things.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._mark()
            if self.root.stat().st_mode & 0o077:
                self.root.chmod(0o700)  # it was there before us, and open to others
            for folder in (self.jobs, self.logs, self.secrets, self.artifacts):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise files.unwritable(self.root, error) from error

    def _mark(self) -> None:
        marker = self.root / "format"
        if not marker.exists():
            foreign = sorted(path.name for path in self.root.iterdir() if path.name not in OWN_NAMES)
            if foreign:
                what = f"already holds other things ({', '.join(foreign[:3])}), and `uninstall --state` would delete them"
                fix = "set DATAHALL_HOME to a new or an empty folder"
                raise Refused(Problem("HOME-004", str(self.root), what, fix))
            files.write_text(marker, f"{FORMAT}\n")
        word = marker.read_text(encoding="utf-8", errors="replace").strip()
        if not word.isdigit() or int(word) > FORMAT:
            fix = "run the newer Datahall that made it, or set DATAHALL_HOME to another folder"
            what = f"was made by a newer Datahall: its format is {word[:20]!r}, this one knows {FORMAT}"
            raise Refused(Problem("HOME-001", str(self.root), what, fix))

    def own(self) -> None:
        """Become the one process that writes here. Raises Conflict naming the other."""
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(lock):
            os.close(lock)
            server, owner = self.server(), self.owner()
            who = f"process {owner}" if owner else "another process"
            at = f" at {server['url']}" if server and server["pid"] == owner else ""
            fix = "use that one, or end it with `datahall down`"
            raise Conflict(Problem("HOME-002", str(self.root), f"{who}{at} is using it", fix))
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock
        self.withdraw()  # the word of a server that was killed

    def owner(self) -> int | None:
        """The pid of the process that writes here now."""
        if not self.in_use():
            return None
        try:
            return int((self.root / "lock").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def disown(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def in_use(self) -> bool:
        """Whether some process, ours or another, is writing here now."""
        return files.is_locked(self.root / "lock")

    def announce(self, url: str) -> None:
        """Leave word of where the running server is."""
        files.write_text(self.server_file, json.dumps({"url": url, "pid": os.getpid()}), mode=0o600)

    def withdraw(self) -> None:
        self.server_file.unlink(missing_ok=True)

    def server(self) -> dict[str, Any] | None:
        """`url` and `pid` of the server that last announced itself; it may be dead."""
        try:
            data = json.loads(self.server_file.read_text(encoding="utf-8"))
            return {"url": str(data["url"]), "pid": int(data["pid"])}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remove(self) -> None:
        """Delete everything. Raises Conflict while somebody uses it, Refused when it is not ours, Unavailable."""
        if not self.root.exists():
            return
        if not (self.root / "format").is_file():
            fix = "check DATAHALL_HOME; only a folder that Datahall made is deleted"
            raise Refused(Problem("HOME-003", str(self.root), "is not a Datahall folder", fix))
        self.own()
        try:
            self._check_idle()
            shutil.rmtree(self.root.resolve())
        except OSError as error:
            raise files.unwritable(self.root, error) from error
        finally:
            self.disown()

    def _check_idle(self) -> None:
        """Raises Conflict while workers run that `down --keep-jobs` or a kill left alive."""
        busy = [path for path in self.jobs.glob("*/attempts/*/*/lock") if files.is_locked(path)]
        if busy:
            numbers = ", ".join(sorted({path.relative_to(self.jobs).parts[0] for path in busy}, key=int)[:5])
            fix = "`datahall up`, then `datahall down` without --keep-jobs, ends them"
            raise Conflict(Problem("HOME-005", str(self.root), f"workers of job {numbers} are still running", fix))


def _locked(lock: int) -> bool:
    """Whether the lock is ours now. Tried several times: `in_use` of another process may hold it for an instant."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.01)
    return False
