"""Weighted polychoric correlations of a real survey: Poland in round 11 of the European Social Survey."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from demoscope.stats import polychoric
from demoscope.surveys import load_microdata, load_survey
from tests.reference.polychoric import thresholds, two_step

SHARED = Path(__file__).parents[3] / "shared"
EXTRACT = SHARED / "data/ess11/ess11_pl_es_se.csv"
REFERENCE = SHARED / "golden/reference/ess11-PL"
ITEMS = ("trstprl", "stflife", "sclmeet", "health", "gincdif", "imdfetn")
AGREEMENT = 1e-7


@pytest.fixture(scope="module")
def poland() -> pl.DataFrame:
    if not EXTRACT.exists():
        pytest.skip("the extract is not here")
    frame = load_microdata(load_survey("ess"), path=EXTRACT).frame
    return frame.filter(pl.col("country") == "Poland")


@pytest.mark.parametrize(("kind", "policy"), [("globalthr", "item"), ("pairthr", "pair")])
def test_equal_weights_give_the_unweighted_reference(poland: pl.DataFrame, kind: str, policy: str) -> None:
    path = REFERENCE / f"polychoric_exact_{kind}.csv"
    if not path.exists():
        pytest.skip("the reference is not here")
    expected = pl.read_csv(path)
    items = expected.columns[1:]
    upper = expected.select(items).to_numpy()[np.triu_indices(len(items), k=1)]
    for weight in (1.0, 2.5):
        weighted = poland.with_columns(weight=pl.lit(weight))
        found = polychoric(weighted, items=items, weights="weight", thresholds=policy)  # type: ignore[arg-type]
        assert set(found["status"]) == {"ok"}
        assert np.abs(found["rho"].to_numpy() - upper).max() < AGREEMENT


def weighted_counts(frame: pl.DataFrame, first: str, second: str) -> np.ndarray:
    """Sums of weights over the cells of two items, added one respondent at a time."""
    rows, cols = (sorted(frame[item].drop_nulls().unique()) for item in (first, second))
    table = np.zeros((len(rows), len(cols)))
    for x, y, weight in frame.select(first, second, "weight").iter_rows():
        if x is not None and y is not None:
            table[rows.index(x), cols.index(y)] += weight
    return table


def margin(frame: pl.DataFrame, item: str) -> np.ndarray:
    sums = dict.fromkeys(sorted(frame[item].drop_nulls().unique()), 0.0)
    for code, weight in frame.select(item, "weight").drop_nulls().iter_rows():
        sums[code] += weight
    return np.array(list(sums.values()))


@pytest.mark.parametrize("policy", ["item", "pair"])
def test_poststratification_weights_give_the_slow_twin(poland: pl.DataFrame, policy: str) -> None:
    found = polychoric(poland, items=ITEMS, weights="weight", thresholds=policy)  # type: ignore[arg-type]
    plain = polychoric(poland, items=ITEMS, thresholds=policy)  # type: ignore[arg-type]
    for row, (first, second) in zip(found.iter_rows(named=True), combinations(ITEMS, 2), strict=True):
        table = weighted_counts(poland, first, second)
        if policy == "pair":
            twin = two_step(table)
        else:
            twin = two_step(table, *(thresholds(margin(poland, item)) for item in (first, second)))
        assert row["rho"] == pytest.approx(twin, abs=AGREEMENT), (first, second)
    assert np.abs(found["rho"].to_numpy() - plain["rho"].to_numpy()).max() > 0.01
