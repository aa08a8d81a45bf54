"""One model by pairs of items: the worst by name, and heat maps that are too many or too large for the top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.forest import Axis, Mark, Row, forest
from demoscope.report.heatmap import MOST_NAMED, heatmap, large_heatmap
from demoscope.report.matrices import matrices
from demoscope.report.tables import model_correlation, pair_name, pairs_table
from demoscope.report.worst import Worst, worst_pairs

if TYPE_CHECKING:
    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel

MOST_MAPPED_PAIRS: Final = 20_000
"""With more pairs times countries there is no heat map per country: the file would grow by many megabytes."""


def item_pairs(panel: Panel, *, names: Names) -> Markup:
    """Worst pairs and further heat maps."""
    worst = worst_pairs(panel.pairs)
    several = len(panel.countries) > 1
    too_many = panel.pairs.height > MOST_MAPPED_PAIRS
    return render(
        "pairs.html.j2",
        figure=_worst_plot(panel, worst, names) if worst else None,
        table=pairs_table(worst, names=names, countries=len(panel.countries)) if worst else None,
        compared=panel.pairs.height > 0,
        large=_large_maps(panel, names),
        by_country=_country_maps(panel, names) if several and not too_many else [],
        too_many=several and too_many,
    )


def _worst_plot(panel: Panel, worst: list[Worst], names: Names) -> Markup:
    return forest(
        [_row(found, names) for found in worst],
        axis=Axis(low=-0.2, high=0.2, lowest=-1.0, highest=1.0, lines=(0.0,)),
        key=f"{panel.key}-pairs",
        title=f"Pairs with the largest difference ({panel.name})",
        desc="Correlations of people and of the model.",
        tall=True,
    )


def _row(found: Worst, names: Names) -> Row:
    row = found.row
    model = Mark.of("model", row, "model_rho", ends="model")
    if model.value is None:
        model = Mark("model", 0.0)
    text = f"{words.score(row['human'])} | {model_correlation(row).partition(' [')[0]}"
    return Row(pair_name(row, names), (Mark.of("human", row, "human"), model), text)


def _large_maps(panel: Panel, names: Names) -> tuple[Markup, Markup] | None:
    """Both matrices with all names, where those on top have no room for them."""
    found = matrices(panel.pairs, names)
    if found is None or len(found[0].items) <= MOST_NAMED:
        return None
    human, model = (
        large_heatmap(
            matrix,
            names=names,
            key=f"{panel.key}-large-{side}",
            shared=f"{panel.key}-map-{side}",
            title=f"Correlations of {whose}, all items named",
            desc="All values are in the table of pairs beside this report.",
        )
        for matrix, side, whose in zip(found, ("human", "model"), ("people", panel.name), strict=True)
    )
    return human, model


def _country_maps(panel: Panel, names: Names) -> list[tuple[str, Markup, Markup]]:
    """Name, human and model matrix of every country."""
    drawn = []
    for number, country in enumerate(panel.countries):
        found = matrices(panel.pairs.filter(pl.col("country") == country), names)
        if found is None:
            continue
        where = words.clean(country)
        human, model = (
            heatmap(
                matrix,
                names=names,
                key=f"{panel.key}-map{number}-{side}",
                title=f"Correlations of {whose}, {where}",
                desc="All values are in the table of pairs beside this report.",
            )
            for matrix, side, whose in zip(found, ("human", "model"), ("people", panel.name), strict=True)
        )
        drawn.append((where, human, model))
    return drawn
