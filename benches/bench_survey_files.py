"""From a data file as large as that of the World Values Survey to checked codes, and what it costs.

Run as a program, it makes such a file and measures each format in a process of its own:
``python -m benches.bench_survey_files FOLDER``.
``DEMOSCOPE_BENCH_SIZE=tiny`` makes everything small, for a run that only asks whether the benchmarks work.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
import pytest

from demoscope.surveys import Survey, load_microdata, survey_from_table

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


class Size(NamedTuple):
    """How large the file is."""

    respondents: int
    items: int
    others: int


SIZES = {"full": Size(97_220, 260, 140), "tiny": Size(300, 5, 5)}
SIZE = SIZES[os.environ.get("DEMOSCOPE_BENCH_SIZE", "full")]
COUNTRIES = 66
LOST = {str(code): "other_missing" for code in range(-5, 0)}

pytestmark = pytest.mark.benchmark(warmup=True, warmup_iterations=1, min_rounds=3, max_time=2.0)


def made_file(folder: Path, *, kind: str, size: Size = SIZE) -> Path:
    """A file with random answers and the columns of a large survey, among them many that nobody reads.

    Args:
        folder: Where it is written.
        kind: ``"csv"``, ``"quoted.csv"`` (every cell in quotes), ``"parquet"``, ``"sav"`` or ``"dta"``.
        size: How large.
    """
    rng = np.random.default_rng(1)
    n = size.respondents
    country = np.sort(rng.integers(1, COUNTRIES + 1, n))
    columns: dict[str, object] = {
        "version": ["6-0-0 (2024-04-30)"] * n,
        "B_COUNTRY": country,
        "D_INTERVIEW": country * 10_000_000 + np.arange(n),
        "W_WEIGHT": rng.uniform(0.1, 5.0, n),
        "Q262": rng.integers(16, 100, n),
    }
    columns |= {f"Q{i}": rng.integers(-5, 11, n) for i in range(1, size.items + 1)}
    columns |= {f"X{i}": rng.normal(size=n).round(8) for i in range(size.others)}
    frame = pl.DataFrame(columns)
    path = folder / f"survey.{kind}"
    if kind.endswith("csv"):
        quoted = kind.startswith("quoted")
        frame.write_csv(path, quote_style="always" if quoted else "necessary", separator=";" if quoted else ",")
    elif kind == "parquet":
        frame.write_parquet(path)
    else:
        import pyreadstat

        write = pyreadstat.write_sav if kind == "sav" else pyreadstat.write_dta
        write(frame.to_pandas(), str(path))
    return path


def declared(size: Size = SIZE) -> Survey:
    """The survey of such a file."""
    ages = [{"label": "under 40", "low": 0, "high": 39}, {"label": "40 or over", "low": 40}]
    table = {
        "id": "made",
        "title": "Made",
        "id_column": "D_INTERVIEW",
        "country_column": "B_COUNTRY",
        "countries": {str(code): f"Country {code}" for code in range(1, COUNTRIES + 1)},
        "weight_column": "W_WEIGHT",
        "missing": LOST,
        "demographics": [{"id": "age", "column": "Q262", "bands": ages}],
        "items": [
            {"id": f"Q{i}", "text": "?", "options": {str(code): f"{code}." for code in range(11)}}
            for i in range(1, size.items + 1)
        ],
    }
    return survey_from_table(table, where=Path("made.toml"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize("kind", ["csv", "quoted.csv", "parquet", "sav", "dta"])
def test_file_to_codes(benchmark: BenchmarkFixture, tmp_path_factory, kind) -> None:
    """Includes the copy in the cache that formats other than text and Parquet are read from after the first time."""
    path = made_file(tmp_path_factory.mktemp("made"), kind=kind)
    data = benchmark(load_microdata, declared(), path=path)
    assert data.frame.shape == (SIZE.respondents, SIZE.items + 4)


def _measure(path: Path) -> None:
    start, survey = time.perf_counter(), declared()
    data = load_microdata(survey, path=path)
    wall, spent = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{path.name:20} {path.stat().st_size / 1e6:6.0f} MB, {data.frame.height:,} x {data.frame.width}: "
        f"{wall:5.2f} s wall, {spent.ru_utime + spent.ru_stime:5.2f} s CPU with imports, "
        f"peak {spent.ru_maxrss / 1024:5.0f} MiB"
    )


def _measure_all(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    for kind in ("csv", "quoted.csv", "parquet", "sav", "dta"):
        path = made_file(folder, kind=kind)
        for _ in range(3):
            subprocess.run([sys.executable, "-m", "benches.bench_survey_files", str(path)], check=True, env=environment)


if __name__ == "__main__":
    given = Path(sys.argv[1])
    (_measure if given.is_file() else _measure_all)(given)
