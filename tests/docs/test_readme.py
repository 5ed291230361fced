import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(path: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def shape(path: Path) -> list[int]:
    """Depth of each heading, in order."""
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]


def test_it_opens_with_the_two_commands():
    """Given a stranger who reads one block only, it is `make run` and `make test`."""
    kind, text = blocks(ENGLISH)[0]
    assert kind == "sh"
    assert [line.split("#")[0].strip() for line in text.splitlines()] == ["make run", "make test"]


def test_both_languages_show_the_same_commands_and_output():
    """Given the English and the Chinese README, their blocks of commands and output are equal, one by one."""
    assert blocks(ENGLISH) == blocks(CHINESE)


def test_both_languages_have_the_same_parts_and_links():
    """Given both, they have the same headings in the same order, and lead to the same pages."""
    assert shape(ENGLISH) == shape(CHINESE)
    links = [set(re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))) for path in (ENGLISH, CHINESE)]
    assert links[0] - {CHINESE.name} == links[1] - {ENGLISH.name}
