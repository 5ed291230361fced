"""Whatever is fed to the readers, a user sees a spec or a Problem, never a traceback."""

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.foundation.document import as_spec, parse
from datahall.foundation.errors import DatahallError
from datahall.foundation.files import confined
from datahall.foundation.units import bytes_text, seconds_text
from datahall.models.recipe import Recipe

WORDS = ("name:", "data:", " source:", "kind: idx", "train:", "hidden:", "~", ".inf", "0x1F", "1:30", "2024-01-01", "é", "😀")
MARKS = ("- ", "&a ", "*a", "{", "}", "[", "]", "'", '"', "\n", "\n  ", ": ", "? ", "| ", "> ", "<<: ", "#", "%YAML 1.1", "---")
ODD = ("!!int ", "!!map ", "!!binary ", "...", "\t", "\\ud800", "\x85", "\ufeff", "\x00", "9" * 5000)
YAML_PIECES = st.sampled_from(WORDS + MARKS + ODD)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> None:
    try:
        as_spec(parse(text), Recipe)
    except DatahallError as error:
        assert error.problems
        assert all(problem.where and problem.what and problem.fix and str(problem) for problem in error.problems)


@given(st.text(max_size=200))
def test_random_text_never_breaks_the_reader(text: str) -> None:
    read(text)


@settings(max_examples=300)
@given(st.lists(YAML_PIECES, max_size=30).map("".join))
def test_broken_yaml_never_breaks_the_reader(text: str) -> None:
    read(text)


@given(st.dictionaries(st.sampled_from([*Recipe.model_fields, "kind", "family"]), PLAIN))
def test_a_recipe_of_the_wrong_shape_never_breaks_the_reader(data: dict[str, Any]) -> None:
    read(yaml.safe_dump(data))


@given(PLAIN)
def test_what_the_library_writes_is_read_as_it_was(value: Any) -> None:
    """Given plain data written by PyYAML, our reader gives what PyYAML's own loader gives, keys as text aside."""
    text = yaml.safe_dump({"value": value}, allow_unicode=True)
    try:
        ours = parse(text).data
    except DatahallError:
        return
    assert repr(ours) == repr(yaml.safe_load(text))


@given(st.text(max_size=40))
def test_no_path_leads_out(tmp_path_factory: Any, relative: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        assert confined(folder, relative).is_relative_to(folder.resolve())
    except DatahallError as error:
        assert error.problems[0].code == "FILE-002"


@given(st.floats(0, 1e18), st.floats(0, 1e18))
def test_texts_of_quantities_are_short(size_bytes: float, duration_s: float) -> None:
    assert len(bytes_text(size_bytes)) < 24
    assert len(seconds_text(duration_s)) < 24
