"""Fit of the latent normal model against golden values and a slow twin; the tetrachoric correlation."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from demoscope import polychoric, polychoric_fit, polychoric_table
from tests.reference.polychoric_fit import slow_fit

CASES = {
    case["id"]: case
    for case in json.loads(
        (Path(__file__).parents[1] / "reference" / "golden" / "polychoric.json").read_text(encoding="utf-8")
    )["cases"]
}
SCHEMA = ["item_a", "item_b", "g2", "x2", "df", "rmsea", "n", "n_eff", "status", "flags"]


def answers(table: np.ndarray) -> pl.DataFrame:
    places = np.repeat(np.arange(table.size), table.ravel())
    return pl.DataFrame({"a": places // table.shape[1], "b": places % table.shape[1]})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_golden_tables(case: dict[str, Any]) -> None:
    table = [[float(count) for count in row] for row in case["table"]]
    fit = polychoric_table(table, zero_cells="none")
    if case.get("boundary") is not None:
        assert all(math.isnan(value) for value in (fit.g2, fit.x2, fit.rmsea))
        return
    assert fit.df == int(case["df"])
    # G2 is what is left of terms as large as the table.
    assert fit.g2 == pytest.approx(float(case["G2"]), rel=1e-10, abs=1e-13 * float(case["N"]))
    assert fit.x2 == pytest.approx(float(case["X2"]), rel=1e-10, abs=1e-13 * float(case["N"]))
    if fit.df == 0:
        assert math.isnan(fit.rmsea)
    else:
        assert fit.rmsea == pytest.approx(float(case["rmsea_G2"]), rel=1e-10)


@pytest.mark.parametrize("case", ["tallis1962_lambs", "stuart1953_vision", "ten10_justifiable", "empty_category_row"])
def test_frames_give_the_fit_of_their_tables(case: str) -> None:
    table = np.array([[float(count) for count in row] for row in CASES[case]["table"]]).astype(np.int64)
    found = polychoric_fit(answers(table))
    assert found.columns == SCHEMA
    for key, name in [("g2", "G2"), ("x2", "X2"), ("df", "df"), ("rmsea", "rmsea_G2")]:
        assert found[key][0] == pytest.approx(float(CASES[case][name]), rel=1e-9)
    assert found["n"][0] == table.sum()


def test_weighted_shares_count_as_the_respondents_of_the_pair() -> None:
    random = np.random.default_rng(61)
    latent = random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 400)
    frame = pl.DataFrame({"a": np.digitize(latent[:, 0], [-0.8, 0.5]), "b": np.digitize(latent[:, 1], [-1, 0, 1])})
    frame = frame.with_columns(w=pl.Series(random.uniform(0.3, 3.0, 400)))
    frame = frame.with_columns(a=pl.when(pl.Series(random.random(400) > 0.1)).then(pl.col("a")))
    table, n = np.zeros((3, 4)), 0
    for a, b, w in frame.iter_rows():
        if a is not None:
            table[a, b] += w
            n += 1
    (row,) = polychoric_fit(frame, weights="w").iter_rows(named=True)
    assert row["n"] == n
    for key, expected in slow_fit(table, n).items():
        assert row[key] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_share_of_pairs_that_do_not_fit() -> None:
    """As the docstring computes it: pairs that cannot be tested count neither way."""
    random = np.random.default_rng(62)
    latent = random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 3000)
    good = pl.DataFrame({"a": np.digitize(latent[:, 0], [-0.8, 0.5]), "b": np.digitize(latent[:, 1], [-1, 0, 1])})
    # Close to a only at one end: no single correlation describes that.
    bent = good.with_columns(c=pl.when(pl.col("a") == 0).then(0).otherwise(pl.Series(random.integers(0, 4, 3000))))
    binary = bent.with_columns(d=(pl.col("a") > 0).cast(pl.Int64), e=(pl.col("b") > 1).cast(pl.Int64), same=pl.lit(1))
    fit = polychoric_fit(binary, items=["a", "b", "c", "d", "e", "same"])
    untestable = fit.filter(pl.col("rmsea").is_nan())
    assert untestable.filter(pl.col("status") == "ok").select("item_a", "item_b").rows() == [("d", "e")]
    assert untestable.filter(pl.col("item_b") == "same")["status"].to_list() == ["degenerate"] * 5
    tested = fit.filter(pl.col("rmsea").is_not_nan())
    above = tested.filter(pl.col("rmsea") > 0.10).select("item_a", "item_b").rows()
    assert ("a", "c") in above
    assert ("a", "b") not in above


def test_binary_items_have_a_tetrachoric_correlation() -> None:
    """The polychoric correlation of a 2 x 2 table, sin(pi/2 (4 p11 - 1)) where the margins are split at the median."""
    for both in (5, 17, 25, 31, 45):
        table = np.array([[both, 50 - both], [50 - both, both]])
        expected = math.sin(math.pi / 2 * (4 * both / 100 - 1))
        fit = polychoric_table(table)
        assert fit.rho == pytest.approx(expected, abs=1e-12)
        assert polychoric(answers(table))["rho"][0] == pytest.approx(expected, abs=1e-12)
        assert (fit.g2, fit.df) == (pytest.approx(0, abs=1e-11), 0)
        assert math.isnan(fit.rmsea)
    smallpox = CASES["pearson1900_smallpox"]
    assert polychoric_table([[float(count) for count in row] for row in smallpox["table"]]).rho == pytest.approx(
        float(smallpox["rho"]), abs=1e-9
    )
