"""docs/mathematics.md names real code, and its example does what its last line says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from datahall.models.mathematics import activations, descent, losses, network

PAGE = Path(__file__).parents[4] / "docs" / "mathematics.md"


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_example_runs_and_prints_what_it_says(text):
    """Given the page's Python block, running it prints the comment of its last line."""
    [code] = re.findall(r"```python\n(.*?)```", text, re.S)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), {})
    assert printed.getvalue().strip() == code.strip().rsplit("# ", 1)[1]


def test_every_name_on_the_page_is_in_the_code(text):
    """Given `losses.softmax`, `network.forward` and the like on the page, each exists."""
    modules = {"activations": activations, "descent": descent, "losses": losses, "network": network}
    named = re.findall(r"`(activations|descent|losses|network)\.(\w+)", text)
    assert len(named) > 10
    for module, name in named:
        assert hasattr(modules[module], name), f"{module}.{name}"


def test_every_activation_and_test_on_the_page_exists(text):
    """Given the table of activations and the tests that the page points at, none is made up and none is missing."""
    rows = set(re.findall(r"^\| `(\w+)` \| \$", text, re.M))
    assert rows == set(activations.ACTIVATIONS)
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in sources, name
