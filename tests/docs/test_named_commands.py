import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from generate import commands

from datahall.interfaces.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`datahall (?!on )([a-z][a-z-]*(?: [a-z][a-z-]*)?)")

GROUP: Any = typer.main.get_command(app)
COMMANDS = {words.removeprefix("datahall "): command for words, command in commands(GROUP)}
GROUPS = {words.partition(" ")[0] for words in COMMANDS if " " in words}


def known(words: str) -> str | None:
    """The command or group that these words begin with."""
    first = words.partition(" ")[0]
    return next((name for name in (words, first) if name in COMMANDS or (name in GROUPS and words == first)), None)


def shell_commands(page: Path) -> Iterator[list[str]]:
    """Words after `datahall` in each line of the page's shell blocks."""
    for block in SHELL.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines():
            words = shlex.split(line, comments=True) if re.search(r"(^|[|;&] *|[A-Z]=\S* )datahall ", line) else []
            if words:
                yield words[words.index("datahall") + 1 :]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_in_pages_exist_with_their_options(page: Path):
    """Given a line such as `datahall submit --retries 2 -- python train.py`, the command and its options exist."""
    for words in shell_commands(page):
        name = known(" ".join(words[:2])) or known(words[0])
        assert name in COMMANDS, words
        until = words.index("--") if "--" in words else len(words)
        allowed = {option for param in COMMANDS[name].params for option in param.opts}
        assert {word for word in words[:until] if word.startswith("-")} <= allowed, words


def test_commands_named_in_messages_exist():
    """Given advice such as "see `datahall jobs`" in the source or a page, there is such a command."""
    places = [*PAGES, *ROOT.glob("src/**/*.py")]
    named = {(words, path.name) for path in places for words in NAMED.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 20
    assert sorted((words, place) for words, place in named if known(words) is None) == []
