"""Specs as files that people read."""

from hypothesis import given
from hypothesis import strategies as st

from datahall.foundation.document import as_spec, parse
from datahall.foundation.spec import Spec
from datahall.foundation.yaml_writer import spec_yaml


class Leaf(Spec):
    """A leaf."""

    words: tuple[str, ...] = ()
    size_bytes: int = 0
    """How large it is."""


class Tree(Spec):
    name: str
    leaf: Leaf | None = None
    leaves: tuple[Leaf, ...] = ()
    named: dict[str, Leaf] = {}  # noqa: RUF012 - pydantic copies defaults
    grid: tuple[tuple[int, ...], ...] = ()
    on: bool | None = None
    weight: float | None = None


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["yes", "null", "1e3", "- a", "#", "0x1"]
)
leaves = st.builds(Leaf, words=st.lists(words, max_size=3).map(tuple), size_bytes=st.integers(0, 10**7))
trees = st.builds(
    Tree,
    name=words,
    leaf=st.none() | leaves,
    leaves=st.lists(leaves, max_size=3).map(tuple),
    named=st.dictionaries(st.from_regex(r"[a-z]{1,5}( [yn])?", fullmatch=True), leaves, max_size=2),
    grid=st.lists(st.lists(st.integers(-5, 5), max_size=2).map(tuple), max_size=2).map(tuple),
    on=st.none() | st.booleans(),
    weight=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)


@given(trees)
def test_what_is_written_loads_back_equal(tree: Tree) -> None:
    """Given any spec, its YAML says the same spec."""
    assert as_spec(parse(spec_yaml(tree)), Tree) == tree


def test_it_reads_well() -> None:
    """Given a spec with sizes and explained fields, comments stand once, and nothing is quoted without need."""
    tree = Tree(name="oak", leaves=(Leaf(words=("a b", "yes"), size_bytes=2048), Leaf()), on=True)
    assert spec_yaml(tree, header="A tree.\n\nOf two leaves.") == (
        "# A tree.\n#\n# Of two leaves.\n"
        "name: oak\n"
        "leaves:\n"
        '  - words: [a b, "yes"]\n'
        "    # How large it is.\n"
        "    size_bytes: 2048  # 2.0 KiB\n"
        "  - words: []\n"
        "    size_bytes: 0\n"
        "named: {}\n"
        "grid: []\n"
        "on: true\n"
    )
