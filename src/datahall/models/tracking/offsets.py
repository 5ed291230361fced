"""How far the taking-in has come: one small JSON file for each source, whole or absent."""

import json
from pathlib import Path
from typing import Any

from datahall.foundation import files


class Offsets:
    """`<home>/tracking/offsets/<name>.json`. Without its file a source is taken in again from its start, which is harmless."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved: dict[str, str] = {}

    def load(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def save(self, name: str, data: dict[str, Any]) -> None:
        """Raises Unavailable."""
        text = json.dumps(data)
        if self._saved.get(name) != text:
            files.write_text(self._folder / f"{name}.json", text, mode=0o600)
            self._saved[name] = text
