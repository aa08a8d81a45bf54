"""One model against theories of culture: the factors behind people's answers, and the map of countries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.loadings import MOST_SHOWN, Loadings, strip
from demoscope.report.tables import table
from demoscope.report.world import Country, Direction, Place, world
from demoscope.scores.tables import BOTH_AXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record
    from demoscope.surveys.culture_map import CultureMap

FAIR, EQUAL = 0.85, 0.95
"""Congruence from which factors count as fairly similar, and as the same (Lorenzo-Seva & ten Berge 2006)."""

_CONGRUENCE: Final = (
    f"Congruence is 1 for the same loadings; {EQUAL} and more count as the same factor, {FAIR} and more as a fairly "
    "similar one. By chance: 95 of 100 times shuffled loadings stay below, rotated in the same way."
)
_OF_COUNTRIES: Final = (
    "The axes are those of people; they speak of countries. Whether they mean the same to single persons everywhere is "
    "disputed, so nothing is scored for persons."
)
_SPREAD: Final = (
    "Spread is 1 where the model's countries lie as far apart as those of people, below 1 where they are drawn "
    "together. The congruence is that of the axis of people and the model's own one, rotated to it; it is not defined "
    "where the model gives the same answers in all countries."
)

_STATUS_WORDS: Final = {
    "heywood": "an item is explained wholly by the factors (Heywood case), so its loadings are not to be trusted",
    "not_converged": "the search for loadings did not come to an end",
    "no_structure": "too few items vary together for any loading",
}


def culture(panel: Panel, *, names: Names, declared: CultureMap | None) -> Markup:
    """Factors of people and of the model, and the map of the survey where it has one."""
    summary = next(iter(panel.culture["factor_summary"]), None)
    both = next((row for row in panel.culture["culture_axes"] if row["axis"] == BOTH_AXES), None)
    return render(
        "culture.html.j2",
        factors=None if summary is None else _factors(panel, summary, names),
        map=None if both is None else _map(panel, both, declared),
    )


def _factors(panel: Panel, summary: Record, names: Names) -> Markup:
    if summary["reason"] is not None:
        return render("single.html.j2", text=f"{words.sentence(words.clean(summary['reason']))}.")
    rows = _loadings(panel, names)
    figure = None
    if rows:
        figure = strip(
            rows,
            names=names,
            key=f"{panel.key}-loadings",
            title=f"Loadings of people and of the model ({panel.name})",
            desc="Items by factors; the table of loadings beside this report has the numbers.",
        )
    return render(
        "factors.html.j2",
        what=_what(summary),
        conclusion=conclusion(summary),
        agreement=_agreement(summary),
        notes=_factor_notes(summary, names),
        figure=figure,
        apart=len(rows) > MOST_SHOWN,
        table=_factor_table(panel.culture["factors"]),
    )


def _loadings(panel: Panel, names: Names) -> list[Loadings]:
    found: dict[str, tuple[list[float], list[float]]] = {}
    for row in panel.culture["factor_loadings"]:
        human, model = found.setdefault(row["item"], ([], []))
        human.append(words.finite(row["human"]) or 0.0)
        model.append(words.finite(row["model_loading"]) or 0.0)
    return [Loadings(item, *(tuple(side) for side in found[item])) for item in names.ordered(found)]


def _what(summary: Record) -> str:
    count, parallel = summary["factors"], summary["parallel"]
    factors = "one factor" if count == 1 else f"{words.count(count)} factors"
    text = f"Behind people's answers to {words.count(summary['items'])} items lie {factors}"
    if parallel is not None and count is not None and parallel > count:
        return f"{text} that can be read; parallel analysis finds {words.count(parallel)}."
    return f"{text}, by parallel analysis."


def conclusion(summary: Record) -> str:
    """Whether the model has the factors of people.

    Args:
        summary: Row of the summary of factors.
    """
    value, chance = words.finite(summary["congruence"]), words.finite(summary["chance_q95"])
    if value is None:
        return "The model has no factors of its own: its answers do not go together."
    text = f"The congruence of the model's factors with them is {words.with_interval(summary, 'congruence')}"
    if chance is not None:
        text += f", where shuffled loadings reach {words.score(chance)}"
    half = words.finite(summary["split_half"])
    if half is not None:
        text += f" and one half of the people against the other {words.score(half)}"
    if chance is not None and value <= chance:
        return f"{text}: no more than chance."
    if value >= EQUAL:
        return f"{text}: the same factors."
    if value >= FAIR:
        return f"{text}: fairly similar factors."
    return f"{text}: other factors, though not by chance alone." if chance is not None else f"{text}: other factors."


def _agreement(summary: Record) -> str:
    value = words.finite(summary["agreement"])
    if value is None:
        return ""
    return (
        f"{words.share(value)} of the items have their largest loading on the same factor as in people; shuffled "
        f"loadings reach {words.share(summary['agreement_chance_q95'])}."
    )


def _factor_notes(summary: Record, names: Names) -> list[str]:
    notes = []
    for side, status in (("people", summary["human_status"]), ("the model", summary["model_status"])):
        if status in _STATUS_WORDS:
            notes.append(f"Of {side}: {_STATUS_WORDS[status]}.")
    if dropped := summary["dropped_items"]:
        listed = words.listed([names.item(item) for item in dropped[:10]])
        more = f" and {len(dropped) - 10} more" if len(dropped) > 10 else ""
        notes.append(f"Left out, since too few of their pairs have a correlation: {listed}{more}.")
    if undefined := summary["undefined_pairs"]:
        notes.append(f"{words.count(undefined)} pairs without a correlation in people have no weight in the fit.")
    return notes


def _factor_table(rows: Sequence[Record]) -> Markup:
    return table(
        "Congruence by factor",
        ("Factor", "Congruence", "By chance", "Halves of people", "Explains: people", "model"),
        (
            (
                words.count(row["factor"]),
                words.with_interval(row, "congruence"),
                words.score(row["chance_q95"]),
                words.score(row["split_half"]),
                words.share(row["share_human"]),
                words.share(row["share_model"]),
            )
            for row in rows
        ),
        notes=(_CONGRUENCE,),
    )


def _map(panel: Panel, both: Record, declared: CultureMap | None) -> Markup:
    title = "Map of cultures" if declared is None else words.clean(declared.title)
    if both["reason"] is not None:
        text = f"{words.sentence(words.clean(both['reason']))}."
        return render("map.html.j2", title=title, absent=text)
    axes = [row["axis"] for row in panel.culture["culture_axes"] if row["axis"] != BOTH_AXES]
    up, right = (_direction(axis, declared) for axis in axes)
    countries = _countries(panel.culture["culture_map"], axes)
    figure, unnamed = None, 0
    if countries:
        figure, unnamed = world(countries, right=right, up=up, key=f"{panel.key}-map", title=f"{title} ({panel.name})")
    return render(
        "map.html.j2",
        title=title,
        absent=None,
        what=_distance(both),
        figure=figure,
        unnamed=_unnamed(unnamed),
        notes=_map_notes(both, declared),
        axes=_axes_table(panel.culture["culture_axes"], declared),
        indicators=_indicator_table(panel.culture["culture_indicators"], axes, declared),
        countries=_country_table(panel.culture["culture_map"], axes, declared),
    )


def _unnamed(count: int) -> str:
    if not count:
        return ""
    whose = "One country has no room for its name" if count == 1 else f"{count} countries have no room for their names"
    return f"{whose}; hold the pointer over a dot, or see the table of countries."


def _direction(axis: str, declared: CultureMap | None) -> Direction:
    if declared is None or axis not in declared.high:
        return Direction("lower", f"higher on {words.clean(axis)}")
    return Direction(words.clean(declared.low[axis]), words.clean(declared.high[axis]))


def _axis_name(axis: str, declared: CultureMap | None) -> str:
    if axis == BOTH_AXES:
        return "both axes"
    ends = _direction(axis, declared)
    return words.clean(axis) if declared is None else f"{ends.low} to {ends.high}"


def _countries(rows: Sequence[Record], axes: Sequence[str]) -> list[Country]:
    by_country: dict[str, dict[str, Record]] = {}
    for row in rows:
        by_country.setdefault(row["country"], {})[row["axis"]] = row
    up, right = axes
    countries = []
    for name, found in by_country.items():
        human, model = (
            _place(found[right], found[up], column, ends)
            for column, ends in (("human", "human"), ("model_position", "model"))
        )
        if human is not None:
            countries.append(Country(words.clean(name), human, model))
    return countries


def _place(right: Record, up: Record, column: str, ends: str) -> Place | None:
    (x, *x_ends), (y, *y_ends) = (words.estimate(row, column, ends=ends) for row in (right, up))
    if x is None or y is None:
        return None
    return Place(x, y, (x_ends[0], x_ends[1]), (y_ends[0], y_ends[1]))


def _distance(both: Record) -> str:
    sentences = []
    if words.finite(both["rmse"]) is not None:
        sentences.append(
            f"The model puts {words.count(both['model_countries'])} countries at a typical distance of "
            f"{words.with_interval(both, 'rmse')} from where their people are, on an axis; 1 is one standard deviation "
            "of people's countries, sampling noise is taken off."
        )
    if words.finite(both["nearest"]) is not None:
        chance = f" ({words.share(1 / both['countries'])} by chance)" if both["countries"] else ""
        sentences.append(f"{words.share(both['nearest'])} lie nearest to the people of their own country{chance}.")
    if words.finite(both["rank"]) is not None:
        sentences.append(f"In the median, the own country is number {words.count(both['rank'])} by distance.")
    return " ".join(sentences)


def _map_notes(both: Record, declared: CultureMap | None) -> list[str]:
    labels = {} if declared is None else {one.id: one.label for one in declared.indicators}
    notes = [_OF_COUNTRIES]
    if lacking := both["lacking_indicators"]:
        listed = words.listed([words.clean(labels.get(one, one)) for one in lacking])
        notes.append(f"Without these indicators, which a side lacks: {listed}.")
    if left_out := both["left_out_countries"]:
        listed = words.listed([words.clean(one) for one in left_out])
        notes.append(f"Left out, since people lack an indicator there: {listed}.")
    return notes


def _axes_table(rows: Sequence[Record], declared: CultureMap | None) -> Markup:
    return table(
        "How well the model places countries",
        ("Axis", "Distance", "Rank correlation", "Spread", "Congruence of the axis", "By chance", "Indicators"),
        (
            (
                _axis_name(row["axis"], declared),
                words.with_interval(row, "rmse"),
                *(
                    ("", "", "", "")
                    if row["axis"] == BOTH_AXES
                    else (
                        words.with_interval(row, "rank_correlation"),
                        words.with_interval(row, "spread"),
                        words.with_interval(row, "congruence"),
                        words.score(row["chance_q95"]),
                    )
                ),
                words.count(row["indicators"]),
            )
            for row in rows
        ),
        notes=(_SPREAD,),
    )


def _indicator_table(rows: Sequence[Record], axes: Sequence[str], declared: CultureMap | None) -> Markup:
    labels = {} if declared is None else {one.id: one.label for one in declared.indicators}
    found: dict[str, dict[str, Record]] = {}
    for row in rows:
        found.setdefault(row["indicator"], {})[row["axis"]] = row
    heads = [f"{_axis_name(axis, declared)}: {side}" for axis in axes for side in ("people", "model")]
    return table(
        "What the axes are made of: loadings of indicators",
        ("Indicator", "Of the axis", *heads),
        (
            (
                words.clean(labels.get(name, name)),
                next((_axis_name(axis, declared) for axis, row in by_axis.items() if row["own_axis"]), ""),
                *(words.score(by_axis[axis][side]) for axis in axes for side in ("human", "model_loading")),
            )
            for name, by_axis in found.items()
        ),
        text=2,
    )


def _country_table(rows: Sequence[Record], axes: Sequence[str], declared: CultureMap | None) -> Markup:
    found: dict[str, dict[str, Record]] = {}
    for row in rows:
        found.setdefault(row["country"], {})[row["axis"]] = row
    heads = [f"{_axis_name(axis, declared)}: {side}" for axis in axes for side in ("people", "model")]
    return table(
        "Countries on the map, with 95 % intervals",
        ("Country", *heads),
        (
            (
                words.clean(name),
                *(
                    text
                    for axis in axes
                    for text in (
                        words.with_interval(by_axis[axis], "human"),
                        words.with_interval(by_axis[axis], "model_position", ends="model"),
                    )
                ),
            )
            for name, by_axis in found.items()
        ),
    )
