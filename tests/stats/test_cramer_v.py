"""Cramer's V against scipy, another program, and its laws."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from demoscope import cramer_v
from tests.reference.cramer_v import slow_cramer_v

TABLE = np.array([[42, 18, 13], [22, 40, 11], [18, 17, 49], [46, 8, 16]])


def answers(table: np.ndarray) -> pl.DataFrame:
    places = np.repeat(np.arange(table.size), table.ravel())
    return pl.DataFrame({"a": places // table.shape[1], "b": places % table.shape[1]})


def test_equals_another_program() -> None:
    """dython 0.7.12, ``cramers_v(a, b, bias_correction=True)``."""
    found = cramer_v(answers(TABLE))
    assert found.columns == ["item_a", "item_b", "value", "n", "n_eff", "status", "flags"]
    assert found["value"][0] == pytest.approx(0.36433875367044594, abs=1e-14)
    assert found["n"][0] == found["n_eff"][0] == 300


def test_equals_the_slow_twin() -> None:
    random = np.random.default_rng(2)
    for rows, cols in [(2, 2), (2, 5), (4, 3), (6, 6)]:
        table = random.integers(1, 30, (rows, cols)) + 20 * np.eye(rows, cols, dtype=np.int64)
        assert cramer_v(answers(table))["value"][0] == pytest.approx(slow_cramer_v(table, table.sum()), abs=1e-14)


def test_weights_make_the_shares_and_kish_the_number() -> None:
    frame = answers(TABLE).with_columns(w=pl.Series(np.random.default_rng(3).uniform(0.5, 2.0, 300)))
    table = np.zeros(TABLE.shape)
    for a, b, w in frame.iter_rows():
        table[a, b] += w
    (row,) = cramer_v(frame, weights="w").iter_rows(named=True)
    assert row["value"] == pytest.approx(slow_cramer_v(table, row["n_eff"]), abs=1e-13)
    assert row["n_eff"] == pytest.approx(frame["w"].sum() ** 2 / (frame["w"] ** 2).sum(), rel=1e-12)


def test_perfect_association_is_one_and_none_is_zero() -> None:
    assert cramer_v(answers(np.diag([20, 7, 30])))["value"][0] == pytest.approx(1, abs=1e-14)
    assert cramer_v(answers(np.outer([2, 3, 5], [4, 6])))["value"][0] == 0


def test_order_of_categories_is_irrelevant() -> None:
    shuffled = answers(TABLE[[2, 0, 3, 1]][:, [1, 2, 0]])
    assert cramer_v(shuffled)["value"][0] == pytest.approx(cramer_v(answers(TABLE))["value"][0], abs=1e-14)
