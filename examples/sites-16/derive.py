"""Works out climate.csv and annual.csv from hourly files of 2024; what those are and whose, README.md says.

    python derive.py ../../../shared/data/site-hourly
"""

import csv
import gzip
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from datahall.planner.site.means import ANNUAL_COLUMNS, CLIMATE_COLUMNS, month_hour_means

HERE = Path(__file__).parent


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def columns_of(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Region -> its values, shape (hours, len(names))."""
    found = defaultdict(list)
    for row in rows_of(path):
        found[row["region"]].append([float(row[name]) for name in names])
    return {region: np.array(values) for region, values in found.items()}


def climate(folder: Path) -> Iterator[list[str]]:
    for region, values in columns_of(folder / "weather_2024.csv.gz", "temp_c", "rh_pct").items():
        for name, series, digits in (("dry_bulb_c", values[:, 0], 1), ("humidity_ratio", values[:, 1] / 100, 2)):
            for month, means in enumerate(month_hour_means(series), start=1):
                yield [region, name, str(month), *(f"{mean:.{digits}f}" for mean in means)]


def annual(folder: Path) -> Iterator[list[str]]:
    carbon = columns_of(folder / "carbon_2024.csv.gz", "gco2_kwh_direct")
    price = columns_of(folder / "price_2024.csv.gz", "price_usd_mwh")
    for region, values in carbon.items():
        mean_price = f"{price[region].mean() / 1000:.5f}" if region in price else ""
        yield [region, f"{values.mean() / 1000:.4f}", mean_price]


def write(name: str, header: tuple[str, ...], rows: Iterator[list[str]], folder: Path = HERE) -> None:
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    source = Path(sys.argv[1])
    write("climate.csv", CLIMATE_COLUMNS, climate(source))
    write("annual.csv", ANNUAL_COLUMNS, annual(source))
