import re
from pathlib import Path

import pytest

from datahall.foundation import document
from datahall.models.data.spec import DataSpec
from datahall.models.recipe import Recipe
from datahall.platform.lifecycle import Ending, JobState
from datahall.platform.spec import JobSpec

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def yaml_blocks(name: str) -> list[str]:
    return YAML.findall((DOCS / name).read_text(encoding="utf-8"))


def test_the_job_file_is_one():
    """Given the job file in jobs.md, it is read without a problem, sizes and durations in words included."""
    [text] = yaml_blocks("jobs.md")
    job = document.as_spec(document.parse(text), JobSpec)
    assert (job.memory, job.time_limit, job.workers) == (512 * 1024**2, 1800, 2)


def test_the_recipe_is_the_one_in_the_repository():
    """Given the recipe in recipes.md, it says the same as recipes/digits.yaml."""
    [text] = yaml_blocks("recipes.md")
    shown = document.as_spec(document.parse(text), Recipe)
    kept = document.load(ROOT / "recipes" / "digits.yaml", Recipe)
    assert shown == kept.model_copy(update={"description": ""})


@pytest.mark.parametrize("text", yaml_blocks("data.md"))
def test_the_data_sections_are_read(text: str):
    """Given a `data:` section in data.md, it is read without a problem."""
    parsed = document.parse(text)
    assert DataSpec.model_validate(parsed.data["data"])


def test_every_state_and_ending_is_explained():
    """Given the states of jobs and the endings of attempts, jobs.md names each."""
    page = (DOCS / "jobs.md").read_text(encoding="utf-8")
    assert [word for word in (*JobState, *Ending) if word not in page] == []
