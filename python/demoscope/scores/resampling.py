"""How the respondents of a country are drawn anew: one by one, or in units within strata, as the survey drew them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from demoscope.errors import DataError, nearest
from demoscope.stats import kernels
from demoscope.stats.designs import DesignColumns, design_columns, replicate_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from demoscope.scores.inputs import Columns
    from demoscope.stats.kernels import Factors


FEWEST_UNITS: Final = 4
"""Halves of the people are halves of their units, and each takes two."""

_log = logging.getLogger(__name__)


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

    A country with fewer units than ``FEWEST_UNITS`` has no design either: its halves would be of one unit.
    Of the others, a respondent without a unit is a unit of her own, and those without a stratum make one stratum.

    Raises:
        DataError: A column is absent.
    """
    known: dict[str, str] = {}
    for role, name in (("strata", columns.strata), ("psu", columns.psu)):
        if name is None:
            continue
        if name not in frame.columns:
            raise DataError(f"humans in {country}: no column {name!r} for {role}{nearest(name, frame.columns)}")
        missing = frame[name].null_count()
        if missing < frame.height:
            known[role] = name
        if 0 < missing < frame.height:
            _log.warning("%s: %d of %d people have no %s", country, missing, frame.height, _ROLES[role])
            frame = frame.with_columns(_ALONE[role](pl.col(name).cast(pl.String)).alias(name))
    if "psu" in known and (units := frame.select(known.values()).n_unique()) < FEWEST_UNITS:
        _log.warning("%s: %d primary sampling units are too few; its people count as drawn one by one", country, units)
        return Design(None)
    return Design(design_columns(frame, strata=known.get("strata"), psu=known.get("psu")))


_ROLES: Final = {"strata": "stratum; they make one of their own", "psu": "unit; each is one of her own"}
_ALONE: Final[dict[str, Callable[[pl.Expr], pl.Expr]]] = {
    "strata": lambda column: column.fill_null("\x00"),
    "psu": lambda column: pl.coalesce(column, "\x00" + pl.int_range(pl.len()).cast(pl.String)),
}
