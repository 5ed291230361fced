"""Puts a job's inputs, sources and files into its working folder, and takes its outputs out of it."""

from pathlib import Path

from datahall.foundation import files
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.platform.catalogue import Catalogue
from datahall.platform.events import StoredOutput
from datahall.platform.spec import JobSpec


class FolderStage:
    """The stage of engines that share the control plane's file system."""

    def __init__(self, catalogue: Catalogue, secrets: Path) -> None:
        self._catalogue, self._secrets = catalogue, secrets

    def prepare(self, spec: JobSpec, work: Path) -> None:
        """Raises Missing when an input is gone, Unavailable when it is damaged or the disk is full."""
        artifacts = self._catalogue.artifacts
        if spec.source is not None:
            artifacts.copy_out(self._catalogue.require(spec.tenant, spec.source)["digest"], work)
        inputs = work / "inputs"
        inputs.mkdir(exist_ok=True, mode=0o700)
        for name, reference in spec.inputs.items():
            row = self._catalogue.require(spec.tenant, reference)
            link = inputs / name
            link.unlink(missing_ok=True)
            link.symlink_to(artifacts.lay_out(row["digest"]))
        for name, text in spec.files.items():
            files.write_text(files.confined(work, name), text, mode=0o600)

    def collect(self, spec: JobSpec, work: Path) -> tuple[StoredOutput, ...]:
        """Store `outputs/` under the job's key. Raises Refused past the quota, Unavailable when the disk is full."""
        outputs = work / "outputs"
        if spec.output_key is None:
            return ()
        if not outputs.is_dir() or not any(outputs.iterdir()):
            fix = "write its results into the folder outputs/ of its working folder"
            raise Refused(Problem("JOB-020", "outputs/", "the job ended well but left nothing there", fix))
        size = sum(path.stat().st_size for path in outputs.rglob("*") if path.is_file())
        self._catalogue.check_quota(spec.tenant, size)
        stored = self._catalogue.artifacts.put_tree(outputs)
        return (StoredOutput(spec.output_key, stored.digest, stored.size_bytes),)

    def environment(self, spec: JobSpec, work: Path) -> dict[str, str]:
        """The job's secrets. Raises Missing."""
        del work
        return {variable: self._secret(spec.tenant, name) for variable, name in spec.secrets.items()}

    def _secret(self, tenant: str, name: str) -> str:
        path = files.confined(self._secrets, f"{tenant}/{name}")
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            fix = f"set it with `datahall secret set {name}`"
            raise Missing(Problem("JOB-021", f"secret {name}", f"tenant `{tenant}` has no such secret", fix)) from None

    def set_secret(self, tenant: str, name: str, value: str) -> None:
        files.write_text(files.confined(self._secrets, f"{tenant}/{name}"), value, mode=0o600)

    def secret_names(self, tenant: str) -> list[str]:
        folder = self._secrets / tenant
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
