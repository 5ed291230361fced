"""The platform's benchmark runs and says what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_platform_benchmark_measures_everything_that_has_a_limit():
    """Given a short run, each promised figure is there with its limit; whether it holds depends on the machine's neighbours."""
    command = [sys.executable, "-m", "benchmarks.platform.bench_platform", "--json"]
    small = ["--queued", "200", "--starts", "3", "--short", "8"]
    done = subprocess.run([*command, *small], cwd=ROOT, capture_output=True, text=True, check=False)
    rows = json.loads(done.stdout)
    assert sorted(row["limit"] for row in rows if row["limit"] is not None) == [0.3, 50, 50, 50, 200, 200, 300]
    assert all(row["value"] > 0 for row in rows)
    assert done.returncode == (0 if all(row["holds"] for row in rows) else 1)
