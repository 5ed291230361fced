"""How fast the best plan of a training step is found, on one core: configurations in a second, and whole questions.

    python -m benchmarks.planner.bench_search [--json] [--runs 3]

Each row is a process of its own on one core; seconds are its processor time, so that others on the machine do not count.
A configuration is one plan that `problems_of_plan` has nothing against and that differs from all others in what it does (see
planner/search/space.py). Limits are on seconds and gigabytes, and on microseconds for a configuration: 1/3 us is 3 million a
second. Exit 1 when one is missed.

Beside it Calculon's own search (github.com/calculon-ai/calculon): 105 to 133 configurations a second on one core, its 175B on
512 accelerators 6.58 million points, measured elsewhere, on another machine than this. Its configurations are not ours: it also
varies offloading and fusing, and has no context or expert ranks. So it is shown, and no ratio is a limit.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain

from benchmarks.measured import Row, arguments, shown

START = """
import resource, time
from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.communication import cluster_of
from datahall.planner.search.question import Question
from datahall.planner.search.search import search
CLUSTER = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9)
def asked(name, accelerators, sequence, batch, **fields):
    return Question(architecture(name), CLUSTER, accelerators, sequence, batch, **fields)
"""
QUESTION = (
    START
    + """
began = time.process_time()
found = search(asked({asked}), bounded={bounded})
took_s = time.process_time() - began
assert found.best
print(took_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, found.possible, found.evaluated)
"""
)
INNER = (
    START
    + """
from datahall.planner.search.keeper import Keeper
from datahall.planner.search.layouts import layouts_of
from datahall.planner.search.pieces import pieces_of
from datahall.planner.search.search import Hunt
question = asked("gpt3-175b", 512, 2048, 1536, fewer=False, memory_bytes=1e15)
hunt = Hunt(question, Keeper(10), pieces_of(question), bounded=False)
layouts = layouts_of(hunt.pieces)
hunt.through(layouts)
before, began = hunt.evaluated, time.process_time()
for _ in range(5):
    hunt.through(layouts)
took_s = time.process_time() - began
print(took_s, 0.0, layouts.counts.sum(), hunt.evaluated - before)
"""
)
STEP = (
    START
    + """
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step import step_of
plan = TrainPlan(global_batch=1536, sequence=2048, tensor=8, pipeline=8, data=8, zero=1)
model = architecture("gpt3-175b")
step_of(model, plan, CLUSTER)
began = time.process_time()
for _ in range(100):
    step_of(model, plan, CLUSTER)
print((time.process_time() - began) / 100, 0.0, 1, 1)
"""
)
QUESTIONS = (
    ("gpt3-175b on 512, every plan that fits timed", '"gpt3-175b", 512, 2048, 1536, fewer=False', False, 5.0),
    ("gpt3-175b on 512, bounded", '"gpt3-175b", 512, 2048, 1536, fewer=False', True, 5.0),
    ("gpt3-175b on up to 512, bounded", '"gpt3-175b", 512, 2048, 1536', True, 5.0),
    ("llama3-405b on up to 16,384, bounded", '"llama3-405b", 16_384, 8192, 2048', True, 10.0),
    ("deepseek-v3 on 2,048, bounded", '"deepseek-v3", 2048, 4096, 15_360, fewer=False', True, 8.0),
    ("llama3-405b on up to 100,000, bounded", '"llama3-405b", 100_000, 8192, 8192', True, 10.0),
)


def one_core() -> None:
    """The child may use one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run(program: str) -> list[float]:
    """What the program prints: seconds, gigabytes, configurations in the space, and those whose time was computed."""
    told = subprocess.check_output([sys.executable, "-c", program], preexec_fn=one_core, text=True)
    return [float(word) for word in told.split()]


def medians(program: str, runs: int) -> list[float]:
    return [statistics.median(each) for each in zip(*(run(program) for _ in range(runs)), strict=True)]


def inner_rows(runs: int) -> Iterator[Row]:
    took_s, _, _, evaluated = medians(INNER, runs)
    yield Row("a configuration's time and memory, layers known", took_s / evaluated * 1e6, 0.333, runs, unit="us")
    yield Row("  that is, thousand configurations a second", evaluated / took_s / 1e3, None, runs, unit="k/s")
    for figure in (105, 133):
        yield Row("  Calculon's search, measured elsewhere", figure / 1e3, None, 1, unit="k/s")


def question_rows(runs: int) -> Iterator[Row]:
    for name, words, bounded, limit_s in QUESTIONS:
        took_s, peak_gb, possible, evaluated = medians(QUESTION.format(asked=words, bounded=bounded), runs)
        yield Row(name, took_s, limit_s, runs)
        yield Row("  peak memory of the process", peak_gb, 1.0, runs, unit="GB")
        yield Row("  configurations in the space", possible / 1e6, None, runs, unit="M")
        yield Row("  of them timed", evaluated / 1e6, None, runs, unit="M")


def step_rows(runs: int) -> Iterator[Row]:
    yield Row("one step_of, warm", medians(STEP, runs)[0], 0.005, runs)


def main() -> int:
    chosen = arguments(__doc__, runs=3)
    rows = chain(inner_rows(chosen.runs), step_rows(chosen.runs), question_rows(chosen.runs))
    return shown(rows, as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
