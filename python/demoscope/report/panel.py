"""The rows of one model: what a reader selects with the switch at the top of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from demoscope.report.words import clean, finite, group_name
from demoscope.schema import ALL

if TYPE_CHECKING:
    from demoscope.scores.comparison import Comparison
    from demoscope.scores.verdict import Verdict

BETWEEN = ("between_groups", "between_summary", "between_pairs")
"""Score tables about how groups differ together."""

Record = Mapping[str, Any]

CULTURE = ("factors", "factor_loadings", "factor_summary", "culture_map", "culture_axes", "culture_indicators")
"""Score tables about factors and the culture map."""


@dataclass(frozen=True)
class Panel:
    """Everything about one model.

    Attributes:
        key: Prefix of ids on the page.
        name: All values that tell the model apart.
        short: Those that differ between the models of the page; "the model" where there is one.
        verdict: Its verdict.
        marginals, averages, structure, gaps, gap_slopes: Rows of its score tables.
        pairs: Its pairs as a frame, since they are many.
        between: Rows about how groups differ together, by table; none with too few groups.
        dependence: Rows of the summary of decompositions; none without a second draw.
        icc: Rows of the decomposition that speak of one item each.
        outcomes: How answers ended.
        culture: Rows about factors and the culture map, by table.
        countries: In the order of the tables, without the summary over all.
    """

    key: str
    name: str
    short: str
    verdict: Verdict
    marginals: Sequence[Record]
    averages: Sequence[Record]
    structure: Sequence[Record]
    pairs: pl.DataFrame
    gaps: Sequence[Record]
    gap_slopes: Sequence[Record]
    between: Mapping[str, Sequence[Record]]
    dependence: Sequence[Record]
    icc: Sequence[Record]
    outcomes: Sequence[Record]
    culture: Mapping[str, Sequence[Record]]
    countries: tuple[str, ...]

    @property
    def all_averages(self) -> Record:
        """Marginal scores over all countries; empty where there are none."""
        return summary_row(self.averages)

    @property
    def all_structure(self) -> Record:
        """Structure scores over all countries; empty where there are none."""
        return summary_row(self.structure)

    def label(self, country: str) -> str:
        """Name of a row of a table: the country, also for the summary where there is one country only."""
        if country == ALL:
            return clean(self.countries[0]) if len(self.countries) == 1 else "all countries"
        return clean(country)


def summary_row(rows: Sequence[Record]) -> Record:
    """The row over all countries, empty where there is none."""
    return next((row for row in rows if row["country"] == ALL), {})


def panels(comparison: Comparison) -> tuple[Panel, ...]:
    """One panel per verdict, in the order of the verdicts."""
    groups = [verdict.group for verdict in comparison.verdicts]
    differing = [name for name in comparison.by if len({group.get(name) for group in groups}) > 1]
    return tuple(
        _panel(comparison, verdict, key=f"g{number}", differing=differing)
        for number, verdict in enumerate(comparison.verdicts)
    )


def primary(comparison: Comparison) -> int:
    """Position of the panel that is shown first: the persona steering of the first model, else the first panel."""
    groups = [verdict.group for verdict in comparison.verdicts]
    same_model = [n for n, group in enumerate(groups) if group.get("model") == groups[0].get("model")]
    return next((n for n in same_model if groups[n].get("steering") == "persona"), 0)


def _panel(comparison: Comparison, verdict: Verdict, *, key: str, differing: list[str]) -> Panel:
    def rows(frame: pl.DataFrame) -> pl.DataFrame:
        same = [pl.col(name).cast(pl.String).eq_missing(pl.lit(verdict.group.get(name))) for name in comparison.by]
        return frame.filter(*same) if same else frame

    averages, structure, marginals = (
        rows(frame).to_dicts() for frame in (comparison.averages, comparison.structure, comparison.marginals)
    )
    countries = dict.fromkeys(row["country"] for part in (averages, structure, marginals) for row in part)
    return Panel(
        key=key,
        name=group_name(verdict.group),
        short=group_name({name: verdict.group.get(name) for name in differing}),
        verdict=verdict,
        marginals=marginals,
        averages=averages,
        structure=structure,
        pairs=rows(comparison.pairs),
        gaps=rows(comparison.gaps).to_dicts(),
        gap_slopes=rows(comparison.gap_slopes).to_dicts(),
        between={name: rows(getattr(comparison, name)).to_dicts() for name in BETWEEN},
        dependence=rows(comparison.decomposition_summary).to_dicts(),
        icc=rows(comparison.decomposition.filter(pl.col("item_a") == pl.col("item_b"))).to_dicts(),
        outcomes=rows(comparison.outcomes).to_dicts(),
        culture={name: rows(getattr(comparison, name)).to_dicts() for name in CULTURE},
        countries=tuple(country for country in countries if country != ALL),
    )


def representative(marginals: Sequence[Record]) -> tuple[Record, int] | None:
    """The item and country whose distance is the median (the lower one of two).

    Returns:
        The row and the number of rows that have a distance; ``None`` where no distance is defined.
    """
    ranked = sorted(
        (
            row
            for row in marginals
            if finite(row["distance"]) is not None and row["human_shares"] and row["model_shares"]
        ),
        key=lambda row: row["distance"],
    )
    if not ranked:
        return None
    return ranked[(len(ranked) - 1) // 2], len(ranked)
