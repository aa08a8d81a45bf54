"""Polyserial correlations against golden values, R, a slow twin, derivatives, and the bootstrap."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from demoscope import polychoric, polyserial
from demoscope.errors import DataError
from tests.reference.polyserial import slow_polyserial
from tests.stats.derivative import derivative_se

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "reference" / "golden" / "polychoric.json").read_text(encoding="utf-8")
)["polyserial"]


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """A skewed number, which the model does not fit, and an item of four categories; some missing."""
    random = np.random.default_rng(51)
    latent = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 300)
    table = pl.DataFrame({"age": np.exp(0.4 * latent[:, 0]), "trust": np.digitize(latent[:, 1], [-1.2, 0.1, 0.9])})
    gone = pl.Series(random.random(300) < 0.1)
    return table.with_columns(pl.when(~gone).then(pl.col("trust")), w=pl.Series(random.uniform(0.3, 2.5, 300)))


def test_golden_value() -> None:
    frame = pl.DataFrame({"x": [float(x) for x in GOLDEN["x"]], "y": GOLDEN["y"]})
    (row,) = polyserial(frame, continuous="x").iter_rows(named=True)
    assert row["value"] == pytest.approx(float(GOLDEN["rho"]), abs=1e-12)
    assert (row["item_a"], row["item_b"], row["status"], row["flags"]) == ("x", "y", "ok", ["few"])


def test_equals_lavaan() -> None:
    """lavCor of lavaan 0.6-14, whose optimiser leaves a few 1e-8."""
    i = np.arange(200)
    x, u = i * 37 % 101 / 10, i * 53 % 97 / 9.7
    total = x + u
    frame = pl.DataFrame({"x": x, "y": np.digitize(total, [6, 11, 14], right=True)})
    assert polyserial(frame, continuous="x")["value"][0] == pytest.approx(0.723079661377, abs=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_equals_the_slow_twin_and_its_derivatives(frame: pl.DataFrame, weighted: bool) -> None:
    complete = frame.drop_nulls()
    x, y = complete["age"].to_numpy(), complete["trust"].to_numpy()
    weights = complete["w"].to_numpy() if weighted else np.ones(len(x))

    def estimate(w: np.ndarray) -> float:
        return polyserial(complete.with_columns(w=pl.Series(w)), continuous="age", weights="w")["value"][0]

    found = polyserial(frame, continuous="age", items=["trust"], weights="w" if weighted else None)
    assert found["value"][0] == pytest.approx(slow_polyserial(x, y, weights), abs=1e-7)
    correction = 1.0 if weighted else math.sqrt((len(x) - 1) / len(x))
    assert found["se"][0] == pytest.approx(correction * derivative_se(estimate, weights), rel=1e-5)
    assert found["n"][0] == len(x)


@pytest.mark.parametrize("weights", [None, "w"])
def test_standard_errors_follow_the_bootstrap(frame: pl.DataFrame, weights: str | None) -> None:
    """1,000 replicates give the standard deviation to about 2.2 %; the model does not fit."""
    complete = frame.drop_nulls()
    rows = np.random.default_rng(6).integers(0, complete.height, (1000, complete.height))
    replicates = complete[rows.ravel()].with_columns(replicate=pl.Series(np.repeat(np.arange(1000), complete.height)))
    drawn = polyserial(replicates, continuous="age", items=["trust"], weights=weights, by="replicate")
    assert set(drawn["status"]) == {"ok"}
    se = polyserial(complete, continuous="age", items=["trust"], weights=weights)["se"][0]
    assert se == pytest.approx(drawn["value"].std(), rel=0.08)


def test_many_categories_make_a_polychoric(frame: pl.DataFrame) -> None:
    """The polychoric correlation with the number cut into fine categories of normal scores."""
    random = np.random.default_rng(9)
    latent = random.multivariate_normal([0, 0], [[1, -0.5], [-0.5, 1]], 20_000)
    item = np.digitize(latent[:, 1], [-0.7, 0.4])
    serial = polyserial(pl.DataFrame({"x": latent[:, 0], "y": item}), continuous="x")["value"][0]
    fine = pl.DataFrame({"x": np.digitize(latent[:, 0], np.linspace(-2.5, 2.5, 40)), "y": item})
    assert serial == pytest.approx(polychoric(fine)["rho"][0], abs=3e-3)


def test_mirror_images_flip_the_sign(frame: pl.DataFrame) -> None:
    found = polyserial(frame, continuous="age", weights="w")
    for mirrored in (frame.with_columns(-pl.col("age")), frame.with_columns(trust=3 - pl.col("trust"))):
        other = polyserial(mirrored, continuous="age", weights="w")
        assert other["value"][0] == pytest.approx(-found["value"][0], abs=1e-10)
        assert other["se"][0] == pytest.approx(found["se"][0], rel=1e-8)


def test_numbers_inside_their_intervals_are_a_boundary() -> None:
    frame = pl.DataFrame({"x": [-1.0, -0.8, 0.9, 1.1], "up": [1, 1, 2, 2], "down": [2, 2, 1, 1]})
    found = polyserial(frame, continuous="x")
    assert found["status"].to_list() == ["boundary", "boundary"]
    assert found["value"].to_list() == [1.0, -1.0]
    assert found["se"].is_nan().all()


def test_ordered_numbers_outside_their_intervals_are_no_boundary() -> None:
    """The categories separate the numbers perfectly, yet a correlation of 1 would make an answer impossible."""
    frame = pl.DataFrame({"x": [1.0, 2, 3, 4, 5, 100], "y": [1, 1, 1, 2, 2, 2]})
    (row,) = polyserial(frame, continuous="x").iter_rows(named=True)
    assert row["status"] == "ok"
    assert 0 < row["value"] < 1


def test_several_variables_and_items(frame: pl.DataFrame) -> None:
    table = frame.with_columns(x2=pl.col("age") ** 2, t2=pl.col("trust").clip(upper_bound=2))
    found = polyserial(table, continuous=["age", "x2"], weights="w")
    assert found.select("item_a", "item_b").rows() == [("age", "trust"), ("age", "t2"), ("x2", "trust"), ("x2", "t2")]
    assert found[3].equals(polyserial(table, continuous="x2", items=["t2"], weights="w"))


def test_bad_input_names_column_and_row(frame: pl.DataFrame) -> None:
    for table, arguments, message in [
        (frame.with_columns(age=pl.lit(math.nan)), {}, r"column 'age', row 1: nan is not a finite number"),
        (frame.with_columns(trust=pl.lit(0.5)), {}, r"column 'trust', row 1: 0.5 is not an integer code"),
        (frame, {"continuous": []}, "at least 1 continuous column"),
        (frame, {"continuous": "ages"}, r"column 'ages' is not in the frame; did you mean 'age'"),
        (frame, {"items": ["age"]}, "column 'age' is named twice"),
        (frame, {"items": []}, "need at least 1 item, there are 0"),
    ]:
        with pytest.raises(DataError, match=message):
            polyserial(table, **{"continuous": "age", "weights": "w", **arguments})
