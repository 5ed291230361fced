"""What a hall takes in: every problem at once, each with the nearest that would be taken."""

import pytest

from datahall.foundation.errors import Problem
from datahall.platform.admission import forged, problems_of
from datahall.platform.resources import Resources
from datahall.platform.spec import JobSpec
from datahall.platform.state import Node

GIB = 1024**3


def node(name: str, cpu_milli: int, gib: int, accelerators: int = 0) -> Node:
    room = Resources(cpu_milli, gib * GIB, accelerators)
    return Node(name, room, Resources(), list(range(accelerators)))  # nothing is free: admission looks at the capacity


HALL = [node("small", 2000, 64), node("large", 16000, 32, 4)]


def problems(hall: list[Node] | None = None, **words: object) -> list[Problem]:
    spec = JobSpec.model_validate({"command": ("true",)} | words)
    found = problems_of(spec, nodes=HALL if hall is None else hall, known_job=lambda n: n < 5, known_secret="key".__eq__)
    return list(found)


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"cpus": 16, "memory": 32 * GIB, "accelerators": 4},
        {"cpus": 2, "memory": 64 * GIB},
        {"workers": 18},
        {"needs": (4,), "secrets": {"A": "key"}},
    ],
)
def test_what_fits_an_empty_hall_is_taken(words: dict[str, object]):
    """Given a job that the hall could hold when empty, it is taken, however busy the hall is now."""
    assert problems(**words) == []


@pytest.mark.parametrize(
    ("words", "where", "what", "fix"),
    [
        ({"cpus": 17}, "cpus", "17 asked for, but the largest node has 16", "ask for at most 16"),
        ({"accelerators": 5}, "accelerators", "5 asked for, but the largest node has 4", "ask for at most 4"),
        ({"workers": 19}, "workers", "19 × 1 CPU, 1.0 GiB do not fit into the hall at once", "ask for at most 18 workers"),
        ({"workers": 3, "cpus": 8}, "workers", "3 × 8 CPUs, 1.0 GiB do not fit", "ask for at most 2 workers"),
        (
            {"cpus": 4, "memory": 48 * GIB},
            "memory",
            "48.0 GiB asked for, but the largest node has 32.0 GiB",
            "ask for at most 32.0 GiB",
        ),
    ],
)
def test_what_never_fits_is_refused_with_the_nearest(words: dict[str, object], where: str, what: str, fix: str):
    """Given more than the hall has, or a shape that no single node has, the answer says the most that there is."""
    [problem] = problems(**words)
    assert (problem.code, problem.where) == ("JOB-010", where)
    assert what in problem.what
    assert problem.fix.startswith(fix)


def test_a_hall_without_nodes_takes_nothing():
    """Given no node at all, each resource is said to be missing."""
    assert {problem.where for problem in problems(hall=[])} == {"cpus", "memory"}


def test_all_problems_are_there_at_once():
    """Given a job too large that needs an unknown job and two unknown secrets, four problems come."""
    found = problems(cpus=99, needs=(7, 2), secrets={"A": "no", "B": "key", "C": "nor"})
    assert [(p.code, p.where) for p in found] == [
        ("JOB-010", "cpus"),
        ("JOB-011", "needs"),
        ("JOB-012", "secrets.A"),
        ("JOB-012", "secrets.C"),
    ]


def test_the_platforms_own_words_cannot_be_forged():
    """Given annotations that mark the platform's own jobs, each is refused; others are free."""
    spec = JobSpec(command=("true",), annotations={"replica": "x", "note": "mine", "step": "train"})
    assert [problem.where for problem in forged(spec)] == ["annotations.replica", "annotations.step"]
