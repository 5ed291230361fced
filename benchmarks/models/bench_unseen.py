"""Step times of published rows that no constant was fitted on, and that lie in none of the reference tables.

    python -m benchmarks.models.bench_unseen [--rows]

- same_documents: further rows of four documents of which other rows are in the tables (InternEvo, torchtitan, llm-foundry,
  BLOOM's tuning log): the platform was seen, the configuration was not.
- nemo_2024_2025: NVIDIA's NeMo 24.07 on H100, 25.02 on B200, 25.04 on GB200, 8-bit products. What NeMo's recipes overlap and
  sum was looked up after a first comparison; no constant was changed.
- torchtitan_h200: two rows of June 2025.

Figures are the published ones, each row with its source; sizes of NVIDIA's models as their model cards say.
"""

import argparse
import statistics
from pathlib import Path

from datahall.planner.validation.tables import read_rows
from datahall.planner.validation.training import TrainingRow, row_of

FOLDER = Path(__file__).parent / "unseen"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", action="store_true", help="each row")
    asked = parser.parse_args()
    print(f"{'':<20}{'rows':>5}{'mean %':>8}{'median':>8}{'bias':>7}{'inside':>8}{'constant':>10}")
    for path in sorted(FOLDER.glob("*.csv")):
        found = [row for cells in read_rows(path)[1] if (row := row_of(cells)).error_ratio is not None]
        print(f"{path.stem:<20}{len(found):>5}{summary(found)}")
        if asked.rows:
            for row in found:
                print(f"  {row.row[:70]:<70} {row.measured_s:9.3f} s {row.predicted_s:9.3f} s {row.error_ratio:+7.1%}")
    return 0


def summary(rows: list[TrainingRow]) -> str:
    """Errors in per cent, the share of rows inside their 80 % interval, and a constant utilisation's mean."""
    errors = [100 * (row.error_ratio or 0.0) for row in rows]
    constant = [100 * abs(row.baseline_error_ratio) for row in rows if row.baseline_error_ratio is not None]
    sizes = [abs(error) for error in errors]
    inside = statistics.fmean(bool(row.hit) for row in rows)
    figures = (statistics.fmean(sizes), statistics.median(sizes), statistics.median(errors))
    return f"{figures[0]:8.1f}{figures[1]:8.1f}{figures[2]:+7.1f}{inside:8.0%}{statistics.fmean(constant):10.1f}"


if __name__ == "__main__":
    raise SystemExit(main())
