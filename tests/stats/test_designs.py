"""Designs of frames: columns, merged strata, replicates and what is computed from them."""

from __future__ import annotations

import hashlib
import logging
import math
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.errors import ConfigError, DataError
from demoscope.stats import bootstrap_polychoric, polychoric
from demoscope.stats.designs import DESIGNS, design_columns, merge_single_units, replicate_weights
from demoscope.stats.kernels import STATUS_NAMES
from tests.reference import designs
from tests.stats.test_golden_polychoric import MICRODATA

ITEMS = ["x", "y"]


@pytest.fixture(scope="module")
def microdata() -> pl.DataFrame:
    return pl.DataFrame(MICRODATA["rows"]).with_columns(pl.when(pl.col("x", "y") > 0).then(pl.col("x", "y")))


@pytest.fixture(scope="module")
def clustered() -> pl.DataFrame:
    """Five strata with 6 to 14 units of 2 to 9 respondents, whose answers are alike within units."""
    random = np.random.default_rng(4)
    rows = []
    for stratum in range(5):
        for psu in range(random.integers(6, 15)):
            shared = random.normal(size=2) * 0.5
            for _ in range(random.integers(2, 10)):
                trait = random.normal() * 0.7
                a, b = (np.digitize(trait + shared + random.normal(size=2) * 0.6, [-0.8, 0.1, 0.9]) + 1).tolist()
                missing = random.random() < 0.15
                rows.append((f"s{stratum}", psu, a, None if missing else b, random.uniform(0.4, 2.5)))
    return pl.DataFrame(rows, schema=["stratum", "psu", "a", "b", "w"], orient="row")


def units_of(frame: pl.DataFrame, **columns: Any) -> Any:
    names: dict[str, Any] = {"strata": None, "psu": None, **columns}
    found = design_columns(frame, **names)
    assert found is not None
    return found.units(np.arange(frame.height))


def test_golden_rao_wu_replicate(microdata: pl.DataFrame) -> None:
    """The published draws of the units give the published correlation."""
    units = units_of(microdata, strata="stratum", psu="psu")
    assert units.strata.tolist() == [0, 4, 8]
    draws = np.array([*MICRODATA["rao_wu"]["psu_draw_counts"]["1"], *MICRODATA["rao_wu"]["psu_draw_counts"]["2"]])
    replicate = microdata.with_columns(w=pl.col("w") * pl.Series(4 / 3 * draws[units.unit]))
    found = polychoric(replicate, items=ITEMS, weights="w", thresholds="pair")
    assert found["rho"][0] == pytest.approx(float(MICRODATA["rao_wu"]["rho"]), abs=1e-9)


def test_replicates_are_estimates_with_other_weights(microdata: pl.DataFrame) -> None:
    result = bootstrap_polychoric(
        microdata, items=ITEMS, weights="w", design="psu", strata="stratum", psu="psu", replicates=4, seed=9
    )
    strata = designs.strata_of(microdata["stratum"].to_list(), microdata["psu"].to_list())
    for replicate in range(4):
        factor = designs.rao_wu(strata, microdata.height, seed=9, label=f"psu||{replicate}")
        changed = microdata.with_columns(w=pl.col("w") * pl.Series(factor))
        expected = polychoric(changed, items=ITEMS, weights="w")
        assert result.replicates[replicate, 0] == pytest.approx(expected["rho"][0], abs=1e-8)


def test_digest_is_that_of_the_factors(microdata: pl.DataFrame) -> None:
    for design, kind in [("respondent", "<u2"), ("poisson", "<u2"), ("bayes", "<f8"), ("psu", "<f8")]:
        result = bootstrap_polychoric(microdata, items=ITEMS, design=design, replicates=5, seed=3)  # type: ignore[arg-type]
        factors = replicate_weights(design, microdata.height, replicates=5, seed=3).factors(0, 5)  # type: ignore[arg-type]
        plain = hashlib.blake2b(kind.encode() + factors.astype(kind).tobytes(), digest_size=32)
        assert (result.design, result.seed, result.digest) == (design, 3, plain.hexdigest())
        assert result.merged_strata == ()


@pytest.mark.parametrize("design", DESIGNS)
def test_bits_do_not_depend_on_threads(clustered: pl.DataFrame, design: Any) -> None:
    def run(threads: int) -> Any:
        columns = {"strata": "stratum", "psu": "psu"} if design in ("psu", "jackknife") else {}
        count = {} if design == "jackknife" else {"replicates": 40}
        return bootstrap_polychoric(
            clustered, items=["a", "b"], weights="w", design=design, seed=1, threads=threads, **columns, **count
        )

    one, many = run(1), run(4)
    assert np.array_equal(one.replicates, many.replicates, equal_nan=True)
    assert one.estimate.equals(many.estimate, null_equal=True)
    assert one.digest == many.digest


@pytest.mark.parametrize("design", ["respondent", "psu", "poisson", "bayes", "jackknife"])
def test_designs_of_independent_respondents_agree(clustered: pl.DataFrame, design: Any) -> None:
    """Without units, all of them estimate the error of independent respondents."""
    result = bootstrap_polychoric(clustered, items=["a", "b"], weights="w", design=design, seed=2)
    errors = result.standard_errors()
    assert errors.columns == ["item_a", "item_b", "rho", "se", "replicates"]
    # 1,000 replicates give the standard deviation to about 2 %.
    assert errors["se"][0] == pytest.approx(result.estimate["se"][0], rel=0.02 if design == "jackknife" else 0.08)
    assert errors["replicates"][0] == (clustered.height if design == "jackknife" else 1000)


def test_standard_errors_of_a_bootstrap(clustered: pl.DataFrame) -> None:
    drawn = bootstrap_polychoric(clustered, items=["a", "b"], replicates=50, seed=2)
    n = clustered.height
    expected = drawn.replicates[:, 0].std(ddof=1) * math.sqrt(n / (n - 1))
    assert drawn.standard_errors()["se"][0] == pytest.approx(expected, rel=1e-12)
    units = bootstrap_polychoric(clustered, items=["a", "b"], design="psu", replicates=50, seed=2)
    assert units.standard_errors()["se"][0] == pytest.approx(units.replicates[:, 0].std(ddof=1), rel=1e-12)


def test_jackknife_against_the_twin(microdata: pl.DataFrame) -> None:
    result = bootstrap_polychoric(
        microdata, items=ITEMS, weights="w", design="jackknife", strata="stratum", psu="psu", thresholds="pair"
    )
    strata = designs.strata_of(microdata["stratum"].to_list(), microdata["psu"].to_list())
    replicates = []
    for factor in designs.jackknife(strata, microdata.height):
        changed = microdata.with_columns(w=pl.col("w") * pl.Series(factor))
        replicates.append(polychoric(changed, items=ITEMS, weights="w", thresholds="pair")["rho"][0])
    assert result.replicates[:, 0] == pytest.approx(replicates, abs=1e-8)
    (rho,) = result.estimate["rho"]
    se = math.sqrt(designs.jackknife_variance(strata, replicates, rho))
    assert result.standard_errors()["se"][0] == pytest.approx(se, rel=1e-6)
    (row,) = result.interval(0.9).iter_rows(named=True)
    half = NormalDist().inv_cdf(0.95) * se / (1 - rho**2)
    assert (row["low"], row["high"]) == pytest.approx(
        (math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)), rel=1e-6
    )
    assert row["replicates"] == 8


def test_jackknife_and_rao_wu_follow_the_linearisation(clustered: pl.DataFrame) -> None:
    columns = {"items": ["a", "b"], "weights": "w", "strata": "stratum", "psu": "psu"}
    (linear,) = polychoric(clustered, **columns)["se"]
    (independent,) = polychoric(clustered, items=["a", "b"], weights="w")["se"]
    assert linear > 1.1 * independent, "answers of a unit are alike"
    single = bootstrap_polychoric(clustered, design="jackknife", **columns)
    assert single.estimate["se"][0] == linear
    assert single.standard_errors()["se"][0] == pytest.approx(linear, rel=0.05)
    grouped = [
        bootstrap_polychoric(clustered, design="jackknife", jackknife_groups=5, seed=seed, **columns).standard_errors()
        for seed in range(40)
    ]
    # 20 degrees of freedom each: 16 % for one variance of the mean over 40 groupings of the same units.
    assert np.sqrt(np.mean([g["se"][0] ** 2 for g in grouped])) == pytest.approx(linear, rel=0.1)
    drawn = bootstrap_polychoric(clustered, design="psu", replicates=2000, seed=1, **columns)
    assert drawn.standard_errors()["se"][0] == pytest.approx(linear, rel=0.06)


@pytest.mark.slow
def test_intervals_of_clustered_samples_hold_the_truth() -> None:
    """Six strata of eight units of eight; the correlation of the latent answers is .49 / 1.1.

    Over 4,000 surveys the shares are .931, .888, .934 and .928: 42 degrees of freedom are a little few for 1.96.
    """
    random, truth, surveys_drawn = np.random.default_rng(1), 0.49 / 1.1, 300
    stratum, psu = np.repeat(np.arange(6), 64), np.tile(np.repeat(np.arange(8), 8), 6)
    columns = {"items": ["a", "b"], "strata": "h", "psu": "u"}
    held, errors, estimates = np.zeros(4), np.zeros(4), []
    for survey in range(surveys_drawn):
        shared = np.repeat(random.normal(size=(48, 2)) * 0.5, 8, axis=0)
        latent = random.normal(size=(384, 1)) * 0.7 + shared + random.normal(size=(384, 2)) * 0.6
        answers = np.digitize(latent, [-0.8, 0.1, 0.9])
        frame = pl.DataFrame({"a": answers[:, 0], "b": answers[:, 1], "h": stratum, "u": psu}).with_columns(
            b=pl.when(pl.Series(random.random(384) > 0.15)).then("b")
        )
        ends, found = [], []
        for used in (columns, {"items": ["a", "b"]}):
            (row,) = polychoric(frame, **used).iter_rows(named=True)
            z, half = math.atanh(row["rho"]), 1.96 * row["se"] / (1 - row["rho"] ** 2)
            ends.append((math.tanh(z - half), math.tanh(z + half)))
            found.append(row["se"])
        for design, count in (("jackknife", {}), ("psu", {"replicates": 400})):
            result = bootstrap_polychoric(frame, design=design, seed=survey, **columns, **count)
            ends.append(result.interval().select("low", "high").row(0))
            found.append(result.standard_errors()["se"][0])
        held += [low <= truth <= high for low, high in ends]
        errors += found
        estimates.append(row["rho"])
    shares, means, spread = held / surveys_drawn, errors / surveys_drawn, np.std(estimates, ddof=1)
    linear, independent, *replicated = range(4)
    assert ((shares > 0.90) & (shares < 0.98))[[linear, *replicated]].all(), shares
    # 300 estimates give their standard deviation to 4 %.
    assert means[[linear, *replicated]] == pytest.approx([spread] * 3, rel=0.1)
    assert means[independent] < 0.92 * spread, "errors that ignore units are too small"
    assert shares[independent] < shares[linear]


def test_boundaries_and_constants_have_no_jackknife_error() -> None:
    frame = pl.DataFrame({"a": [0, 0, 1, 1, 2, 2], "b": [0, 0, 1, 1, 2, 2], "c": [1] * 6, "d": [0, 1, 0, 1, 2, 1]})
    result = bootstrap_polychoric(frame, design="jackknife")
    for row in result.standard_errors().join(result.interval(), on=["item_a", "item_b"]).iter_rows(named=True):
        if (row["item_a"], row["item_b"]) in {("a", "d"), ("b", "d")}:
            assert row["low"] < row["rho"] < row["high"]
        else:
            assert math.isnan(row["se"])
            assert math.isnan(row["low"])
            assert math.isnan(row["high"])


def test_strata_of_one_unit_are_merged_with_the_next(caplog: pytest.LogCaptureFixture) -> None:
    assert merge_single_units([2, 3]) == [[0], [1]]
    assert merge_single_units([1, 3, 1, 1, 2, 1]) == [[0, 1], [2, 3], [4, 5]]
    assert merge_single_units([1, 1, 1]) == [[0, 1, 2]]
    assert merge_single_units([1]) == [[0]]
    frame = pl.DataFrame(
        {
            "h": ["north", "east", "east", "south", "west", "west", "west"],
            "c": [1, 1, 2, 1, 1, 2, 3],
            "a": [0, 0, 1, 1, 0, 1, 1],
            "b": [0, 1, 1, 0, 0, 1, 1],
        }
    )
    with caplog.at_level(logging.WARNING):
        result = bootstrap_polychoric(frame, design="psu", strata="h", psu="c", replicates=3)
    assert result.merged_strata == (("north", "south"),)
    assert caplog.messages == ["strata with a single sampling unit were merged: north + south"]
    caplog.clear()
    polychoric(frame.with_columns(k=pl.lit("X")), items=["a", "b"], strata="h", psu="c", by="k")
    assert caplog.messages == ["k X: strata with a single sampling unit were merged: north + south"]
    units = units_of(frame, strata="h", psu="c")
    twin = designs.strata_of(frame["h"].to_list(), frame["c"].to_list())
    assert [len(units) for units in twin] == np.diff(units.strata).tolist()


def test_names_of_units_may_be_text_or_numbers(microdata: pl.DataFrame) -> None:
    named = microdata.with_columns(pl.col("stratum", "psu").cast(pl.String))
    columns = {"items": ITEMS, "weights": "w", "strata": "stratum", "psu": "psu"}
    base = polychoric(microdata, **columns)
    categories = pl.Enum(["4", "3", "2", "1"])
    for other in (
        named,
        named.with_columns(pl.col("psu").cast(categories)),
        microdata.with_columns(pl.col("stratum").cast(pl.Float64), pl.col("psu").cast(pl.UInt8)),
        microdata.to_pandas(),
        microdata.with_columns(pl.col("stratum") == 2),
    ):
        assert polychoric(other, **columns).equals(base)
    drawn = [bootstrap_polychoric(f, design="psu", replicates=3, **columns) for f in (microdata, named)]
    assert drawn[0].digest == drawn[1].digest


def test_items_do_not_include_the_design(microdata: pl.DataFrame) -> None:
    frame = microdata.select("stratum", "psu", "x", "y", "w")
    assert polychoric(frame, weights="w", strata="stratum", psu="psu").height == 1
    assert bootstrap_polychoric(frame, weights="w", design="psu", strata="stratum", psu="psu").estimate.height == 1


def test_broken_design_columns(microdata: pl.DataFrame) -> None:
    for changed, columns, message in [
        (pl.lit(None).alias("psu"), {"psu": "psu"}, "psu column 'psu', row 1: a value is missing"),
        (
            pl.when(pl.col("w") != 0.888).then("stratum").alias("h"),
            {"strata": "h"},
            "strata column 'h', row 2: a value",
        ),
        (pl.lit(1.5).alias("psu"), {"psu": "psu"}, "column 'psu', row 1: 1.5 is not an integer"),
        (pl.lit(math.nan).alias("psu"), {"psu": "psu"}, "column 'psu', row 1: nan is not an integer"),
        (pl.lit([1]).alias("psu"), {"psu": "psu"}, "psu column 'psu' holds List"),
        (pl.lit(1).alias("h"), {"strata": "h", "psu": "h"}, "'h' is named twice"),
        (pl.lit(1).alias("h"), {"strata": "x"}, "'x' is named twice"),
        (pl.lit(1).alias("h"), {"psu": "pus"}, "column 'pus' is not in the frame; did you mean 'psu'"),
        (pl.lit(1).alias("h"), {"psu": "h"}, r"at least 2 primary sampling units, there is 1 \(of 64 respondents\)"),
        (pl.lit("a").alias("h"), {"strata": "stratum", "psu": "h", "by": "stratum2"}, "stratum2 1: a design needs"),
    ]:
        frame = microdata.with_columns(changed, stratum2=pl.col("stratum"))
        with pytest.raises(DataError, match=message):
            polychoric(frame, items=ITEMS, weights="w", **columns)
        if "by" not in columns:
            with pytest.raises(DataError, match=message):
                bootstrap_polychoric(frame, items=ITEMS, design="psu", replicates=2, **columns)  # type: ignore[arg-type]
    one = microdata.head(1)
    with pytest.raises(DataError, match="leave psu= out"):
        bootstrap_polychoric(one, items=ITEMS, design="jackknife")
    with pytest.raises(DataError, match="leave psu= out"):
        bootstrap_polychoric(one, items=ITEMS, design="psu")
    assert bootstrap_polychoric(one, items=ITEMS, design="bayes", replicates=2).estimate["status"][0] == "degenerate"


EXTREME = st.one_of(st.just(0.0), st.sampled_from([1e-300, 1e300, 1e-310, 1.0]), st.floats(0.01, 50))


@st.composite
def surveys(draw: st.DrawFn) -> pl.DataFrame:
    """One to thirty respondents, weights from 1e-310 to 1e300, strata and units with any number of rows."""
    rows = draw(st.integers(1, 30))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    code = st.one_of(st.none(), st.integers(0, draw(st.integers(0, 3))))
    return pl.DataFrame(
        {
            "a": pl.Series(column(code), dtype=pl.Int64),
            "b": pl.Series(column(st.one_of(st.none(), code)), dtype=pl.Int64),
            "c": pl.Series(column(draw(st.sampled_from([code, st.none()]))), dtype=pl.Int64),
            "w": pl.Series(column(EXTREME), dtype=pl.Float64),
            "h": column(st.sampled_from(["north", "east", "s", ""])),
            "u": column(st.integers(-3, 3)),
        }
    )


def unit_count(frame: pl.DataFrame, strata: str | None, psu: str | None) -> int:
    return frame.height if psu is None else frame.select(psu, *([strata] if strata else [])).unique().height


@given(
    surveys(),
    st.sampled_from(DESIGNS),
    st.booleans(),
    st.sampled_from([None, "h"]),
    st.sampled_from([None, "u"]),
    st.sampled_from(["item", "pair"]),
    st.one_of(st.none(), st.integers(2, 4)),
)
def test_every_design_of_every_frame(
    frame: pl.DataFrame, design: Any, weighted: bool, strata: Any, psu: Any, thresholds: Any, groups: Any
) -> None:
    columns: dict[str, Any] = {"weights": "w" if weighted else None, "thresholds": thresholds}
    items = ["a", "b", "c"]
    units = {"strata": strata, "psu": psu} if design in ("psu", "jackknife") else {}
    count = {"jackknife_groups": groups} if design == "jackknife" else {"replicates": 3}
    result = None
    if design in ("psu", "jackknife") and unit_count(frame, strata, psu) < 2:
        with pytest.raises(DataError, match="at least 2 primary sampling units"):
            bootstrap_polychoric(frame, items=items, design=design, **columns, **units, **count)
    else:
        result = bootstrap_polychoric(frame, items=items, design=design, seed=1, **columns, **units, **count)
    if (strata or psu) and unit_count(frame, strata, psu) < 2:
        with pytest.raises(DataError, match="at least 2 primary sampling units"):
            polychoric(frame, items=items, strata=strata, psu=psu, **columns)
        return
    estimate = polychoric(frame, items=items, strata=strata, psu=psu, **columns)
    assert set(estimate["status"]) <= set(STATUS_NAMES)
    for row in estimate.iter_rows(named=True):
        if row["status"] == "ok" and "clipped" not in row["flags"]:
            assert 0 <= row["se"] < math.inf
        else:
            assert math.isnan(row["se"])
        assert 0 <= row["n_eff"] <= row["n"] + 1e-9
    if result is None:
        return
    assert ((np.abs(result.replicates) <= 1) | np.isnan(result.replicates)).all()
    errors, interval = result.standard_errors(), result.interval()
    assert all(math.isnan(se) or 0 <= se < math.inf for se in errors["se"])
    for row in interval.iter_rows(named=True):
        assert math.isnan(row["low"]) or -1 <= row["low"] <= row["high"] <= 1


def test_weights_beyond_any_number_are_an_error(microdata: pl.DataFrame) -> None:
    frame = microdata.with_columns(w=pl.lit(1e307))
    with pytest.raises(DataError, match=r"weights, position 0: .* is not small enough for a finite sum"):
        polychoric(frame, items=ITEMS, weights="w")
    with pytest.raises(ConfigError, match="seed"):
        bootstrap_polychoric(microdata, items=ITEMS, design="psu", seed=-1)


def test_the_scale_of_weights_changes_nothing(microdata: pl.DataFrame) -> None:
    columns = {"items": ITEMS, "weights": "w", "strata": "stratum", "psu": "psu"}
    base = polychoric(microdata, **columns)
    for power in (-1000, 990):
        scaled = microdata.with_columns(w=pl.col("w") * 2.0**power)
        assert polychoric(scaled, **columns).equals(base)
