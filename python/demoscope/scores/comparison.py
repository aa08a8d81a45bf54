"""The result of a comparison: frames, verdicts, and their files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from demoscope.errors import StoreError
from demoscope.scores.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FRAMES = (
    "marginals",
    "averages",
    "structure",
    "pairs",
    "references",
    "gaps",
    "gap_slopes",
    "between_groups",
    "between_summary",
    "between_pairs",
    "decomposition",
    "decomposition_summary",
    "outcomes",
    "factors",
    "factor_loadings",
    "factor_summary",
    "culture_map",
    "culture_axes",
    "culture_indicators",
)
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Comparison:
    """Humans against one or more models.

    Attributes:
        by: Columns that tell the models apart; first columns of every frame but ``references``.
        marginals: One row per model, country and item.
        averages: Marginal scores per model and country, and over all countries.
        structure: Structure scores per model and country, and over all countries.
        pairs: One row per model, country and pair of items.
        references: What independence, demographics, the same people and other countries score.
        gaps: Differences between groups of people, human and model.
        gap_slopes: Slope of the model's gaps on the human ones per model and attribute, over all countries.
        between_groups: Scores of how groups of people differ together; no rows with too few groups.
        between_summary: What these rest on.
        between_pairs: Correlations over groups, human and model.
        decomposition: Correlations of pairs between and within personas; no rows without a second draw.
        decomposition_summary: The same over all pairs, per model and country, and over all countries.
        outcomes: How answers ended, by item, country, group of people and how they were asked.
        factors: Factors of people and how far the model has the same ones.
        factor_loadings: Loadings of every item, human and model.
        factor_summary: The same over all factors, or why there are none.
        culture_map: Countries on the axes of the survey's culture map, human and model; no rows without such a map.
        culture_axes: How well the model places them, or why there is no map.
        culture_indicators: What the axes are made of.
        verdicts: Both verdicts in words, one for each model.
        settings: Seed, replicates, design and what else the numbers depend on.
    """

    by: tuple[str, ...]
    marginals: pl.DataFrame
    averages: pl.DataFrame
    structure: pl.DataFrame
    pairs: pl.DataFrame
    references: pl.DataFrame
    gaps: pl.DataFrame
    gap_slopes: pl.DataFrame
    between_groups: pl.DataFrame
    between_summary: pl.DataFrame
    between_pairs: pl.DataFrame
    decomposition: pl.DataFrame
    decomposition_summary: pl.DataFrame
    outcomes: pl.DataFrame
    factors: pl.DataFrame
    factor_loadings: pl.DataFrame
    factor_summary: pl.DataFrame
    culture_map: pl.DataFrame
    culture_axes: pl.DataFrame
    culture_indicators: pl.DataFrame
    verdicts: tuple[Verdict, ...]
    settings: Mapping[str, Any]

    @property
    def verdict(self) -> Verdict:
        """The verdict on the first model."""
        return self.verdicts[0]

    def summary(self) -> dict[str, Any]:
        """The scores over all countries and the verdicts, as plain values (``summary.json``)."""
        rows = pl.col("country") == "(all)"
        return {
            "schema": SCHEMA_VERSION,
            "settings": dict(self.settings),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "averages": self.averages.filter(rows).to_dicts(),
            "structure": self.structure.filter(rows).to_dicts(),
            "references": self.references.filter(rows).to_dicts(),
            "gap_slopes": self.gap_slopes.to_dicts(),
            "between_groups": self.between_groups.to_dicts(),
            "between_summary": self.between_summary.to_dicts(),
            "decomposition": self.decomposition_summary.filter(rows).to_dicts(),
            "outcomes": self.outcomes.filter(pl.col("by") == "all").to_dicts(),
            "factors": self.factors.to_dicts(),
            "factor_summary": self.factor_summary.to_dicts(),
            "culture_axes": self.culture_axes.to_dicts(),
        }

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write one Parquet file per frame, and ``comparison.json`` with verdicts and settings.

        Returns:
            The files written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for name in FRAMES:
            files.append(folder / f"{name}.parquet")
            getattr(self, name).write_parquet(files[-1])
        rest = {
            "schema": SCHEMA_VERSION,
            "by": self.by,
            "settings": dict(self.settings),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }
        files.append(folder / "comparison.json")
        files[-1].write_text(json.dumps(rest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return tuple(files)

    @classmethod
    def read(cls, folder: Path) -> Comparison:
        """Read what :meth:`write` wrote.

        Raises:
            StoreError: A file is absent, damaged, or of another version.
        """
        try:
            rest = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
            frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in FRAMES}
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise StoreError(f"{folder}: the scores cannot be read ({error}); compute them again") from error
        if rest.get("schema") != SCHEMA_VERSION:
            raise StoreError(f"{folder}: scores have schema {rest.get('schema')}, expected {SCHEMA_VERSION}")
        verdicts = tuple(Verdict(**{**v, "conditional": tuple(v["conditional"])}) for v in rest["verdicts"])
        return cls(by=tuple(rest["by"]), verdicts=verdicts, settings=rest["settings"], **frames)
