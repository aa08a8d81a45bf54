"""How the respondents of a country are drawn anew: one by one, or in units within strata, as the survey drew them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demoscope.errors import DataError
from demoscope.stats import kernels
from demoscope.stats.designs import DesignColumns, design_columns, replicate_weights

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from demoscope.scores.inputs import Columns
    from demoscope.stats.kernels import Factors


@dataclass(frozen=True)
class Streams:
    """Everything random that scores need.

    Attributes:
        seed: Master seed.
        replicates: Number of bootstrap replicates B.
        threads: Number of threads.
    """

    seed: int
    replicates: int
    threads: int | None

    def multiplicities(self, n: int, *, country: str, purpose: str) -> NDArray[np.uint16]:
        """How often each of n persons is drawn in each replicate, shape (B, n)."""
        return kernels.respondent_multiplicities(
            n, replicates=self.replicates, seed=self.seed, country=country, purpose=purpose, threads=self.threads
        )

    def permutations(self, n: int, count: int, *, country: str, purpose: str) -> NDArray[np.int64]:
        """Random permutations of n things, shape (count, n)."""
        return kernels.permutations(n, count, seed=self.seed, country=country, purpose=purpose)


@dataclass(frozen=True)
class Resampling:
    """Replicates of some persons.

    Attributes:
        factors: What each person's weight is multiplied by in each replicate, shape (B, n).
        correction: What variances over replicates are multiplied by: n / (n - 1) where n of n persons are drawn
            (ruling 15), 1 where the factors contain it already (Rao, Wu & Yue 1992).
    """

    factors: Factors
    correction: float


@dataclass(frozen=True)
class Design:
    """How the respondents of a country were drawn.

    Attributes:
        columns: Strata and primary sampling units; ``None`` where every respondent was drawn by herself.
    """

    columns: DesignColumns | None

    def resampled(self, rows: NDArray[np.int64], *, country: str, purpose: str, streams: Streams) -> Resampling:
        """Replicates of some of the respondents.

        Args:
            rows: Their rows.
            country: Part of the label of the random streams.
            purpose: The other part.
            streams: Seed and number of replicates.

        Raises:
            DataError: The respondents are of one primary sampling unit.
        """
        n = len(rows)
        if self.columns is None:
            return Resampling(streams.multiplicities(n, country=country, purpose=purpose), n / (n - 1))
        units = self.columns.units(rows.astype(np.intp), {"country": country})
        drawn = replicate_weights(
            "psu",
            n,
            units=units,
            replicates=streams.replicates,
            seed=streams.seed,
            # As in `bootstrap_polychoric`, whose replicates are these; other purposes have streams of their own.
            country=country if purpose == "respondent" else f"{country}|{purpose}",
            threads=streams.threads,
        )
        return Resampling(np.concatenate([factors for _, factors in drawn.batches()]), 1.0)

    def followed(self, factors: Factors, rows: NDArray[np.int64]) -> Resampling:
        """Replicates of personas that are drawn together with their respondents.

        Args:
            factors: Those of the respondents, shape (B, n).
            rows: Respondent of each persona, shape (m,).
        """
        m = len(rows)
        return Resampling(factors[:, rows].copy(order="C"), m / (m - 1) if self.columns is None else 1.0)

    def halves(self, n: int, *, country: str, streams: Streams) -> list[NDArray[np.int64]]:
        """Two random halves of n respondents, sorted rows; nobody is in another half than the rest of her unit."""
        if self.columns is None:
            order = streams.permutations(n, 1, country=country, purpose="A2 halves")[0]
            return [np.sort(rows) for rows in np.array_split(order, 2)]
        unit = self.columns.units(np.arange(n), {"country": country}).unit
        order = streams.permutations(int(unit.max()) + 1, 1, country=country, purpose="A2 halves")[0]
        return [np.flatnonzero(np.isin(unit, units)) for units in np.array_split(order, 2)]


def country_design(frame: pl.DataFrame, columns: Columns, *, country: str) -> Design:
    """The design of one country's respondents; none where its columns are empty there.

    Raises:
        DataError: A column is absent, or has values for some respondents of the country only.
    """
    named = {"strata": columns.strata, "psu": columns.psu}
    known: dict[str, str | None] = {"strata": None, "psu": None}
    for role, name in named.items():
        if name is None:
            continue
        if name not in frame.columns:
            raise DataError(f"humans: no column {name!r} for {role}")
        missing = frame[name].null_count()
        if 0 < missing < frame.height:
            raise DataError(
                f"humans in {country}: column {name!r} ({role}) is empty for {missing:,} of {frame.height:,} people"
            )
        known[role] = None if missing else name
    return Design(design_columns(frame, strata=known["strata"], psu=known["psu"]))
