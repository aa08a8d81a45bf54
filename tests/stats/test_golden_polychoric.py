"""Single tables and weighted microdata against golden values of 40 digits."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.stats import polychoric, polychoric_table

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "reference" / "golden" / "polychoric.json").read_text(encoding="utf-8")
)
MICRODATA = GOLDEN["weighted_microdata"]
RELATIVE = 1e-10


def rounded(values: list[str]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["id"])
def test_golden_tables(case: dict[str, Any]) -> None:
    fit = polychoric_table([rounded(row) for row in case["table"]], zero_cells="none")
    if case.get("boundary") is not None:
        assert (fit.status, fit.rho) == ("boundary", float(case["boundary"]))
        assert math.isnan(fit.se)
        return
    assert fit.status == "ok"
    assert fit.rho == pytest.approx(float(case["rho"]), abs=float(case["suggested_abs_tol_f64_rho"]))
    assert fit.se == pytest.approx(float(case["se_twostep_delta_observed"]), rel=RELATIVE)
    assert fit.loglik == pytest.approx(float(case["loglik"]), rel=RELATIVE)
    assert fit.row_thresholds == pytest.approx(rounded(case["row_thresholds"]), abs=RELATIVE)
    assert fit.col_thresholds == pytest.approx(rounded(case["col_thresholds"]), abs=RELATIVE)
    assert fit.flags == (["few"] if float(case["N"]) < 50 else [])


def test_empty_cells_of_two_by_two_tables() -> None:
    kept = polychoric_table([[44268, 193], [14, 0]])
    added = polychoric_table([[44268, 193], [14, 0]], zero_cells="add_half")
    assert kept.flags == added.flags == ["zero_corrected"]
    assert kept.rho == pytest.approx(0.2366853216482672, abs=1e-9)
    assert added.rho == pytest.approx(0.2323100854596720, abs=1e-9)
    # The published Mplus value is .24, with the margins kept.
    assert round(kept.rho, 2) == 0.24


def test_policies_for_larger_tables() -> None:
    sparse = [[1, 1, 0, 0, 0], [3, 0, 2, 1, 0], [1, 1, 1, 1, 1], [1, 6, 3, 2, 4], [0, 0, 0, 0, 1]]
    rho = {
        policy: polychoric_table(sparse, zero_cells=policy).rho
        for policy in ("keep_margins", "add_half_all", "one_over_n")
    }
    assert rho["keep_margins"] == pytest.approx(0.5160539646870152, abs=1e-9)
    assert rho["add_half_all"] == pytest.approx(0.250, abs=1e-3)
    assert 0 < rho["keep_margins"] - rho["one_over_n"] <= 0.027


def test_tables_without_a_correlation() -> None:
    for table in ([[3, 4]], [[1], [2]], [[0, 0], [0, 0]], [[3, 0], [5, 0]], np.zeros((0, 0)), np.zeros((3, 0))):
        fit = polychoric_table(table)
        assert fit.status == "degenerate"
        assert math.isnan(fit.rho)
        assert math.isnan(fit.se)


def test_estimates_beyond_the_bound_are_clipped() -> None:
    """With both margins split in half rho = -cos(2 pi p11): 1 - rho is 2e-7 here, the bound for interior estimates
    1e-6."""
    for table, sign in [([[5000, 1], [1, 5000]], 1), ([[1, 5000], [5000, 1]], -1)]:
        fit = polychoric_table(table)
        assert (fit.status, fit.flags) == ("ok", ["clipped"])
        assert fit.rho == sign * (1 - 1e-6)
        assert math.isnan(fit.se)
    inside = polychoric_table([[500, 1], [1, 500]])
    assert inside.rho == pytest.approx(-math.cos(math.pi * 500 / 501), abs=1e-9)
    assert inside.flags == []


def test_broken_tables() -> None:
    for table, message in [
        ([[1, -1], [2, 3]], "position 1: -1"),
        ([[1, math.nan], [2, 3]], "position 1"),
        ([[1, math.inf], [2, 3]], "position 1"),
        ([1, 2, 3], "2 dimensions"),
        ([["a", "b"]], "array of numbers"),
        ([[1, 2], [3]], "array of numbers"),
    ]:
        with pytest.raises(DataError, match=message):
            polychoric_table(table)
    with pytest.raises(DataError, match="unknown zero_cells 'half'; known: keep_margins"):
        polychoric_table([[1, 2], [3, 4]], zero_cells="half")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def microdata() -> pl.DataFrame:
    return pl.DataFrame(MICRODATA["rows"]).with_columns(pl.when(pl.col("x", "y") > 0).then(pl.col("x", "y")))


def test_weighted_microdata(microdata: pl.DataFrame) -> None:
    (row,) = polychoric(microdata, items=["x", "y"], weights="w", thresholds="pair").iter_rows(named=True)
    assert row["rho"] == pytest.approx(float(MICRODATA["rho"]), abs=1e-9)
    assert row["se"] == pytest.approx(float(MICRODATA["se_linearised_weights_only_observed"]), rel=RELATIVE)
    assert row["n"] == MICRODATA["n_pairwise"]
    assert row["n_eff"] == pytest.approx(float(MICRODATA["kish_neff"]), rel=1e-12)
    assert row["flags"] == []


def test_rao_wu_replicate_of_the_microdata(microdata: pl.DataFrame) -> None:
    draws = MICRODATA["rao_wu"]["psu_draw_counts"]
    factor = [4 / 3 * draws[str(row["stratum"])][row["psu"] - 1] for row in MICRODATA["rows"]]
    replicate = microdata.with_columns(w=pl.col("w") * pl.Series(factor))
    found = polychoric(replicate, items=["x", "y"], weights="w", thresholds="pair")
    assert found["rho"][0] == pytest.approx(float(MICRODATA["rao_wu"]["rho"]), abs=1e-9)
