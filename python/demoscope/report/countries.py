"""One model by country: forest plots and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.forest import Mark
from demoscope.report.scoreboard import MEASURES, measure_forests, score_row
from demoscope.report.tables import averages_table, country_lines, structure_table
from demoscope.schema import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from demoscope.report.forest import Row
    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record
    from demoscope.report.scoreboard import Measure


def countries(panel: Panel, *, references: Sequence[Record], names: Names) -> Markup:
    """Scores by country; with one country there is nothing to add to the scores above."""
    if len(panel.countries) < 2:
        return render("single.html.j2", text="There is one country; its scores are those above.")
    demographics = {row["country"]: row for row in references if row["reference"] == "demographics"}
    structure = country_lines(panel, panel.structure)
    return render(
        "countries.html.j2",
        forests=measure_forests(
            {measure: _rows(structure, demographics, measure) for measure in MEASURES},
            key=panel.key,
            whose=f"{panel.name}, by country",
        ),
        demographics=bool(demographics),
        averages=averages_table(
            country_lines(panel, panel.averages),
            caption=f"Averages by country ({panel.name})",
            head="Country",
            strong=1,
        ),
        structure=structure_table(
            structure, caption=f"Structure by country ({panel.name})", head="Country", names=names, strong=1
        ),
    )


def _rows(lines: Sequence[tuple[str, Record]], demographics: Mapping[str, Record], measure: Measure) -> list[Row]:
    """One row per line, with people known by their demographics alone as a second mark."""
    rows = []
    for number, (label, row) in enumerate(lines):
        there = words.finite(demographics.get(row["country"], {}).get(measure.name))
        extra = (Mark("reference", there),)
        rows.append(score_row(label, row, measure, strong=row["country"] == ALL, apart=number == 1, extra=extra))
    return rows
