"""Scores into the rows of the score tables; nothing is computed here but names and nulls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from demoscope.schema import ALL
from demoscope.scores import tables
from demoscope.scores.decomposition import dependence
from demoscope.scores.marginals import averages
from demoscope.scores.sides import ExactSide, effective_size, pairs_of
from demoscope.scores.structure import Estimate, defined_mean, percentiles, scores, total
from demoscope.stats.kernels import STATUS_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from demoscope.scores.country import CountryScores
    from demoscope.scores.decomposition import Decomposition
    from demoscope.scores.gaps import Gap, GapSlope
    from demoscope.scores.marginals import Averages, ItemMarginal
    from demoscope.scores.permuted import Permuted
    from demoscope.scores.references import Reference
    from demoscope.scores.sides import Floats, Sampled
    from demoscope.scores.structure import StructureScores, Terms

Row = dict[str, Any]


SCHEMAS: dict[str, dict[str, str]] = {
    "marginals": tables.MARGINALS,
    "averages": tables.AVERAGES,
    "structure": tables.STRUCTURE,
    "pairs": tables.PAIRS,
    "references": tables.REFERENCES,
    "gaps": tables.GAPS,
    "gap_slopes": tables.GAP_SLOPES,
    "between_groups": tables.BETWEEN_GROUPS,
    "between_summary": tables.BETWEEN_SUMMARY,
    "between_pairs": tables.BETWEEN_PAIRS,
    "decomposition": tables.DECOMPOSITION,
    "decomposition_summary": tables.DECOMPOSITION_SUMMARY,
    "outcomes": tables.OUTCOMES,
    "factors": tables.FACTORS,
    "factor_loadings": tables.FACTOR_LOADINGS,
    "factor_summary": tables.FACTOR_SUMMARY,
    "culture_map": tables.CULTURE_MAP,
    "culture_axes": tables.CULTURE_AXES,
    "culture_indicators": tables.CULTURE_INDICATORS,
}

_TYPES: dict[str, Any] = {
    "String": pl.String,
    "Int64": pl.Int64,
    "Float64": pl.Float64,
    "Boolean": pl.Boolean,
    "List(Float64)": pl.List(pl.Float64),
    "List(String)": pl.List(pl.String),
}


@dataclass
class Tables:
    """Rows collected while models are scored.

    Attributes:
        by: Columns that tell models apart.
    """

    by: tuple[str, ...]
    _rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in SCHEMAS})

    def add_country(self, group: dict[str, str], part: CountryScores) -> None:
        """Rows of one model in one country: items, pairs and gaps between groups."""
        key = {**group, "country": part.people.country}
        self._rows["marginals"] += [key | row for row in _marginal_rows(part)]
        self._rows["pairs"] += [key | row for row in _pair_rows(part)]
        self._rows["gaps"] += [key | _gap_row(attribute, level, gap) for attribute, level, gap in part.gaps]
        for found in part.decompositions:
            self._rows["decomposition"] += [key | row for row in _decomposition_rows(found)]

    def add_country_gap(self, group: dict[str, str], country: str, gap: Gap) -> None:
        """The gap between one country and the others."""
        self._rows["gaps"].append({**group, "country": ALL} | _gap_row("country", country, gap))

    def add_gap_slope(self, group: dict[str, str], attribute: str, slope: GapSlope) -> None:
        """The slope of one attribute's gaps over all countries."""
        self._rows["gap_slopes"].append({**group, "attribute": attribute} | _gap_slope_row(slope))

    def add_scores(
        self,
        group: dict[str, str],
        country: str,
        parts: Sequence[CountryScores],
        mean: Averages,
        structure: StructureScores,
        chance: Permuted | None,
    ) -> None:
        """One row of marginal and one of structure scores, over ``parts``."""
        key = {**group, "country": country}
        self._rows["averages"].append(key | _average_row(parts, mean))
        self._rows["structure"].append(key | _structure_row(parts, structure, chance))

    def add_dependence(
        self, group: dict[str, str], country: str, parts: Sequence[CountryScores], *, presentation: str
    ) -> None:
        """One row for each source of decompositions, over ``parts``."""
        found = [decomposition for part in parts for decomposition in part.decompositions]
        for source in dict.fromkeys(decomposition.source for decomposition in found):
            same = [decomposition for decomposition in found if decomposition.source == source]
            row = _dependence_row(same) | {"presentation": presentation}
            self._rows["decomposition_summary"].append({**group, "country": country} | row)

    def add_outcomes(self, group: dict[str, str], outcomes: Iterable[Row]) -> None:
        """Rows of :func:`demoscope.scores.outcomes.outcomes`."""
        self._rows["outcomes"] += [{**group, **row} for row in outcomes]

    def extend(self, group: dict[str, str], rows: Mapping[str, Iterable[Row]]) -> None:
        """Rows of one model, by table."""
        for name, found in rows.items():
            self._rows[name] += [group | row for row in found]

    def add_references(self, references: Sequence[Reference], sizes: dict[str, int]) -> None:
        """Rows of all references, by country and over all countries."""
        for name in tables.REFERENCE_WORDS:
            parts = [reference for reference in references if reference.name == name]
            if not parts:
                continue
            for part in parts if len(sizes) > 1 or ALL not in sizes else []:
                self._rows["references"].append(_reference_row([part], part.country, n_human=sizes[part.country]))
            n_human = float(np.mean(list(sizes.values())))
            self._rows["references"].append(_reference_row(parts, ALL, n_human=n_human))

    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables, with the columns of :mod:`demoscope.scores.tables`; NaN becomes null."""
        return {name: self._frame(name) for name in SCHEMAS}

    def _frame(self, name: str) -> pl.DataFrame:
        keys = {} if name == "references" else dict.fromkeys(self.by, pl.String)
        columns = keys | {column: _TYPES[dtype] for column, dtype in SCHEMAS[name].items()}
        frame = pl.DataFrame(self._rows[name], schema=columns, orient="row")
        return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _marginal_rows(part: CountryScores) -> Iterator[Row]:
    human, model = part.people.sampled, part.model
    n_human, n_model = human.side.answered(), model.side.answered()
    for j, (item, marginal) in enumerate(zip(part.items, part.marginals, strict=True)):
        row: Row = {
            "item": item.id,
            "domain": item.domain,
            "type": item.type,
            "n_human": int(n_human[j]),
            "n_model": int(n_model[j]),
            "label_mass": part.answers.label_mass[j],
            "unseen_mass": part.answers.unseen_mass[j],
            "invalid_rate": part.answers.invalid[j],
            "order_effect": part.orders.effects.get(item.id),
        }
        yield row if marginal is None else row | _marginal_row(marginal, human)


def _marginal_row(marginal: ItemMarginal, human: Sampled) -> Row:
    measures = marginal.measures
    one, distance = marginal.one_interview, marginal.cramer2_u
    return {
        "measure": marginal.measure,
        "n_eff_human": effective_size(human.side.weights),
        **_interval("distance", marginal.distance),
        "distance_floor": marginal.floor,
        "excess": marginal.distance.value - marginal.floor,
        "equality_p": marginal.equality_p,
        "w1": measures["w1_norm"],
        "tv": measures["tv"],
        "cramer2": measures["cramer_sq_norm"],
        "cramer2_u": marginal.cramer2_u,
        "js_dist": measures["js_dist_base2"],
        "hellinger": measures["hellinger"],
        "mean_shift": measures["mean_shift_norm"],
        "var_ratio": measures["var_ratio_q_over_p"],
        "entropy_ratio": measures["entropy_ratio_q_over_p"],
        "mode_share": measures["mode_share_q"],
        "collapse": marginal.collapsed,
        "interviews": min(one / distance, human.side.n) if distance > 0 else float(human.side.n),
        "human_shares": list(marginal.human),
        "human_low": list(marginal.human_low),
        "human_high": list(marginal.human_high),
        "model_shares": list(marginal.model),
    }


def _pair_rows(part: CountryScores) -> Iterator[Row]:
    human, model = part.people.sampled, part.model
    items = part.items
    first, second = pairs_of(len(items))
    estimable = np.isfinite(human.rho)
    modelled = np.where(np.isfinite(model.rho), model.rho, 0.0)
    modelled_b = np.where(np.isfinite(model.rho), model.rho_replicates, 0.0)
    for p in np.flatnonzero(part.people.pairs):
        a, b = items[first[p]], items[second[p]]
        row: Row = {
            "item_a": a.id,
            "item_b": b.id,
            "domain_a": a.domain,
            "domain_b": b.domain,
            "human_status": _status(human, int(p), first, second),
            "human_boundary_share": human.boundary_share[p],
            "model_status": _status(model, int(p), first, second),
            "model_boundary_share": model.boundary_share[p],
            **_interval("human", _sampled(human.rho[p], human.rho_replicates[:, p])),
        }
        between = _sampled(model.rho[p], model.rho_replicates[:, p])
        row |= {"model_rho": between.value, "model_low": between.low, "model_high": between.high}
        if estimable[p]:
            difference = _sampled(modelled[p] - human.rho[p], modelled_b[:, p] - human.rho_replicates[:, p])
            row |= _interval("difference", difference)
        yield row


def _status(sampled: Sampled, pair: int, first: Sequence[int] | Any, second: Sequence[int] | Any) -> str:  # noqa: ANN401
    if sampled.degenerate[first[pair]] or sampled.degenerate[second[pair]]:
        return "degenerate"
    return STATUS_NAMES[int(sampled.status[pair])]


def _sampled(value: float, replicates: Floats) -> Estimate:
    if not np.isfinite(value):
        return Estimate(float("nan"), float("nan"), float("nan"))
    return Estimate(float(value), *percentiles(replicates))


def _gap_row(attribute: str, level: str, gap: Gap) -> Row:
    return {
        "attribute": attribute,
        "level": level,
        "item": gap.item,
        **_interval("human", gap.human),
        "model_gap": gap.model.value,
        "model_low": gap.model.low,
        "model_high": gap.model.high,
    }


def _gap_slope_row(slope: GapSlope) -> Row:
    return {
        "gaps": slope.gaps,
        **_interval("slope", slope.slope),
        "clear": slope.clear,
        "same_sign": slope.same_sign,
    }


def _decomposition_rows(part: Decomposition) -> Iterator[Row]:
    key = {"source": part.source}
    for j, item in enumerate(part.items):
        own = part.icc[:, j]
        between, rest = _sampled(own[0], own[1:]), _sampled(1 - own[0], 1 - own[1:])
        row = {"item_a": item, "item_b": item, "total": 1.0, **_interval("between", between)}
        yield key | row | (_interval("within", rest) if part.source == "drawn" else {})
    for pair, (a, b) in enumerate(zip(part.first, part.second, strict=True)):
        row = {"item_a": part.items[a], "item_b": part.items[b]}
        for name in ("total", "between", "within") if part.source == "drawn" else ("total", "between"):
            row |= _interval(name, Estimate(*getattr(part, name)[:, pair].tolist()))
        yield key | row


def _dependence_row(parts: Sequence[Decomposition]) -> Row:
    found = dependence(parts)
    row: Row = {
        "source": parts[0].source,
        "draws": max(part.draws for part in parts) or None,
        "personas": float(np.mean([part.personas for part in parts])),
        "items": sum(len(part.items) for part in parts),
        "pairs": sum(len(part.first) for part in parts),
        "within_p": found.within_p,
    }
    for name in ("icc", "between", "within", "within_square"):
        row |= _interval(name, getattr(found, name))
    return row


def _average_row(parts: Sequence[CountryScores], mean: Averages) -> Row:
    return {
        "items": mean.items,
        "n_human": float(np.mean([part.people.side.n for part in parts])),
        "n_model": float(np.mean([part.model.side.n for part in parts])),
        "distance": mean.distance,
        "distance_floor": mean.floor,
        **_interval("cramer", mean.cramer),
        **_interval("interviews", mean.interviews),
        "interviews_censored": mean.censored,
        "label_mass": defined_mean(np.concatenate([part.answers.label_mass for part in parts])),
        "invalid_rate": defined_mean(np.concatenate([part.answers.invalid for part in parts])),
        "order_effect": defined_mean(np.array(list(parts[0].orders.effects.values()))),
        "eta2_human": defined_mean(np.array([part.eta2_human for part in parts])),
        "eta2_model": defined_mean(np.array([part.eta2_model for part in parts])),
    }


def _structure_row(parts: Sequence[CountryScores], structure: StructureScores, chance: Permuted | None) -> Row:
    exact = all(isinstance(part.model.side, ExactSide) for part in parts)
    degenerate = {
        item.id for part in parts for item, flag in zip(part.items, part.model.degenerate, strict=True) if flag
    }
    used = np.concatenate([part.model.boundary_share[np.isfinite(part.model.rho)] for part in parts])
    profiles = [len(part.model.side.probs) for part in parts if isinstance(part.model.side, ExactSide)]
    return {
        "source": "exact" if exact else "drawn",
        **_structure_intervals(structure),
        **_interval("interviews", structure.interviews),
        "interviews_censored": structure.censored,
        "interviews_independence": structure.interviews_independence,
        "n_human": float(np.mean([part.people.side.n for part in parts])),
        "n_model": float(np.mean([part.model.side.n for part in parts])),
        "pairs": sum(part.terms.pairs for part in parts),
        "pairs_estimable": sum(part.terms.estimable for part in parts),
        "degenerate_items": sorted(degenerate),
        "boundary_share": float(used.mean()) if len(used) else float("nan"),
        "profiles": sum(profiles) if exact else None,
        "permuted_p": None if chance is None else chance.p,
        "permuted_r2_q95": None if chance is None else chance.r2_q95,
        "permuted_similarity_q95": None if chance is None else chance.similarity_q95,
    }


def _reference_row(parts: Sequence[Reference], country: str, *, n_human: float) -> Row:
    summed: Terms = total(part.terms for part in parts)
    structure = scores(summed, n_human=n_human)
    row: Row = {
        "reference": parts[0].name,
        "country": country,
        "other": parts[0].other if len(parts) == 1 else "",
        **_structure_intervals(structure, skip=("slope", "srmr")),
        "structure_interviews": structure.interviews.value,
        "structure_interviews_censored": structure.censored,
        "pairs": summed.pairs,
    }
    marginals = [item for part in parts for item in part.marginals or []]
    if all(part.marginals is not None for part in parts):
        mean = averages(marginals, n_human=n_human)
        row |= _interval("cramer", mean.cramer)
        row |= {"marginal_interviews": mean.interviews.value, "marginal_interviews_censored": mean.censored}
    return row


def _structure_intervals(structure: StructureScores, *, skip: tuple[str, ...] = ()) -> Row:
    row: Row = {}
    for name in ("structure_r2", "similarity", "constraint", "slope", "srmr"):
        if name not in skip:
            row |= _interval(name, getattr(structure, name))
    return row


def _interval(name: str, estimate: Estimate) -> Row:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
