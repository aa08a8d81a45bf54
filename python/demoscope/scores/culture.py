"""Theory checks of one model as rows of tables: the factors of people, and their map of cultures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from demoscope.scores.culture_map import NoMap, indicators, place
from demoscope.scores.factors import NoTarget, recovery
from demoscope.scores.structure import Estimate, percentiles
from demoscope.scores.tables import BOTH_AXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from demoscope.scores.country import CountryScores
    from demoscope.scores.culture_map import AxisScores, Placed
    from demoscope.scores.factors import Recovery, Target
    from demoscope.scores.resampling import Streams
    from demoscope.surveys import Item
    from demoscope.surveys.culture_map import CultureMap

Row = dict[str, Any]


def culture(
    parts: Sequence[CountryScores], target: Target | NoTarget, declared: CultureMap | None, *, streams: Streams
) -> dict[str, list[Row]]:
    """Rows by table.

    Args:
        parts: One model in all countries.
        target: Factors of people.
        declared: The map of the survey, if it has one.
        streams: Seed and threads.
    """
    return _factors(parts, target, streams=streams) | _map(parts, declared, streams=streams)


def _factors(parts: Sequence[CountryScores], target: Target | NoTarget, *, streams: Streams) -> dict[str, list[Row]]:
    items = parts[0].items
    dropped = [items[j].id for j in target.dropped]
    if isinstance(target, NoTarget):
        return {"factor_summary": [{"items": target.items, "dropped_items": dropped, "reason": target.reason}]}
    found = recovery(target, [part.people for part in parts], [part.model for part in parts], streams=streams)
    return {
        "factors": list(_factor_rows(target, found)),
        "factor_loadings": list(_loading_rows(target, found, items)),
        "factor_summary": [
            {
                "items": len(target.items),
                "dropped_items": dropped,
                "undefined_pairs": int((~target.defined).sum() // 2),
                "parallel": target.parallel,
                "factors": target.factors,
                "human_status": target.solution.status,
                "model_status": found.status,
                "replicates": found.replicates,
                **_interval("congruence", found.mean),
                "chance_q95": found.mean_chance,
                "split_half": float(target.split_half.mean()),
                **_interval("agreement", found.agreement),
                "agreement_chance_q95": found.agreement_chance,
            }
        ],
    }


def _factor_rows(target: Target, found: Recovery) -> Iterator[Row]:
    human, model = (np.square(loadings).mean(axis=0) for loadings in (target.loadings, found.loadings))
    for f in range(target.factors):
        yield {
            "factor": f + 1,
            **_interval("congruence", found.congruence[f]),
            "chance_q95": found.chance[f],
            "split_half": target.split_half[f],
            "share_human": human[f],
            "share_model": model[f],
        }


def _loading_rows(target: Target, found: Recovery, items: Sequence[Item]) -> Iterator[Row]:
    for row, position in enumerate(target.items):
        item = items[position]
        for f in range(target.factors):
            yield {
                "item": item.id,
                "domain": item.domain,
                "factor": f + 1,
                "human": target.loadings[row, f],
                "model_loading": found.loadings[row, f],
            }


def _map(parts: Sequence[CountryScores], declared: CultureMap | None, *, streams: Streams) -> dict[str, list[Row]]:
    if declared is None:
        return {}
    items, countries = parts[0].items, [part.people.country for part in parts]
    human, model = (
        indicators(declared, items, sides, countries)
        for sides in ([part.people.sampled for part in parts], [part.model for part in parts])
    )
    found = place(declared, human, model, streams=streams)
    if isinstance(found, NoMap):
        return {"culture_axes": [{"axis": BOTH_AXES, "countries": found.countries, "reason": found.reason}]}
    return {
        "culture_map": list(_position_rows(declared, found)),
        "culture_axes": list(_axis_rows(declared, found)),
        "culture_indicators": list(_indicator_rows(declared, found)),
    }


def _position_rows(declared: CultureMap, found: Placed) -> Iterator[Row]:
    modelled = {country: c for c, country in enumerate(found.model.countries)}
    for c, country in enumerate(found.human.countries):
        for a, axis in enumerate(declared.axes):
            own = found.human_positions[:, c, a]
            row: Row = {"country": country, "axis": axis}
            row |= _interval("human", Estimate(float(own[0]), *percentiles(own[1:])))
            if country in modelled:
                theirs = found.model_positions[:, modelled[country], a]
                low, high = percentiles(theirs[1:])
                row |= {"model_position": theirs[0], "model_low": low, "model_high": high}
            yield row


def _axis_rows(declared: CultureMap, found: Placed) -> Iterator[Row]:
    used = [one for one in declared.indicators if one.id in found.human.names]
    sizes: Row = {"countries": len(found.human.countries), "model_countries": len(found.model.countries)}
    for a, (axis, scores) in enumerate(zip(declared.axes, found.scores, strict=True)):
        row = {"axis": axis, "indicators": sum(one.axis == axis for one in used), "explained": found.axes.explained[a]}
        yield sizes | row | _axis_scores(scores)
    yield sizes | {
        "axis": BOTH_AXES,
        "indicators": len(used),
        "explained": float(found.axes.explained.sum()),
        **_interval("rmse", found.distance),
        "nearest": found.nearest,
        "rank": found.rank,
        "lacking_indicators": list(found.lacking),
        "left_out_countries": list(found.left_out),
    }


def _axis_scores(scores: AxisScores) -> Row:
    row: Row = {"chance_q95": scores.chance}
    for name in ("rmse", "congruence", "rank_correlation", "spread"):
        row |= _interval(name, getattr(scores, name))
    return row


def _indicator_rows(declared: CultureMap, found: Placed) -> Iterator[Row]:
    known = {one.id: one for one in declared.indicators}
    for i, name in enumerate(found.human.names):
        for a, axis in enumerate(declared.axes):
            yield {
                "indicator": name,
                "axis": axis,
                "own_axis": known[name].axis == axis,
                "human": found.axes.loadings[i, a],
                "model_loading": found.own[i, a],
            }


def _interval(name: str, estimate: Estimate) -> Row:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
