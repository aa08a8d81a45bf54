"""Invented personas, all different, and twelve questions for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from demoscope.surveys import Survey, load_survey

SURVEY = Path(__file__).with_name("survey.toml")

VALUES = {
    "sex": ("woman", "man"),
    "place": ("a village", "a small town", "the suburbs of a large city", "the centre of a large city"),
    "home": ("Peru", "Ghana", "Japan", "Poland", "Canada", "Jordan"),
    "education": ("primary school", "secondary school", "vocational training", "a university degree"),
    "work": ("a full-time employee", "self-employed", "a student", "looking for work", "retired", "a homemaker"),
    "income": ("a low income", "a middle income", "a high income"),
    "religion": ("no religion", "a religion that matters little to them", "a religion that matters a lot to them"),
    "family": ("living alone", "married without children", "married with two children", "living with their parents"),
}


def bench_survey() -> Survey:
    """The survey of ``survey.toml``."""
    return load_survey(SURVEY)


def made_personas(size: int, *, seed: int) -> pl.DataFrame:
    """``size`` different personas; columns of ``schema.PERSONAS``, then one for each attribute."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list[str]] = {"age": [str(18 + number % 70) for number in range(size)]}
    for name, values in VALUES.items():
        columns[name] = [values[place] for place in rng.integers(len(values), size=size)]
    frame = pl.DataFrame(columns)
    order = [demographic.id for demographic in bench_survey().demographics]
    profile = pl.concat_str([pl.lit(f"{name}=") + pl.col(name) for name in order], separator="|")
    return frame.select(
        persona_id=pl.format("p-{}", pl.int_range(pl.len())),
        country=pl.lit("everywhere"),
        source_respondent_id=pl.lit(None, pl.String),
        weight=pl.lit(1.0),
        profile=profile + pl.format("|number={}", pl.int_range(pl.len())),
        **{name: pl.col(name) for name in order},
    )
