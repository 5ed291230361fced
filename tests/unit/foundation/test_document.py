"""Each way in which a YAML file can be wrong, and what its writer is told."""

from pathlib import Path

import pytest

from datahall.foundation.document import MAX_BYTES, as_spec, fields_at, load, parse, read
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.infrastructure.spec import RackGroup
from datahall.models.recipe import Recipe

RECIPE = """\
name: digits
data:
  source:
    kind: idx
    train_images: a.gz
    train_labels: b.gz
model:
  family: mlp
"""


def refused(text: str) -> list[Problem]:
    with pytest.raises(Refused, match=r"recipe\.yaml") as caught:
        as_spec(parse(text, source="recipe.yaml"), Recipe)
    return list(caught.value.problems)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """Given a recipe in UTF-8, its spec comes back."""
    (tmp_path / "r.yaml").write_text(RECIPE + "description: 手写数字\n", encoding="utf-8")
    assert load(tmp_path / "r.yaml", Recipe).description == "手写数字"


def test_a_field_of_a_chosen_branch_is_named_without_the_branch() -> None:
    """Given a misspelt field of the idx source, path, line and hint speak of that branch and of nothing else."""
    missing, unknown = refused(RECIPE.replace("train_images", "train_image"))
    assert (missing.where, missing.code) == ("recipe.yaml:3 data.source.train_images", "SPEC-002")
    assert (unknown.where, unknown.code) == ("recipe.yaml:5 data.source.train_image", "SPEC-001")
    assert unknown.fix == "did you mean `train_images`?"


def test_an_unknown_field_without_a_near_match_lists_that_branch() -> None:
    """Given nonsense inside the idx source, the idx fields are listed and none of the CSV source."""
    [problem] = refused(RECIPE.replace("train_labels: b.gz", "train_labels: b.gz\n    zzz: 1"))
    assert problem.where == "recipe.yaml:7 data.source.zzz"
    assert "test_labels" in problem.fix and "missing_marks" not in problem.fix


@pytest.mark.parametrize(
    ("old", "new", "where", "code", "fix"),
    [
        ("kind: idx", "kind: ids", "recipe.yaml:4 data.source.kind", "SPEC-003", "did you mean `idx`?"),
        ("kind: idx", "kin: idx", "recipe.yaml:3 data.source.kind", "SPEC-002", "add `kind: …`"),
        ("name: digits", "name: ../x", "recipe.yaml:1 name", "SPEC-003", "correct `name`"),
        ("name: digits", "nam: digits\nname: a", "recipe.yaml:1 nam", "SPEC-001", "did you mean `name`?"),
        ("family: mlp", "family: mlp\n  hidden: [1, x]", "recipe.yaml:9 model.hidden[1]", "SPEC-003", "correct `hidden`"),
        (
            "family: mlp",
            "family: mlp\n  activation: rele",
            "recipe.yaml:9 model.activation",
            "SPEC-003",
            "did you mean `relu`?",
        ),
        (
            "family: mlp",
            "family: mlp\n  dropout_ratio: .nan",
            "recipe.yaml:9 model.dropout_ratio",
            "SPEC-003",
            "correct `dropout_ratio`",
        ),
    ],
)
def test_each_slip_is_placed_and_has_a_way_out(old: str, new: str, where: str, code: str, fix: str) -> None:
    """Given one slip in the recipe, its first problem names the line, the path and the fix."""
    problem = next(problem for problem in refused(RECIPE.replace(old, new)) if problem.where == where)
    assert (problem.code, problem.fix) == (code, fix)


def test_both_branches_of_a_union_become_one_problem() -> None:
    """Given `threads: many`, which may be a number or `measure`, one problem says both."""
    [problem] = refused(RECIPE + "train: {threads: many}\n")
    assert problem.where == "recipe.yaml:9 train.threads"
    assert "valid integer" in problem.what and "'measure'" in problem.what


@pytest.mark.parametrize("value", ["3 x", "1 GiB", "[1]", "true", "-5", "1e3 s"])
def test_a_wrong_unit_names_the_right_ones(value: str) -> None:
    """Given a duration in the wrong unit or shape, the problem stands at that line."""
    [problem] = refused(RECIPE + f"train: {{checkpoint_interval: {value}}}\n")
    assert problem.where == "recipe.yaml:9 train.checkpoint_interval"


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("a: b: c", "DOC-005", "recipe.yaml:1"),
        ("x: 1\na: [1, 2", "DOC-005", "recipe.yaml:3"),
        ("x: 1\ny: \x01", "DOC-005", "recipe.yaml:2"),
        ("a: *nowhere", "DOC-005", "recipe.yaml:1"),
        ("a: 1\n---\nb: 2", "DOC-009", "recipe.yaml:2"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "DOC-007", "recipe.yaml:4 b.c"),
        ("a: 1\n? [x, y]\n: 3", "DOC-008", "recipe.yaml:2"),
        ('"\\ud800": 1', "DOC-005", "recipe.yaml:1"),
        ("a: !!bool perhaps", "DOC-005", "recipe.yaml:1"),
        ("a: !!timestamp x", "DOC-005", "recipe.yaml:1"),
        ("a: !!python/name:os.system x", "DOC-005", "recipe.yaml:1"),
        ("a: 2024-13-45", "DOC-005", "recipe.yaml:1"),
        ("a: &a [*a]", "DOC-006", "recipe.yaml:1"),
        ("", "DOC-010", "recipe.yaml:1"),
        ("- a\n- b", "DOC-010", "recipe.yaml:1"),
        ("just words", "DOC-010", "recipe.yaml:1"),
    ],
)
def test_what_is_not_a_mapping_in_yaml_is_refused(text: str, code: str, where: str) -> None:
    """Given text that is no YAML mapping, the first problem names the line."""
    problem = refused(text)[0]
    assert (problem.code, problem.where) == (code, where)


def test_all_repeated_keys_are_told_at_once() -> None:
    """Given two repeated keys, both are reported in one run."""
    assert [problem.code for problem in refused("a: 1\na: 2\nb: 1\nb: 2")] == ["DOC-007", "DOC-007"]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 300_000, "".join(f"{' ' * n}a:\n" for n in range(500))])
def test_endless_nesting_is_refused_before_the_stack_ends(text: str) -> None:
    """Given a hundred thousand open brackets, the process lives on (libyaml's node builder would end it)."""
    assert refused(text)[0].code == "DOC-006"


def test_an_alias_bomb_is_refused() -> None:
    """Given nine lists, each of nine aliases of the one before, the 400 million values are counted, not built."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert refused("\n".join(rows))[0].code == "DOC-006"


def test_a_plain_alias_is_understood() -> None:
    """Given an anchor and an alias, both paths hold the value, and the alias has a line of its own."""
    document = parse("a: &x {b: 1}\nc: *x", source="f")
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.where(("c", "b")) == "f:2 c.b"


def test_a_missing_file_lists_what_is_near(tmp_path: Path) -> None:
    """Given a slip in a file's name, the near name is offered."""
    (tmp_path / "digits.yaml").write_text(RECIPE)
    with pytest.raises(Missing, match=r"DOC-001 there is no such file.*near: digits\.yaml"):
        read(tmp_path / "digit.yaml")


def test_a_file_in_a_missing_folder_is_missing(tmp_path: Path) -> None:
    """Given a folder that does not exist, the file in it is reported as missing."""
    with pytest.raises(Missing, match="DOC-001"):
        read(tmp_path / "no" / "digits.yaml")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """Given a folder, the reader says so."""
    with pytest.raises(Refused, match="DOC-002 this is a folder"):
        read(tmp_path)


def test_a_device_is_not_read(tmp_path: Path) -> None:
    """Given /dev/zero, which never ends, the reader does not start on it."""
    with pytest.raises(Refused, match="DOC-002 this is a device"):
        read(Path("/dev/zero"))
    with pytest.raises(Refused, match="DOC-002 cannot be read"):
        read(tmp_path / "nul\0l")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """Given GBK text, the first byte that is not UTF-8 is named."""
    (tmp_path / "r.yaml").write_bytes("name: 数字".encode("gbk"))
    with pytest.raises(Refused, match="DOC-004 byte 6 is not UTF-8"):
        read(tmp_path / "r.yaml")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """Given a file past the limit, it is refused by its size."""
    with (tmp_path / "r.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(Refused, match="DOC-003"):
        read(tmp_path / "r.yaml")


def test_fields_at_a_path() -> None:
    """Given paths into a recipe, the names of the fields there come back."""
    assert "epochs" in fields_at(Recipe, ("train",))
    assert {"train_images", "label"} <= set(fields_at(Recipe, ("data", "source")))
    assert fields_at(Recipe, ("nowhere",)) == []


def test_kinds_are_said_in_plain_words() -> None:
    """Given a number for a file and a text for a list, both are named as their user would."""
    with pytest.raises(Refused, match="the file holds a number, not a mapping"):
        as_spec(parse("3"), Recipe)
    with pytest.raises(Refused, match="should be a list, but it is 'pdu-a'"):
        as_spec(parse("feeds: pdu-a"), RackGroup)


@pytest.mark.parametrize("text", ["feeds: [pdu-a[1-2]]", "feeds: [x, pdu-a[1-2], y]", "{name: pdu-a[1-2], feeds: []}"])
def test_a_bare_range_in_a_flow_list_is_to_be_quoted(text: str) -> None:
    """Given a range without quotes inside [ ] or { }, which YAML takes for a list of its own, the fix says to quote it."""
    with pytest.raises(Refused, match=r'DOC-005 .*[Qq]uote a range inside \[ \] or \{ \}: write "pdu-a\[1-2\]"'):
        parse(text)
