"""One model by groups of people: whether groups that differ on one item differ on others as they do in people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.heatmap import Matrix, heatmap
from demoscope.report.tables import table
from demoscope.scores.between_scores import FEWEST_PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

    from demoscope.report.heatmap import Pair
    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record

FEW_GROUPS: Final = 30
"""With fewer groups correlations over them are large by chance."""

CLAIM: Final = 0.05
"""Largest p value of a claim."""

MOST_LISTED: Final = 12

_STATISTICS: Final = {
    "structure_r2": "Structure R2",
    "similarity": "Similarity",
    "constraint": "Constraint",
    "slope": "Slope",
    "srmr": "SRMR",
    "pearson": "Pearson r (Williams et al.)",
    "rmse": "RMSE (Williams et al.)",
}
_LEVELS: Final = {"item": "items", "category": "categories"}
_PARTS: Final = {
    "all": "over all groups",
    "between_countries": "over the means of countries",
    "within_countries": "over groups within countries",
}


@dataclass(frozen=True)
class _Maps:
    """Both correlation matrices of one level."""

    level: str
    human: Markup
    model: Markup


def between_groups(panel: Panel, *, names: Names) -> Markup:
    """What was compared, the conclusion, tables of scores, and heat maps."""
    summaries = panel.between["between_summary"]
    overall = next((row for row in summaries if row["part"] == "all" and row["level"] == "item"), None)
    if overall is None:
        text = "There are too few groups of people for correlations over groups: four are needed at least."
        return render("single.html.j2", text=text)
    first, *others = [_table(panel, row) for row in summaries]
    maps = [found for level in ("category", "item") if (found := _maps(panel, level, names)) is not None]
    return render(
        "between.html.j2",
        groups=_groups(overall),
        conclusion=conclusion(overall, _scores(panel, overall)),
        warnings=_warnings(overall),
        left_out=_left_out(overall, names),
        table=first,
        tables=others,
        maps=maps,
        categories=any(row["level"] == "category" for row in summaries),
    )


def conclusion(summary: Record, scores: Mapping[str, Record]) -> str:
    """What the scores of items over all groups say.

    Args:
        summary: What they rest on.
        scores: Rows by statistic.
    """
    similarity = scores.get("similarity", {})
    if summary["pairs"] < FEWEST_PAIRS:
        return (
            "Fewer than three pairs of items could be compared: on one side at least, group means differ mostly by "
            "sampling."
        )
    if words.finite(scores.get("structure_r2", {}).get("value")) is None:
        return "In people themselves, correlations over groups cannot be told from zero."
    if not summary["pairs_estimable"]:
        return "The model answers alike for all groups, so it has no structure between them."
    value, low, _ = _ends(similarity)
    if value is None:
        return "In the model, correlations over groups cannot be told from zero."
    if low is None or low <= 0:
        return f"The pattern is not shown to be related to that of people: similarity {_estimate(similarity)}."
    return _beyond_chance(similarity, scores)


def _beyond_chance(similarity: Record, scores: Mapping[str, Record]) -> str:
    """A similarity whose interval lies above 0, against models with permuted groups."""
    p, size = words.finite(similarity.get("permuted_p")), f"similarity {_estimate(similarity)}"
    if p is not None and p < CLAIM:
        return (
            f"The model has something of how groups differ together: {size}, more than models whose groups were "
            f"permuted (p = {words.p_value(p)}). {_strength(scores)}"
        )
    return (
        f"The pattern lies near that of people ({size}), but models whose groups were permuted come as near "
        f"(p = {words.p_value(p)}): no structure between groups is shown."
    )


def _strength(scores: Mapping[str, Record]) -> str:
    row = scores.get("constraint", {})
    value, low, high = _ends(row)
    if value is None or low is None or high is None:
        return ""
    if high < 1:
        return f"Items go together less than in people (constraint {_estimate(row)})."
    if low > 1:
        return f"Items go together more than in people (constraint {_estimate(row)})."
    return f"Items go together about as strongly as in people (constraint {_estimate(row)})."


def _groups(row: Record) -> str:
    count = words.count(row["n_groups"])
    if row["groups"] == "cells":
        return (
            f"{count} cells of country and shown attributes, with at least {words.count(row['n_human'])} people and "
            f"{words.count(row['n_model'])} personas each"
        )
    return (
        f"the {count} countries or groups of this comparison, with at least {words.count(row['n_human'])} people and "
        f"{words.count(row['n_model'])} personas each"
    )


def _warnings(row: Record) -> list[str]:
    found = []
    groups = words.finite(row["n_groups"]) or 0.0
    if groups < FEW_GROUPS:
        expected = f"; over {words.count(groups)} groups a squared correlation is {words.score(1 / (groups - 1))}"
        found.append(
            "With few groups, correlations over them are large by chance"
            f"{expected if groups > 1 else ''} on average where items have nothing to do with each other. "
            "Compare with permuted groups."
        )
    if row["overlap"]:
        found.append(
            "Groups overlap: some people are in several of them, so that groups are not independent. "
            "Intervals and p values ignore that and are too narrow."
        )
    clipped = [(words.finite(row[f"clipped_{side}"]) or 0.0, whose) for side, whose in _SIDES]
    if any(count for count, _ in clipped):
        cut = words.listed([f"{words.count(count)} of {whose}" for count, whose in clipped if count])
        found.append(f"Without sampling error, some correlations came out beyond -1 or 1 and were cut: {cut}.")
    return found


_SIDES: Final = (("human", "people"), ("model", "the model"))


def _left_out(row: Record, names: Names) -> list[tuple[str, str]]:
    reasons = (
        ("unreliable", "Left out, because people's group means differ mostly by sampling"),
        ("still", "Left out, because people's group means do not differ"),
        ("few_groups", "Left out, because fewer than four groups have answers"),
        ("model_unreliable", "Left out, because the model's group means differ mostly by sampling"),
        ("model_still", "Without structure in the model, which answers alike for all groups"),
    )
    return [(reason, _listed(row[name], names)) for name, reason in reasons if row[name]]


def _listed(items: Sequence[str], names: Names) -> str:
    return words.listed([names.item(item) for item in items]) if len(items) <= MOST_LISTED else f"{len(items)} items"


def _scores(panel: Panel, summary: Record) -> dict[str, Record]:
    return {
        row["statistic"]: row
        for row in panel.between["between_groups"]
        if (row["part"], row["level"]) == (summary["part"], summary["level"])
    }


def _estimate(row: Record, name: str = "") -> str:
    value, low, high = _ends(row, name)
    if value is None:
        return words.UNDEFINED
    text = words.score(value)
    return text if low is None or high is None else f"{text} [{words.score(low)}, {words.score(high)}]"


def _ends(row: Record, name: str = "") -> tuple[float | None, float | None, float | None]:
    """The model's estimate with its interval, or that of a reference."""
    columns = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
    value, low, high = (words.finite(row.get(column)) for column in columns)
    return value, low, high


def _table(panel: Panel, summary: Record) -> Markup:
    scores = _scores(panel, summary)
    what = f"{_LEVELS[summary['level']]} {_PARTS[summary['part']]}"
    p = words.finite(scores.get("similarity", {}).get("permuted_p"))
    counts = (
        f"{words.count(summary['pairs_estimable'])} of {words.count(summary['pairs'])} pairs of "
        f"{words.count(summary['variables'])} {_LEVELS[summary['level']]} can be estimated, over "
        f"{words.count(summary['n_groups'])} groups. Of the variance of group means, {_reliability(summary, 'human')} "
        f"in people and {_reliability(summary, 'model')} in the model is more than sampling error (median)."
    )
    notes = [counts]
    if p is not None:
        notes.append(f"Similarity against permuted groups: p = {words.p_value(p)}.")
    return table(
        f"Structure of {what}",
        ("Statistic", "Model", "Permuted groups", "Other half of the people"),
        (
            (
                label,
                _estimate(scores[name]),
                _estimate(scores[name], "permuted"),
                _estimate(scores[name], "split_half"),
            )
            for name, label in _STATISTICS.items()
            if name in scores
        ),
        notes=notes,
    )


def _reliability(summary: Record, side: str) -> str:
    value = words.finite(summary[f"reliability_{side}"])
    return "an unknown share" if value is None else words.share(value)


def _maps(panel: Panel, level: str, names: Names) -> _Maps | None:
    rows = [row for row in panel.between["between_pairs"] if row["level"] == level and row["a"] != row["b"]]
    if not rows:
        return None
    found = dict.fromkeys(name for row in rows for name in (row["a"], row["b"]))
    ordered = tuple(names.ordered(found)) if level == "item" else tuple(found)
    human, model = (
        heatmap(
            _matrix(ordered, rows, column),
            names=names,
            key=f"{panel.key}-between-{level}-{side}",
            title=f"Correlations over groups, {_LEVELS[level]}, {whose}",
            desc="All values are in the table of pairs between groups beside this report.",
        )
        for column, side, whose in (("human", "human", "people"), ("model_value", "model", panel.name))
    )
    return _Maps(words.sentence(_LEVELS[level]), human, model)


def _matrix(variables: tuple[str, ...], rows: Iterable[Mapping[str, Any]], column: str) -> Matrix:
    values: dict[Pair, float | None] = {(row["a"], row["b"]): words.finite(row[column]) for row in rows}
    return Matrix(variables, values)
