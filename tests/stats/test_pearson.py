"""Pearson correlations against scipy, a slow twin, and their own derivatives."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from demoscope import pearson
from demoscope.errors import DataError
from tests.reference.pearson import slow_pearson
from tests.stats.derivative import derivative_se

SCHEMA = ["item_a", "item_b", "value", "se", "n", "n_eff", "status", "flags"]


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Numbers, a skewed number, an ordinal item; 10 % missing."""
    random = np.random.default_rng(31)
    latent = random.normal(size=(250, 1)) + random.normal(size=(250, 3))
    columns = {
        "income": latent[:, 0] * 1e3,
        "age": np.exp(latent[:, 1]),
        "trust": np.digitize(latent[:, 2], [-1, 0, 2]),
    }
    table = pl.DataFrame(columns).with_columns(w=pl.Series(random.uniform(0.2, 3.0, 250)))
    gone = pl.Series(random.random(250) < 0.1)
    return table.with_columns(
        age=pl.when(~gone).then(pl.col("age")), trust=pl.when(~gone.reverse()).then(pl.col("trust"))
    )


def test_equals_scipy_and_the_slow_twin(frame: pl.DataFrame) -> None:
    plain, weighted = pearson(frame.drop("w")), pearson(frame, weights="w")
    assert plain.columns == SCHEMA
    assert plain.select("item_a", "item_b").rows() == [("income", "age"), ("income", "trust"), ("age", "trust")]
    for bare, heavy in zip(plain.iter_rows(named=True), weighted.iter_rows(named=True), strict=True):
        complete = frame.select(bare["item_a"], bare["item_b"], "w").drop_nulls()
        x, y, w = (complete[:, column].to_list() for column in range(3))
        assert bare["value"] == pytest.approx(stats.pearsonr(x, y)[0], abs=1e-14)
        assert heavy["value"] == pytest.approx(slow_pearson(x, y, w), abs=1e-14)
        assert bare["n"] == heavy["n"] == len(x)
        assert bare["n_eff"] == len(x)
        assert heavy["n_eff"] == pytest.approx(sum(w) ** 2 / sum(v * v for v in w), rel=1e-12)
        assert bare["status"] == heavy["status"] == "ok"


def test_standard_errors_are_derivatives(frame: pl.DataFrame) -> None:
    complete = frame.select("income", "age", "w").drop_nulls()
    x, y = complete["income"].to_list(), complete["age"].to_list()
    for weights in (complete["w"].to_numpy(), np.ones(len(x))):
        found = pearson(complete.with_columns(w=pl.Series(weights)), weights="w")["se"][0]
        assert found == pytest.approx(derivative_se(lambda w: slow_pearson(x, y, w.tolist()), weights), rel=1e-5)
    bare = pearson(complete.drop("w"))["se"][0]
    assert bare == pytest.approx(found * math.sqrt((len(x) - 1) / len(x)), rel=1e-5)


def test_standard_error_of_two_binary_items() -> None:
    """phi of a 2 x 2 table with even margins has the variance (1 - phi^2) / n, whatever phi: phi = 1 - 4q, q a share
    of variance q' (1 - q') / n with q' = 2q."""
    codes = np.array([[0, 0]] * 40 + [[1, 1]] * 40 + [[0, 1]] * 10 + [[1, 0]] * 10)
    found = pearson(pl.DataFrame(codes, schema=["a", "b"]))
    assert found["value"][0] == pytest.approx(0.6, abs=1e-15)
    assert found["se"][0] == pytest.approx(math.sqrt((1 - 0.36) / 100), rel=1e-12)


def test_normal_numbers_have_the_textbook_standard_error() -> None:
    """(1 - rho^2) / sqrt(n) under normality; the influence function knows the sample only."""
    random = np.random.default_rng(5)
    numbers = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 20_000)
    (row,) = pearson(pl.DataFrame(numbers, schema=["a", "b"])).iter_rows(named=True)
    assert row["se"] == pytest.approx((1 - row["value"] ** 2) / math.sqrt(20_000), rel=0.03)


def test_scores_of_categories(frame: pl.DataFrame) -> None:
    attendance = pl.Enum(["never", "yearly", "monthly", "weekly"])
    labels = pl.Series(attendance.categories)
    table = frame.select(
        "income",
        church=pl.col("trust").map_elements(lambda code: labels[code], return_dtype=pl.String).cast(attendance),
    )
    ranks = pearson(frame.select("income", pl.col("trust") + 1))["value"][0]
    assert pearson(table)["value"][0] == ranks
    days = [0.0, 1.0, 12.0, 52.0]
    scored = pearson(table, scores={"church": days})["value"][0]
    by_hand = frame.select("income", days=pl.col("trust").replace_strict(range(4), days))
    assert scored == pearson(by_hand)["value"][0] != ranks
    codes = pearson(frame.select("income", "trust"), categories={"trust": [3, 2, 1, 0]}, scores={"trust": days[::-1]})
    assert codes["value"][0] == scored


def test_bad_input_names_column_and_row(frame: pl.DataFrame) -> None:
    for table, arguments, message in [
        (frame.with_columns(age=pl.lit(math.inf)), {}, r"column 'age', row 1: inf is not a finite number"),
        (frame.with_columns(age=pl.lit("old")), {}, r"column 'age' holds String, not numbers"),
        (frame, {"scores": {"trust": [1, 2]}}, r"column 'trust' has 4 categories and 2 scores"),
        (frame, {"scores": {"trust": [1, 2, 3, math.nan]}}, "scores of 'trust' must be finite"),
        (frame, {"scores": {"trust": ["a"] * 4}}, "scores of 'trust' are no numbers"),
        (frame, {"scores": {"truth": [1]}}, r"scores are given for 'truth', .* did you mean 'trust'"),
        (frame, {"categories": {"trust": [1, 2, 3]}}, r"column 'trust', row \d+: code 0 is not declared"),
    ]:
        with pytest.raises(DataError, match=message):
            pearson(table, **arguments)


def test_groups_are_samples_of_their_own(frame: pl.DataFrame) -> None:
    both = frame.with_columns(state=pl.Series(["Ohio", "Texas"] * 125))
    found = pearson(both, weights="w", by="state")
    assert found.columns == ["state", *SCHEMA]
    texas = both.filter(pl.col("state") == "Texas").drop("state")
    assert found.filter(pl.col("state") == "Texas").drop("state").equals(pearson(texas, weights="w"))
