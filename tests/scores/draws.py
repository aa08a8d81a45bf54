"""Simulated answers of personas that were drawn several times, with known covariances between and within personas."""

from __future__ import annotations

import numpy as np
import polars as pl

from demoscope.scores.answers import long_answers
from demoscope.scores.decomposition import decompositions
from demoscope.scores.resampling import Design, Streams
from demoscope.scores.sides import Sampled, sample
from demoscope.surveys import Item, Option

YES_NO = (Option(code=0, label="no"), Option(code=1, label="yes"))


def yes_no_items(count: int) -> tuple[Item, ...]:
    return tuple(Item(id=f"q{j}", text=f"Question {j}?", type="binary", options=YES_NO) for j in range(count))


def yes_probabilities(
    rng: np.random.Generator, *, personas: int, draws: int, items: int, between: float, within: float
) -> np.ndarray:
    """Chance of a yes by persona, draw and item: 1/2, moved by a coin of the persona and a coin of the draw.

    Answers that follow have variance 1/4 and, off the diagonal, covariances of ``between`` / 4 and ``within`` / 4: as
    correlations, ``between`` and ``within``, each at most 1/4.
    """
    persona = rng.choice([-1, 1], size=(personas, 1, 1)) * np.sqrt(between) / 2
    draw = rng.choice([-1, 1], size=(personas, draws, 1)) * np.sqrt(within) / 2
    return np.broadcast_to(0.5 + persona + draw, (personas, draws, items))


def response_table(codes: np.ndarray, *, known: np.ndarray | None = None, presentation: str = "single") -> pl.DataFrame:
    """Codes by persona, draw and item as a response table; where not ``known`` the answer was refused."""
    persona, draw, item = (axis.ravel() for axis in np.indices(codes.shape))
    answered = np.ones(codes.size, dtype=bool) if known is None else known.ravel()
    return pl.DataFrame(
        {
            "persona_id": [f"p{s:05}" for s in persona],
            "item": [f"q{j}" for j in item],
            "draw": draw.astype(np.int32),
            "code": codes.ravel().astype(np.int32),
        }
    ).with_columns(
        code=pl.when(pl.Series(answered)).then("code"),
        status=pl.when(pl.Series(answered)).then(pl.lit("valid")).otherwise(pl.lit("refusal")),
        presentation=pl.lit(presentation),
    )


def sampled(
    table: pl.DataFrame, items: tuple[Item, ...], *, replicates: int = 200, weights: str | None = None
) -> Sampled:
    """The model side of a table, without correlations, which decompositions do not need."""
    side = long_answers(table, items, person="persona_id", weights=weights).side
    streams = Streams(seed=3, replicates=replicates, threads=1)
    drawn = Design(None).resampled(np.arange(side.n), country="x", purpose="y", streams=streams)
    nothing = np.zeros(len(items) * (len(items) - 1) // 2, dtype=bool)
    return sample(side, drawn, pairs=nothing, threads=1)


def decomposed(table: pl.DataFrame, items: tuple[Item, ...], **options):
    """Decompositions of a table, all pairs."""
    model = sampled(table, items, **options)
    every = np.ones(len(items) * (len(items) - 1) // 2, dtype=bool)
    return decompositions(table, model, items, country="x", pairs=every, person="persona_id")
