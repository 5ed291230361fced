"""A job whose every word tries to be more than a word, and a program that writes down what it was given."""

import json
import sys
from pathlib import Path
from typing import Any

from datahall.platform.spec import JobSpec

WORDS = (
    "plain", "", "two words", "$(touch pwned)", "`touch pwned`", "'; touch pwned; '", '"$HOME"', "\n#SBATCH --nodes=99\n",
    "#SBATCH --nodes=99", "a\\nb\\", "tab\there", "\x01\x7f", "naïve – ∑", "$$(RANK)", "${PATH}", "--help", "!x",
    "a: b # c", "- [x]", "\r\n# EOF", "{{x}}", "%j", "~", "*",
)  # fmt: skip
PROGRAM = """
import json, os, pathlib, sys
out = pathlib.Path(os.environ["DATAHALL_TEST_OUT"])
told = {"words": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}
(out / (os.environ["RANK"] + ".json")).write_text(json.dumps(told))
"""


def recorded(out: Path) -> list[dict[str, Any]]:
    """What each worker was given, in order of rank."""
    return [json.loads((out / f"{rank}.json").read_text()) for rank in range(len(list(out.glob("*.json"))))]


def hostile(**changes: Any) -> JobSpec:
    """A job of four workers that takes every bad word as argument, variable, file and annotation."""
    words: dict[str, Any] = {
        "name": "big.job_1",
        "command": (sys.executable, "-c", PROGRAM, *WORDS),
        "workers": 4,
        "environment": {f"WORD_{number}": word for number, word in enumerate(WORDS)},
        "files": {f"in/{number}.txt": word for number, word in enumerate(WORDS)} | {"$(touch pwned) '\n#SBATCH -N9": "text"},
        "annotations": {f"word-{number}": word for number, word in enumerate(WORDS)},
    }
    return JobSpec(**{**words, **changes})
