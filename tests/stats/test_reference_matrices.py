"""Matrices of real surveys against exact ones made by another program (``tests/reference/golden``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from demoscope.stats import polychoric

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data"
GOLDEN = Path(__file__).parents[1] / "reference" / "golden"
SHARED_GOLDEN = ROOT / ".." / "shared" / "golden" / "reference"
AGREEMENT = 1e-7

FILES = {
    "bfi": DATA / "bfi" / "bfi.csv",
    "ces2016-all": DATA / "ces2016" / "ces2016.csv",
    "gss2018": DATA / "gss2018" / "gss2018.csv",
    "ess11-PL": DATA / "ess11" / "ess11_pl_es_se.csv",
}

# Largest valid code of an item where larger ones are missing answers.
LARGEST = {
    "gss2018": {"partyid": 6},
    "ess11-PL": {"sclmeet": 7, "health": 5, "gincdif": 5, "polintr": 4, "imdfetn": 4, "impcntr": 4},
}


def survey(name: str, items: list[str]) -> pl.DataFrame:
    if not FILES[name].exists():
        pytest.skip(f"{FILES[name].name} is not here")
    frame = pl.read_csv(FILES[name])
    if name == "ess11-PL":
        frame = frame.filter(pl.col("cntry") == "PL")
    default = 10 if name == "ess11-PL" else 99
    largest = LARGEST.get(name, {})
    return frame.select(pl.when(pl.col(item) <= largest.get(item, default)).then(item) for item in items)


@pytest.mark.parametrize(("kind", "thresholds"), [("globalthr", "item"), ("pairthr", "pair")])
@pytest.mark.parametrize("name", FILES)
def test_exact_matrices(name: str, kind: str, thresholds: str) -> None:
    # The ESS licence follows derived files, so its matrices stay outside of the repository.
    folder = SHARED_GOLDEN if name == "ess11-PL" else GOLDEN
    path = folder / name / f"polychoric_exact_{kind}.csv"
    if not path.exists():
        pytest.skip(f"{path.name} of {name} is not here")
    expected = pl.read_csv(path)
    items = expected.columns[1:]
    found = polychoric(survey(name, items), thresholds=thresholds)  # type: ignore[arg-type]
    matrix = expected.select(items).to_numpy()
    assert set(found["status"]) == {"ok"}
    assert np.abs(found["rho"].to_numpy() - matrix[np.triu_indices(len(items), k=1)]).max() < AGREEMENT
    assert (found["se"] > 0).all()
