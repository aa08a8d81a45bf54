"""One model item by item: distances with their floors, and the distributions behind them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Final

from demoscope.report import words
from demoscope.report.bars import Distribution, columns
from demoscope.report.canvas import render
from demoscope.report.forest import Axis, Mark, Row, forest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record

MOST_SMALL_FIGURES: Final = 400
"""With more items times countries, the page shows the farthest items of every country only."""

FARTHEST: Final = 12
"""How many these are."""

LONG: Final = 30
"""A longer list of items is folded after this many."""


@dataclass(frozen=True)
class _Small:
    """One small figure; ``None`` where neither side has answers."""

    title: str
    note: str
    figure: Markup | None


def items(panel: Panel, *, names: Names) -> Markup:
    """Distances and distributions of all items."""
    rows = _distances(panel, names)
    chosen = len(panel.marginals) > MOST_SMALL_FIGURES
    return render(
        "items.html.j2",
        figures=_figures(panel, names, farthest=chosen),
        farthest=FARTHEST if chosen else None,
        several=len(panel.countries) > 1,
        distances=_distance_plots(panel, rows),
        folded=len(rows) - LONG,
    )


def _figures(panel: Panel, names: Names, *, farthest: bool) -> list[tuple[str, list[_Small]]]:
    """Name of a country and its small figures, items in the order of the survey."""
    figures = []
    for number, country in enumerate(panel.countries):
        rows = [row for row in panel.marginals if row["country"] == country]
        if farthest:
            rows = sorted(rows, key=lambda row: -(words.finite(row["distance"]) or 0.0))[:FARTHEST]
        by_item = {row["item"]: row for row in rows}
        small = [
            _small(by_item[item], names, key=f"{panel.key}-item{number}-{place}")
            for place, item in enumerate(names.ordered(by_item))
        ]
        if small:
            figures.append((words.clean(country), small))
    return figures


def _small(row: Record, names: Names, *, key: str) -> _Small:
    name = names.item(row["item"])
    note = "no answers on one side"
    if words.finite(row["distance"]) is not None:
        note = f"{_distance(row['distance'], row)}, if perfect {words.score(row['distance_floor'])}"
    size = max(len(row[shares] or ()) for shares in ("human_shares", "model_shares"))
    if not size:
        return _Small(name, note, None)
    title = f"Answers of people and model: {name}, {words.clean(row['country'])}"
    return _Small(name, note, columns(Distribution.of(row, names.options(row["item"], size)), key=key, title=title))


def _distance(value: float, row: Record) -> str:
    return f"{words.score(value)} (TV)" if row["measure"] == "tv" else words.score(value)


def _distances(panel: Panel, names: Names) -> list[Row]:
    """One row per item, the farthest first; one dot per country."""
    by_item: dict[str, list[Record]] = {}
    for row in panel.marginals:
        if words.finite(row["distance"]) is not None:
            by_item.setdefault(row["item"], []).append(row)
    ranked = sorted(by_item.items(), key=lambda found: -fmean(row["distance"] for row in found[1]))
    return [_distance_row(names.item(item), rows) for item, rows in ranked]


def _distance_row(name: str, rows: Sequence[Record]) -> Row:
    """Floor and dots of one item; the interval is drawn where there is one dot only."""
    floors = [floor for row in rows if (floor := words.finite(row["distance_floor"])) is not None]
    dots = [Mark.of("model", row, "distance") if len(rows) == 1 else Mark("model", row["distance"]) for row in rows]
    text = _distance(fmean(row["distance"] for row in rows), rows[0])
    return Row(name, (Mark("floor", fmean(floors) if floors else None), *dots), text)


def _distance_plots(panel: Panel, rows: Sequence[Row]) -> list[Markup]:
    """Plots of the farthest and, on the same axis, of the other items."""
    highest = max((mark.value or 0.0 for row in rows for mark in row.marks), default=0.0)
    axis = Axis(low=0.0, high=max(0.1, highest), lowest=0.0, highest=1.0, lines=())
    return [
        forest(
            part,
            axis=axis,
            key=f"{panel.key}-distances{number}",
            title=f"Distance per item ({panel.name})",
            desc="Dots are countries, lines what a perfect model would show.",
        )
        for number, part in enumerate((rows[:LONG], rows[LONG:]))
        if part
    ]
