"""Simulated surveys and responders whose scores are known in advance."""

from __future__ import annotations

import numpy as np
import polars as pl

from demoscope.scores import Comparison, compare
from demoscope.surveys import Microdata, load_survey
from demoscope.surveys.synthetic import synthetic_population, synthetic_truth

SURVEY = load_survey("synthetic")
TRUTH = synthetic_truth()
ATTRIBUTES = ("sex", "age_band")


def people(seed: int, *, n: int = 300, demographics: float = 1.0, weights: bool = False) -> Microdata:
    """A sample of the synthetic population, three countries of ``n``."""
    return synthetic_population(seed=seed, n_per_country=n, demographics=demographics, weights=weights)


def independent_answers(data: Microdata, *, seed: int) -> pl.DataFrame:
    """Answers with the true marginals of each country and nothing else, one persona per respondent, not matched."""
    rng = np.random.default_rng(seed)
    parts = []
    for country in data.countries:
        rows = data.frame.filter(pl.col("country") == country)
        columns = {
            item.id: rng.choice(item.codes, size=rows.height, p=TRUTH.marginals[country][item.id])
            for item in SURVEY.items
        }
        parts.append(rows.select("country", *ATTRIBUTES).with_columns(**{k: pl.Series(v) for k, v in columns.items()}))
    return pl.concat(parts).with_columns(model=pl.lit("independence"), steering=pl.lit("none"))


def human_answers(data: Microdata) -> pl.DataFrame:
    """Another sample of the same people, handed in as a model's answers."""
    columns = ["country", *ATTRIBUTES, *(item.id for item in SURVEY.items)]
    return data.frame.select(columns).with_columns(model=pl.lit("people"), steering=pl.lit("none"))


def scored(data: Microdata, answers: pl.DataFrame, **settings) -> Comparison:
    """Compare with the settings of these tests."""
    options = {"replicates": 200, "permutations": 20, "seed": 1} | settings
    return compare(data.frame, answers, survey=SURVEY, country="country", human_id="respondent_id", **options)


def over_all(frame: pl.DataFrame, **values: str) -> dict:
    """The row of a score table that summarises all countries."""
    return frame.filter(pl.col("country") == "(all)", **values).row(0, named=True)


def covers(row: dict, name: str, value: float) -> bool:
    """Whether the interval of a score holds a value."""
    return row[f"{name}_low"] <= value <= row[f"{name}_high"]


def covered_pairs(comparison: Comparison) -> np.ndarray:
    """For each pair of items and country, whether its human interval holds the true latent correlation."""
    index = {name: j for j, name in enumerate(TRUTH.items)}
    return np.array(
        [
            row["human_low"]
            <= TRUTH.correlations[row["country"]][index[row["item_a"]], index[row["item_b"]]]
            <= row["human_high"]
            for row in comparison.pairs.iter_rows(named=True)
        ]
    )
