import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")) if path.is_file()]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return not target.exists() or bool(anchor and target.suffix == ".md" and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path):
    """Given a page, each link that is not to another host names a file, and a heading of it, that exist."""
    links = LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    near = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in near if broken(page, link)] == []


def test_every_page_is_reached_from_the_readme():
    """Given the README, every page under docs/ can be reached by following links."""
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page not in seen and page.suffix == ".md" and page.exists():
            seen.add(page)
            todo += [page.parent / link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))]
    assert [path.name for path in ROOT.glob("docs/**/*.md") if path.resolve() not in seen] == []
